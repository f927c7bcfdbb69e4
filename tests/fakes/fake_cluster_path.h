// SPDX-License-Identifier: Apache-2.0
#pragma once
// Shared by the fake cluster's two source files.

#include <string>

#include "fakes/fake_cluster.h"

namespace seccompd::fakes {

// A request's path, taken apart.
struct FakeCluster::Path {
  std::string collection;  // "/apis/g/v/plural"
  std::string name_space, name, subresource;
};

}  // namespace seccompd::fakes
