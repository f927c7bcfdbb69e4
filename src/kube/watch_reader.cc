// SPDX-License-Identifier: Apache-2.0
#include "kube/watch_reader.h"

#include <utility>

namespace seccompd::kube {
namespace {

constexpr std::size_t kMaxErrorBody = std::size_t{64} << 10;
constexpr std::size_t kKeptCapacity = std::size_t{256} << 10;
constexpr std::size_t kEventOverhead = 64;  // {"type":"BOOKMARK","object":...}

}  // namespace

WatchReader::WatchReader(ObjectSink& sink, const ReflectorOptions& options, Hooks hooks)
    : sink_(sink),
      expected_kind_(options.expected_kind),
      max_line_(options.max_object_bytes + kEventOverhead),
      hooks_(std::move(hooks)) {}

void WatchReader::OnHead(const http::ResponseHead& head) {
  head_ = head;
  if (status() == 200) hooks_.on_ok();
}

bool WatchReader::OnBytes(std::string_view bytes) {
  hooks_.on_bytes();
  if (status() != 200) {
    error_body_.append(bytes.substr(0, kMaxErrorBody - error_body_.size()));
    return true;
  }
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + part.size() > max_line_) return Fault("an event is longer than the limit");
    if (end == std::string_view::npos) {
      line_ += part;
      return true;
    }
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      if (!OnLine(part)) return false;  // all of it in one piece: no copy
      continue;
    }
    line_ += part;
    const bool goes_on = OnLine(line_);
    line_.clear();
    if (line_.capacity() > kKeptCapacity) line_.shrink_to_fit();
    if (!goes_on) return false;
  }
  return true;
}

void WatchReader::OnEnd() {
  if (status() == 200 && !line_.empty() && !fault_ && !server_error_)
    OnLine(std::exchange(line_, {}));
}

bool WatchReader::OnLine(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return true;
  const auto event = ParseEvent(line);
  if (!event) return Fault("an event is no JSON");
  return OnEvent(*event, line);
}

bool WatchReader::OnEvent(const Envelope& event, std::string_view line) {
  const bool is_error = event.type == "ERROR";
  if (is_error || event.type.empty()) {
    server_error_ = ParseStatus(is_error ? event.object : line);
    return !server_error_ ? Fault("the server sent an error that is no Status") : false;
  }
  const bool upsert = event.type == "ADDED" || event.type == "MODIFIED";
  if (!upsert && event.type != "DELETED" && event.type != "BOOKMARK")
    return Fault("an event of the unknown type \"" + event.type.substr(0, 32) + "\"");
  if (event.kind != expected_kind_)
    return Fault("an event holds an object of kind \"" + event.kind.substr(0, 64) + "\"");
  if (event.resource_version.empty()) return Fault("an event's object has no resourceVersion");
  if (event.type != "BOOKMARK") {
    if (event.name.empty() || event.uid.empty())
      return Fault("an event's object has no name or uid");
    upsert ? sink_.Upsert(event.ToObject()) : sink_.Deleted(event.ToObject());
  }
  hooks_.on_version(event.resource_version);
  return true;
}

bool WatchReader::Fault(const std::string& what) {
  fault_ = Error{ErrorCode::kTransient, "the watch cannot be followed: " + what};
  return false;
}

}  // namespace seccompd::kube
