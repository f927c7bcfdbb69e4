// SPDX-License-Identifier: Apache-2.0
#include "profile/condition_decoder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "seccompd/profile/capabilities.h"

#include "profile/native_names.h"

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxArches = 32;
constexpr std::size_t kMaxCapabilities = 64;
constexpr std::size_t kMaxArchMap = 32;

constexpr std::array<std::string_view, 3> kConditionFields = {"arches", "caps", "minKernel"};
constexpr std::array<std::string_view, 2> kArchMapFields = {"architecture", "subArchitectures"};

// OCI's other architectures: an archMap may speak of them, no node of ours has them.
constexpr std::array<std::string_view, 6> kForeign = {
    "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_LOONGARCH64",
    "SCMP_ARCH_M68K",   "SCMP_ARCH_SH",       "SCMP_ARCH_SHEB",
};

bool IsForeign(const JsonValue& value) {
  return value.kind == JsonValue::Kind::kString &&
         std::find(kForeign.begin(), kForeign.end(), value.text) != kForeign.end();
}

// A number without sign, zeros in front or anything behind; `text` loses it.
std::optional<std::uint32_t> TakeNumber(std::string_view& text) {
  std::uint32_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  const auto length = static_cast<std::size_t>(stop - text.data());
  if (length > 1 && text.front() == '0') return std::nullopt;
  text.remove_prefix(length);
  return number;
}

// `text` loses the version.
std::optional<KernelVersion> TakeVersion(std::string_view& text) {
  const auto major = TakeNumber(text);
  if (!major.has_value() || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  const auto minor = TakeNumber(text);
  if (!minor.has_value()) return std::nullopt;
  return KernelVersion{*major, *minor};
}

std::optional<KernelVersion> DecodeMinKernel(ObjectReader& reader) {
  const std::optional<std::string> text = reader.GetText("minKernel");
  if (!text.has_value()) return std::nullopt;
  std::string_view rest = *text;
  const auto version = TakeVersion(rest);
  if (version.has_value() && rest.empty()) return version;
  reader.Report(Code::kInvalidValue, "minKernel",
                Quote(*text) + R"( is no version of a kernel; write two numbers: "4.8")");
  return std::nullopt;
}

std::vector<std::string> DecodeArches(ObjectReader& reader) {
  std::vector<std::string> arches;
  for (TextAt& arch : reader.GetTexts("arches", kMaxArches)) {
    if (IsNativeName(arch.text)) {
      arches.push_back(std::move(arch.text));
      continue;
    }
    std::vector<std::string_view> names;
    for (const NativeNameRow& row : NativeNameTable()) names.push_back(row.name);
    ReportNotOneOf(std::move(arch.pointer), arch.text, names, reader.findings());
  }
  return arches;
}

// Kubernetes writes capabilities without CAP_.
std::string CapabilityHint(std::string_view text) {
  std::string full = "CAP_";
  for (const char c : text.substr(0, 64)) {
    full.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  if (IsCapability(full)) return "; did you mean " + full + "?";
  const std::string hint = DidYouMean(text, LinuxCapabilities());
  return hint.empty() ? "; write it as in CAP_NET_ADMIN" : hint;
}

std::optional<Architecture> DecodeArchitecture(const JsonValue& value, const std::string& pointer,
                                               std::vector<Diagnostic>& findings) {
  if (value.kind == JsonValue::Kind::kString && value.text == "SCMP_ARCH_NATIVE") {
    findings.push_back(MakeFinding(Code::kInvalidValue, pointer,
                                   "SCMP_ARCH_NATIVE is libseccomp's, and both runtimes refuse it; "
                                   "leave it out: the node's own architecture is always in"));
    return std::nullopt;
  }
  if (IsForeign(value)) {
    findings.push_back(MakeFinding(
        Code::kInvalidValue, pointer,
        value.text + " is an architecture of OCI's that runtimes in use refuse; leave it out"));
    return std::nullopt;
  }
  const ArchitectureRow* row = FindRow(value, pointer, ArchitectureTable(), findings);
  if (row == nullptr) return std::nullopt;
  return row->value;
}

std::vector<Architecture> DecodeList(ObjectReader& reader, std::string_view name) {
  std::vector<Architecture> architectures;
  const JsonValue* list = reader.Get(name, JsonValue::Kind::kArray);
  if (list == nullptr) return architectures;
  if (list->elements.size() > kMaxArchitectures) {
    reader.Report(Code::kTooLarge, name,
                  "more than " + std::to_string(kMaxArchitectures) + " architectures");
    return architectures;
  }
  for (std::size_t i = 0; i < list->elements.size(); ++i) {
    const auto architecture =
        DecodeArchitecture(list->elements[i], Join(reader.At(name), i), reader.findings());
    if (architecture.has_value()) architectures.push_back(*architecture);
  }
  return architectures;
}

ArchMapEntry DecodeEntry(const JsonValue& value, std::string pointer,
                         std::vector<Diagnostic>& findings) {
  ObjectReader reader(value, std::move(pointer), findings);
  reader.CheckNames(kArchMapFields, {});
  ArchMapEntry entry;
  const JsonValue* architecture = reader.Get("architecture");
  if (architecture == nullptr) {
    reader.ReportMissing("architecture", "write the one that subArchitectures stand beside");
  } else if (!IsForeign(*architecture)) {
    entry.architecture = DecodeArchitecture(*architecture, reader.At("architecture"), findings);
  }
  entry.sub_architectures = DecodeList(reader, "subArchitectures");
  return entry;
}

}  // namespace

std::optional<KernelVersion> KernelOfRelease(std::string_view release) {
  return TakeVersion(release);
}

Condition DecodeCondition(ObjectReader& rule, std::string_view name) {
  Condition condition;
  const JsonValue* value = rule.Get(name, JsonValue::Kind::kObject);
  if (value == nullptr) return condition;
  ObjectReader reader(*value, rule.At(name), rule.findings());
  reader.CheckNames(kConditionFields, {});
  condition.arches = DecodeArches(reader);
  condition.caps = DecodeCapabilities(reader, "caps");
  condition.min_kernel = DecodeMinKernel(reader);
  return condition;
}

std::vector<std::string> DecodeCapabilities(ObjectReader& reader, std::string_view name) {
  std::vector<std::string> capabilities;
  for (TextAt& capability : reader.GetTexts(name, kMaxCapabilities)) {
    if (IsCapability(capability.text)) {
      capabilities.push_back(std::move(capability.text));
      continue;
    }
    reader.findings().push_back(MakeFinding(
        Code::kInvalidValue, std::move(capability.pointer),
        Quote(capability.text) + " is no capability of Linux" + CapabilityHint(capability.text)));
  }
  std::sort(capabilities.begin(), capabilities.end());
  capabilities.erase(std::unique(capabilities.begin(), capabilities.end()), capabilities.end());
  return capabilities;
}

void DecodeArchitectures(ObjectReader& reader, DecodedProfile& decoded) {
  decoded.profile.architectures = DecodeList(reader, "architectures");
  const JsonValue* map = reader.Get("archMap", JsonValue::Kind::kArray);
  if (map == nullptr || map->elements.empty()) return;
  if (map->elements.size() > kMaxArchMap) {
    reader.Report(Code::kTooLarge, "archMap",
                  "more than " + std::to_string(kMaxArchMap) + " elements");
    return;
  }
  const JsonValue* list = reader.Get("architectures");
  if (list != nullptr && !list->elements.empty()) {
    reader.Report(Code::kConflictingFields, "archMap",
                  "architectures and archMap both list architectures, and runtimes refuse a file "
                  "with both; keep architectures");
  }
  decoded.arch_map.emplace();
  for (std::size_t i = 0; i < map->elements.size(); ++i) {
    decoded.arch_map->push_back(
        DecodeEntry(map->elements[i], Join(reader.At("archMap"), i), reader.findings()));
  }
}

}  // namespace seccompd::profile
