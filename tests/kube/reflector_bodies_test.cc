// SPDX-License-Identifier: Apache-2.0
// Bodies that are wrong in every way we know of: whatever comes, nothing is lost and nothing is
// seen as deleted.
#include <algorithm>

#include <gtest/gtest.h>

#include "kube/reflector_faults.h"

namespace seccompd::kube {
namespace {

struct ListRow {
  const char* name;
  Fault fault;
  const char* trouble;
};

TEST_F(ReflectorFaultTest, ABadListIsNeverAnAbsence) {
  const ListRow rows[] = {
      {"cut in an item", Cut(ListOf(Item("one")).substr(0, 120)), ""},
      {"cut in a string", Cut(R"({"apiVersion":"v1","items":[{"kind":"Tenant)"), ""},
      {"cut behind an item", Cut(R"({"apiVersion":"v1","items":[)" + Item("one")), ""},
      {"cut behind the items", Cut(R"({"apiVersion":"v1","items":[)" + Item("one") + "]"), ""},
      {"ends early but cleanly", Body(200, R"({"apiVersion":"v1","items":[)" + Item("one") + "]"),
       "cut short"},
      {"empty body", Body(200, ""), "cut short"},
      {"HTML with 200", Body(200, "<html>Please log in</html>"), "no list"},
      {"Status with 200", Body(200, FakeCluster::StatusBody(500, "InternalError", "etcd is away")),
       "etcd is away"},
      {"another kind of list", Body(200, ListOf("", "PodList")), "PodList"},
      {"an object", Body(200, Item("one")), "its kind is"},
      {"no resourceVersion", Body(200, ListOf("", "TenantSeccompProfileList", "{}")),
       "no resourceVersion"},
      {"no items",
       Body(200, R"({"kind":"TenantSeccompProfileList","metadata":{"resourceVersion":"200"}})"),
       "items"},
      {"items twice",
       Body(
           200,
           R"({"items":[],"items":[],"kind":"TenantSeccompProfileList","metadata":{"resourceVersion":"200"}})"),
       "items"},
      {"items of another type",
       Body(
           200,
           R"({"items":{},"kind":"TenantSeccompProfileList","metadata":{"resourceVersion":"200"}})"),
       "items"},
      {"escaped items",
       Body(
           200,
           R"({"\u0069tems":[{}],"kind":"TenantSeccompProfileList","metadata":{"resourceVersion":"2"}})"),
       "items"},
      {"garbage behind it", Body(200, ListOf("") + "x"), ""},
      {"array", Body(200, "[]"), "no list"},
      {"500", Refusal(500, "InternalError"), "InternalError"},
      {"503 without a Status", Body(503, "no upstream"), "no upstream"},
      {"429", Refusal(429, "TooManyRequests", {{"Retry-After", "1"}}), "busy"},
      {"closed before the headers", [](const FakeRequest&, FakeReply& reply) { reply.Abort(); },
       ""},
      {"204", Body(204, ""), ""},
  };
  StartWithTwo();
  std::ptrdiff_t lists = 1;
  for (const ListRow& row : rows) {
    if (std::string(row.name) == "204") continue;
    cluster_.NextTime(kListQuery, row.fault);
    reflector_->Relist(row.name);
    ++lists;
    ASSERT_TRUE(sink_.AwaitCall("listed ", lists)) << row.name << "\n" << observer_.text();
    EXPECT_TRUE(observer_.AwaitTrouble(row.trouble)) << row.name << "\n" << observer_.text();
    EXPECT_TRUE(sink_.nothing_lost()) << row.name;
    EXPECT_EQ(cluster_.faults_left(), 0U) << row.name;
  }
  ExpectRecovery();
}

struct ItemRow {
  const char* name;
  std::string item;
  const char* trouble;
};

TEST_F(ReflectorFaultTest, AnItemThatCannotBeReadMakesTheListIncomplete) {
  options_.max_object_bytes = 4096;
  const ItemRow rows[] = {
      {"another kind", Item("two", "Pod"), "kind is \"Pod\""},
      {"no metadata", R"({"kind":"TenantSeccompProfile","spec":{}})", "no name"},
      {"metadata of another type", R"({"kind":"TenantSeccompProfile","metadata":[1,"name"]})",
       "no name"},
      {"name of another type",
       R"({"kind":"TenantSeccompProfile","metadata":{"name":1,"uid":"u","resourceVersion":"1"}})",
       "no name"},
      {"no uid",
       R"({"kind":"TenantSeccompProfile","metadata":{"name":"two","resourceVersion":"1"}})",
       "no name"},
      {"brackets that do not match", R"({"kind":"TenantSeccompProfile","metadata":{"name":"two"]})",
       "no JSON"},
      {"invalid UTF-8", Item("two", "TenantSeccompProfile", "\xff\xfe"), "no JSON"},
      {"too long", Item("two", "TenantSeccompProfile", std::string(5000, 'x')), "longer"},
  };
  StartWithTwo();
  std::ptrdiff_t parts = 0;
  for (const ItemRow& row : rows) {
    cluster_.NextTime(kListQuery, Body(200, ListOf(Item("one") + "," + row.item)));
    reflector_->Relist(row.name);
    ASSERT_TRUE(sink_.AwaitCall("listed in part ", ++parts)) << row.name << "\n"
                                                             << observer_.text();
    EXPECT_TRUE(observer_.AwaitTrouble(row.trouble)) << row.name << "\n" << observer_.text();
    EXPECT_TRUE(sink_.nothing_lost()) << row.name;
  }
  ExpectRecovery();
}

struct WatchRow {
  const char* name;
  Fault fault;
  bool relists;
  const char* trouble;  // "": none is needed
};

TEST_F(ReflectorFaultTest, ABadWatchLosesNothing) {
  options_.max_object_bytes = 4096;
  const std::string good = EventOf("MODIFIED", Item("one"));
  const WatchRow rows[] = {
      {"cut in an event", Cut(good.substr(0, 60)), false, "watch"},
      {"cut behind an event", Cut(good), false, "watch"},
      {"ends in an event", Body(200, good.substr(0, 60)), true, "no JSON"},
      {"HTML with 200", Body(200, "<html>Please log in</html>\n"), true, "no JSON"},
      {"Status with 200", Body(200, FakeCluster::StatusBody(500, "InternalError", "etcd is away")),
       false, "etcd is away"},
      {"410 over HTTP", Refusal(410, "Gone"), true, ""},
      {"410 as an event",
       Body(200, EventOf("ERROR", FakeCluster::StatusBody(410, "Expired", "too old"))), true, ""},
      {"410 as a body", Body(200, FakeCluster::StatusBody(410, "Expired", "too old")), true, ""},
      {"500 as an event",
       Body(200, EventOf("ERROR", FakeCluster::StatusBody(500, "InternalError", "oh no"))), false,
       "oh no"},
      {"an error that is no Status", Body(200, EventOf("ERROR", "{}")), true, "no Status"},
      {"unknown type", Body(200, EventOf("MOVED", Item("one"))), true, "MOVED"},
      {"wrong kind", Body(200, EventOf("DELETED", Item("one", "Pod"))), true, "Pod"},
      {"missing metadata", Body(200, EventOf("DELETED", R"({"kind":"TenantSeccompProfile"})")),
       true, "resourceVersion"},
      {"missing uid",
       Body(
           200,
           EventOf(
               "DELETED",
               R"({"kind":"TenantSeccompProfile","metadata":{"name":"one","namespace":"a","resourceVersion":"160"}})")),
       true, "uid"},
      {"object of another type", Body(200, EventOf("DELETED", "[]")), true, "kind"},
      {"no object", Body(200, "{\"type\":\"DELETED\"}\n"), true, "kind"},
      {"too long",
       Body(200, EventOf("ADDED", Item("big", "TenantSeccompProfile", std::string(9000, 'x')))),
       true, "longer"},
      {"too long without an end", Body(200, std::string(9000, 'x')), true, "longer"},
      {"too large a resourceVersion",
       Body(
           504,
           R"({"kind":"Status","code":504,"reason":"Timeout","message":"Too large resource version: 9, current: 5","details":{"causes":[{"reason":"ResourceVersionTooLarge"}]}})"),
       true, ""},
      {"500", Refusal(500, "InternalError"), false, "InternalError"},
      {"429", Refusal(429, "TooManyRequests", {{"Retry-After", "1"}}), false, "busy"},
      {"closed before the headers", [](const FakeRequest&, FakeReply& reply) { reply.Abort(); },
       false, ""},
  };
  StartWithTwo();
  std::ptrdiff_t lists = 1;
  for (const WatchRow& row : rows) {
    ASSERT_TRUE(cluster_.AwaitWatches(1)) << row.name;
    const std::size_t watches = CountRequests("watch=true");
    cluster_.NextTime("watch=true", row.fault);
    cluster_.EndWatches();
    if (row.relists) {
      ASSERT_TRUE(sink_.AwaitCall("listed ", ++lists)) << row.name << "\n" << observer_.text();
    }
    ASSERT_TRUE(cluster_.AwaitRequests("watch=true", watches + 2)) << row.name << "\n"
                                                                   << observer_.text();
    EXPECT_TRUE(observer_.AwaitTrouble(row.trouble) || *row.trouble == '\0') << row.name << "\n"
                                                                             << observer_.text();
    EXPECT_TRUE(sink_.nothing_lost()) << row.name << "\n" << observer_.text();
    EXPECT_EQ(sink_.count("list"), lists) << row.name << "\n" << observer_.text();
  }
  ExpectRecovery();
}

}  // namespace
}  // namespace seccompd::kube
