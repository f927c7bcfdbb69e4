// SPDX-License-Identifier: Apache-2.0
#pragma once
// An API server good enough for clients: keeps objects of any resource in memory, serves list,
// watch, get, create, update, server-side apply (as a plain merge) and delete over real HTTPS, and
// misbehaves on demand. Thread-safe.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "fakes/fake_https_server.h"
#include "fakes/tls_material.h"

namespace seccompd::fakes {

inline constexpr std::string_view kProfilesPath =
    "/apis/seccompd.io/v1alpha1/tenantseccompprofiles";

class FakeCluster {
 public:
  using Json = nlohmann::json;
  // Answers a request in place of the cluster. Runs on the connection's thread.
  using Fault = std::function<void(const FakeRequest&, FakeReply&)>;

  struct Options {
    CertificateRequest certificate;
    bool wants_client_certificate = false;
    std::string token;  // not empty: every other token is answered with 401
  };
  FakeCluster() : FakeCluster(Options{}) {}
  explicit FakeCluster(const Options& options);
  ~FakeCluster();

  std::string origin() const { return "https://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  const std::string& ca_pem() const { return authority_->certificate_pem(); }
  const CertificateAuthority& authority() const { return *authority_; }
  FakeHttpsServer& server() { return *server_; }

  // The API server's process ends: connections are cut, and nobody listens at its address. What it
  // knows stays (in etcd). For the test's own thread.
  void StopServer();
  // And is there again, at the same address, with a new certificate of the same CA, or of another.
  void StartServer(bool another_authority = false);

  // `collection`: "/apis/seccompd.io/v1alpha1/tenantseccompprofiles", always without a namespace.
  // Sets metadata.uid, generation and resourceVersion, sends ADDED or MODIFIED, and returns the
  // stored object. The first object of a collection may be put only after Serve(), or its kind is
  // one the fake knows.
  Json Put(const std::string& collection, Json object);
  void Delete(const std::string& collection, const std::string& name_space,
              const std::string& name);
  std::optional<Json> Get(const std::string& collection, const std::string& name_space,
                          const std::string& name) const;
  // From now on the collection exists: its objects are of this kind. Known from the start:
  // tenantseccompprofiles, nodeseccompstates, leases, events, nodes, namespaces,
  // customresourcedefinitions.
  void Serve(const std::string& collection, const std::string& kind);
  // From now on it does not: 404, as when its CRD is not installed.
  void Forget(const std::string& collection);

  std::string resource_version() const;
  void SetResourceVersion(
      std::uint64_t version);  // e.g. back in time: objects and history newer than it are lost
  void SkipVersions(std::uint64_t count);
  void Compact();  // watches and pages from earlier versions get 410
  void SendBookmark(const std::string& collection);
  void EndWatches();  // cleanly, as at timeoutSeconds
  void SetToken(const std::string& token);
  // A LIST with a limit is cut into pages of that many at most, though resourceVersion=0 (which a
  // real server answers in one piece) by default is not.
  void PageCachedLists(bool on);

  // The next request whose "METHOD target" contains `match` is answered by `fault`. Faults of one
  // match queue up.
  void NextTime(const std::string& match, Fault fault);
  // Every one, until cleared with an empty function.
  void Always(const std::string& match, Fault fault);
  std::size_t faults_left() const;

  std::vector<std::string> requests() const;  // "GET /path?query", oldest first
  // Waits, 30 s at most, until `count` requests contained `match`.
  bool AwaitRequests(const std::string& match, std::size_t count) const;
  // Waits until an object satisfies the condition.
  bool AwaitObject(const std::string& collection, const std::string& name_space,
                   const std::string& name, const std::function<bool(const Json&)>& is_right) const;
  bool AwaitWatches(std::size_t count) const;  // open watches

  // `name`: the object that is meant (details.name), as a real server says it where there is one.
  static std::string StatusBody(int code, const std::string& reason, const std::string& message,
                                const std::string& name = {});

 private:
  struct Path;
  struct Event {
    std::uint64_t version = 0;
    std::string type;
    std::string line;  // the object's JSON
    std::string name_space;
  };
  using Key = std::pair<std::string, std::string>;  // namespace, name
  struct Collection {
    std::string kind;
    std::string api_version;
    std::map<Key, Json> objects;
    std::vector<Event> events;
  };

  void Handle(const FakeRequest& request, FakeReply& reply);
  Fault TakeFault(const std::string& line);
  void List(const Path& path, const FakeRequest& request, FakeReply& reply);
  void Watch(const Path& path, const FakeRequest& request, FakeReply& reply);
  void Write(const Path& path, const FakeRequest& request, FakeReply& reply);
  void Remove(const Path& path, FakeReply& reply);
  std::optional<Path> ParsePath(const std::string& text) const;
  Json Store(Collection& collection, Json object, const std::string& type);
  Json Merged(Collection& collection, const Path& path, const Json& body, bool replaces);
  void Emit(Collection& collection, const std::string& type, const Json& object);

  const Options options_;
  std::unique_ptr<CertificateAuthority> authority_;
  int port_ = 0;
  mutable std::mutex mutex_;  // guards all below but server_
  mutable std::condition_variable changed_;
  std::map<std::string, Collection> collections_;
  std::uint64_t version_ = 100;
  std::uint64_t oldest_ = 0;
  std::uint64_t uids_ = 0;
  std::uint64_t watch_epoch_ = 0;
  std::size_t open_watches_ = 0;
  bool stopping_ = false;
  bool pages_cached_lists_ = false;
  std::string token_;
  std::deque<std::pair<std::string, Fault>> once_;
  std::map<std::string, Fault> always_;
  std::vector<std::string> requests_;
  std::unique_ptr<FakeHttpsServer> server_;
};

}  // namespace seccompd::fakes
