// SPDX-License-Identifier: Apache-2.0
#pragma once
// The two halves of `audit --local`: a look at the disk judged, and the installed profiles compiled
// anew. Not thread-safe.

#include <map>
#include <string>
#include <vector>

#include "seccompd/node/survey.h"

#include "findings.h"

namespace seccompd::cli {

// What the files are held against.
struct Expected {
  uid_t owner = 0;
  gid_t group = 0;
  mode_t directory_mode = 0700;
  mode_t file_mode = 0600;
  std::int64_t now = 0;  // seconds since 1970
};

struct JudgedProfile {
  std::string key;
  node::RecordEntry entry;
  std::string file = "none";  // "intact", or what is wrong with it: "content", "mode", ...
  std::string
      compiled;  // "same": gives these very bytes; "other", "refused", "ceiling"; "": not done
};

struct JudgedDisk {
  std::vector<JudgedProfile> profiles;
  std::vector<Finding> findings;  // sorted
};
JudgedDisk JudgeDisk(const node::Survey& survey, const Expected& expected);

// Compiles each intact file as the agent would if its bytes were a spec, each content once, and
// notes what differs. Error: the compiler failed, which says nothing about a profile.
struct ProofOptions {
  std::string architecture, kernel, runtime, ceiling;
};
struct Proof {
  std::size_t compiled = 0;  // contents
  // Profiles that log may be dry runs (mode: Log), whose ceiling held for what they would enforce.
  std::size_t not_held_against_ceiling = 0;
};
Result<Proof> ProveProfiles(compiler::Compiler& compiler, const ProofOptions& options,
                            const node::Survey& survey, JudgedDisk& disk);

}  // namespace seccompd::cli
