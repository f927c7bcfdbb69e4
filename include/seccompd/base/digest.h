// SPDX-License-Identifier: Apache-2.0
#pragma once
// SHA-256, by libcrypto. An object of class Sha256 belongs to one thread; Sha256Hex may be called
// from any.

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace seccompd {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(std::string_view bytes);
  // A field that cannot run into its neighbour: its length as eight bytes, then its bytes.
  void UpdateField(std::string_view bytes);
  // 64 lower-case hexadecimal characters; the object starts afresh afterwards.
  std::string FinishHex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string Sha256Hex(std::string_view bytes);

// True for 64 lower-case hexadecimal characters.
bool IsSha256Hex(std::string_view text);

}  // namespace seccompd
