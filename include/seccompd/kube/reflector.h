// SPDX-License-Identifier: Apache-2.0
#pragma once
// Keeps an ObjectSink in step with one resource of the API server: resume from a recorded
// resourceVersion, watch, 410 -> list, bookmarks, silent death, a server that went back in time. An
// error, a cut body or an unexpected type is never an absence. Run() blocks its own thread; the
// sink is called on the I/O thread while a request runs and on Run's thread between two
// (ListAborted, a body's last line): never two calls at once, always ordered.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "seccompd/base/clock.h"
#include "seccompd/base/result.h"
#include "seccompd/http/transport.h"
#include "seccompd/kube/api_client.h"

namespace seccompd::kube {

// The envelope of an object; views are valid during the call only.
struct Object {
  std::string_view name_space, name, uid, resource_version;
  std::int64_t generation = 0;
  bool deleting = false;  // has a deletionTimestamp
  std::string_view spec;  // raw JSON as the server sent it; "" when there is none
};

class ObjectSink {
 public:
  virtual ~ObjectSink() = default;
  virtual void Upsert(const Object& object) = 0;   // ADDED, MODIFIED or a list's item
  virtual void Deleted(const Object& object) = 0;  // DELETED event
  virtual void ListStarted() = 0;
  // Every object of the list was upserted since ListStarted. complete is false when an item could
  // not be read: then nothing may be concluded about what was not in the list.
  virtual void ListFinished(std::string_view resource_version, bool complete) = 0;
  virtual void ListAborted() = 0;  // it broke off: forget that it was started
  // Everything up to this resourceVersion was delivered (an event, a bookmark or a list).
  virtual void Progress(std::string_view resource_version) = 0;
};

// What Run() tells people. Called on Run's thread, but Connected on the I/O thread while Run's
// waits (so it must be quick); never two calls at once.
class ReflectorObserver {
 public:
  virtual ~ReflectorObserver() = default;
  virtual void
  Connected() = 0;  // a watch or list answered 200, the first time since the start or a Trouble
  virtual void Trouble(const Error& error, std::chrono::milliseconds retry_in) = 0;
  virtual void Relisting(std::string_view reason) = 0;
};

struct ReflectorOptions {
  std::string path;              // "/apis/seccompd.io/v1alpha1/tenantseccompprofiles"
  std::string resource_version;  // resume here without a LIST; empty: LIST first
  std::string expected_kind = "TenantSeccompProfile";
  bool jitter_first_list = false;                              // files are there already: no hurry
  std::chrono::seconds relist_every = std::chrono::hours(12);  // jittered by +-10 %
  std::chrono::milliseconds backoff_min = std::chrono::milliseconds(200);
  std::chrono::milliseconds backoff_max = std::chrono::seconds(30);
  std::chrono::seconds watch_min =
      std::chrono::seconds(290);  // timeoutSeconds is drawn from [watch_min, watch_max]
  std::chrono::seconds watch_max = std::chrono::seconds(580);
  std::chrono::milliseconds watch_idle =
      std::chrono::seconds(180);  // without a byte: watch again from the last version
  std::chrono::milliseconds list_idle = std::chrono::seconds(30);
  std::size_t max_object_bytes = std::size_t{4} << 20;
  // A LIST that nobody waits for is put off by up to this much, so that nodes do not all ask at
  // once.
  std::chrono::milliseconds list_spread = std::chrono::seconds(10);
  RequestObserver request_observer;
};

class Reflector {
 public:
  Reflector(http::Transport& transport, TokenSource& token, const Clock& clock, ObjectSink& sink,
            ReflectorObserver& observer, ReflectorOptions options);
  ~Reflector();
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  // Until stop is requested. Never gives up.
  void Run(std::stop_token stop);
  // From any thread: ends the watch and lists anew (resourceVersion unset: the most recent).
  void Relist(std::string_view reason);
  // From any thread: the resourceVersion that a write (of our Lease) was given, and version() from
  // before that write was sent. Every write comes after all that was seen before it, so an older
  // one (by the only comparison Kubernetes allows us: decimal, same server) means that the server
  // went back in time, as an etcd restored from a backup does: Relist.
  void ObserveServerVersion(std::string_view resource_version, std::string_view known_before);
  // Everything up to here was delivered; empty: nothing yet. Any thread.
  std::string version() const;
  // Steady time of the last byte or successful answer; for the metric of the watch's age. Any
  // thread.
  std::chrono::steady_clock::time_point last_heard() const;
  // True between the first success and the next failure. Any thread.
  bool connected() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace seccompd::kube
