// SPDX-License-Identifier: Apache-2.0
#include "kube/list_splitter.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace seccompd::kube {
namespace {

struct Split {
  bool ok = false;
  bool done = false;
  std::string skeleton;
  std::vector<std::string> items;
  std::size_t oversized = 0;
  bool operator==(const Split&) const = default;
};

Split Cut(std::string_view text, const std::vector<std::size_t>& cuts,
          std::size_t max_item = 1 << 20) {
  Split split;
  ListSplitter splitter(max_item,
                        [&split](std::string_view item) { split.items.emplace_back(item); });
  std::size_t from = 0;
  split.ok = true;
  for (std::size_t cut : cuts) {
    split.ok = splitter.Feed(text.substr(from, cut - from)) && split.ok;
    from = cut;
  }
  split.ok = splitter.Feed(text.substr(from)) && split.ok;
  split.done = splitter.done();
  split.skeleton = splitter.skeleton();
  split.oversized = splitter.oversized();
  return split;
}

const char* const kList =
    " {\"apiVersion\":\"v1\", \"items\" : [ {\"a\":\"}]\\\"{\\\\\"} "
    ",\n{\"b\":[{\"items\":[1]}]},{}],"
    "\"kind\":\"L\\\"\",\"metadata\":{\"items\":[{\"x\":1}],\"resourceVersion\":\"7\"}} \n";

TEST(ListSplitterTest, CutsItemsOutOfTheList) {
  const Split split = Cut(kList, {});
  EXPECT_TRUE(split.ok);
  EXPECT_TRUE(split.done);
  EXPECT_EQ(split.items,
            (std::vector<std::string>{R"({"a":"}]\"{\\"})", R"({"b":[{"items":[1]}]})", "{}"}));
  EXPECT_EQ(
      split.skeleton,
      R"({"apiVersion":"v1", "items" : [],"kind":"L\"","metadata":{"items":[{"x":1}],"resourceVersion":"7"}})");
}

TEST(ListSplitterTest, DoesSoWhereverThePiecesEnd) {
  const std::string_view text = kList;
  const Split whole = Cut(text, {});
  for (std::size_t i = 0; i <= text.size(); ++i) {
    EXPECT_EQ(Cut(text, {i}), whole) << "cut at " << i;
    for (std::size_t j = i; j <= text.size(); j += 7)
      EXPECT_EQ(Cut(text, {i, j}), whole) << i << ", " << j;
  }
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < text.size(); ++i) all.push_back(i);
  EXPECT_EQ(Cut(text, all), whole) << "byte by byte";
}

TEST(ListSplitterTest, AListCutShortIsNeverDone) {
  const std::string_view text = kList;
  const std::size_t end = text.rfind('}');
  for (std::size_t size = 0; size <= end; ++size)
    EXPECT_FALSE(Cut(text.substr(0, size), {}).done) << size;
}

TEST(ListSplitterTest, RefusesWhatIsNoListOfObjects) {
  for (const char* text :
       {"<html>", "[]", "x", "\"items\"", R"({"items":[1]})", R"({"items":["a"]})",
        R"({"items":[{} {}]})", R"({"items":[,{}]})", R"({"items":[{},]})", R"({"items":[[]]})",
        "{} x", R"({"items":[null]})"})
    EXPECT_FALSE(Cut(text, {}).ok) << text;
}

TEST(ListSplitterTest, SkipsItemsThatAreTooLong) {
  const Split split = Cut(R"({"items":[{"a":1},{"long":"xxxxxxxxxxxxxxxxxxxx"},{"b":2}]})", {}, 10);
  EXPECT_TRUE(split.done);
  EXPECT_EQ(split.items, (std::vector<std::string>{R"({"a":1})", R"({"b":2})"}));
  EXPECT_EQ(split.oversized, 1U);
}

TEST(ListSplitterTest, TheRestOfTheListIsBounded) {
  EXPECT_FALSE(Cut("{\"x\":\"" + std::string(100000, 'x') + "\"}", {}).ok);
}

}  // namespace
}  // namespace seccompd::kube
