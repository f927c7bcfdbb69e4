// SPDX-License-Identifier: Apache-2.0
#pragma once
// Unpacks a gzip body as it comes. Why not cpprestsdk's own: it loses the end of a body whose last
// piece is small (a test shows it), and unpacks for a whole client or not at all. Not thread-safe.

#include <functional>
#include <memory>
#include <string_view>

struct z_stream_s;

namespace seccompd::http {

class GzipReader {
 public:
  // False: no more is wanted.
  using OnBytes = std::function<bool(std::string_view)>;

  GzipReader();
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  // Hands on what `packed` unpacks to, in pieces of 16 KiB at most, so that a bomb takes no memory.
  // False: the bytes are no gzip, their checksum is wrong, something follows their end, or on_bytes
  // wants no more.
  bool Feed(std::string_view packed, const OnBytes& on_bytes);
  // It has begun, and not come to its end.
  bool unfinished() const { return started_ && !done_; }

 private:
  const std::unique_ptr<z_stream_s> stream_;
  bool started_ = false;
  bool done_ = false;
};

}  // namespace seccompd::http
