// SPDX-License-Identifier: Apache-2.0
#include "profile/errnos.h"

namespace seccompd::profile {
namespace {

constexpr ErrnoRow kErrnos[] = {
#include "profile/errno_names.inc"
};

}  // namespace

std::span<const ErrnoRow> ErrnoTable() { return kErrnos; }

std::optional<std::uint32_t> FindErrno(std::string_view name) {
  for (const ErrnoRow& row : kErrnos) {
    if (row.name == name) return row.number;
  }
  return std::nullopt;
}

}  // namespace seccompd::profile
