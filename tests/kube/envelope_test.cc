// SPDX-License-Identifier: Apache-2.0
#include "kube/envelope.h"

#include <gtest/gtest.h>

namespace seccompd::kube {
namespace {

TEST(EnvelopeTest, ReadsWhoAnObjectIs) {
  const auto object = ParseObject(
      R"({"apiVersion":"g/v1","kind":"K","metadata":{"annotations":{"name":"no","x":"{\"kind\":\"no\"}"},"name":"n","namespace":"s",)"
      R"("uid":"u","resourceVersion":"12","generation":3,"deletionTimestamp":"2026-01-01T00:00:00Z",)"
      R"("ownerReferences":[{"name":"no","kind":"no","uid":"no"}],"managedFields":[{"name":"no"}]},)"
      R"("spec": {"metadata":{"name":"no"},"kind":"no"} ,"status":{"kind":"no","spec":"no"}})");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->kind, "K");
  EXPECT_EQ(object->name, "n");
  EXPECT_EQ(object->name_space, "s");
  EXPECT_EQ(object->uid, "u");
  EXPECT_EQ(object->resource_version, "12");
  EXPECT_EQ(object->generation, 3);
  EXPECT_TRUE(object->deleting);
  EXPECT_EQ(object->spec, R"({"metadata":{"name":"no"},"kind":"no"})");
}

TEST(EnvelopeTest, ReadsAnEvent) {
  const std::string_view text =
      R"({"type":"ADDED","object":{"kind":"K","metadata":{"name":"n","uid":"u","resourceVersion":"1"},"spec":[1,{"a":2}]}})";
  const auto event = ParseEvent(text);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, "ADDED");
  EXPECT_EQ(event->kind, "K");
  EXPECT_EQ(event->name, "n");
  EXPECT_EQ(event->spec, R"([1,{"a":2}])");
  EXPECT_EQ(event->object, text.substr(25, text.size() - 26));

  const auto turned = ParseEvent(
      R"({"object":{"metadata":{"name":"n"},"kind":"K"},"other":{"kind":"no"},"type":"DELETED"})");
  ASSERT_TRUE(turned);
  EXPECT_EQ(turned->type, "DELETED");
  EXPECT_EQ(turned->kind, "K");
  EXPECT_EQ(turned->name, "n");
}

struct SpecRow {
  const char* text;
  const char* spec;
};

TEST(EnvelopeTest, GivesBackTheSpecAsItWasSent) {
  constexpr SpecRow kRows[] = {
      {R"({"spec":{"a": 1 , "b":"\u00e9"}})", R"({"a": 1 , "b":"\u00e9"})"},
      {R"({"spec" : 12.5e3 ,"x":1})", "12.5e3"},
      {R"({"spec":7})", "7"},
      {R"({"spec":-1})", "-1"},
      {R"({"spec":null})", "null"},
      {R"({"spec": true,"y":2})", "true"},
      {R"({"spec":"a\"b"})", R"("a\"b")"},
      {R"({"spec":[]})", "[]"},
      {R"({"spec":{}})", "{}"},
      {R"({"x":{"spec":1}})", ""},
      {R"({})", ""},
  };
  for (const SpecRow& row : kRows) {
    const auto object = ParseObject(row.text);
    ASSERT_TRUE(object) << row.text;
    EXPECT_EQ(object->spec, row.spec) << row.text;
  }
}

TEST(EnvelopeTest, RefusesWhatIsNoJsonObject) {
  for (const char* text :
       {"", "[]", "1", "null", "\"x\"", "{", "{}}", "{} {}", R"({"a":})", "{\"a\":\"\xff\"}"})
    EXPECT_FALSE(ParseObject(text)) << text;
}

TEST(EnvelopeTest, LeavesOutWhatHasAnotherType) {
  for (const char* text :
       {R"({"metadata":"name"})", R"({"metadata":["name","n"]})", R"({"metadata":[{"name":"n"}]})",
        R"({"metadata":{"name":["n"]}})", R"({"metadata":{"name":{"name":"n"}}})",
        R"({"metadata":{"x":{"name":"n"}}})"}) {
    const auto object = ParseObject(text);
    ASSERT_TRUE(object) << text;
    EXPECT_EQ(object->name, "") << text;
  }
}

TEST(EnvelopeTest, DepthCostsNoStack) {
  const std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
  const auto object = ParseObject(R"({"spec":)" + deep + R"(,"kind":"K"})");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->kind, "K");
}

TEST(EnvelopeTest, ReadsAListsRest) {
  const auto list = ParseObject(
      R"({"items":[],"kind":"KList","metadata":{"continue":"abc","resourceVersion":"9"}})");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->continue_token, "abc");
  EXPECT_EQ(list->item_arrays, 1);
  EXPECT_FALSE(list->has_items);
  EXPECT_TRUE(ParseObject(R"({"items":[{}]})")->has_items);
  EXPECT_TRUE(ParseObject(R"({"items":[1]})")->has_items);
  EXPECT_EQ(ParseObject(R"({"items":null})")->item_arrays, 1);
  EXPECT_EQ(ParseObject(R"({"items":{}})")->item_arrays, 0);
}

}  // namespace
}  // namespace seccompd::kube
