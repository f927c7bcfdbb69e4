// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a ceiling is on one node: a builtin profile, compiled once and then held against many. Uses
// libseccomp to make one; to hold a profile against it takes none. Not thread-safe.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/request.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

struct Compared;

class Ceiling {
 public:
  // Resolved for `node` without added capabilities, and compiled for those of its architectures
  // that are in `listed`; empty: for all. (What no profile lists dies under both, so that fewer are
  // enough for one who lists fewer.) kDenied: there is no builtin of that name, or it cannot be
  // used there.
  static Result<Ceiling> Make(const std::string& name, const NodeContext& node,
                              std::span<const Architecture> listed = {});
  ~Ceiling();
  Ceiling(Ceiling&& other) noexcept;
  Ceiling& operator=(Ceiling&& other) noexcept;

  // It is the request's. (Whether it is whole, the caller knows.)
  bool IsOf(const RenderRequest& request) const;
  // AboveCeiling, or nothing. (Internal to the layer: see compare_decisions.h.)
  std::vector<Diagnostic> Judge(const Compared& profile) const;

 private:
  struct Parts;
  explicit Ceiling(std::unique_ptr<const Parts> parts);

  std::unique_ptr<const Parts> parts_;
};

}  // namespace seccompd::profile
