// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/yaml.h"

#include <string>

#include <gtest/gtest.h>

namespace seccompd::profile {
namespace {

// The documents, each as "line:json", or the error.
std::string Convert(std::string_view text) {
  const auto documents = YamlToJson(text);
  if (!documents.ok()) return "error: " + documents.error().message;
  std::string all;
  for (const YamlDocument& document : *documents) {
    all += (all.empty() ? "" : " ") + std::to_string(document.line) + ":" + document.json;
  }
  return all;
}

struct Row {
  std::string name;
  std::string yaml;
  std::string json;
};

class YamlTable : public testing::TestWithParam<Row> {};

TEST_P(YamlTable, Converts) { EXPECT_EQ(Convert(GetParam().yaml), GetParam().json); }

const Row kGood[] = {
    {"Empty", "", ""},
    {"OnlyComment", "# nothing\n---\n", ""},
    {"Mapping", "a: 1\nb: [x, 'y', \"z\"]\n", R"(1:{"a":1,"b":["x","y","z"]})"},
    {"Nested", "a:\n  - b: {c: d}\n  -\n", R"(1:{"a":[{"b":{"c":"d"}},null]})"},
    {"EmptyCollections", "a: {}\nb: []\n", R"(1:{"a":{},"b":[]})"},
    {"Documents", "# c\na: 1\n---\nb: 2\n---\n---\n\n# c\nc: 3\n...\n",
     R"(2:{"a":1} 4:{"b":2} 9:{"c":3})"},
    {"JsonAsIs", "\n\t{\"a\\/b\": \"\\ud83d\\ude00\", \"n\":18446744073709551615}",
     "2:{\"a/b\":\"\xf0\x9f\x98\x80\",\"n\":18446744073709551615}"},
    {"JsonDocuments", "{\"a\": 1}\n---\n{\"b\": 2}\n", R"(1:{"a":1} 3:{"b":2})"},
    {"YesNoAreStrings", "[yes, no, on, off, y, n, Yes]",
     R"(1:["yes","no","on","off","y","n","Yes"])"},
    {"Booleans", "[true, False, TRUE]", R"(1:[true,false,true])"},
    {"Nulls", "[null, ~, Null, NULL, ]", R"(1:[null,null,null,null])"},
    {"QuotedAreStrings", "['no', \"true\", \"1\", 'null', '']", R"(1:["no","true","1","null",""])"},
    {"Numbers", "[0, -1, +1, 1.5, .5, 1., 1e3, 1E-3, 0x1F, 0o17]",
     R"(1:[0,-1,1,1.5,0.5,1.0,1e3,1e-3,31,15])"},
    {"TinyNumber", "a: 1e-999\n", R"(1:{"a":1e-999})"},
    {"BigNumbersExact", "[9223372036854775808, 18446744073709551615, 18446744073709551616]",
     R"(1:[9223372036854775808,18446744073709551615,18446744073709551616])"},
    {"NotNumbers", "[1_000, 12:30, 1e, ., -, 0x, 0xg, 2024-01-01, 1.2.3, 0b1]",
     R"(1:["1_000","12:30","1e",".","-","0x","0xg","2024-01-01","1.2.3","0b1"])"},
    {"IntegerKeys", "1: a\ntrue: b\n", R"(1:{"1":"a","true":"b"})"},
    {"Alias", "a: &x [1, {b: 2}]\nc: *x\nd: *x\n",
     R"(1:{"a":[1,{"b":2}],"c":[1,{"b":2}],"d":[1,{"b":2}]})"},
    {"AliasOfScalar", "- &x yes\n- *x\n- &y 'q'\n- *y\n", R"(1:["yes","yes","q","q"])"},
    {"Block", "a: |\n  x\n  y\nb: >-\n  x\n  y\n", R"(1:{"a":"x\u000ay\u000a","b":"x y"})"},
    {"StringTag", "a: !!str 12\n", R"(1:{"a":"12"})"},
    {"QuotedMerge", "\"<<\": 1\n", R"(1:{"<<":1})"},
    {"Escapes", "a: \"\\t\\x07\\u20ac\"\n", "1:{\"a\":\"\\u0009\\u0007\xe2\x82\xac\"}"},
    {"Bom",
     "\xef\xbb\xbf"
     "a: 1\n",
     R"(1:{"a":1})"},
};
INSTANTIATE_TEST_SUITE_P(Good, YamlTable, testing::ValuesIn(kGood),
                         [](const auto& row) { return row.param.name; });

struct BadRow {
  std::string name;
  std::string yaml;
  std::string in_error;
};
class YamlRefusal : public testing::TestWithParam<BadRow> {};

TEST_P(YamlRefusal, Refuses) {
  const std::string result = Convert(GetParam().yaml);
  EXPECT_TRUE(result.starts_with("error: ")) << result.substr(0, 200);
  EXPECT_NE(result.find(GetParam().in_error), std::string::npos) << result;
}

std::string Bomb() {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string number = std::to_string(i);
    text += "a" + number + ": &a" + number + " [";
    for (int j = 0; j < 10; ++j) text += (j > 0 ? ", *a" : "*a") + std::to_string(i - 1);
    text += "]\n";
  }
  return text;
}

std::string LongStringBomb() {
  std::string text = "a: &a " + std::string(100'000, 'x') + "\nb:\n";
  for (int i = 0; i < 1000; ++i) text += "- *a\n";
  return text;
}

const BadRow kBad[] = {
    {"Syntax", "a: [1, 2\nb: 3\n", "line "},
    {"Tab", "a:\n\tb: 1\n", "line 2"},
    {"DuplicateKey", "a: 1\nb: 2\na: 3\n", "line 3, column 1: the key \"a\" stands twice"},
    {"DuplicateKeyAsNumber", "1: x\n\"1\": y\n", "stands twice"},
    {"DuplicateKeyInJson", R"({"spec": {"a": 1, "a": 2}})", "/spec/a stands twice"},
    {"MergeKey", "a: &x {b: 1}\nc:\n  <<: *x\n", "merge key"},
    {"SelfAlias", "&a [*a]", "inside of its own anchor"},
    {"SelfAliasInMap", "a: &a\n  b: *a\n", "inside of its own anchor"},
    {"UnknownAlias", "a: *nope\n", "line 1"},
    {"AliasAsKey", "a: &x b\n*x : c\n", "alias as a key"},
    {"ListAsKey", "? [a, b]\n: c\n", "as a key"},
    {"LeadingZero", "a: 017\n", "leading zero"},
    {"LeadingZeroFraction", "a: 01.5\n", "leading zero"},
    {"NotFinite", "a: .inf\n", "no form in JSON"},
    {"HexTooLarge", "a: 0x10000000000000000\n", "64 bits"},
    {"CustomTag", "a: !exec ls\n", "tag"},
    {"BinaryTag", "a: !!binary aGk=\n", "tag"},
    {"Bomb", Bomb(), "100000 values"},
    {"LongStringBomb", LongStringBomb(), "4 MiB"},
    {"TooDeep", std::string(33, '['), ""},
    {"TooDeepClosed", std::string(33, '[') + std::string(33, ']'), "deeper than 32"},
    {"VeryDeep", std::string(100'000, '['), ""},
    {"VeryDeepMap",
     [] {
       std::string t;
       for (int i = 0; i < 5000; ++i) t += "{a: ";
       return t;
     }(),
     ""},
    {"TooLong", "a: " + std::string(256 * 1024, 'x'), "longer than"},
    {"Utf16",
     std::string("\xff\xfe"
                 "a\0:\0 \0"
                 "1\0",
                 10),
     "UTF-8"},
    {"Latin1", "a: caf\xe9\n", "UTF-8"},
    {"CutJson", "{\"a\": [1, 2", "line 1, column 12: syntax error while parsing array"},
    {"JsonWithoutComma", "{\n\"a\": 1 \"b\": 2}", "line 2, column 10: syntax error while parsing"},
    {"NumberTooLarge", "a: 1e999\n", "1e999 is larger than any number"},
    {"EscapeWithoutUtf8", "a: \"\\_\"\n", "line 1, column 4: an escape"},
    {"EscapeWithoutUtf8AsKey", "\"\\N\": 1\n", "line 1, column 1: an escape"},
    {"StrayToken", "%YAML 1.2\n,-- x\n", "belongs to nothing"},
    {"Nul", std::string("a: b\0c\n", 7), "UTF-8"},
};
INSTANTIATE_TEST_SUITE_P(Bad, YamlRefusal, testing::ValuesIn(kBad),
                         [](const auto& row) { return row.param.name; });

TEST(YamlTest, DepthOf32IsTaken) {
  EXPECT_TRUE(YamlToJson(std::string(32, '[') + "a: b" + std::string(32, ']')).ok() == false);
  EXPECT_TRUE(YamlToJson("- " + std::string(31, '[') + std::string(31, ']')).ok());
}

}  // namespace
}  // namespace seccompd::profile
