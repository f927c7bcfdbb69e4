// SPDX-License-Identifier: Apache-2.0
#include "http/tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string_view>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sslerr.h>
#include <openssl/x509v3.h>

namespace seccompd::http {
namespace {

bool IsIp(const std::string& name) {
  in6_addr ignored{};
  return inet_pton(AF_INET, name.c_str(), &ignored) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &ignored) == 1;
}

// Where a context keeps its settings. Boost keeps its own at index 0 (SSL_CTX_set_app_data).
int SettingsIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// No passphrase: without this OpenSSL would ask on the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return 0; }

Result<std::vector<X509Ptr>> ParseCertificates(const std::string& pem, const char* what) {
  ERR_clear_error();
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<X509Ptr> certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr))
    certificates.emplace_back(certificate);
  const unsigned long last = ERR_peek_last_error();  // NOLINT(google-runtime-int): OpenSSL's type
  ERR_clear_error();
  if (certificates.empty() || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
    return Error{ErrorCode::kInvalid, std::string(what) + " holds no usable PEM certificate"};
  return certificates;
}

std::string Explain(int verify_error, const std::string& name) {
  const std::string reason = X509_verify_cert_error_string(verify_error);
  switch (verify_error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "the server's certificate is not signed by the configured CA (" + reason + ")";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the server's certificate is not for " + name + " (" + reason + ")";
    default:
      return "the server's certificate: " + reason;
  }
}

}  // namespace

Result<std::shared_ptr<TlsSettings>> TlsSettings::Parse(const TlsOptions& options,
                                                        const Origin& origin) {
  std::shared_ptr<TlsSettings> settings(new TlsSettings);
  settings->name_ = options.server_name.empty() ? origin.host : options.server_name;
  settings->name_is_ip_ = IsIp(settings->name_);
  settings->verifies_ = !options.insecure_skip_verify;
  if (!options.ca_pem.empty()) {
    if (auto parsed = settings->ParseAuthorities(options.ca_pem); !parsed.ok())
      return parsed.error();
  }
  if (options.certificate_pem.empty() != options.private_key_pem.empty())
    return Error{ErrorCode::kInvalid, "a client certificate and its key must be given together"};
  if (!options.certificate_pem.empty()) {
    if (auto parsed = settings->ParseIdentity(options); !parsed.ok()) return parsed.error();
  }
  return settings;
}

Result<void> TlsSettings::ParseAuthorities(const std::string& pem) {
  auto certificates = ParseCertificates(pem, "the CA");
  if (!certificates.ok()) return certificates.error();
  authorities_.reset(X509_STORE_new());
  for (const X509Ptr& certificate : *certificates)
    X509_STORE_add_cert(authorities_.get(), certificate.get());
  return {};
}

Result<void> TlsSettings::ParseIdentity(const TlsOptions& options) {
  auto chain = ParseCertificates(options.certificate_pem, "the client certificate");
  if (!chain.ok()) return chain.error();
  chain_ = std::move(*chain);
  const BioPtr bio(BIO_new_mem_buf(options.private_key_pem.data(),
                                   static_cast<int>(options.private_key_pem.size())));
  key_.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (!key_)
    return Error{ErrorCode::kInvalid,
                 "the client key is no usable, unencrypted PEM key; give one without a passphrase"};
  const bool fits = X509_check_private_key(chain_.front().get(), key_.get()) == 1;
  ERR_clear_error();
  if (!fits)
    return Error{
        ErrorCode::kInvalid,
        "the client key does not belong to the client certificate; give the key that it was "
        "issued for"};
  return {};
}

void TlsSettings::Apply(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (authorities_)
    SSL_CTX_set1_cert_store(context, authorities_.get());  // drops the system's roots
  if (key_) {
    SSL_CTX_use_certificate(context, chain_.front().get());
    SSL_CTX_use_PrivateKey(context, key_.get());
    for (std::size_t i = 1; i < chain_.size(); ++i)
      SSL_CTX_add1_chain_cert(context, chain_[i].get());
  }
  // RFC 6066 allows names only.
  if (!name_is_ip_ && SSL_CTX_set_ex_data(context, SettingsIndex(), this) == 1)
    SSL_CTX_set_info_callback(context, &TlsSettings::AskForName);
  if (!verifies_) return;
  X509_VERIFY_PARAM* param = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (name_is_ip_) {
    X509_VERIFY_PARAM_set1_ip_asc(param, name_.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(param, name_.c_str(), name_.size());
  }
  SSL_CTX_set_cert_verify_callback(context, &TlsSettings::Verify, this);
}

// At the begin of each handshake: a context has no name to ask for, and the HTTP library tells of
// the connection to a name's first address only.
void TlsSettings::AskForName(const SSL* connection, int where, int /*result*/) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  const auto* self = static_cast<const TlsSettings*>(
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), SettingsIndex()));
  // The callback's type is const; what it is called with is not.
  SSL_ctrl(const_cast<SSL*>(connection), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(self->name_.c_str()));
}

// Replaces the library's own callback (Boost's rfc2818, which accepts a common name) by OpenSSL's
// full verification, and keeps the reason, which would be lost on its way out.
int TlsSettings::Verify(X509_STORE_CTX* context, void* settings) {
  auto* self = static_cast<TlsSettings*>(settings);
  X509_STORE_CTX_set_verify_cb(context, [](int ok, X509_STORE_CTX*) { return ok; });
  const int verified = X509_verify_cert(context);
  self->failure_.clear();
  if (verified > 0) return 1;
  self->failure_ = Explain(X509_STORE_CTX_get_error(context), self->name_);
  return 0;
}

Error TlsError(unsigned openssl_code, const std::string& host_port) {
  const char* text = ERR_reason_error_string(openssl_code);
  const std::string message = "TLS with " + host_port + ": " + (text != nullptr ? text : "failed");
  switch (ERR_GET_REASON(openssl_code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return {ErrorCode::kDenied, message + " (does the server speak HTTPS on this port?)"};
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      return {ErrorCode::kDenied, message + " (the server refused our client certificate)"};
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return {ErrorCode::kDenied, message};
    default:
      return {ErrorCode::kTransient, message};
  }
}

}  // namespace seccompd::http
