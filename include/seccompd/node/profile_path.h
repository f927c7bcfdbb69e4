// SPDX-License-Identifier: Apache-2.0
#pragma once
// The place of one profile below tenants/: two verified path components. Nothing else in the
// program turns a tenant's string into a path. A value.

#include <compare>
#include <string>
#include <string_view>

#include "seccompd/base/result.h"

namespace seccompd::node {

class ProfilePath {
 public:
  // kInvalid unless both are DNS labels of 1 to 63 characters ([a-z0-9]([-a-z0-9]*[a-z0-9])?).
  static Result<ProfilePath> Make(std::string_view name_space, std::string_view name);

  const std::string& name_space() const { return name_space_; }
  const std::string& name() const { return name_; }
  std::string key() const { return name_space_ + "/" + name_; }
  std::string file_name() const { return name_ + ".json"; }
  // What a pod writes: "tenants/<namespace>/<name>.json".
  std::string localhost_profile() const { return "tenants/" + key() + ".json"; }

  auto operator<=>(const ProfilePath&) const = default;

 private:
  ProfilePath(std::string name_space, std::string name)
      : name_space_(std::move(name_space)), name_(std::move(name)) {}
  std::string name_space_;
  std::string name_;
};

}  // namespace seccompd::node
