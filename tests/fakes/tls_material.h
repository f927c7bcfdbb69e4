// SPDX-License-Identifier: Apache-2.0
#pragma once
// Certificates made at test time: no key lies in the repository.

#include <memory>
#include <string>
#include <vector>

namespace seccompd::fakes {

struct Certificate {
  std::string certificate_pem;
  std::string private_key_pem;
};

struct CertificateRequest {
  std::string common_name = "test";
  // subjectAltName in OpenSSL's words: "IP:127.0.0.1", "DNS:localhost". Empty: none.
  std::vector<std::string> names = {"IP:127.0.0.1", "DNS:localhost"};
  bool expired = false;
};

// A CA of its own for each object. Aborts when OpenSSL fails. Not thread-safe.
class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& common_name = "test CA");
  ~CertificateAuthority();
  const std::string& certificate_pem() const;
  Certificate Issue(const CertificateRequest& request = {}) const;

 private:
  struct Material;
  std::unique_ptr<Material> material_;
};

}  // namespace seccompd::fakes
