// SPDX-License-Identifier: Apache-2.0
#include "node/record_codec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <utility>

#include "seccompd/base/digest.h"

namespace seccompd::node {
namespace {

// The first format knew no dependencies, the second no trees. They are still read: an upgrade must
// not forget what the files are.
constexpr std::string_view kHeaders[] = {"seccompd-record 1\n", "seccompd-record 2\n",
                                         "seccompd-record 3\n"};
constexpr std::string_view kChecksum = "sha256 ";
constexpr std::string_view kHex = "0123456789abcdef";
constexpr int kNewest = 3;
// "profile", the key, and those of RecordEntry
constexpr std::size_t kEntryFields = 17;
constexpr std::size_t kEntryFieldsOf[] = {12, 15, kEntryFields};  // by version, from 1 on
constexpr char kBaseSeparator = ' ';                              // none in a DNS label

bool IsPlain(char c) { return c >= ' ' && c <= '~' && c != '\\'; }

void AppendEscaped(std::string& out, std::string_view text) {
  const auto* odd = std::find_if_not(text.begin(), text.end(), IsPlain);
  out.append(text.begin(), odd);
  for (const char c : text.substr(static_cast<std::size_t>(odd - text.begin()))) {
    if (IsPlain(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += kHex[byte >> 4];
    out += kHex[byte & 0xf];
  }
}

bool Unescape(std::string_view text, std::string* out) {
  std::size_t odd = std::min(text.find('\\'), text.size());
  out->assign(text.substr(0, odd));
  for (; odd < text.size(); ++odd) {
    if (text[odd] != '\\') {
      *out += text[odd];
      continue;
    }
    if (text.size() - odd < 4 || text[odd + 1] != 'x') return false;
    const std::size_t high = kHex.find(text[odd + 2]);
    const std::size_t low = kHex.find(text[odd + 3]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    *out += static_cast<char>(high << 4 | low);
    odd += 3;
  }
  return true;
}

template <class Number>
bool ParseNumber(std::string_view text, Number* out) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *out);
  return error == std::errc() && stop == end;
}

void AppendLine(std::string& out, std::string_view what, std::string_view value) {
  out += what;
  out += '\t';
  AppendEscaped(out, value);
  out += '\n';
}

std::string JoinBases(const std::vector<std::string>& bases) {
  std::string joined;
  for (const std::string& base : bases) {
    if (!joined.empty()) joined += kBaseSeparator;
    joined += base;
  }
  return joined;
}

std::vector<std::string> SplitBases(std::string_view joined) {
  std::vector<std::string> bases;
  while (!joined.empty()) {
    const std::size_t end = std::min(joined.find(kBaseSeparator), joined.size());
    bases.emplace_back(joined.substr(0, end));
    joined.remove_prefix(std::min(end + 1, joined.size()));
  }
  return bases;
}

void AppendEntry(std::string& out, int version, const std::string& key, const RecordEntry& entry) {
  const auto text = [&out](std::string_view value) {
    out += '\t';
    AppendEscaped(out, value);
  };
  out += "profile";
  text(key);
  text(entry.uid);
  text(std::to_string(entry.desired_generation));
  text(std::to_string(entry.installed_generation));
  text(entry.input_digest);
  text(entry.sha256);
  text(std::to_string(entry.instructions));
  text(entry.state);
  text(entry.reason);
  text(entry.message);
  text(std::to_string(entry.since));
  if (version > 1) {
    text(JoinBases(entry.bases));
    text(entry.uses_labels ? "1" : "0");
    text(entry.dependency_digest);
  }
  if (version > 2) {
    text(entry.has_unchecked_tree ? "1" : "0");
    text(entry.remove_when_invalid ? "1" : "0");
  }
  out += '\n';
}

bool ReadDependencies(const std::string_view* fields, RecordEntry* entry) {
  std::string joined;
  if (!Unescape(fields[0], &joined) || !Unescape(fields[2], &entry->dependency_digest)) {
    return false;
  }
  entry->bases = SplitBases(joined);
  entry->uses_labels = fields[1] == "1";
  return std::count(entry->bases.begin(), entry->bases.end(), "") == 0;
}

// Fills the record from one line; false: not one of ours. Whether it is the only way to say it is
// seen later.
bool ReadLine(std::string_view line, int version, Record* record) {
  std::array<std::string_view, kEntryFields> fields;
  std::size_t count = 0;
  for (std::size_t at = 0; at <= line.size();) {
    if (count == kEntryFields) return false;
    const std::size_t end = std::min(line.find('\t', at), line.size());
    fields[count++] = line.substr(at, end - at);
    at = end + 1;
  }
  if (count == 2) {
    if (fields[0] == "cluster") return Unescape(fields[1], &record->cluster);
    if (fields[0] == "crd") return Unescape(fields[1], &record->crd_uid);
    return fields[0] == "resourceVersion" && Unescape(fields[1], &record->resource_version);
  }
  if (count != kEntryFieldsOf[version - 1] || fields[0] != "profile") return false;
  std::string key;
  RecordEntry entry;
  const bool good = Unescape(fields[1], &key) && Unescape(fields[2], &entry.uid) &&
                    ParseNumber(fields[3], &entry.desired_generation) &&
                    ParseNumber(fields[4], &entry.installed_generation) &&
                    Unescape(fields[5], &entry.input_digest) &&
                    Unescape(fields[6], &entry.sha256) &&
                    ParseNumber(fields[7], &entry.instructions) &&
                    Unescape(fields[8], &entry.state) && Unescape(fields[9], &entry.reason) &&
                    Unescape(fields[10], &entry.message) && ParseNumber(fields[11], &entry.since) &&
                    (version < 2 || ReadDependencies(&fields[kEntryFieldsOf[0]], &entry));
  if (!good) return false;
  if (version > 2) {
    entry.has_unchecked_tree = fields[kEntryFieldsOf[1]] == "1";
    entry.remove_when_invalid = fields[kEntryFieldsOf[1] + 1] == "1";
  }
  record->entries.insert_or_assign(record->entries.end(), std::move(key), std::move(entry));
  return true;
}

Error Damaged(std::string_view why) {
  return Error{ErrorCode::kInvalid, "the record is damaged: " + std::string(why)};
}

std::string EncodeBody(const Record& record, int version) {
  constexpr std::size_t kTypicalEntryBytes = 400;
  std::string out;
  out.reserve((record.entries.size() + 1) * kTypicalEntryBytes);
  out += kHeaders[version - 1];
  AppendLine(out, "cluster", record.cluster);
  AppendLine(out, "crd", record.crd_uid);
  AppendLine(out, "resourceVersion", record.resource_version);
  for (const auto& [key, entry] : record.entries) AppendEntry(out, version, key, entry);
  return out;
}

}  // namespace

std::string EncodeRecord(const Record& record) {
  std::string out = EncodeBody(record, kNewest);
  out += std::string(kChecksum) + Sha256Hex(out) + "\n";
  return out;
}

Result<Record> DecodeRecord(std::string_view text) {
  constexpr std::size_t kLastLine = kChecksum.size() + 64 + 1;
  int version = kNewest;
  while (version > 0 && !text.starts_with(kHeaders[version - 1])) --version;
  if (version == 0) return Damaged("its first line is not \"seccompd-record 3\"");
  const std::size_t header_size = kHeaders[version - 1].size();
  if (text.size() < header_size + kLastLine) return Damaged("it is cut off");
  const std::string_view body = text.substr(0, text.size() - kLastLine);
  const std::string_view last = text.substr(body.size());
  if (last != std::string(kChecksum) + Sha256Hex(body) + "\n") {
    return Damaged("its last line is not the SHA-256 of what is before");
  }
  Record record;
  for (std::size_t at = header_size; at < body.size();) {
    const std::size_t end = body.find('\n', at);
    if (end == std::string_view::npos || !ReadLine(body.substr(at, end - at), version, &record)) {
      return Damaged("the line at byte " + std::to_string(at) + " cannot be read");
    }
    at = end + 1;
  }
  // Order, repetition, spelling of numbers and escapes: all judged at once.
  if (EncodeBody(record, version) != body) return Damaged("it is not as seccompd writes it");
  return record;
}

}  // namespace seccompd::node
