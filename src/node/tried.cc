// SPDX-License-Identifier: Apache-2.0
#include "node/tried.h"

#include <fcntl.h>

#include <cerrno>
#include <charconv>

#include "seccompd/base/digest.h"

#include "node/limits.h"
#include "node/temporary_file.h"

namespace seccompd::node {
namespace {

constexpr mode_t kPrivateFile = S_IRUSR | S_IWUSR;
constexpr std::string_view kSparePrefix = "spare-";
constexpr std::size_t kMostSpares = 64;  // as many as are with compilers at once
constexpr int kMostStarts = 1'000'000;

Error NotADigest() {
  return Error{ErrorCode::kInvalid, "what was to be noted as tried is no SHA-256 in hexadecimal"};
}

}  // namespace

Result<void> TriedInputs::Mark(std::string_view digest) {
  if (!IsSha256Hex(digest)) return NotADigest();
  const std::lock_guard lock(mutex_);
  // One that is there already keeps its count.
  if (counted_.contains(digest) || marked_.contains(digest)) return {};
  const std::string name(digest);
  while (!spares_.empty()) {
    const std::string spare = std::move(spares_.back());
    spares_.pop_back();
    if (file_system_.Rename(directory_.fd.get(), spare, name) != 0) continue;  // somebody took it
    marked_.insert(name);
    return {};
  }
  const SysResult<UniqueFd> file = file_system_.OpenBeneath(
      directory_.fd.get(), name, O_WRONLY | O_CREAT | O_EXCL, kPrivateFile);
  if (file.error == EEXIST) return {};
  if (!file.ok()) return DiskError(file.error, "create", directory_.PathOf(name));
  marked_.insert(name);
  return {};
}

Result<void> TriedInputs::Clear(std::string_view digest) {
  if (!IsSha256Hex(digest)) return NotADigest();
  const std::string name(digest);
  const std::lock_guard lock(mutex_);
  counted_.erase(name);
  if (marked_.erase(name) > 0 && spares_.size() < kMostSpares) {
    const std::string spare = std::string(kSparePrefix) + name;
    if (file_system_.Rename(directory_.fd.get(), name, spare) == 0) {
      spares_.push_back(spare);
      return {};
    }
  }
  const int error = file_system_.Unlink(directory_.fd.get(), name);
  if (error == 0 || error == ENOENT) return {};
  return DiskError(error, "remove", directory_.PathOf(name));
}

Result<std::map<std::string, int>> TriedInputs::Take() {
  Result<std::vector<std::string>> names = ListNames(file_system_, directory_, kMaxEntries);
  if (!names.ok()) return names.error();
  const std::lock_guard lock(mutex_);
  std::map<std::string, int> counts;
  for (const std::string& name : *names) {
    if (name.starts_with(kSparePrefix)) {  // of an agent that was killed
      static_cast<void>(file_system_.Unlink(directory_.fd.get(), name));
    }
    if (!IsSha256Hex(name)) continue;
    Result<int> count = CountStart(name);
    if (!count.ok()) return count.error();
    if (*count == 0) continue;  // gone meanwhile
    counted_.insert(name);
    counts[name] = *count;
  }
  return counts;
}

// How often it was found, this time included.
Result<int> TriedInputs::CountStart(const std::string& digest) {
  const SysResult<std::string> text = ReadOwn(file_system_, directory_, digest, 16);
  if (text.error == ENOENT) return 0;
  if (!text.ok() && text.error != ELOOP) {
    return DiskError(text.error, "read", directory_.PathOf(digest));
  }
  int count = 0;  // an empty file: marked, and no start since
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
