// SPDX-License-Identifier: Apache-2.0
#pragma once
// A look at what is on a node's disk that changes nothing and takes no lock, so that it may be had
// beside a running agent or on a read-only disk. Facts, no judgement: what should be there is the
// caller's part. Follows no symlink and opens regular files only. Thread-safe (no state).

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/node/file_system.h"
#include "seccompd/node/record.h"

namespace seccompd::node {

// Something that has a name on the disk.
struct Surveyed {
  std::string path;           // for people
  std::string name_space;     // of an entry below tenants/: the directory's name; may be any bytes
  std::string file_name;      // empty: the directory itself
  bool is_temporary = false;  // one of ours that a crash, or a write under way, left
  int error = 0;              // errno of what could not be done with it; ENOENT: it is not there
  struct stat found {};       // unless `error`
  std::string sha256;         // of a regular file's bytes; empty where it could not be read
};

struct Survey {
  Surveyed root, tenants, state_dir;
  // A symlink or a stranger's directory on the way to the root or the state directory; empty: none.
  std::string root_problem, state_dir_problem;
  std::vector<Surveyed> entries;           // below tenants/: directories, each before what it holds
  std::map<std::string, Surveyed> copies;  // cache/<sha256>, by name
  Result<Record> record{Error{ErrorCode::kNotFound, "no record"}};  // kInvalid: damaged
  std::int64_t record_saved = 0;                                    // seconds since 1970
  std::optional<int> agent;                  // the process that holds the lock
  std::map<std::string, std::string> bytes;  // of the profiles, by SHA-256, when asked for
};

struct SurveyOptions {
  std::string seccomp_root;
  std::string state_dir;
  bool keep_bytes = false;
};
// kDenied: not even the directories can be read; the message names the right that is missing.
Result<Survey> LookAtDisk(FileSystem& file_system, const SurveyOptions& options);

}  // namespace seccompd::node
