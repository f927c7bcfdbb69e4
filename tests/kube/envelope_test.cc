// SPDX-License-Identifier: Apache-2.0
#include "kube/envelope.h"

#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

// Nobody looks at what is nested deeper; that it has an end must be seen all the same.
TEST(EnvelopeTest, FindsTheEndOfWhatItPassesOver) {
  for (const char* spec : {R"({"a":{"b":"}"}})", R"({"a":{"b":"\\"}})", R"({"a":{"b":"\"}"}})",
                           R"([[["]"],[]],[{}]])", R"({"a":{"b":"\\\"}"},"c":[[["\u005d"]]]})"}) {
    const auto object = ParseObject(R"({"spec":)" + std::string(spec) + R"(,"kind":"K"})");
    ASSERT_TRUE(object) << spec;
    EXPECT_EQ(object->kind, "K") << spec;
  }
  for (const char* text : {R"({"spec":{"a":{"b":1})", R"({"spec":{"a":{"b":"}}}})",
                           R"({"spec":{"a":{"b":1]}})", R"({"spec":{"a":[[]]})",
                           R"({"spec":{"a":[}}})", R"({"spec":[[[})", R"({"spec":{"a":{"b":"\)"})
    EXPECT_FALSE(ParseObject(text)) << text;
}

using nlohmann::json;

json AnyValue(std::mt19937& random, int depth) {
  static constexpr const char* kTexts[] = {"",  "name",  "\"", "\\", "}", "{\"kind\":\"no\"}", "]",
                                           "[", "\\\"}", "é",  ",",  ":", "metadata"};
  const auto below = [&](unsigned int n) { return static_cast<unsigned int>(random() % n); };
  const unsigned int kind = below(depth > 6 ? 3 : 7);
  if (kind == 0) return below(100);
  if (kind == 1) return nullptr;
  if (kind == 2) return kTexts[below(std::size(kTexts))];
  json value = kind < 5 ? json::array() : json::object();
  for (unsigned int i = below(4); i > 0; --i) {
    if (value.is_array()) {
      value.push_back(AnyValue(random, depth + 1));
    } else {
      value[kTexts[below(std::size(kTexts))]] = AnyValue(random, depth + 1);
    }
  }
  return value;
}

TEST(EnvelopeTest, SeesWhatAParserOfAllOfItSees) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    json object = {{"kind", "K"}, {"spec", AnyValue(random, 1)}, {"status", AnyValue(random, 1)}};
    object["metadata"] = {{"name", "n"}, {"managedFields", AnyValue(random, 2)}, {"uid", "u"}};
    const std::string text = object.dump(round % 2 == 0 ? -1 : 2);
    const auto envelope = ParseObject(text);
    ASSERT_TRUE(envelope) << text;
    EXPECT_EQ(envelope->kind + envelope->name + envelope->uid, "Knu") << text;
    ASSERT_EQ(json::parse(envelope->spec), object["spec"]) << text;
    const std::string event_text = json{{"object", object}, {"type", "ADDED"}}.dump();
    const auto event = ParseEvent(event_text);
    ASSERT_TRUE(event) << event_text;
    EXPECT_EQ(event->kind + event->name + event->type, "KnADDED") << event_text;
    ASSERT_EQ(json::parse(event->object), object) << event_text;
    ASSERT_EQ(json::parse(event->spec), object["spec"]) << event_text;
    EXPECT_FALSE(ParseObject(std::string_view(text).substr(0, 1 + random() % (text.size() - 1))));
  }
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
