// SPDX-License-Identifier: Apache-2.0
// What the fake cluster does with each verb.
#include <algorithm>
#include <chrono>

#include "fakes/fake_cluster.h"
#include "fakes/fake_cluster_path.h"

namespace seccompd::fakes {
namespace {

using Json = nlohmann::json;

std::string Query(const FakeRequest& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? "" : found->second;
}

std::uint64_t Number(const std::string& text) { return text.empty() ? 0 : std::stoull(text); }

void Expired(FakeReply& reply) {
  reply.Send(410, FakeCluster::StatusBody(410, "Expired", "too old resource version"));
}

std::vector<std::string> Split(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

// /api/v1/... or /apis/g/v/..., then [namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE]]. Under mutex_.
std::optional<FakeCluster::Path> FakeCluster::ParsePath(const std::string& text) const {
  std::vector<std::string> parts = Split(text);
  const std::size_t prefix = !parts.empty() && parts[0] == "api" ? 2 : 3;
  if (parts.size() <= prefix) return std::nullopt;
  Path path;
  for (std::size_t i = 0; i < prefix; ++i) path.collection += "/" + parts[i];
  parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(prefix));
  if (parts[0] == "namespaces" && parts.size() > 2) {
    path.name_space = parts[1];
    parts.erase(parts.begin(), parts.begin() + 2);
  }
  path.collection += "/" + parts[0];
  if (parts.size() > 1) path.name = parts[1];
  if (parts.size() > 2) path.subresource = parts[2];
  if (!collections_.contains(path.collection)) return std::nullopt;
  return path;
}

void FakeCluster::List(const Path& path, const FakeRequest& request, FakeReply& reply) {
  Json list;
  {
    const std::lock_guard lock(mutex_);
    const Collection& collection = collections_[path.collection];
    std::string from = Query(request, "continue");
    std::uint64_t version = version_;
    if (!from.empty()) {
      version = Number(from.substr(0, from.find(' ')));
      from = from.substr(from.find(' ') + 1);
      if (version < oldest_) return Expired(reply);
    }
    const bool pages = Query(request, "resourceVersion") != "0" || pages_cached_lists_;
    const std::uint64_t limit = pages ? Number(Query(request, "limit")) : 0;
    Json items = Json::array();
    list = {{"apiVersion", collection.api_version},
            {"kind", collection.kind + "List"},
            {"metadata", {{"continue", ""}, {"resourceVersion", std::to_string(version)}}}};
    for (const auto& [key, object] : collection.objects) {
      const std::string place = key.first + "/" + key.second;
      if (place <= from || (!path.name_space.empty() && path.name_space != key.first)) continue;
      items.push_back(object);
      from = place;
      if (items.size() != limit) continue;
      list["metadata"]["continue"] = std::to_string(version) + " " + place;
      break;
    }
    list["items"] = std::move(items);
  }
  reply.Begin(200);
  reply.Chunk(list.dump() + "\n");
  reply.End();
}

void FakeCluster::Watch(const Path& path, const FakeRequest& request, FakeReply& reply) {
  std::uint64_t seen = Number(Query(request, "resourceVersion"));
  std::unique_lock lock(mutex_);
  if (seen < oldest_) {
    // As a real server does it: 200, and an ERROR event.
    lock.unlock();
    reply.Begin(200);
    reply.Chunk(R"({"type":"ERROR","object":)" +
                StatusBody(410, "Expired", "too old resource version") + "}\n");
    return reply.End();
  }
  const std::uint64_t epoch = watch_epoch_;
  lock.unlock();
  reply.Begin(200);
  lock.lock();
  ++open_watches_;
  changed_.notify_all();
  while (!stopping_ && epoch == watch_epoch_ && reply.ok()) {
    std::string pending;
    for (const Event& event : collections_[path.collection].events) {
      if (event.version <= seen ||
          (!path.name_space.empty() && path.name_space != event.name_space))
        continue;
      pending += R"({"type":")" + event.type + R"(","object":)" + event.line + "}\n";
      seen = event.version;
    }
    lock.unlock();
    reply.Chunk(pending);
    const bool gone = pending.empty() && reply.PeerGone(0);
    lock.lock();
    if (gone) break;
    if (pending.empty()) changed_.wait_for(lock, std::chrono::milliseconds(100));
  }
  const bool whole = reply.ok() && !stopping_;
  --open_watches_;
  changed_.notify_all();
  lock.unlock();
  if (whole) reply.End();
}

// Under mutex_. A subresource changes its own member only; the main resource all but `status`.
Json FakeCluster::Merged(Collection& collection, const Path& path, const Json& body,
                         bool replaces) {
  const Key key{path.name_space, path.name};
  Json object = collection.objects.contains(key) ? collection.objects[key] : Json::object();
  const Json old_spec = object.contains("spec") ? object["spec"] : Json();
  Json part = body;
  if (path.subresource == "status") {
    part = {{"status", body.contains("status") ? body["status"] : Json()}};
  } else {
    part.erase("status");
  }
  if (replaces && path.subresource.empty()) {
    const Json status = object.contains("status") ? object["status"] : Json();
    const Json metadata = object.contains("metadata") ? object["metadata"] : Json::object();
    object = part;
    if (!status.is_null()) object["status"] = status;
    for (const char* kept : {"uid", "generation"})
      if (metadata.contains(kept)) object["metadata"][kept] = metadata[kept];
  } else {
    object.merge_patch(part);  // close enough to server-side apply for one manager
  }
  object["metadata"]["name"] = path.name;
  if (!path.name_space.empty()) object["metadata"]["namespace"] = path.name_space;
  const Json new_spec = object.contains("spec") ? object["spec"] : Json();
  if (object["metadata"].contains("generation") && new_spec != old_spec)
    object["metadata"]["generation"] = object["metadata"]["generation"].get<int>() + 1;
  return object;
}

void FakeCluster::Write(const Path& path, const FakeRequest& request, FakeReply& reply) {
  const Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object())
    return reply.Send(400, StatusBody(400, "BadRequest", "the body is no JSON object"));
  std::unique_lock lock(mutex_);
  Collection& collection = collections_[path.collection];
  Path target = path;
  if (request.method == "POST") {
    target.name = body.value(Json::json_pointer("/metadata/name"), std::string());
    if (target.name.empty())
      target.name = body.value(Json::json_pointer("/metadata/generateName"), std::string()) +
                    std::to_string(++uids_);
  }
  const Key key{target.name_space, target.name};
  const bool exists = collection.objects.contains(key);
  const auto refuse = [&](int code, const std::string& reason, const std::string& message) {
    lock.unlock();
    reply.Send(code, StatusBody(code, reason, message, target.name));
  };
  if (request.method == "POST" && exists)
    return refuse(409, "AlreadyExists", target.name + " already exists");
  const bool may_create =
      request.method == "POST" || (request.method == "PATCH" && path.subresource.empty());
  if (!exists && !may_create) return refuse(404, "NotFound", target.name + " not found");
  const std::string expected =
      body.value(Json::json_pointer("/metadata/resourceVersion"), std::string());
  if (exists && !expected.empty() &&
      expected != collection.objects[key]["metadata"]["resourceVersion"].get<std::string>())
    return refuse(409, "Conflict", "the object has been modified");
  const Json stored = Store(collection, Merged(collection, target, body, request.method != "PATCH"),
                            exists ? "MODIFIED" : "ADDED");
  lock.unlock();
  reply.Send(exists ? 200 : 201, stored.dump());
}

void FakeCluster::Remove(const Path& path, FakeReply& reply) {
  Delete(path.collection, path.name_space, path.name);
  reply.Send(200, R"({"kind":"Status","apiVersion":"v1","status":"Success"})");
}

}  // namespace seccompd::fakes
