// SPDX-License-Identifier: Apache-2.0
#include "compiler/manifests.h"

#include <string>
#include <utility>

#include "seccompd/compiler/protocol.h"
#include "seccompd/profile/codes.h"
#include "seccompd/profile/json.h"
#include "seccompd/profile/yaml.h"

namespace seccompd::compiler {
namespace {

using profile::JsonValue;

constexpr std::size_t kMaxDepth = 40;  // YAML's 32 and some

// The member's text; empty when it is not there or no string, which the agent tells as missing.
std::string StringAt(const JsonValue* object, std::string_view key) {
  const JsonValue* value = object == nullptr ? nullptr : object->Find(key);
  return value == nullptr || value->kind != JsonValue::Kind::kString ? "" : value->text;
}

Manifest MakeManifest(std::uint32_t line, const JsonValue& document) {
  Manifest manifest;
  manifest.line = line;
  manifest.api_version = StringAt(&document, "apiVersion");
  manifest.kind = StringAt(&document, "kind");
  const JsonValue* metadata = document.Find("metadata");
  manifest.name_space = StringAt(metadata, "namespace");
  manifest.name = StringAt(metadata, "name");
  const JsonValue* spec = document.Find("spec");
  if (spec != nullptr && spec->kind == JsonValue::Kind::kObject) manifest.spec = WriteJson(*spec);
  return manifest;
}

}  // namespace

ManifestAnswer ParseManifestText(std::string_view text) {
  ManifestAnswer answer;
  const auto documents = profile::YamlToJson(text, kMaxManifestBytes);
  if (!documents.ok()) {
    answer.findings.push_back(
        MakeFinding(profile::Code::kInvalidYaml, "", documents.error().message));
    return answer;
  }
  if (documents->size() > kMaxDocuments) {
    answer.findings.push_back(MakeFinding(
        profile::Code::kTooLarge, "",
        "more than " + std::to_string(kMaxDocuments) + " documents in one file; split it"));
    return answer;
  }
  for (const profile::YamlDocument& document : *documents) {
    const Result<JsonValue> json = profile::ParseJson(document.json, kMaxDepth);
    if (!json.ok()) {
      answer.findings.push_back(MakeFinding(
          profile::Code::kInvalidYaml, "",
          "the document at line " + std::to_string(document.line) + ": " + json.error().message));
      continue;
    }
    answer.documents.push_back(MakeManifest(document.line, *json));
  }
  profile::CapFindings(answer.findings);
  return answer;
}

}  // namespace seccompd::compiler
