// SPDX-License-Identifier: Apache-2.0
// The judge's other profiles: those of the namespace that the one it judges builds on.
#include <algorithm>
#include <iterator>
#include <utility>

#include "seccompd/agent/judge.h"
#include "seccompd/node/profile_path.h"

namespace seccompd::agent {
namespace {

constexpr std::size_t kRecentBases = 8;
// One byte more than a spec may have: the compiler says so, and the rest need not travel.
constexpr std::size_t kMostBaseBytes = std::size_t{128} * 1024 + 1;

}  // namespace

Result<void> Judge::GatherBases(const std::string& key, const std::vector<std::string>& names,
                                Question& question, std::stop_token stop) {
  std::vector<std::string> all = names;
  for (const auto& [name, digest] : question.base_digests) all.push_back(name);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  const std::string name_space = key.substr(0, key.find('/'));
  // A name that cannot be a profile's is asked of nobody: there is none.
  const auto is_name = [&](const std::string& name) {
    return node::ProfilePath::Make(name_space, name).ok();
  };
  std::vector<std::string> real;
  std::copy_if(all.begin(), all.end(), std::back_inserter(real), is_name);
  desired_.SetBases(key, real);  // before they are read: no change is missed
  for (const std::string& name : all) {
    const auto& had = question.request.bases;
    if (std::any_of(had.begin(), had.end(), [&](const auto& base) { return base.name == name; }))
      continue;
    std::string digest;
    profile::BaseSpec base{name, std::nullopt};
    if (is_name(name)) {
      std::string base_key = name_space;
      base_key.append("/").append(name);
      Result<profile::BaseSpec> fetched = FetchBase(base_key, name, digest, stop);
      if (!fetched.ok()) return Wrap(fetched.error(), "base " + name);
      base = *std::move(fetched);
      question.base_digests[name] = digest;
    }
    question.request.bases.push_back(std::move(base));
  }
  return {};
}

Result<profile::BaseSpec> Judge::FetchBase(const std::string& key, const std::string& name,
                                           std::string& digest, std::stop_token stop) {
  const std::string current = desired_.DigestOf(key);
  if (!current.empty()) {
    const std::lock_guard lock(mutex_);
    for (const ReadBase& read : bases_) {
      if (read.key != key || read.digest != current) continue;
      digest = current;
      return profile::BaseSpec{name, read.spec};
    }
  }
  profile::BaseSpec base{name, std::nullopt};
  const auto slash = key.find('/');
  const Result<void> fetched = source_.Fetch(
      key.substr(0, slash), name,
      [&](const kube::Object& object) {
        digest = InputDigest(options_.context, object.uid, object.spec);
        base.spec = std::string(object.spec.substr(0, kMostBaseBytes));
      },
      std::move(stop));
  if (!fetched.ok()) {
    if (fetched.error().code == ErrorCode::kNotFound) return base;
    return fetched.error();
  }
  const std::lock_guard lock(mutex_);
  bases_.remove_if([&](const ReadBase& read) { return read.key == key; });
  bases_.push_front({key, digest, *base.spec});
  if (bases_.size() > kRecentBases) bases_.pop_back();
  return base;
}

}  // namespace seccompd::agent
