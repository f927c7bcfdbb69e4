// SPDX-License-Identifier: Apache-2.0
#include "profile/read_otherwise.h"

#include <array>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/text.h"

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxDepth = 40;  // as for what was read as YAML
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

constexpr std::array<std::string_view, 2> kOfProfile = {"archMap", "defaultErrno"};
constexpr std::array<std::string_view, 4> kOfRule = {"errno", "excludes", "includes", "name"};

bool SaysSomething(const JsonValue* value) {
  if (value == nullptr) return false;
  return !value->text.empty() || !value->elements.empty() || !value->members.empty();
}

class Collector {
 public:
  void Collect(const JsonValue& object, const std::string& pointer,
               std::span<const std::string_view> names) {
    if (object.kind != JsonValue::Kind::kObject) return;
    for (const std::string_view name : names) {
      const JsonValue* value = object.Find(name);
      if (!SaysSomething(value)) continue;
      if (fields_.empty()) first_ = Join(pointer, name);
      fields_.insert(name);
      if (value->kind == JsonValue::Kind::kObject && SaysSomething(value->Find("minKernel"))) {
        fields_.insert("minKernel");
      }
    }
  }

  bool Has(std::string_view name) const { return fields_.contains(name); }
  const std::set<std::string_view>& fields() const { return fields_; }
  const std::string& first() const { return first_; }

 private:
  std::set<std::string_view> fields_;
  std::string first_;
};

std::string Message(const Collector& found) {
  std::string list;
  for (const std::string_view name : found.fields())
    list += (list.empty() ? "" : ", ") + std::string(name);
  std::string text = "containerd, if given this file itself, ignores " + list + " in silence";
  if (found.Has("includes") || found.Has("excludes")) {
    text += ": rules hold whatever their conditions say, so that more is allowed";
  } else if (found.Has("name")) {
    text += ": the rules concerned vanish";
  } else if (found.Has("archMap")) {
    text += ": what it adds to the node's own architecture is killed";
  }
  text += found.Has("minKernel") ? "; CRI-O heeds all but minKernel" : "; CRI-O heeds them";
  return text + "; as a TenantSeccompProfile nodes get it resolved";
}

}  // namespace

std::optional<Diagnostic> FindDockersWords(const JsonValue& profile, std::string_view pointer) {
  Collector found;
  found.Collect(profile, std::string(pointer), kOfProfile);
  const JsonValue* syscalls = profile.Find("syscalls");
  if (syscalls != nullptr) {
    const std::string list = Join(pointer, "syscalls");
    for (std::size_t i = 0; i < syscalls->elements.size(); ++i) {
      found.Collect(syscalls->elements[i], Join(list, i), kOfRule);
    }
  }
  if (found.fields().empty()) return std::nullopt;
  return MakeFinding(Code::kReadOtherwise, found.first(), Message(found));
}

std::optional<Diagnostic> FindNoJson(std::string_view text) {
  const bool has_mark = text.starts_with(kByteOrderMark);
  if (has_mark) text.remove_prefix(kByteOrderMark.size());
  if (!text.starts_with('{')) return std::nullopt;
  const Result<JsonValue> json = ParseJson(text, kMaxDepth);
  if (json.ok() && !has_mark) return std::nullopt;
  const std::string why =
      json.ok() ? "it begins with a byte order mark" : "it is no JSON: " + json.error().message;
  return MakeFinding(Code::kReadOtherwise, "",
                     "containerd and CRI-O, if given this file itself, refuse it, and no container "
                     "is made: " +
                         why);
}

}  // namespace seccompd::profile
