// SPDX-License-Identifier: Apache-2.0
// The client against a real HTTPS server on loopback.
#include <future>
#include <string>

#include <gtest/gtest.h>

#include "http/client_fixture.h"

namespace seccompd::http {
namespace {

TEST_F(ClientTest, SendsARequestAndReadsTheAnswer) {
  std::promise<FakeRequest> seen;
  Serve([&seen](const FakeRequest& request, FakeReply& reply) {
    seen.set_value(request);
    reply.Send(429, "{\"a\":1}", {{"Retry-After", "7"}});
  });
  Request request = Get("/apis/x?continue=a%2Bb%3D%3D&limit=1");
  request.method = "PATCH";
  request.headers = {{"Content-Type", "application/apply-patch+yaml"},
                     {"Authorization", "Bearer t"}};
  request.body = "{\"b\":2}";
  const auto response = Client()->Do(request, {});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->head.status, 429);
  EXPECT_EQ(response->head.content_type, "application/json");
  EXPECT_EQ(response->head.retry_after, seconds(7));
  EXPECT_EQ(response->body, "{\"a\":1}");
  const FakeRequest got = seen.get_future().get();
  EXPECT_EQ(got.method, "PATCH");
  EXPECT_EQ(got.target, request.target) << "the target goes as it is";
  EXPECT_EQ(got.headers.at("content-type"), "application/apply-patch+yaml");
  EXPECT_EQ(got.headers.at("authorization"), "Bearer t");
  EXPECT_EQ(got.body, request.body);
  EXPECT_FALSE(got.headers.contains("accept-encoding")) << "a watch must come uncompressed";
}

TEST_F(ClientTest, KeepsTheConnectionForTheNextRequest) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, "x"); });
  const auto client = Client();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client->Do(Get("/"), {}).ok());
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(ClientTest, SurvivesAPooledConnectionThatTheServerClosed) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, "x"); });
  const auto client = Client();
  ASSERT_TRUE(client->Do(Get("/"), {}).ok());
  server_->DropConnections();
  const auto again = client->Do(Get("/"), {});
  EXPECT_TRUE(again.ok()) << again.error().message;
}

TEST_F(ClientTest, StreamsChunksAsTheyCome) {
  std::promise<void> go_on;
  auto may_go_on = go_on.get_future().share();
  Serve([may_go_on](const FakeRequest&, FakeReply& reply) {
    reply.Begin(200);
    reply.Chunk("first\n");
    may_go_on.wait();
    reply.Chunk("second\n");
    reply.End();
  });
  const auto client = Client();
  Collector sink;
  auto result = std::async(std::launch::async, [&] { return client->Stream(Get("/"), sink, {}); });
  EXPECT_TRUE(sink.AwaitBody("first\n"));
  EXPECT_EQ(sink.body(), "first\n");
  go_on.set_value();
  const auto head = result.get();
  ASSERT_TRUE(head.ok()) << head.error().message;
  EXPECT_EQ(sink.body(), "first\nsecond\n");
  EXPECT_FALSE(sink.head_missing());
}

TEST_F(ClientTest, UnpacksWhatItAskedFor) {
  // {"kind":"XList","items":["aaa..."]}, by gzip.
  constexpr char kPacked[] =
      "\037\213\010\000\000\000\000\000\002\003\253\126\312\316\314\113\121\262\122\212"
      "\360\311\054\056\121\322\121\312\054\111\315\055\126\262\212\126\112\044\003\050"
      "\305\326\002\000\161\007\240\025\121\000\000\000";
  std::promise<std::string> asked;
  Serve([&](const FakeRequest& request, FakeReply& reply) {
    asked.set_value(request.headers.at("accept-encoding"));
    reply.Begin(200, {{"Content-Encoding", "gzip"}});
    for (std::size_t i = 0; i + 1 < sizeof kPacked; ++i) reply.Chunk(std::string(1, kPacked[i]));
    reply.End();
  });
  Request request = Get("/");
  request.headers = {{"Accept-Encoding", "gzip"}};
  const auto response = Client()->Do(request, {});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "{\"kind\":\"XList\",\"items\":[\"" + std::string(52, 'a') + "\"]}");
  EXPECT_EQ(asked.get_future().get(), "gzip") << "the API server takes exactly this word";
}

TEST_F(ClientTest, BrokenCompressionIsAnError) {
  Serve([](const FakeRequest& request, FakeReply& reply) {
    const bool garbage = request.path == "/garbage";
    reply.Send(200, garbage ? "no gzip at all" : "\x1f\x8b\x08",
               {{"Content-Encoding", request.path == "/br" ? "br" : "gzip"}});
  });
  for (const char* path : {"/garbage", "/cut", "/br"})
    EXPECT_FALSE(Client()->Do(Get(path), {}).ok()) << path;
}

TEST_F(ClientTest, ACutBodyIsAnError) {
  Serve([](const FakeRequest& request, FakeReply& reply) {
    if (request.path == "/chunked") {
      reply.Begin(200);
      reply.Chunk("half");
    } else {
      reply.Raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    }
    reply.Abort();
  });
  for (const char* path : {"/chunked", "/length"}) {
    Collector sink;
    const auto head = Client()->Stream(Get(path), sink, {});
    ASSERT_FALSE(head.ok()) << path;
    EXPECT_EQ(head.error().code, ErrorCode::kTransient) << path;
  }
}

TEST_F(ClientTest, AServerThatClosesBeforeTheHeadersIsTransient) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Abort(); });
  const auto response = Client()->Do(Get("/"), {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kTransient);
  EXPECT_NE(response.error().message.find("127.0.0.1:" + std::to_string(server_->port())),
            std::string::npos)
      << response.error().message;
}

TEST_F(ClientTest, ConnectionRefusedNamesThePlace) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, ""); });
  const std::string origin = server_->origin();
  server_->Stop();
  const auto response = Client(origin, Tls())->Do(Get("/"), {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kTransient);
  EXPECT_NE(response.error().message.find(origin.substr(8)), std::string::npos)
      << response.error().message;
  EXPECT_NE(response.error().message.find("refused"), std::string::npos)
      << response.error().message;
}

TEST_F(ClientTest, ABodyThatIsTooLongIsInvalid) {
  Serve([](const FakeRequest&, FakeReply& reply) {
    reply.Begin(200);
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 5; ++i) reply.Chunk(piece);
    reply.End();
  });
  const auto response = Client()->Do(Get("/"), {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kInvalid);
}

TEST_F(ClientTest, ASinkMayRefuse) {
  Serve([](const FakeRequest&, FakeReply& reply) {
    reply.Begin(200);
    for (int i = 0; i < 100 && reply.ok(); ++i) reply.Chunk(std::string(10000, 'x'));
  });
  const auto client = Client();
  Collector sink;
  sink.Refuse();
  const auto head = client->Stream(Get("/"), sink, {});
  ASSERT_FALSE(head.ok());
  EXPECT_EQ(head.error().code, ErrorCode::kInvalid);
  EXPECT_LE(sink.body().size(), 10000U) << "nothing comes after a refusal";
}

TEST_F(ClientTest, AHostileChunkSizeEndsTheRequestOnly) {
  Serve([](const FakeRequest& request, FakeReply& reply) {
    if (request.path == "/good") return reply.Send(200, "x");
    reply.Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n");
    reply.Abort();
  });
  const auto client = Client();
  EXPECT_FALSE(client->Do(Get("/bad"), {}).ok());
  EXPECT_TRUE(client->Do(Get("/good"), {}).ok());
}

TEST_F(ClientTest, EachTimeoutSaysWhichItWas) {
  Serve([this](const FakeRequest& request, FakeReply& reply) {
    if (request.path != "/header") reply.Begin(200);
    if (request.path == "/total") {
      while (reply.ok() && !server_->stopping() && !reply.PeerGone(5)) reply.Chunk("x");
    }
    while (!reply.PeerGone(50) && !server_->stopping()) {
    }
  });
  const auto client = Client();
  struct Row {
    const char* path;
    milliseconds Request::*timeout;
    const char* says;
  };
  constexpr Row kRows[] = {{"/header", &Request::header_timeout, "no answer within 300 ms"},
                           {"/idle", &Request::idle_timeout, "silent for 300 ms"},
                           {"/total", &Request::total_timeout, "longer than 300 ms"}};
  for (const Row& row : kRows) {
    Request request = Get(row.path);
    request.header_timeout = request.idle_timeout = request.total_timeout = seconds(60);
    request.*row.timeout = milliseconds(300);
    Collector sink;
    const auto head = client->Stream(request, sink, {});
    ASSERT_FALSE(head.ok()) << row.path;
    EXPECT_EQ(head.error().code, ErrorCode::kTransient) << row.path;
    EXPECT_NE(head.error().message.find(row.says), std::string::npos) << head.error().message;
  }
}

TEST_F(ClientTest, StopEndsARequestAtEveryStage) {
  std::promise<void> arrived;
  Serve([this, &arrived](const FakeRequest& request, FakeReply& reply) {
    if (request.path == "/body") {
      reply.Begin(200);
      reply.Chunk("x");
    } else {
      arrived.set_value();
    }
    while (!reply.PeerGone(50) && !server_->stopping()) {
    }
  });
  const auto client = Client();
  for (const bool in_body : {false, true}) {
    Request request = Get(in_body ? "/body" : "/head");
    request.header_timeout = request.idle_timeout = std::chrono::minutes(10);
    request.total_timeout = {};
    const auto head = CancelWhen(*client, request, [&](Collector& sink) {
      if (in_body) {
        EXPECT_TRUE(sink.AwaitBody("x"));
      } else {
        arrived.get_future().wait();
      }
    });
    ASSERT_FALSE(head.ok());
    EXPECT_EQ(head.error().code, ErrorCode::kTransient);
    EXPECT_EQ(head.error().message, "cancelled");
  }
}

TEST_F(ClientTest, AStopBeforeTheStartSendsNothing) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, ""); });
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(Client()->Do(Get("/"), stop.get_token()).ok());
  EXPECT_EQ(server_->connections(), 0);
}

TEST_F(ClientTest, ManyCancelsLeaveItSound) {
  Serve([this](const FakeRequest& request, FakeReply& reply) {
    if (request.path == "/good") return reply.Send(200, "x");
    reply.Begin(200);
    while (reply.ok() && !server_->stopping() && !reply.PeerGone(0)) reply.Chunk("y");
  });
  const auto client = Client();
  for (int i = 0; i < 50; ++i) {
    const auto head = CancelWhen(*client, Get("/flood"), [i](Collector& sink) {
      if (i % 3 != 0) sink.AwaitHead();
      if (i % 3 == 2) sink.AwaitBody("y");
    });
    ASSERT_FALSE(head.ok());
  }
  EXPECT_TRUE(client->Do(Get("/good"), {}).ok());
}

TEST_F(ClientTest, AHeaderWithAControlCharacterIsRefused) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, ""); });
  Request request = Get("/");
  request.headers = {{"Authorization", "Bearer a\nX: b"}};
  const auto response = Client()->Do(request, {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(server_->connections(), 0);
}

TEST_F(ClientTest, DoesNotFollowRedirects) {
  Serve([](const FakeRequest&, FakeReply& reply) {
    reply.Send(307, "", {{"Location", "https://127.0.0.1:1/elsewhere"}});
  });
  const auto response = Client()->Do(Get("/"), {});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->head.status, 307);
}

TEST(IoThreadTest, TellsThatItLives) {
  StartIoThread();
  EXPECT_TRUE(IoThreadAlive(seconds(60)));
}

}  // namespace
}  // namespace seccompd::http
