// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/yaml.h"

#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "seccompd/profile/json.h"
#include "seccompd/profile/text.h"

#include "profile/json_positions.h"
#include "profile/yaml_scalar.h"

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxNodes = 100'000;
constexpr std::size_t kMaxJsonBytes = std::size_t{4} << 20;  // after aliases, over all documents

// Builds JSON text from yaml-cpp's events, so that no tree of its own (shared nodes, cycles) ever
// exists. An alias copies its anchor's text, which is there once the anchored node is complete: a
// node cannot hold itself. The first fault is kept and ends the work; yaml-cpp then reads on to the
// end of its bounded text.
class JsonBuilder final : public YAML::EventHandler {
 public:
  explicit JsonBuilder(bool with_positions) : with_positions_(with_positions) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp leaves a stray token (", x") where it is and makes documents of nothing for ever.
    if (last_start_ == mark.pos) return Fail(mark, "a character that belongs to nothing");
    last_start_ = mark.pos;
    json_.clear();
    frames_.clear();
    anchors_.clear();
    line_.reset();
    is_null_ = false;
    positions_.clear();
  }
  void OnDocumentEnd() override {
    total_bytes_ += json_.size();
    if (error_.has_value() || is_null_ || json_.empty()) return;  // "---" with nothing behind it
    documents_.push_back({line_.value_or(1), std::move(json_), std::move(positions_)});
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    AddScalar(mark, "null", anchor, "null");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, "tag:yaml.org,2002:seq", anchor, '[');
  }
  void OnSequenceEnd() override { Close(']'); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, "tag:yaml.org,2002:map", anchor, '{');
  }
  void OnMapEnd() override { Close('}'); }

  const std::optional<Error>& error() const { return error_; }
  std::vector<YamlDocument> Take() { return std::move(documents_); }

 private:
  struct Frame {
    bool is_map = false;
    bool wants_key = false;  // of a map: the next node is a key
    std::size_t begin = 0;   // in json_
    std::size_t nodes = 0;   // nodes_ when it began
    YAML::anchor_t anchor = 0;
    std::set<std::string> keys;
    // For positions only:
    std::string pointer;
    std::size_t index = 0;  // of the next element
    std::string key;        // of the next member
    Position key_position;
  };
  struct Anchored {  // a piece of json_, which only grows
    std::size_t begin = 0;
    std::size_t size = 0;
    std::size_t nodes = 0;
  };

  void Fail(const YAML::Mark& mark, std::string message) {
    if (error_.has_value()) return;
    error_ =
        Error{ErrorCode::kInvalid, "line " + std::to_string(mark.line + 1) + ", column " +
                                       std::to_string(mark.column + 1) + ": " + std::move(message)};
  }
  bool is_key() const {
    return !frames_.empty() && frames_.back().is_map && frames_.back().wants_key;
  }

  // Before any node: counts it and writes the comma. False: do not write it.
  bool Begin(const YAML::Mark& mark, std::size_t nodes, std::size_t bytes) {
    if (error_.has_value()) return false;
    if (!line_.has_value()) line_ = static_cast<std::uint32_t>(mark.line + 1);
    nodes_ += nodes;
    if (nodes_ > kMaxNodes) Fail(mark, "more than 100000 values, aliases counted");
    if (total_bytes_ + json_.size() + bytes > kMaxJsonBytes) {
      Fail(mark, "more than 4 MiB of values, aliases counted");
    }
    if (error_.has_value()) return false;
    const bool is_value = !frames_.empty() && frames_.back().is_map && !frames_.back().wants_key;
    if (!frames_.empty() && !is_value && json_.size() > frames_.back().begin + 1)
      json_.push_back(',');
    if (with_positions_ && !is_key()) Note(mark);
    return true;
  }
  // Of a value: where it stands.
  void Note(const YAML::Mark& mark) {
    const Position position = PositionOf(mark);
    pointer_.clear();
    Position key = position;
    if (!frames_.empty()) {
      Frame& frame = frames_.back();
      pointer_ = frame.is_map ? Join(frame.pointer, frame.key) : Join(frame.pointer, frame.index++);
      if (frame.is_map) key = frame.key_position;
    }
    positions_[pointer_] = {position, key};
  }
  static Position PositionOf(const YAML::Mark& mark) {
    return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
  }
  // After any node.
  void End() {
    if (!frames_.empty() && frames_.back().is_map) {
      if (frames_.back().wants_key) json_.push_back(':');
      frames_.back().wants_key = !frames_.back().wants_key;
    }
  }
  void AddScalar(const YAML::Mark& mark, const std::string& json, YAML::anchor_t anchor,
                 std::string_view text);
  // `text`: the key itself, `json` as it is written.
  void AddKey(const YAML::Mark& mark, const std::string& json, std::string_view text);
  void Open(const YAML::Mark& mark, const std::string& tag, std::string_view own_tag,
            YAML::anchor_t anchor, char bracket);
  void Close(char bracket);

  std::optional<Error> error_;
  std::vector<YamlDocument> documents_;
  std::size_t nodes_ = 0;
  std::size_t total_bytes_ = 0;    // of the documents before this one
  std::optional<int> last_start_;  // of the last document, in characters
  // Of the document being read:
  std::string json_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::optional<std::uint32_t> line_;
  bool is_null_ = false;
  bool with_positions_ = false;
  std::string pointer_;  // of the value noted last
  Positions positions_;
};

void JsonBuilder::AddScalar(const YAML::Mark& mark, const std::string& json, YAML::anchor_t anchor,
                            std::string_view text) {
  if (is_key()) return AddKey(mark, json, text);
  if (!Begin(mark, 1, json.size())) return;
  if (frames_.empty()) is_null_ = json == "null";
  if (anchor != 0) anchors_[anchor] = {json_.size(), json.size(), 1};
  json_ += json;
  End();
}

// JSON has string keys only: 1 and "1" are one key.
void JsonBuilder::AddKey(const YAML::Mark& mark, const std::string& key, std::string_view text) {
  if (!Begin(mark, 1, key.size() + 2)) return;
  const std::string quoted = key.starts_with('"') ? key : "\"" + key + "\"";
  if (!frames_.back().keys.insert(quoted).second) {
    return Fail(mark, "the key " + CleanText(quoted) + " stands twice in its mapping; keep one");
  }
  json_ += quoted;
  frames_.back().key = text;
  frames_.back().key_position = PositionOf(mark);
  End();
}

void JsonBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (is_key()) return Fail(mark, "an alias as a key; write the key itself");
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) return Fail(mark, "an alias inside of its own anchor");
  const Anchored& anchored = found->second;
  if (!Begin(mark, anchored.nodes, anchored.size)) return;
  json_.append(json_, anchored.begin, anchored.size);
  End();
}

void JsonBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  if (error_.has_value()) return;
  // yaml-cpp makes single bytes of \_ and \N in double quotes.
  if (!IsUtf8(value)) return Fail(mark, "an escape that becomes no UTF-8; write the character");
  const bool is_plain = tag == "?" || tag.empty();
  if (!is_plain && tag != "!" && tag != "tag:yaml.org,2002:str") {
    return Fail(mark, "the tag " + Quote(tag) + " is not taken; write the value without it");
  }
  if (is_plain && is_key() && value == "<<") {
    return Fail(mark, "a merge key (<<) is not part of YAML 1.2; write the keys themselves");
  }
  if (is_key() && anchor != 0) return Fail(mark, "an anchor on a key is not taken");
  if (!is_plain) {
    std::string json;
    AppendJsonString(json, value);
    return AddScalar(mark, json, anchor, value);
  }
  const Result<std::string> json = PlainScalarToJson(value);
  if (!json.ok()) return Fail(mark, json.error().message);
  AddScalar(mark, *json, anchor, value);
}

void JsonBuilder::Open(const YAML::Mark& mark, const std::string& tag, std::string_view own_tag,
                       YAML::anchor_t anchor, char bracket) {
  if (error_.has_value()) return;
  if (!tag.empty() && tag != "?" && tag != "!" && tag != own_tag) {
    return Fail(mark, "the tag " + Quote(tag) + " is not taken; write the value without it");
  }
  if (is_key()) return Fail(mark, "a list or mapping as a key; JSON has string keys only");
  if (frames_.size() >= kMaxDepth) return Fail(mark, "nested deeper than 32 levels");
  if (!Begin(mark, 1, 2)) return;
  Frame frame;
  frame.is_map = bracket == '{';
  frame.wants_key = frame.is_map;
  frame.begin = json_.size();
  frame.nodes = nodes_ - 1;
  frame.anchor = anchor;
  frame.pointer = pointer_;
  frames_.push_back(std::move(frame));
  json_.push_back(bracket);
}

void JsonBuilder::Close(char bracket) {
  if (error_.has_value()) return;
  json_.push_back(bracket);
  const Frame frame = std::move(frames_.back());
  frames_.pop_back();
  if (frame.anchor != 0) {
    anchors_[frame.anchor] = {frame.begin, json_.size() - frame.begin, nodes_ - frame.nodes};
  }
  End();
}

// yaml-cpp trips over some JSON (\ud83d\ude00, tabs): JSON is read as JSON.
std::optional<Result<std::vector<YamlDocument>>> ReadAsJson(std::string_view text,
                                                            bool with_positions) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || (text[begin] != '{' && text[begin] != '[')) {
    return std::nullopt;
  }
  Result<JsonValue> json = ParseJson(text, kMaxDepth);
  if (!json.ok())
    return std::nullopt;  // flow-style YAML, several documents, or a fault that YAML tells too
  const std::vector<std::string> duplicates = FindDuplicateKeys(*json, 1);
  if (!duplicates.empty()) {
    return Error{ErrorCode::kInvalid, "the key at " + duplicates.front() + " stands twice"};
  }
  std::uint32_t line = 1;
  for (const char c : text.substr(0, begin)) line += c == '\n' ? 1 : 0;
  return std::vector<YamlDocument>{
      {line, WriteJson(*json), with_positions ? JsonPositions(text) : Positions()}};
}

// Of a text that is no YAML either: what is wrong with it as JSON, where it was meant as that.
Error FaultOf(std::string_view text, Error as_yaml) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos || text[begin] != '{') return as_yaml;
  const std::size_t next = text.find_first_not_of(kBlank, begin + 1);
  if (next != std::string_view::npos && text[next] != '"') return as_yaml;
  const Result<JsonValue> json = ParseJson(text, kMaxDepth);
  constexpr std::string_view kLead = "parse error at ";
  if (json.ok() || !json.error().message.starts_with(kLead)) return as_yaml;
  return {ErrorCode::kInvalid, json.error().message.substr(kLead.size())};
}

Result<std::vector<YamlDocument>> Read(std::string_view text, std::size_t max_bytes,
                                       bool with_positions) {
  if (text.size() > max_bytes) {
    return Error{ErrorCode::kInvalid, "longer than " + std::to_string(max_bytes) + " bytes"};
  }
  if (!IsUtf8(text) || text.find('\0') != std::string_view::npos) {
    return Error{ErrorCode::kInvalid, "no text in UTF-8"};
  }
  if (auto json = ReadAsJson(text, with_positions)) return *std::move(json);
  JsonBuilder builder(with_positions);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (!builder.error().has_value() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& exception) {
    if (builder.error().has_value()) return FaultOf(text, *builder.error());
    return FaultOf(
        text, {ErrorCode::kInvalid, "line " + std::to_string(exception.mark.line + 1) +
                                        ", column " + std::to_string(exception.mark.column + 1) +
                                        ": " + CleanText(exception.msg)});
  }
  if (builder.error().has_value()) return FaultOf(text, *builder.error());
  return builder.Take();
}

}  // namespace

Result<std::vector<YamlDocument>> YamlToJson(std::string_view text, std::size_t max_bytes) {
  return Read(text, max_bytes, false);
}

Result<std::vector<YamlDocument>> YamlToJsonWithPositions(std::string_view text,
                                                          std::size_t max_bytes) {
  return Read(text, max_bytes, true);
}

}  // namespace seccompd::profile
