// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where the values of a JSON text stand. A second pass over text that ParseJson (json.h) took: it
// checks nothing. Thread-safe (no state).

#include <string_view>

#include "seccompd/profile/yaml.h"

namespace seccompd::profile {

// `json` must be valid JSON of bounded depth; of other text: some positions, no harm.
Positions JsonPositions(std::string_view json);

}  // namespace seccompd::profile
