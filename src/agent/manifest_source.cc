// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/manifest_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "seccompd/agent/reconciler.h"
#include "seccompd/base/unique_fd.h"

namespace seccompd::agent {
namespace {

constexpr std::size_t kMaxManifestBytes = 262'144;
constexpr std::size_t kMaxFiles = 10'000;
constexpr std::chrono::milliseconds kSettle{
    20};  // an editor's or kubectl-cp's several events make one scan
constexpr std::chrono::seconds kRetryBrokenDirectory{2};
constexpr std::string_view kApiVersion = "seccompd.io/v1alpha1";
constexpr std::string_view kKind = "TenantSeccompProfile";

bool IsManifestName(std::string_view name) {
  return !name.starts_with('.') &&
         (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

std::string UidOf(const std::string& key) { return "manifest:" + key; }

}  // namespace

ManifestSource::ManifestSource(compiler::Compiler& compiler, kube::ObjectSink& sink,
                               const ProfileTable& table, const Log& log,
                               ManifestSourceOptions options)
    : compiler_(compiler), sink_(sink), table_(table), log_(log), options_(std::move(options)) {}

void ManifestSource::Run(std::stop_token stop) {
  const UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback on_stop(stop, [&wake] { (void)::eventfd_write(wake.get(), 1); });
  std::unique_ptr<node::DirectoryWatch> watch;
  while (!stop.stop_requested()) {
    bool watched = watch != nullptr;
    if (!watched) {
      auto opened = node::DirectoryWatch::Open();
      Result<void> added =
          opened.ok() ? (*opened)->Add(options_.directory) : Result<void>(opened.error());
      watched = added.ok();
      if (watched) {
        watch = *std::move(opened);
      } else if (scans_ <= 1) {
        log_.Warn("the manifests directory is not watched; it is read every 2 s",
                  {{"directory", options_.directory}, {"error", added.error().message}});
      }
    }
    Scan();
    pollfd fds[2] = {{wake.get(), POLLIN, 0}, {watched ? watch->fd() : -1, POLLIN, 0}};
    const auto pause = watched ? options_.rescan : std::chrono::milliseconds(kRetryBrokenDirectory);
    (void)::poll(fds, 2, static_cast<int>(pause.count()));
    while (watched && !stop.stop_requested() && (fds[1].revents & POLLIN) != 0) {
      const auto changes = watch->Read();
      if (!changes.ok() || !changes->gone.empty()) watched = false;
      fds[1].revents = 0;
      (void)::poll(fds, 2, static_cast<int>(kSettle.count()));
    }
    if (!watched) watch.reset();
  }
}

bool ManifestSource::ListFiles(std::map<std::string, Stamp>& files,
                               std::vector<std::string>& errors) const {
  const std::string& directory = options_.directory;
  const auto fail = [&](const char* what) {
    errors.push_back(ErrnoError(errno, "manifests directory " + directory + ": " + what).message +
                     "; nothing is removed meanwhile");
    return false;
  };
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(directory.c_str()), ::closedir);
  if (!handle) return fail("open");
  errno = 0;
  while (const dirent* entry = ::readdir(handle.get())) {
    struct stat info {};
    if (!IsManifestName(entry->d_name)) continue;
    if (::fstatat(::dirfd(handle.get()), entry->d_name, &info, 0) != 0)
      continue;  // it went while we looked
    if (S_ISDIR(info.st_mode)) continue;
    if (files.size() == kMaxFiles) {
      errors.push_back("manifests directory " + directory + ": more than " +
                       std::to_string(kMaxFiles) + " files");
      return false;
    }
    files[entry->d_name] = {
        std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec, info.st_size,
        info.st_ino};
    errno = 0;
  }
  return errno == 0 || fail("read");
}

void ManifestSource::Scan() {
  ++scans_;
  std::map<std::string, Stamp> found;
  std::vector<std::string> errors;
  bool complete = ListFiles(found, errors);
  if (complete) std::erase_if(files_, [&](const auto& row) { return !found.contains(row.first); });
  for (const auto& [name, stamp] : found) {
    File& file = files_[name];
    if (file.stamp == stamp) continue;
    file.stamp = stamp;
    file.errors.clear();
    ReadFile(name, file);
  }
  for (const auto& [name, file] : files_) {
    if (!file.known) complete = false;  // nobody knows what it would have given
    errors.insert(errors.end(), file.errors.begin(), file.errors.end());
  }
  Deliver(std::move(errors), complete);
}

void ManifestSource::ReadFile(const std::string& name, File& file) {
  const std::string path = options_.directory + "/" + name;
  const Result<std::string> text = node::ReadSmallFile(path, kMaxManifestBytes, true);
  if (!text.ok()) {
    file.errors.push_back(text.error().message);
    return;
  }
  Result<compiler::ManifestAnswer> answer = compiler_.ParseManifests(*text);
  if (!answer.ok()) {
    file.errors.push_back(path + ": " + answer.error().message);
    if (answer.error().code != ErrorCode::kInvalid) file.stamp = {};  // try again at the next scan
    return;
  }
  if (profile::HasError(answer->findings)) {
    file.errors.push_back(path + ": " + Summarize(answer->findings, profile::Severity::kError));
    return;
  }
  std::vector<Profile> before = std::move(file.profiles);
  file.profiles.clear();
  file.known = true;
  for (compiler::Manifest& document : answer->documents)
    TakeDocument(path, std::move(document), file);
  for (Profile& profile : file.profiles) {
    const auto same = std::find_if(before.begin(), before.end(), [&](const Profile& old) {
      return old.name_space == profile.name_space && old.name == profile.name;
    });
    const bool unchanged = same != before.end() && same->spec == profile.spec;
    profile.generation = unchanged
                             ? same->generation
                             : GenerationOf(profile.name_space + "/" + profile.name, profile.spec,
                                            same == before.end() ? 0 : same->generation);
  }
}

void ManifestSource::TakeDocument(const std::string& name, compiler::Manifest document,
                                  File& file) const {
  const std::string place = name + " line " + std::to_string(document.line) + ": ";
  if (document.api_version != kApiVersion || document.kind != kKind) {
    file.errors.push_back(CleanMessage(place + "is a " + document.api_version + " " +
                                       document.kind + ", not a " + std::string(kApiVersion) + " " +
                                       std::string(kKind) + "; left aside"));
    return;
  }
  if (document.name_space.empty()) document.name_space = "default";
  if (document.name.empty()) {
    file.errors.push_back(place + "has no metadata.name; left aside");
    return;
  }
  if (document.spec.empty()) {
    file.errors.push_back(CleanMessage(place + document.name + " has no spec; left aside"));
    return;
  }
  file.profiles.push_back(
      {std::move(document.name_space), std::move(document.name), std::move(document.spec), 0});
}

// As the API server counts: one more for each other spec, across restarts.
std::int64_t ManifestSource::GenerationOf(const std::string& key, const std::string& spec,
                                          std::int64_t before) const {
  const auto entry = table_.Find(key);
  if (!entry) return before + 1;
  const bool same = entry->input_digest == InputDigest(options_.context, UidOf(key), spec);
  return std::max(before, same ? entry->desired_generation - 1 : entry->desired_generation) + 1;
}

void ManifestSource::Deliver(std::vector<std::string> errors, bool complete) {
  std::map<std::string, Profile> current;
  for (const auto& [name, file] : files_) {
    for (const Profile& profile : file.profiles) {
      const std::string key = profile.name_space + "/" + profile.name;
      if (current.emplace(key, profile).second) continue;
      errors.push_back(CleanMessage(
          std::string(options_.directory)
              .append("/")
              .append(name)
              .append(": ")
              .append(key)
              .append(" is there twice; the first file by name counts, this one is left aside")));
    }
  }
  std::vector<std::string> fresh;
  bool errors_changed = false;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& error : errors) {
      if (std::find(errors_.begin(), errors_.end(), error) == errors_.end()) fresh.push_back(error);
    }
    errors_changed = errors_ != errors;
    current_ = current;
    errors_ = std::move(errors);
    complete_ = complete;
  }
  for (const std::string& error : fresh) log_.Error("manifest refused", {{"error", error}});
  sink_.ListStarted();
  for (const auto& [key, profile] : current) {
    const std::string uid = UidOf(key);
    sink_.Upsert(ObjectOf(profile, uid));
  }
  sink_.ListFinished("", complete);
  if (errors_changed && on_errors_) on_errors_();
}

std::vector<std::string> ManifestSource::errors() const {
  const std::lock_guard lock(mutex_);
  return errors_;
}

kube::Object ManifestSource::ObjectOf(const Profile& profile, const std::string& uid) {
  kube::Object object;
  object.name_space = profile.name_space;
  object.name = profile.name;
  object.uid = uid;
  object.generation = profile.generation;
  object.spec = profile.spec;
  return object;
}

Result<void> ManifestSource::Fetch(const std::string& name_space, const std::string& name,
                                   const std::function<void(const kube::Object&)>& use,
                                   std::stop_token) {
  const std::string key = name_space + "/" + name;
  Profile profile;
  {
    const std::lock_guard lock(mutex_);
    const auto it = current_.find(key);
    if (it == current_.end()) {
      if (complete_) return Error{ErrorCode::kNotFound, "no manifest for " + key};
      return Error{ErrorCode::kTransient, "no manifest read so far holds " + key +
                                              ", and not all could be read (see the log)"};
    }
    profile = it->second;
  }
  const std::string uid = UidOf(key);
  use(ObjectOf(profile, uid));
  return {};
}

Result<SourceIdentity> ManifestSource::Identify(std::stop_token) { return SourceIdentity{}; }

}  // namespace seccompd::agent
