// SPDX-License-Identifier: Apache-2.0
#include "http/io_thread.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>

#define _TURN_OFF_PLATFORM_STRING  // NOLINT: cpprestsdk's U() macro breaks other headers
#include <boost/asio/steady_timer.hpp>
#include <pplx/threadpool.h>

#include "seccompd/http/client.h"

namespace seccompd::http {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kHeartbeat{5};

// The pool is the library's own singleton and outlives everything of ours; what is said about it
// lives as long.
std::once_flag started;                       // NOLINT(*-avoid-non-const-global-variables)
std::atomic<steady_clock::rep> last_beat{0};  // NOLINT(*-avoid-non-const-global-variables)

// The timer belongs to its own handler, so it goes with the io_context and never before it.
void Beat(const std::shared_ptr<boost::asio::steady_timer>& timer) {
  last_beat = steady_clock::now().time_since_epoch().count();
  timer->expires_after(kHeartbeat);
  timer->async_wait([timer](const boost::system::error_code& error) {
    if (!error) Beat(timer);
  });
}

}  // namespace

boost::asio::io_context& IoContext() { return crossplat::threadpool::shared_instance().service(); }

void StartIoThread() {
  std::call_once(started, [] {
    crossplat::threadpool::initialize_with_threads(1);
    last_beat = steady_clock::now().time_since_epoch().count();
    IoContext().post([] { Beat(std::make_shared<boost::asio::steady_timer>(IoContext())); });
  });
}

bool IoThreadAlive(std::chrono::milliseconds limit) {
  const steady_clock::duration age =
      steady_clock::now() - steady_clock::time_point(steady_clock::duration(last_beat.load()));
  return last_beat != 0 && age < limit + kHeartbeat;
}

}  // namespace seccompd::http
