// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one I/O thread: cpprestsdk's pool, kept at exactly one thread. With one thread and every
// cancel posted onto it, cpprestsdk has no data race (cpprest-facts.md, section 1); nothing on it
// may block or throw.

#include <utility>  // Boost 1.74's asio uses std::exchange without it

#include <boost/asio/io_context.hpp>

namespace seccompd::http {

boost::asio::io_context& IoContext();

}  // namespace seccompd::http
