// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a reflector delivered, as a test wants to see it. Thread-safe; aborts when two calls
// overlap.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "seccompd/kube/reflector.h"

namespace seccompd::kube {

inline constexpr std::chrono::seconds kPatience{30};  // a guard against hanging, not a measurement

class RecordingSink final : public ObjectSink {
 public:
  void Upsert(const Object& object) override {
    Note("upsert " + Key(object), [&] {
      live_[Key(object)] = std::string(object.uid);
      listed_.insert(Key(object));
      specs_[Key(object)] = object.spec;
    });
  }
  void Deleted(const Object& object) override {
    Note("deleted " + Key(object), [&] {
      if (live_.erase(Key(object)) > 0) lost_.insert(Key(object));
    });
  }
  void ListStarted() override {
    Note("list", [&] {
      if (in_list_) std::abort();
      in_list_ = true;
      listed_.clear();
    });
  }
  // As a real sink does it: what a complete list does not hold is gone.
  void ListFinished(std::string_view version, bool complete) override {
    Note(std::string(complete ? "listed " : "listed in part "), [&] {
      if (!in_list_) std::abort();
      in_list_ = false;
      version_ = version;
      if (complete)
        std::erase_if(live_, [this](const auto& entry) {
          const bool is_gone = !listed_.contains(entry.first);
          if (is_gone) lost_.insert(entry.first);
          return is_gone;
        });
    });
  }
  void ListAborted() override {
    Note("aborted", [&] {
      if (!in_list_) std::abort();
      in_list_ = false;
    });
  }
  void Progress(std::string_view version) override {
    Note("", [&] { version_ = version; });
  }

  // All below: waits until it is so, or fails.
  bool AwaitLive(const std::set<std::string>& keys) {
    return Await([&] {
      return !in_list_ && live_.size() == keys.size() &&
             std::equal(
                 live_.begin(), live_.end(), keys.begin(),
                 [](const auto& entry, const std::string& key) { return entry.first == key; });
    });
  }
  bool AwaitVersion(const std::string& version) {
    return Await([&] { return version_ == version; });
  }
  bool AwaitCall(const std::string& call, std::ptrdiff_t times = 1) {
    return Await([&] { return Count(call) >= times; });
  }
  std::string spec(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return specs_[key];
  }
  std::vector<std::string> calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  std::ptrdiff_t count(const std::string& call) {
    const std::lock_guard lock(mutex_);
    return Count(call);
  }
  // Never may anything have been seen as gone.
  bool nothing_lost() {
    const std::lock_guard lock(mutex_);
    return lost_.empty();
  }

 private:
  static std::string Key(const Object& object) {
    return std::string(object.name_space) + "/" + std::string(object.name);
  }
  std::ptrdiff_t Count(const std::string& call) const {
    std::ptrdiff_t count = 0;
    for (const std::string& made : calls_) count += made == call ? 1 : 0;
    return count;
  }
  void Note(const std::string& call, const std::function<void()>& change) {
    if (busy_.exchange(true)) std::abort();
    {
      const std::lock_guard lock(mutex_);
      change();
      if (!call.empty()) calls_.push_back(call);
    }
    changed_.notify_all();
    busy_ = false;
  }
  bool Await(const std::function<bool()>& is_so) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, is_so);
  }

  std::atomic<bool> busy_{false};
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<std::string, std::string> live_, specs_;
  std::set<std::string> listed_, lost_;
  std::vector<std::string> calls_;
  std::string version_;
  bool in_list_ = false;
};

class RecordingObserver final : public ReflectorObserver {
 public:
  void Connected() override { Note("connected"); }
  void Trouble(const Error& error, std::chrono::milliseconds retry_in) override {
    const std::lock_guard lock(mutex_);
    troubles_.push_back(error);
    pauses_.push_back(retry_in);
    changed_.notify_all();
  }
  void Relisting(std::string_view reason) override { Note("relisting: " + std::string(reason)); }

  bool AwaitTrouble(const std::string& text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] {
      for (const Error& error : troubles_)
        if (error.message.find(text) != std::string::npos) return true;
      return false;
    });
  }
  bool AwaitNote(const std::string& text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] {
      for (const std::string& note : notes_)
        if (note.find(text) != std::string::npos) return true;
      return false;
    });
  }
  std::vector<Error> troubles() {
    const std::lock_guard lock(mutex_);
    return troubles_;
  }
  std::vector<std::chrono::milliseconds> pauses() {
    const std::lock_guard lock(mutex_);
    return pauses_;
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const std::string& note : notes_) all += note + "\n";
    for (const Error& error : troubles_) all += "trouble: " + error.message + "\n";
    return all;
  }

 private:
  void Note(const std::string& note) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(note);
    changed_.notify_all();
  }

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::vector<std::string> notes_;
  std::vector<Error> troubles_;
  std::vector<std::chrono::milliseconds> pauses_;
};

}  // namespace seccompd::kube
