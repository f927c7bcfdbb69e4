// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>

#include "seccompd/node/profile_path.h"

#include "local_audit.h"

namespace seccompd::cli {
namespace {

constexpr mode_t kModeBits = 07777;
constexpr mode_t kOthersMayWrite = S_IWGRP | S_IWOTH;
constexpr std::int64_t kWriteTakesAtMost = 60;  // seconds
constexpr std::string_view kSuffix = ".json";

std::string Octal(mode_t mode) {
  std::array<char, 8> text{};
  const int length = std::snprintf(text.data(), text.size(), "%04o", mode & kModeBits);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string Why(int error) { return std::generic_category().message(error); }

std::string TypeOf(mode_t mode) {
  if (S_ISREG(mode)) return "a file";
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISLNK(mode)) return "a symlink";
  if (S_ISFIFO(mode)) return "a fifo";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

class JudgeOfDisk {
 public:
  JudgeOfDisk(const node::Survey& survey, const Expected& expected)
      : survey_(survey), expected_(expected) {
    for (const node::Surveyed& entry : survey.entries) {
      by_place_[entry.name_space + "/" + entry.file_name] = &entry;
    }
  }

  JudgedDisk Judge() {
    JudgePlaces();
    if (survey_.record.ok()) {
      for (const auto& [key, entry] : survey_.record->entries) JudgeProfile(key, entry);
    }
    for (const node::Surveyed& entry : survey_.entries) JudgeEntry(entry);
    std::sort(disk_.findings.begin(), disk_.findings.end());
    return std::move(disk_);
  }

 private:
  void Find(AuditCode code, const std::string& where, std::string message) {
    disk_.findings.push_back({code, where, std::move(message)});
  }
  std::string OwnerOf(const struct stat& found) const {
    return "it belongs to " + std::to_string(found.st_uid) + ":" + std::to_string(found.st_gid) +
           " instead of " + std::to_string(expected_.owner) + ":" + std::to_string(expected_.group);
  }

  void JudgePlaces() {
    const bool any_file = std::any_of(survey_.entries.begin(), survey_.entries.end(),
                                      [](const auto& entry) { return !entry.file_name.empty(); });
    if (!survey_.record.ok()) {
      const bool damaged = survey_.record.error().code == ErrorCode::kInvalid;
      if (damaged)
        Find(AuditCode::kRecordDamaged, survey_.state_dir.path, survey_.record.error().message);
      else if (any_file)
        Find(AuditCode::kRecordMissing, survey_.state_dir.path, "it has no record");
    }
    if (!survey_.state_dir_problem.empty()) {
      Find(AuditCode::kStateDirUnsafe, survey_.state_dir.path, survey_.state_dir_problem);
    } else if (survey_.state_dir.error == 0) {
      const struct stat& found = survey_.state_dir.found;
      if (found.st_uid != expected_.owner)
        Find(AuditCode::kStateDirUnsafe, survey_.state_dir.path, OwnerOf(found));
      else if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        Find(AuditCode::kStateDirUnsafe, survey_.state_dir.path,
             "its mode is " + Octal(found.st_mode) + " instead of 0700");
    }
    JudgeRoot();
  }

  void JudgeRoot() {
    const node::Surveyed& root = survey_.root;
    if (root.error == ENOENT) {
      Find(AuditCode::kRootUnsafe, root.path, "there is no such directory");
      return;
    }
    if (!survey_.root_problem.empty()) {
      Find(AuditCode::kRootUnsafe, root.path, survey_.root_problem);
      return;
    }
    if (root.found.st_uid != 0 && root.found.st_uid != expected_.owner)
      Find(AuditCode::kRootUnsafe, root.path, OwnerOf(root.found));
    else if ((root.found.st_mode & kOthersMayWrite) != 0)
      Find(AuditCode::kRootUnsafe, root.path,
           "its mode is " + Octal(root.found.st_mode) + ": others may write there");
    if (survey_.tenants.error == ENOENT) {
      if (!survey_.record.ok() || survey_.record->entries.empty()) return;
      Find(AuditCode::kDirectoryMissing, survey_.tenants.path, "there is no such directory");
      return;
    }
    (void)JudgeDirectory(survey_.tenants, survey_.tenants.path);
  }

  // True: it can be trusted to hold what it should.
  bool JudgeDirectory(const node::Surveyed& directory, const std::string& where) {
    const struct stat& found = directory.found;
    if (!S_ISDIR(found.st_mode)) {
      Find(AuditCode::kDirectoryType, where, "it is " + TypeOf(found.st_mode));
      return false;
    }
    if (found.st_uid != expected_.owner) {
      Find(AuditCode::kDirectoryOwner, where, OwnerOf(found));
      return false;
    }
    if ((found.st_mode & kModeBits) != expected_.directory_mode) {
      Find(
          AuditCode::kDirectoryMode, where,
          "its mode is " + Octal(found.st_mode) + " instead of " + Octal(expected_.directory_mode));
    }
    return true;
  }

  void JudgeProfile(const std::string& key, const node::RecordEntry& entry) {
    JudgedProfile row{key, entry, "none", ""};
    if (!entry.sha256.empty()) {
      expected_names_.insert(key.substr(0, key.find('/')));
      expected_files_.insert(key + std::string(kSuffix));
      row.file = JudgeFile(key, entry.sha256);
      JudgeCopy(key, entry.sha256);
    }
    const bool is_newest = entry.installed_generation == entry.desired_generation;
    if (entry.state == "Invalid" || entry.state == "Denied" || entry.state == "Failed" ||
        (entry.state == "Installed" && !is_newest)) {
      Find(AuditCode::kNotInstalled, key,
           entry.state + (entry.message.empty() ? "" : ": " + entry.message));
    }
    disk_.profiles.push_back(std::move(row));
  }

  // What is wrong with the file, in one word.
  std::string JudgeFile(const std::string& key, const std::string& sha256) {
    const auto found = by_place_.find(key + std::string(kSuffix));
    if (found == by_place_.end()) {
      Find(AuditCode::kFileMissing, key, "there is no such file");
      return "missing";
    }
    const node::Surveyed& file = *found->second;
    const struct stat& status = file.found;
    if (file.error != 0) {
      Find(AuditCode::kFileUnreadable, key, "it cannot be read: " + Why(file.error));
      return "unreadable";
    }
    if (!S_ISREG(status.st_mode)) {
      Find(AuditCode::kFileType, key, "it is " + TypeOf(status.st_mode));
      return "type";
    }
    std::string word = "intact";
    if (status.st_nlink != 1) {
      Find(AuditCode::kFileLinks, key, "it has " + std::to_string(status.st_nlink) + " names");
      word = "links";
    }
    if ((status.st_mode & kModeBits) != expected_.file_mode) {
      Find(AuditCode::kFileMode, key,
           "its mode is " + Octal(status.st_mode) + " instead of " + Octal(expected_.file_mode));
      word = "mode";
    }
    if (status.st_uid != expected_.owner || status.st_gid != expected_.group) {
      Find(AuditCode::kFileOwner, key, OwnerOf(status));
      word = "owner";
    }
    if (file.sha256 != sha256) {
      Find(AuditCode::kFileContent, key,
           "its SHA-256 is " + file.sha256.substr(0, 12) + " instead of " + sha256.substr(0, 12));
      word = "content";
    }
    return word;
  }

  void JudgeCopy(const std::string& key, const std::string& sha256) {
    const auto copy = survey_.copies.find(sha256);
    if (copy == survey_.copies.end()) {
      Find(AuditCode::kCopyMissing, key, "cache/" + sha256.substr(0, 12) + "... is not there");
    } else if (copy->second.sha256 != sha256) {
      Find(AuditCode::kCopyDamaged, key, "cache/" + sha256.substr(0, 12) + "... has other bytes");
    }
  }

  // What is there, and should it be?
  void JudgeEntry(const node::Surveyed& entry) {
    const std::string where =
        "tenants/" + entry.name_space + (entry.file_name.empty() ? "" : "/" + entry.file_name);
    if (entry.is_temporary && entry.error == 0) {
      const bool is_old = expected_.now - entry.found.st_mtim.tv_sec > kWriteTakesAtMost;
      if (!survey_.agent || is_old)
        Find(AuditCode::kTemporaryLeft, where, "it is " + TypeOf(entry.found.st_mode));
      return;
    }
    if (entry.file_name.empty()) {
      if (expected_names_.contains(entry.name_space)) {
        if (entry.error != 0)
          Find(AuditCode::kFileUnreadable, where, "it cannot be read: " + Why(entry.error));
        else
          (void)JudgeDirectory(entry, where);
      } else if (survey_.record.ok() && !S_ISDIR(entry.found.st_mode)) {
        Find(AuditCode::kForeignEntry, where, "it is " + TypeOf(entry.found.st_mode));
      }
      return;
    }
    if (!survey_.record.ok()) return;  // nobody knows
    if (expected_files_.contains(entry.name_space + "/" + entry.file_name)) return;
    Find(AuditCode::kForeignEntry, where,
         "it is " + TypeOf(entry.found.st_mode) + " that no profile accounts for");
  }

  const node::Survey& survey_;
  const Expected& expected_;
  std::map<std::string, const node::Surveyed*> by_place_;
  std::set<std::string> expected_names_, expected_files_;
  JudgedDisk disk_;
};

}  // namespace

JudgedDisk JudgeDisk(const node::Survey& survey, const Expected& expected) {
  return JudgeOfDisk(survey, expected).Judge();
}

}  // namespace seccompd::cli
