// SPDX-License-Identifier: Apache-2.0
#include "node/tried.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "seccompd/base/digest.h"

#include "node/limits.h"
#include "node/temporary_file.h"

namespace seccompd::node {
namespace {

constexpr mode_t kPrivateFile = S_IRUSR | S_IWUSR;
constexpr std::string_view kSheetPrefix = "with-";
constexpr std::size_t kMaxSheetBytes = std::size_t{64} << 10;
constexpr int kMostStarts = 1'000'000;

Error NotADigest() {
  return Error{ErrorCode::kInvalid, "what was to be noted as tried is no SHA-256 in hexadecimal"};
}

}  // namespace

Result<std::size_t> TriedInputs::Mark(std::span<const std::string> digests) {
  std::string text;
  for (const std::string& digest : digests) {
    if (!IsSha256Hex(digest)) return NotADigest();
    text += digest + "\n";
  }
  const Result<std::size_t> sheet = FreeSheet();
  if (!sheet.ok()) return sheet.error();
  const auto [name, fd] = [&] {
    const std::lock_guard lock(mutex_);
    return std::pair(sheets_[*sheet].name, sheets_[*sheet].fd.get());
  }();
  const int error = WriteAll(file_system_, fd, text);
  if (error == 0) return *sheet;
  Unmark(*sheet);
  return DiskError(error, "write", directory_.PathOf(name));
}

// One that nobody else gets until it is unmarked.
Result<std::size_t> TriedInputs::FreeSheet() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    free_.push_back(sheets_.size());
    sheets_.emplace_back();
  }
  const std::size_t free = free_.back();
  if (Sheet& sheet = sheets_[free]; !sheet.fd.is_open()) {
    Result<std::string> name = RandomName(file_system_, kSheetPrefix);
    if (!name.ok()) return name.error();
    SysResult<UniqueFd> file = file_system_.OpenBeneath(
        directory_.fd.get(), *name, O_WRONLY | O_APPEND | O_CREAT | O_EXCL, kPrivateFile);
    if (!file.ok()) return DiskError(file.error, "create", directory_.PathOf(*name));
    sheet = {*std::move(name), std::move(file.value)};
  }
  free_.pop_back();
  return free;
}

void TriedInputs::Unmark(std::size_t mark) {
  const std::lock_guard lock(mutex_);
  Sheet& sheet = sheets_[mark];
  free_.push_back(mark);
  if (file_system_.Truncate(sheet.fd.get()) == 0) return;
  // What it lists would be counted at the next start.
  static_cast<void>(file_system_.Unlink(directory_.fd.get(), sheet.name));
  sheet.fd.Reset();
}

Result<void> TriedInputs::Forget(std::string_view digest) {
  if (!IsSha256Hex(digest)) return NotADigest();
  const std::string name(digest);
  const std::lock_guard lock(mutex_);
  if (counted_.erase(name) == 0) return {};
  const int error = file_system_.Unlink(directory_.fd.get(), name);
  if (error == 0 || error == ENOENT) return {};
  return DiskError(error, "remove", directory_.PathOf(name));
}

Result<std::map<std::string, int>> TriedInputs::Take() {
  Result<std::vector<std::string>> names = ListNames(file_system_, directory_, kMaxEntries);
  if (!names.ok()) return names.error();
  std::set<std::string> found;
  std::vector<std::string> sheets;  // of an agent that is gone
  for (const std::string& name : *names) {
    if (IsSha256Hex(name)) found.insert(name);
    if (!name.starts_with(kSheetPrefix)) continue;
    Result<std::set<std::string>> listed = Listed(name);
    if (!listed.ok()) return listed.error();
    found.merge(*listed);
    sheets.push_back(name);
  }
  std::map<std::string, int> counts;
  for (const std::string& digest : found) {
    const Result<int> count = CountStart(digest);
    if (!count.ok()) return count.error();
    counts[digest] = *count;
  }
  // Only now: a count stands for each line.
  for (const std::string& name : sheets) {
    static_cast<void>(file_system_.Unlink(directory_.fd.get(), name));
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [digest, count] : counts) counted_.insert(digest);
  return counts;
}

// What is no digest is left out: a line that was being written when the agent died.
Result<std::set<std::string>> TriedInputs::Listed(const std::string& sheet) {
  const SysResult<std::string> text = ReadOwn(file_system_, directory_, sheet, kMaxSheetBytes);
  if (!text.ok() && text.error != ENOENT && text.error != ELOOP) {
    return DiskError(text.error, "read", directory_.PathOf(sheet));
  }
  std::set<std::string> digests;
  for (std::string_view rest = text.value; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    if (IsSha256Hex(line)) digests.emplace(line);
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return digests;
}

// How often it was found, this time included.
Result<int> TriedInputs::CountStart(const std::string& digest) {
  const SysResult<std::string> text = ReadOwn(file_system_, directory_, digest, 16);
  if (!text.ok() && text.error != ENOENT && text.error != ELOOP) {
    return DiskError(text.error, "read", directory_.PathOf(digest));
  }
  int count = 0;
  const char* const end = text.value.data() + text.value.size();
  const auto [stop, error] = std::from_chars(text.value.data(), end, count);
  if (error != std::errc() || stop != end || count < 0 || count > kMostStarts) count = 0;
  ++count;
  const Result<void> kept =
      ReplaceFile(file_system_, directory_, digest, std::to_string(count), false);
  if (!kept.ok()) return kept.error();
  return count;
}

}  // namespace seccompd::node
