// SPDX-License-Identifier: Apache-2.0
#include "seccompd/kube/object.h"

#include "kube/envelope.h"

namespace seccompd::kube {

Result<void> UseObject(std::string_view json, std::string_view expected_kind,
                       const std::function<void(const Object&)>& use) {
  const auto envelope = ParseObject(json);
  if (!envelope || envelope->kind != expected_kind || envelope->name.empty() ||
      envelope->uid.empty()) {
    return Error{ErrorCode::kTransient, "the API server's answer is no " +
                                            std::string(expected_kind) + " with a name and a uid"};
  }
  use(envelope->ToObject());
  return {};
}

}  // namespace seccompd::kube
