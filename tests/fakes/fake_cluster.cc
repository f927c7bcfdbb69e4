// SPDX-License-Identifier: Apache-2.0
#include "fakes/fake_cluster.h"

#include <algorithm>
#include <chrono>

#include "fakes/fake_cluster_path.h"

namespace seccompd::fakes {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds kPatience{30};

std::string Text(const Json& object, const char* pointer) {
  return object.value(Json::json_pointer(pointer), std::string());
}

void NotFound(FakeReply& reply, const std::string& what) {
  reply.Send(404, FakeCluster::StatusBody(404, "NotFound", what + " not found", what));
}

}  // namespace

FakeCluster::FakeCluster(const Options& options)
    : options_(options),
      authority_(std::make_unique<CertificateAuthority>()),
      token_(options.token) {
  const std::string ours = "/apis/seccompd.io/v1alpha1/";
  Serve(std::string(kProfilesPath), "TenantSeccompProfile");
  Serve(ours + "nodeseccompstates", "NodeSeccompState");
  Serve("/apis/coordination.k8s.io/v1/leases", "Lease");
  Serve("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "CustomResourceDefinition");
  Serve("/api/v1/namespaces", "Namespace");
  Serve("/api/v1/nodes", "Node");
  Serve("/api/v1/events", "Event");
  StartServer();
}

void FakeCluster::StopServer() { server_->Stop(); }

void FakeCluster::StartServer(bool another_authority) {
  if (another_authority) authority_ = std::make_unique<CertificateAuthority>();
  FakeHttpsServer::Options server{authority_->Issue(options_.certificate), {}, port_};
  if (options_.wants_client_certificate) server.client_ca_pem = authority_->certificate_pem();
  server_ = std::make_unique<FakeHttpsServer>(
      server, [this](const FakeRequest& request, FakeReply& reply) { Handle(request, reply); });
  port_ = server_->port();
}

FakeCluster::~FakeCluster() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  server_->Stop();
}

void FakeCluster::Serve(const std::string& collection, const std::string& kind) {
  const std::lock_guard lock(mutex_);
  std::string api_version = collection.substr(0, collection.rfind('/'));
  api_version = api_version.substr(api_version.starts_with("/apis/") ? 6 : 5);
  auto& entry = collections_[collection];
  entry.kind = kind;
  entry.api_version = api_version;
}

void FakeCluster::Forget(const std::string& collection) {
  const std::lock_guard lock(mutex_);
  collections_.erase(collection);
  ++watch_epoch_;
  changed_.notify_all();
}

Json FakeCluster::Put(const std::string& collection, Json object) {
  const std::lock_guard lock(mutex_);
  Collection& in = collections_.at(collection);
  const Key key{Text(object, "/metadata/namespace"), Text(object, "/metadata/name")};
  const bool exists = in.objects.contains(key);
  if (exists && !object["metadata"].contains("uid")) {
    object["metadata"]["uid"] = in.objects[key]["metadata"]["uid"];
    object["metadata"]["generation"] = in.objects[key]["metadata"]["generation"].get<int>() + 1;
  }
  return Store(in, std::move(object), exists ? "MODIFIED" : "ADDED");
}

// Under mutex_.
Json FakeCluster::Store(Collection& collection, Json object, const std::string& type) {
  object["kind"] = collection.kind;
  object["apiVersion"] = collection.api_version;
  auto& metadata = object["metadata"];
  if (!metadata.contains("uid")) metadata["uid"] = "uid-" + std::to_string(++uids_);
  if (!metadata.contains("generation")) metadata["generation"] = 1;
  metadata["resourceVersion"] = std::to_string(++version_);
  collection.objects[{Text(object, "/metadata/namespace"), Text(object, "/metadata/name")}] =
      object;
  Emit(collection, type, object);
  return object;
}

void FakeCluster::Emit(Collection& collection, const std::string& type, const Json& object) {
  collection.events.push_back({version_, type, object.dump(), Text(object, "/metadata/namespace")});
  changed_.notify_all();
}

void FakeCluster::Delete(const std::string& collection, const std::string& name_space,
                         const std::string& name) {
  const std::lock_guard lock(mutex_);
  Collection& in = collections_.at(collection);
  const auto found = in.objects.find({name_space, name});
  if (found == in.objects.end()) return;
  Json object = found->second;
  in.objects.erase(found);
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  Emit(in, "DELETED", object);
}

std::optional<Json> FakeCluster::Get(const std::string& collection, const std::string& name_space,
                                     const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto in = collections_.find(collection);
  if (in == collections_.end()) return std::nullopt;
  const auto found = in->second.objects.find({name_space, name});
  if (found == in->second.objects.end()) return std::nullopt;
  return found->second;
}

std::string FakeCluster::resource_version() const {
  const std::lock_guard lock(mutex_);
  return std::to_string(version_);
}

void FakeCluster::SetResourceVersion(std::uint64_t version) {
  const std::lock_guard lock(mutex_);
  version_ = version;
  for (auto& [path, collection] : collections_) {
    std::erase_if(collection.events,
                  [version](const Event& event) { return event.version > version; });
    std::erase_if(collection.objects, [version](const auto& entry) {
      return std::stoull(Text(entry.second, "/metadata/resourceVersion")) > version;
    });
  }
}

void FakeCluster::SkipVersions(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  version_ += count;
}

void FakeCluster::Compact() {
  const std::lock_guard lock(mutex_);
  oldest_ = ++version_;
  for (auto& [path, collection] : collections_) collection.events.clear();
}

void FakeCluster::SendBookmark(const std::string& collection) {
  const std::lock_guard lock(mutex_);
  Collection& in = collections_.at(collection);
  Emit(in, "BOOKMARK",
       {{"kind", in.kind},
        {"apiVersion", in.api_version},
        {"metadata",
         {{"resourceVersion", std::to_string(++version_)}, {"creationTimestamp", nullptr}}}});
  in.events.back().version = version_;
}

void FakeCluster::EndWatches() {
  const std::lock_guard lock(mutex_);
  ++watch_epoch_;
  changed_.notify_all();
}

void FakeCluster::SetToken(const std::string& token) {
  const std::lock_guard lock(mutex_);
  token_ = token;
}

void FakeCluster::PageCachedLists(bool on) {
  const std::lock_guard lock(mutex_);
  pages_cached_lists_ = on;
}

void FakeCluster::NextTime(const std::string& match, Fault fault) {
  const std::lock_guard lock(mutex_);
  once_.emplace_back(match, std::move(fault));
}

void FakeCluster::Always(const std::string& match, Fault fault) {
  const std::lock_guard lock(mutex_);
  if (fault) {
    always_[match] = std::move(fault);
  } else {
    always_.erase(match);
  }
}

std::size_t FakeCluster::faults_left() const {
  const std::lock_guard lock(mutex_);
  return once_.size();
}

std::vector<std::string> FakeCluster::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

bool FakeCluster::AwaitRequests(const std::string& match, std::size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] {
    const auto found = std::count_if(
        requests_.begin(), requests_.end(),
        [&match](const std::string& line) { return line.find(match) != std::string::npos; });
    return static_cast<std::size_t>(found) >= count;
  });
}

bool FakeCluster::AwaitObject(const std::string& collection, const std::string& name_space,
                              const std::string& name,
                              const std::function<bool(const Json&)>& is_right) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] {
    const auto in = collections_.find(collection);
    if (in == collections_.end()) return false;
    const auto found = in->second.objects.find({name_space, name});
    return found != in->second.objects.end() && is_right(found->second);
  });
}

bool FakeCluster::AwaitWatches(std::size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return open_watches_ >= count; });
}

std::string FakeCluster::StatusBody(int code, const std::string& reason, const std::string& message,
                                    const std::string& name) {
  Json status{{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", Json::object()},
              {"status", "Failure"}, {"message", message}, {"reason", reason},
              {"code", code}};
  if (!name.empty()) status["details"]["name"] = name;
  return status.dump();
}

FakeCluster::Fault FakeCluster::TakeFault(const std::string& line) {
  for (auto entry = once_.begin(); entry != once_.end(); ++entry) {
    if (line.find(entry->first) == std::string::npos) continue;
    Fault fault = std::move(entry->second);
    once_.erase(entry);
    return fault;
  }
  for (const auto& [match, fault] : always_)
    if (line.find(match) != std::string::npos) return fault;
  return {};
}

void FakeCluster::Handle(const FakeRequest& request, FakeReply& reply) {
  const std::string line = request.method + " " + request.target;
  Fault fault;
  std::string token;
  std::optional<Path> path;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(line);
    changed_.notify_all();
    fault = TakeFault(line);
    token = token_;
    path = ParsePath(request.path);
  }
  if (fault) return fault(request, reply);
  const auto authorization = request.headers.find("authorization");
  if (!token.empty() &&
      (authorization == request.headers.end() || authorization->second != "Bearer " + token))
    return reply.Send(401, StatusBody(401, "Unauthorized", "Unauthorized"));
  if (!path) return reply.Send(404, "404 page not found\n", {{"Content-Type", "text/plain"}});
  if (request.method == "DELETE") return Remove(*path, reply);
  if (request.method != "GET") return Write(*path, request, reply);
  if (path->name.empty()) {
    const auto watch = request.query.find("watch");
    const bool watches =
        watch != request.query.end() && (watch->second == "true" || watch->second == "1");
    return watches ? Watch(*path, request, reply) : List(*path, request, reply);
  }
  if (const auto object = Get(path->collection, path->name_space, path->name))
    return reply.Send(200, object->dump());
  NotFound(reply, path->name);
}

}  // namespace seccompd::fakes
