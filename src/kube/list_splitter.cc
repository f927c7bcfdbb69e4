// SPDX-License-Identifier: Apache-2.0
#include "kube/list_splitter.h"

#include <utility>

namespace seccompd::kube {
namespace {

constexpr std::size_t kMaxSkeleton = std::size_t{64} << 10;
constexpr std::size_t kKeptCapacity = std::size_t{256} << 10;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

bool ListSplitter::Feed(std::string_view bytes) {
  while (!bytes.empty() && where_ != Where::kBroken) {
    std::size_t taken = 1;
    switch (where_) {
      case Where::kBefore:
        if (bytes.front() == '{') where_ = Where::kSkeleton;
        if (where_ == Where::kSkeleton) {
          FeedSkeleton('{');
        } else if (!IsSpace(bytes.front())) {
          where_ = Where::kBroken;
        }
        break;
      case Where::kSkeleton:
        FeedSkeleton(bytes.front());
        break;
      case Where::kBetweenItems:
        FeedBetween(bytes.front());
        // The item's first byte goes through FeedItem like the others.
        if (where_ == Where::kInItem) taken = 0;
        break;
      case Where::kInItem:
        taken = FeedItem(bytes);
        break;
      case Where::kBehind:
        if (!IsSpace(bytes.front())) where_ = Where::kBroken;
        break;
      case Where::kBroken:
        break;
    }
    bytes.remove_prefix(taken);
  }
  return where_ != Where::kBroken;
}

void ListSplitter::FeedSkeleton(char c) {
  skeleton_ += c;
  if (skeleton_.size() > kMaxSkeleton) where_ = Where::kBroken;
  if (in_string_) {
    const bool ends = c == '"' && !escaped_;
    escaped_ = c == '\\' && !escaped_;
    if (in_key_ && !ends && key_.size() < 16) key_ += c;
    if (ends) in_string_ = in_key_ = false;
    return;
  }
  switch (c) {
    case '"':
      in_string_ = true;
      in_key_ = key_comes_;
      if (in_key_) key_.clear();
      key_comes_ = false;
      break;
    case ',':
      if (depth_ == 1) key_comes_ = true;
      break;
    case '{':
    case '[':
      ++depth_;
      if (depth_ == 1) key_comes_ = true;
      if (depth_ == 2 && c == '[' && key_ == "items") {
        where_ = Where::kBetweenItems;
        item_comes_ = had_item_ = false;
      }
      break;
    case '}':
    case ']':
      if (--depth_ == 0) where_ = Where::kBehind;
      break;
    default:
      break;
  }
}

void ListSplitter::FeedBetween(char c) {
  if (IsSpace(c)) return;
  if (c == '{' && !had_item_) {
    where_ = Where::kInItem;
    depth_ = 0;
  } else if (c == ',' && had_item_) {
    had_item_ = false;
    item_comes_ = true;
  } else if (c == ']' && !item_comes_) {
    where_ = Where::kSkeleton;
    depth_ = 2;
    FeedSkeleton(c);
  } else {
    where_ = Where::kBroken;
  }
}

std::size_t ListSplitter::FeedItem(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (in_string_) {
      i = SkipString(bytes, i);
      continue;
    }
    const char c = bytes[i];
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && --depth_ == 0) {
      Collect(bytes.substr(0, i + 1), true);
      where_ = Where::kBetweenItems;
      had_item_ = true;
      item_comes_ = false;
      return i + 1;
    }
  }
  Collect(bytes, false);
  return bytes.size();
}

// To the string's end, or the last of these bytes. Most of a list is strings.
std::size_t ListSplitter::SkipString(std::string_view bytes, std::size_t at) {
  bool escaped = std::exchange(escaped_, false);
  for (; at < bytes.size(); ++at) {
    const char c = bytes[at];
    if (c == '"' && !escaped) {
      in_string_ = false;
      return at;
    }
    escaped = c == '\\' && !escaped;
  }
  escaped_ = escaped;
  return at - 1;
}

void ListSplitter::Collect(std::string_view part, bool is_last) {
  if (item_.size() + part.size() > max_item_bytes_) skips_item_ = true;
  if (skips_item_) {
    item_.clear();
    item_.shrink_to_fit();
  } else if (is_last && item_.empty()) {
    on_item_(part);  // all of it in one piece: no copy
  } else {
    item_ += part;
    if (is_last) on_item_(item_);
  }
  if (!is_last) return;
  if (skips_item_) ++oversized_;
  skips_item_ = false;
  item_.clear();
  if (item_.capacity() > kKeptCapacity) item_.shrink_to_fit();
}

}  // namespace seccompd::kube
