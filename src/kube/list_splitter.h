// SPDX-License-Identifier: Apache-2.0
#pragma once
// Cuts the body of a LIST into its items as it comes, in memory for one item: the text of each
// element of the top-level `items` array goes to a function, the rest (the skeleton, with
// `"items":[]`) is kept to be parsed at the end. It follows strings and brackets only; whoever
// parses items and skeleton finds out whether they are JSON.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace seccompd::kube {

class ListSplitter {
 public:
  // The view is valid during the call only.
  using OnItem = std::function<void(std::string_view)>;

  ListSplitter(std::size_t max_item_bytes, OnItem on_item)
      : max_item_bytes_(max_item_bytes), on_item_(std::move(on_item)) {}

  // False: this is no list of objects, now and for ever.
  bool Feed(std::string_view bytes);
  // The outermost object has closed.
  bool done() const { return where_ == Where::kBehind; }
  const std::string& skeleton() const { return skeleton_; }
  // Items that were longer than allowed, and skipped.
  std::size_t oversized() const { return oversized_; }

 private:
  enum class Where { kBefore, kSkeleton, kBetweenItems, kInItem, kBehind, kBroken };

  void FeedSkeleton(char c);
  void FeedBetween(char c);
  // How many bytes belong to the item.
  std::size_t FeedItem(std::string_view bytes);
  std::size_t SkipString(std::string_view bytes, std::size_t at);
  void Collect(std::string_view part, bool is_last);

  const std::size_t max_item_bytes_;
  const OnItem on_item_;
  Where where_ = Where::kBefore;
  std::size_t depth_ = 0;  // open brackets: of the skeleton, or of the item
  bool in_string_ = false;
  bool escaped_ = false;
  bool key_comes_ = false;  // the next string is a key of the outermost object
  bool in_key_ = false;
  bool item_comes_ = false;  // behind a comma
  bool had_item_ = false;    // a comma or the end must come
  bool skips_item_ = false;
  std::string key_;
  std::string skeleton_;
  std::string item_;  // what earlier pieces held of it
  std::size_t oversized_ = 0;
};

}  // namespace seccompd::kube
