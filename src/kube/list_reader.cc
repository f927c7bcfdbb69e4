// SPDX-License-Identifier: Apache-2.0
#include "kube/list_reader.h"

#include <utility>

#include "kube/status.h"

namespace seccompd::kube {
namespace {

constexpr std::size_t kMaxErrorBody = std::size_t{64} << 10;

}  // namespace

ListReader::ListReader(ObjectSink& sink, const ReflectorOptions& options, ListProgress& progress,
                       std::function<void()> on_ok)
    : sink_(sink),
      expected_kind_(options.expected_kind),
      progress_(progress),
      on_ok_(std::move(on_ok)),
      splitter_(options.max_object_bytes, [this](std::string_view item) { OnItem(item); }) {}

void ListReader::OnHead(const http::ResponseHead& head) {
  head_ = head;
  if (status() == 200) on_ok_();
}

bool ListReader::OnBytes(std::string_view bytes) {
  if (status() != 200) {
    error_body_.append(bytes.substr(0, kMaxErrorBody - error_body_.size()));
    return true;
  }
  if (fault_) return false;
  const bool was_done = splitter_.done();
  if (!splitter_.Feed(bytes)) {
    page_.reset();
    return Fault("the body is no list");
  }
  return was_done || !splitter_.done() || ReadSkeleton();
}

void ListReader::OnItem(std::string_view text) {
  const auto item = ParseObject(text);
  std::string what;
  if (!item) {
    what = "it is no JSON object";
  } else if (item->kind != expected_kind_) {
    what = "its kind is \"" + item->kind.substr(0, 64) + "\"";
  } else if (item->name.empty() || item->uid.empty() || item->resource_version.empty()) {
    what = "it has no name, uid or resourceVersion";
  } else {
    return sink_.Upsert(item->ToObject());
  }
  if (progress_.unreadable++ == 0) progress_.example = what;
}

// Only the skeleton tells whether what went before was a list at all, and all of it.
bool ListReader::ReadSkeleton() {
  auto page = ParseObject(splitter_.skeleton());
  if (!page) return Fault("the body is no JSON");
  if (page->kind == "Status") {
    fault_ = Wrap(StatusError(200, splitter_.skeleton()), "instead of a list");
    return false;
  }
  if (page->kind != expected_kind_ + "List")
    return Fault("its kind is \"" + page->kind.substr(0, 64) + "\"");
  if (page->item_arrays != 1 || page->has_items) return Fault("it has no items member, or two");
  if (page->resource_version.empty()) return Fault("it has no resourceVersion");
  if (splitter_.oversized() > 0 && progress_.unreadable == 0)
    progress_.example = "it is longer than the limit";
  progress_.unreadable += splitter_.oversized();
  page_ = std::move(page);
  return true;
}

bool ListReader::Fault(const std::string& what) {
  fault_ = Error{ErrorCode::kTransient, "the answer is no " + expected_kind_ + "List: " + what};
  return false;
}

}  // namespace seccompd::kube
