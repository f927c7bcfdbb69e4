// SPDX-License-Identifier: Apache-2.0
#pragma once
// One client's TLS settings: parsed once, applied to each connection's context. Apply and
// TakeFailure belong to the I/O thread.

#include <memory>
#include <string>
#include <vector>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "seccompd/base/result.h"
#include "seccompd/http/client.h"

#include "http/url.h"

namespace seccompd::http {

struct OpensslFree {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free_all(p); }
};
using X509Ptr = std::unique_ptr<X509, OpensslFree>;
using StorePtr = std::unique_ptr<X509_STORE, OpensslFree>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree>;
using BioPtr = std::unique_ptr<BIO, OpensslFree>;

class TlsSettings {
 public:
  static Result<std::shared_ptr<TlsSettings>> Parse(const TlsOptions& options,
                                                    const Origin& origin);

  // Sets everything, the name to ask for included, and takes the verification out of the HTTP
  // library's hands: that one falls back to a certificate's common name. `this` must outlive the
  // context's handshakes.
  void Apply(SSL_CTX* context);
  // Why the last handshake's verification failed; "" when it did not. Forgets it.
  std::string TakeFailure() { return std::exchange(failure_, {}); }

  bool verifies() const { return verifies_; }

 private:
  TlsSettings() = default;
  Result<void> ParseAuthorities(const std::string& pem);
  Result<void> ParseIdentity(const TlsOptions& options);
  static int Verify(X509_STORE_CTX* context, void* settings);
  static void AskForName(const SSL* connection, int where, int result);

  StorePtr authorities_;  // null: the system's
  std::vector<X509Ptr> chain_;
  KeyPtr key_;
  std::string name_;  // verified, and asked for
  bool name_is_ip_ = false;
  bool verifies_ = true;
  std::string failure_;
};

// What a TLS error code of OpenSSL means for the caller.
Error TlsError(unsigned openssl_code, const std::string& host_port);

}  // namespace seccompd::http
