// SPDX-License-Identifier: Apache-2.0
// The reader of the API server's objects and events, which passes over most of them. Property: it
// takes every object that a parser of all of it takes, and the parts that it gives back are JSON
// then.
#include "kube/envelope.h"

#include <nlohmann/json.hpp>

#include "fuzz/check.h"

namespace {

using seccompd::fuzz::Must;

void CheckPart(std::string_view text, std::string_view part, bool is_json) {
  if (part.empty()) return;
  Must(part.data() > text.data() && part.data() + part.size() < text.data() + text.size(),
       "a part lies within the text", text);
  if (is_json) Must(nlohmann::json::accept(part), "a part of JSON is JSON", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = seccompd::fuzz::TextOf(data, size);
  if (text.starts_with("\xEF\xBB\xBF")) return 0;  // which the library passes over
  const bool is_json = nlohmann::json::accept(text);
  const bool is_object = is_json && text[text.find_first_not_of(" \t\r\n")] == '{';
  const auto object = seccompd::kube::ParseObject(text);
  const auto event = seccompd::kube::ParseEvent(text);
  Must(!is_object || (object && event), "an object is taken", text);
  Must(is_object || !is_json || (!object && !event), "no other JSON is taken", text);
  if (object) CheckPart(text, object->spec, is_json);
  if (event) {
    CheckPart(text, event->spec, is_json);
    CheckPart(text, event->object, is_json);
  }
  return 0;
}
