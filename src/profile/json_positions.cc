// SPDX-License-Identifier: Apache-2.0
#include "profile/json_positions.h"

#include <string>
#include <utility>
#include <vector>

#include "seccompd/profile/json.h"
#include "seccompd/profile/text.h"

namespace seccompd::profile {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Positions Scan() {
    while (at_ < text_.size()) Step();
    return std::move(positions_);
  }

 private:
  struct Frame {
    std::string pointer;
    bool is_object = false;
    bool wants_key = false;
    std::size_t index = 0;
    std::string key;
    Position key_position;
  };

  void Step() {
    switch (text_[at_]) {
      case '{':
      case '[':
        Open();
        return;
      case '}':
      case ']':
        if (!frames_.empty()) frames_.pop_back();
        Advance();
        return;
      case ',':
        if (!frames_.empty()) frames_.back().wants_key = frames_.back().is_object;
        Advance();
        return;
      case ' ':
      case '\t':
      case '\r':
      case '\n':
      case ':':
        Advance();
        return;
      case '"':
        ReadString();
        return;
      default:
        Note();
        while (at_ < text_.size() &&
               std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos) {
          Advance();
        }
    }
  }

  void Advance() {
    if (text_[at_] == '\n') {
      ++position_.line;
      position_.column = 0;
    }
    ++position_.column;
    ++at_;
  }

  void Open() {
    const std::string pointer = Note();
    Frame frame;
    frame.pointer = pointer;
    frame.is_object = text_[at_] == '{';
    frame.wants_key = frame.is_object;
    frames_.push_back(std::move(frame));
    Advance();
  }

  void ReadString() {
    const Position begin = position_;
    const std::size_t from = at_;
    const bool is_key = !frames_.empty() && frames_.back().wants_key;
    if (!is_key) Note();
    Advance();
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') Advance();
      if (at_ < text_.size()) Advance();
    }
    if (at_ < text_.size()) Advance();
    if (!is_key) return;
    const Result<JsonValue> key = ParseJson(text_.substr(from, at_ - from), 1);
    frames_.back().key = key.ok() ? key->text : "";
    frames_.back().key_position = begin;
    frames_.back().wants_key = false;
  }

  // A value begins here; its pointer.
  std::string Note() {
    std::string pointer;
    Position key = position_;
    if (!frames_.empty()) {
      Frame& frame = frames_.back();
      pointer =
          frame.is_object ? Join(frame.pointer, frame.key) : Join(frame.pointer, frame.index++);
      if (frame.is_object) key = frame.key_position;
    }
    positions_[pointer] = {position_, key};
    return pointer;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Position position_;
  std::vector<Frame> frames_;
  Positions positions_;
};

}  // namespace

Positions JsonPositions(std::string_view json) { return Scanner(json).Scan(); }

}  // namespace seccompd::profile
