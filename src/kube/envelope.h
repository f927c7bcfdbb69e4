// SPDX-License-Identifier: Apache-2.0
#pragma once
// The outside of an object, an event or a list: who it is, not what it holds. Read by SAX in
// constant memory, whatever the depth and size of the rest. What is nested deeper is passed over:
// that its strings end and its brackets match is all that is known of it, and of `spec`, which is
// given back as the very bytes the server sent.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "seccompd/kube/reflector.h"

namespace seccompd::kube {

// A member that is absent or of another type is left empty: the reader of an Envelope says what it
// cannot do without.
struct Envelope {
  std::string kind, name_space, name, uid, resource_version;
  std::int64_t generation = 0;
  bool deleting = false;
  std::string_view spec;  // into the text that was parsed
  // An event's own.
  std::string type;
  std::string_view object;  // into the text that was parsed
  // A list's own.
  std::string continue_token;
  int item_arrays = 0;     // `items` members that are empty arrays or null
  bool has_items = false;  // an `items` member holds something

  Object ToObject() const {
    return {name_space, name, uid, resource_version, generation, deleting, spec};
  }
};

// Nothing when the text is not exactly one JSON object.
std::optional<Envelope> ParseObject(
    std::string_view text);  // an object, or a list without its items
std::optional<Envelope> ParseEvent(std::string_view text);  // {"type": ..., "object": {...}}

}  // namespace seccompd::kube
