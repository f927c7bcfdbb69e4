// SPDX-License-Identifier: Apache-2.0
#pragma once
// Bodies of LIST and WATCH, turned into calls of an ObjectSink as they come. One object a request.
// OnHead and OnBytes run on the I/O thread, the rest before and after the request.

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "seccompd/base/result.h"
#include "seccompd/http/transport.h"
#include "seccompd/kube/reflector.h"

#include "kube/envelope.h"
#include "kube/list_splitter.h"

namespace seccompd::kube {

// What a LIST's pages have in common.
struct ListProgress {
  std::size_t unreadable = 0;  // items
  std::string example;         // what was wrong with the first
};

class ListReader final : public http::BodySink {
 public:
  // on_ok: a 200 came. Every reference outlives the reader.
  ListReader(ObjectSink& sink, const ReflectorOptions& options, ListProgress& progress,
             std::function<void()> on_ok);

  void OnHead(const http::ResponseHead& head) override;
  bool OnBytes(std::string_view bytes) override;

  // 0: none came.
  int status() const { return head_.status; }
  std::optional<std::chrono::seconds> retry_after() const { return head_.retry_after; }
  const std::string& error_body() const { return error_body_; }
  // The page is whole and is a list of the right kind; its items have all gone to the sink.
  bool whole() const { return page_.has_value(); }
  const std::string& resource_version() const { return page_->resource_version; }
  const std::string& continue_token() const { return page_->continue_token; }
  // Why it is not whole, when the body says so.
  const std::optional<Error>& fault() const { return fault_; }

 private:
  void OnItem(std::string_view text);
  bool ReadSkeleton();
  bool Fault(const std::string& what);

  ObjectSink& sink_;
  const std::string& expected_kind_;
  ListProgress& progress_;
  const std::function<void()> on_ok_;
  ListSplitter splitter_;
  http::ResponseHead head_;
  std::string error_body_;
  std::optional<Envelope> page_;
  std::optional<Error> fault_;
};

}  // namespace seccompd::kube
