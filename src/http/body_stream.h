// SPDX-License-Identifier: Apache-2.0
#pragma once
// A write-only cpprestsdk stream buffer that hands each piece of a response body on as it comes.
// cpprestsdk reads the next piece only after this one was taken, so flow control comes free.
// Included by client.cc alone: cpprestsdk's headers take 20 s to compile.

#define _TURN_OFF_PLATFORM_STRING  // NOLINT: cpprestsdk's U() macro breaks other headers
#include <cstdint>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <cpprest/astreambuf.h>

namespace seccompd::http {

class BodyStream final
    : public concurrency::streams::details::streambuf_state_manager<std::uint8_t> {
  using Base = concurrency::streams::details::streambuf_state_manager<std::uint8_t>;

 public:
  // False ends the exchange.
  using OnBytes = std::function<bool(std::string_view)>;

  explicit BodyStream(OnBytes on_bytes)
      : Base(std::ios_base::out), on_bytes_(std::move(on_bytes)) {}

  // The library's own error path closes the stream inside its I/O callback and waits for a
  // continuation: on a pool of one thread that waits for itself for ever (cpprest-facts.md).
  // Closing at once avoids it.
  pplx::task<void> close(std::ios_base::openmode /*mode*/) override {
    m_stream_can_write = m_stream_can_read = false;
    return pplx::task_from_result();
  }
  pplx::task<void> close(std::ios_base::openmode mode, std::exception_ptr error) override {
    if (!m_currentException) m_currentException = std::move(error);
    return close(mode);
  }

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  utility::size64_t size() const override { return 0; }
  size_t buffer_size(std::ios_base::openmode /*mode*/) const override { return 0; }
  void set_buffer_size(size_t /*size*/, std::ios_base::openmode /*mode*/) override {}
  size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode /*mode*/) const override { return total_; }
  pos_type seekpos(pos_type /*position*/, std::ios_base::openmode /*mode*/) override {
    return kNowhere;
  }
  pos_type seekoff(off_type /*offset*/, std::ios_base::seekdir /*way*/,
                   std::ios_base::openmode /*mode*/) override {
    return kNowhere;
  }
  bool acquire(std::uint8_t*& pointer, size_t& count) override {
    pointer = nullptr;
    count = 0;
    return false;
  }
  void release(std::uint8_t* /*pointer*/, size_t /*count*/) override {}

 protected:
  // An exception must not leave this function (it would end the I/O thread), so failure is a failed
  // task: the library then closes the connection and fails the exchange. It parses a chunk's size
  // unchecked: a hostile "-1" arrives here as the largest size_t, hence the limit.
  pplx::task<size_t> _putn(const std::uint8_t* bytes, size_t count) override {
    if (count > kMaxPiece) return Refuse("a chunk of an absurd size");
    total_ += static_cast<off_type>(count);
    if (!on_bytes_({reinterpret_cast<const char*>(bytes), count}))
      return Refuse("the body was refused");
    return pplx::task_from_result<size_t>(count);
  }
  pplx::task<int_type> _putc(std::uint8_t c) override {
    return pplx::task_from_result<int_type>(
        on_bytes_({reinterpret_cast<const char*>(&c), 1}) ? int_type{c} : kNothing);
  }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  pplx::task<int_type> _bumpc() override { return Nothing(); }
  pplx::task<int_type> _getc() override { return Nothing(); }
  pplx::task<int_type> _nextc() override { return Nothing(); }
  pplx::task<int_type> _ungetc() override { return Nothing(); }
  int_type _sbumpc() override { return kNothing; }
  int_type _sgetc() override { return kNothing; }
  pplx::task<size_t> _getn(std::uint8_t* /*to*/, size_t /*count*/) override {
    return pplx::task_from_result<size_t>(0);
  }
  size_t _scopy(std::uint8_t* /*to*/, size_t /*count*/) override { return 0; }
  std::uint8_t* _alloc(size_t /*count*/) override { return nullptr; }
  void _commit(size_t /*count*/) override {}

 private:
  static constexpr size_t kMaxPiece = size_t{64} << 20;
  static constexpr int_type kNothing = static_cast<int_type>(-1);
  static constexpr off_type kNowhere = -1;
  static pplx::task<int_type> Nothing() {
    return pplx::task_from_result<int_type>(int_type{kNothing});
  }
  static pplx::task<size_t> Refuse(const char* why) {
    return pplx::task_from_exception<size_t>(std::length_error(why));
  }

  OnBytes on_bytes_;
  off_type total_ = 0;
};

}  // namespace seccompd::http
