// SPDX-License-Identifier: Apache-2.0
#include "kube/envelope.h"

#include <array>
#include <cstddef>
#include <iterator>

#include <nlohmann/json.hpp>

namespace seccompd::kube {
namespace {

// Goes through a text, from bracket to bracket over what is nested deeper than `deepest`: it holds
// nothing for an Envelope, and the parser takes some 90 instructions for a byte. What never closes
// ends the text there, as no JSON.
class Skimmer {
 public:
  Skimmer(std::string_view text, std::size_t deepest)
      : at_(text.data()), end_(text.data() + text.size()), deepest_(deepest) {}

  char front() const { return *at_; }
  bool done() const { return at_ == end_; }
  void Next() {
    const char c = *at_++;
    if (!OpensOrCloses(c)) return;
    if (c == '{' || c == '[') {
      if (++depth_ > deepest_) SkipToClosing();
    } else if (depth_ > 0) {
      --depth_;
    }
  }
  // Behind what was taken last.
  const char* const& progress() const { return at_; }

 private:
  bool OpensOrCloses(char c) {
    if (in_string_) {
      if (c == '"' && !is_escaped_) in_string_ = false;
      is_escaped_ = c == '\\' && !is_escaped_;
      return false;
    }
    if (c == '"') in_string_ = true;
    return c == '{' || c == '[' || c == '}' || c == ']';
  }
  void SkipToClosing() {
    for (std::size_t open = 1; at_ != end_; ++at_) {
      if (!OpensOrCloses(*at_)) continue;
      open = *at_ == '{' || *at_ == '[' ? open + 1 : open - 1;
      if (open == 0) return;
    }
  }

  const char* at_;
  const char* const end_;
  const std::size_t deepest_;
  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool is_escaped_ = false;
};

// A skimmer as the parser wants it; made of nothing, the end.
class Skimming {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  Skimming() = default;
  explicit Skimming(Skimmer& skimmer) : skimmer_(&skimmer) {}
  reference operator*() const { return skimmer_->front(); }
  Skimming& operator++() {
    skimmer_->Next();
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(const Skimming& other) const { return done() == other.done(); }
  bool operator!=(const Skimming& other) const { return done() != other.done(); }

 private:
  bool done() const { return skimmer_ == nullptr || skimmer_->done(); }

  Skimmer* skimmer_ = nullptr;
};

// nlohmann's parser keeps its own stack of one bit a level, so depth costs no call stack. Its names
// are not ours.
class EnvelopeSax {
 public:
  using Json = nlohmann::json;

  // base: how many objects stand around the one that is read (1 in an event).
  EnvelopeSax(std::string_view text, std::size_t base, const char* const* progress)
      : text_(text), base_(base), progress_(progress) {}

  // NOLINTBEGIN(readability-identifier-naming): the library's interface
  bool null() {
    if (IsAt(1, "items")) ++envelope_.item_arrays;
    return Scalar();
  }
  bool boolean(bool /*value*/) { return Scalar(); }
  bool number_integer(Json::number_integer_t value) { return Integer(value); }
  bool number_unsigned(Json::number_unsigned_t value) {
    return Integer(static_cast<Json::number_integer_t>(value));
  }
  bool number_float(Json::number_float_t /*value*/, const std::string& /*text*/) {
    return Scalar();
  }
  bool string(std::string& value);
  bool binary(Json::binary_t& /*value*/) { return false; }
  bool start_object(std::size_t /*elements*/) { return Open(); }
  bool end_object() { return CloseContainer(); }
  bool start_array(std::size_t /*elements*/) {
    if (depth_ == 0) return false;
    if (IsAt(1, "items")) {
      ++envelope_.item_arrays;
      in_items_ = true;
    }
    return Open();
  }
  bool end_array() { return CloseContainer(); }
  bool key(std::string& name);
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const Json::exception& /*error*/) {
    return false;
  }
  // NOLINTEND(readability-identifier-naming)

  Envelope&& Take() { return std::move(envelope_); }

 private:
  // `level` 1: a member of the object itself; 2: of its metadata.
  bool IsAt(std::size_t level, std::string_view name) const {
    if (depth_ != base_ + level || keys_[depth_] != name) return false;
    if (base_ == 1 && keys_[1] != "object") return false;
    return level == 1 || keys_[base_ + 1] == "metadata";
  }
  bool Open() {
    if (depth_ > 0) NoteItem();
    ++depth_;
    if (depth_ < keys_.size()) keys_[depth_].clear();
    return true;
  }
  bool CloseContainer() {
    --depth_;
    if (depth_ == 1 && in_items_) in_items_ = false;
    EndValue();
    return true;
  }
  bool Scalar() {
    if (depth_ == 0) return false;
    NoteItem();
    EndValue();
    return true;
  }
  void NoteItem() {
    if (in_items_ && depth_ == 2) envelope_.has_items = true;
  }
  bool Integer(Json::number_integer_t value) {
    if (IsAt(2, "generation")) envelope_.generation = value;
    return Scalar();
  }
  void EndValue();

  const std::string_view text_;
  const std::size_t base_;
  const char* const* const progress_;
  std::size_t depth_ = 0;
  std::array<std::string, 4> keys_;   // by depth: the last key seen there
  const char* spec_begin_ = nullptr;  // behind the key of the value being read
  const char* object_begin_ = nullptr;
  bool in_items_ = false;
  Envelope envelope_;
};

bool EnvelopeSax::key(std::string& name) {
  if (depth_ >= keys_.size()) return true;
  keys_[depth_].assign(name, 0, 64);
  if (IsAt(1, "spec")) spec_begin_ = *progress_;
  if (base_ == 1 && depth_ == 1 && name == "object") object_begin_ = *progress_;
  return true;
}

bool EnvelopeSax::string(std::string& value) {
  struct Field {
    std::size_t level;
    std::string_view key;
    std::string Envelope::*to;
  };
  static constexpr Field kFields[] = {{1, "kind", &Envelope::kind},
                                      {2, "namespace", &Envelope::name_space},
                                      {2, "name", &Envelope::name},
                                      {2, "uid", &Envelope::uid},
                                      {2, "resourceVersion", &Envelope::resource_version},
                                      {2, "continue", &Envelope::continue_token}};
  if (depth_ < keys_.size()) {
    for (const Field& field : kFields)
      if (IsAt(field.level, field.key)) envelope_.*field.to = value;
    if (IsAt(2, "deletionTimestamp")) envelope_.deleting = true;
    if (base_ == 1 && depth_ == 1 && keys_[1] == "type") envelope_.type = value;
  }
  return Scalar();
}

void EnvelopeSax::EndValue() {
  const auto text_since = [this](const char* key_end) {
    const char* begin = key_end;
    while (*begin == ' ' || *begin == '\t' || *begin == '\r' || *begin == '\n' || *begin == ':')
      ++begin;
    const char* end = *progress_;
    // A number ends only at the character behind it, which the parser has read by now.
    const bool is_number = (*begin >= '0' && *begin <= '9') || *begin == '-';
    if (is_number) {
      end = begin;
      const char* const limit = text_.data() + text_.size();
      while (end != limit &&
             std::string_view("+-0123456789.eE").find(*end) != std::string_view::npos)
        ++end;
    }
    return std::string_view(begin, static_cast<std::size_t>(end - begin));
  };
  if (spec_begin_ != nullptr && IsAt(1, "spec")) {
    envelope_.spec = text_since(spec_begin_);
    spec_begin_ = nullptr;
  }
  if (object_begin_ != nullptr && depth_ == 1) {
    envelope_.object = text_since(object_begin_);
    object_begin_ = nullptr;
  }
}

std::optional<Envelope> Parse(std::string_view text, std::size_t base) {
  Skimmer skimmer(text, base + 2);
  EnvelopeSax sax(text, base, &skimmer.progress());
  if (!nlohmann::json::sax_parse(Skimming(skimmer), Skimming(), &sax)) return std::nullopt;
  return sax.Take();
}

}  // namespace

std::optional<Envelope> ParseObject(std::string_view text) { return Parse(text, 0); }
std::optional<Envelope> ParseEvent(std::string_view text) { return Parse(text, 1); }

}  // namespace seccompd::kube
