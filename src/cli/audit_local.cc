// SPDX-License-Identifier: Apache-2.0
#include <ostream>

#include <nlohmann/json.hpp>

#include "seccompd/cli/audit.h"
#include "seccompd/node/record.h"
#include "seccompd/node/store.h"

#include "table.h"

namespace seccompd::cli {
namespace {

struct LocalRow {
  std::string key, state, file, message;
  node::RecordEntry entry;
  bool is_good = false;
};

LocalRow Look(node::ProfileStore& store, const std::string& key, const node::RecordEntry& entry) {
  LocalRow row{key, entry.state, "none", entry.message, entry, false};
  if (!entry.sha256.empty()) {
    const auto slash = key.find('/');
    const auto path = node::ProfilePath::Make(key.substr(0, slash), key.substr(slash + 1));
    const Result<node::FileState> found =
        path.ok() ? store.Inspect(*path, entry.sha256) : Result<node::FileState>(path.error());
    row.file = found.ok() ? std::string(node::FileStateName(*found)) : "unreadable";
    if (!found.ok()) row.message = found.error().message;
    row.is_good = found.ok() && *found == node::FileState::kIntact && entry.state == "Installed";
  }
  return row;
}

}  // namespace

Result<bool> AuditLocal(const LocalAuditOptions& options, OutputFormat format, std::ostream& out) {
  node::FileSystem& file_system = node::RealFileSystem();
  auto state_dir = node::StateDir::Open(file_system, options.state_dir);
  if (!state_dir.ok()) return state_dir.error();
  const Result<node::Record> record = (*state_dir)->LoadRecord();
  if (!record.ok()) {
    if (record.error().code != ErrorCode::kNotFound) return record.error();
    return Error{ErrorCode::kNotFound, options.state_dir +
                                           "/record: there is none: has an agent ever run here? "
                                           "(--state-dir names its directory)"};
  }
  const mode_t directory_mode = options.standalone_modes ? 0755 : 0700;
  const mode_t file_mode = options.standalone_modes ? 0644 : 0600;
  auto store = node::ProfileStore::Open(
      file_system, {options.seccomp_root, options.state_dir, directory_mode, file_mode});
  if (!store.ok()) return store.error();

  bool all_good = true;
  Table table({"NAMESPACE", "NAME", "STATE", "GENERATION", "FILE", "SHA256", "MESSAGE"});
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [key, entry] : record->entries) {
    const LocalRow row = Look(**store, key, entry);
    all_good = all_good && row.is_good;
    const auto slash = key.find('/');
    const std::string generation =
        entry.installed_generation == entry.desired_generation
            ? std::to_string(entry.desired_generation)
            : (entry.sha256.empty() ? "-" : std::to_string(entry.installed_generation)) +
                  " (wanted " + std::to_string(entry.desired_generation) + ")";
    table.Add({key.substr(0, slash), key.substr(slash + 1), row.state, generation, row.file,
               entry.sha256.substr(0, 12), row.message});
    list.push_back({{"namespace", key.substr(0, slash)},
                    {"name", key.substr(slash + 1)},
                    {"state", row.state},
                    {"desiredGeneration", entry.desired_generation},
                    {"installedGeneration", entry.installed_generation},
                    {"file", row.file},
                    {"sha256", entry.sha256},
                    {"reason", entry.reason},
                    {"message", row.message}});
  }
  if (format == OutputFormat::kJson) {
    out << list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  } else if (table.is_empty()) {
    out << "no profiles\n";
  } else {
    table.Print(out);
  }
  return all_good;
}

}  // namespace seccompd::cli
