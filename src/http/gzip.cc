// SPDX-License-Identifier: Apache-2.0
#include "http/gzip.h"

#define ZLIB_CONST  // NOLINT: input is only read
#include <zlib.h>

#include <array>
#include <cstdlib>

namespace seccompd::http {

GzipReader::GzipReader() : stream_(std::make_unique<z_stream>()) {
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (inflateInit2(stream_.get(), kGzipOnly) != Z_OK) std::abort();  // no memory
}

GzipReader::~GzipReader() { inflateEnd(stream_.get()); }

bool GzipReader::Feed(std::string_view packed, const OnBytes& on_bytes) {
  if (packed.empty()) return true;
  if (done_) return false;
  started_ = true;
  std::array<unsigned char, 16384> piece;  // NOLINT(*-member-init): written before it is read
  stream_->next_in = reinterpret_cast<const unsigned char*>(packed.data());
  stream_->avail_in = static_cast<unsigned>(packed.size());
  do {
    stream_->next_out = piece.data();
    stream_->avail_out = static_cast<unsigned>(piece.size());
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    done_ = result == Z_STREAM_END;
    // Z_BUF_ERROR: there was nothing left to do.
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return false;
    const std::size_t count = piece.size() - stream_->avail_out;
    if (count > 0 && !on_bytes({reinterpret_cast<const char*>(piece.data()), count})) return false;
    // A full piece may leave more behind, though all input is taken.
  } while (!done_ && (stream_->avail_in > 0 || stream_->avail_out == 0));
  return stream_->avail_in == 0;
}

}  // namespace seccompd::http
