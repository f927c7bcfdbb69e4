// SPDX-License-Identifier: Apache-2.0
#include "kube/token_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "seccompd/base/unique_fd.h"

namespace seccompd::kube {
namespace {

constexpr std::size_t kMaxFile = std::size_t{1} << 20;
constexpr std::chrono::seconds kMaxAge{60};

class Fixed final : public TokenSource {
 public:
  explicit Fixed(std::string token) : token_(std::move(token)) {}
  Result<std::string> Token() override { return token_; }
  void Refused(std::string_view) override {}

 private:
  const std::string token_;
};

class FromFile final : public TokenSource {
 public:
  FromFile(std::string path, const Clock& clock) : path_(std::move(path)), clock_(clock) {}

  Result<std::string> Token() override {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.SteadyNow();
    if (is_fresh_ && now - read_at_ < kMaxAge) return token_;
    auto token = Read();
    if (!token.ok() && (token_.empty() || refused_)) return token.error();
    if (token.ok() && *token != token_) {
      token_ = std::move(*token);
      refused_ = false;
    }
    // The refused one is looked for a successor at every request, or a swap a moment after this
    // look would go unseen for kMaxAge.
    is_fresh_ = !refused_;
    read_at_ = now;
    return token_;
  }
  void Refused(std::string_view token) override {
    const std::lock_guard lock(mutex_);
    if (token != token_) return;  // a late answer, to one that has a successor
    is_fresh_ = false;
    refused_ = true;
  }

 private:
  Result<std::string> Read() const {
    auto text = ReadSmallFile(path_);
    if (!text.ok()) return text.error();
    return CleanToken(*text, path_);
  }

  const std::string path_;
  const Clock& clock_;
  std::mutex mutex_;  // guards all below
  std::string token_;
  std::chrono::steady_clock::time_point read_at_;
  bool is_fresh_ = false;
  bool refused_ = false;  // the server refused token_
};

}  // namespace

Result<std::string> CleanToken(std::string_view text, const std::string& where) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos)
    return Error{ErrorCode::kInvalid, "the token in " + where + " is empty"};
  text = text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
  const bool is_printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!is_printable)
    return Error{ErrorCode::kInvalid,
                 "the token in " + where + " holds a space, a control or a non-ASCII character"};
  return std::string(text);
}

Result<std::string> ReadSmallFile(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.is_open()) return ErrnoError(errno, "read " + path);
  std::string content;
  std::array<char, 8192> piece{};
  for (;;) {
    const ssize_t count = ::read(fd.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError(errno, "read " + path);
    if (count == 0) return content;
    content.append(piece.data(), static_cast<std::size_t>(count));
    if (content.size() > kMaxFile)
      return Error{ErrorCode::kInvalid, "read " + path + ": longer than 1 MiB"};
  }
}

std::shared_ptr<TokenSource> FixedToken(std::string token) {
  return std::make_shared<Fixed>(std::move(token));
}

std::shared_ptr<TokenSource> FileToken(std::string path, const Clock& clock) {
  return std::make_shared<FromFile>(std::move(path), clock);
}

}  // namespace seccompd::kube
