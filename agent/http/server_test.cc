#include "agent/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <future>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "agent/http/router.h"
#include "agent/http/test_client.h"

namespace cgmon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A handler that waits until it is let go.
class Gate {
 public:
  void wait_inside() {
    inside_.set_value();
    if (open_.get_future().wait_for(kPatience) != std::future_status::ready) expired_ = true;
  }
  bool wait_until_someone_is_inside() {
    return inside_.get_future().wait_for(kPatience) == std::future_status::ready;
  }
  void open() { open_.set_value(); }
  [[nodiscard]] bool expired() const { return expired_; }

 private:
  std::promise<void> inside_;
  std::promise<void> open_;
  std::atomic<bool> expired_ = false;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    router_.add("/hello", [](const Request& request) {
      return text_response(200, "hello " + std::string(request.query) + " " +
                                    std::string(request.accept) + " " +
                                    std::string(request.accept_encoding) + " " +
                                    std::string(request.scrape_timeout));
    });
    router_.add("/big", [this](const Request&) { return Response{.body = big_}; });
    router_.add("/slow", [this](const Request&) {
      gate_.wait_inside();
      return text_response(200, std::string(100'000, 's'));
    });
  }

  std::unique_ptr<Server> start(ServerOptions options = {}) {
    options.listen_addresses = {"127.0.0.1:0"};
    auto server =
        Server::start(options, [this](const Request& request) { return router_.answer(request); },
                      {.log = {}, .rejected = [this](std::string_view reason, int status) {
                         const std::scoped_lock lock(mutex_);
                         rejected_.emplace_back(reason, status);
                       }});
    EXPECT_TRUE(server) << server.error().message();
    return server ? *std::move(server) : nullptr;
  }

  std::vector<std::pair<std::string, int>> rejected() {
    const std::scoped_lock lock(mutex_);
    return rejected_;
  }

  std::shared_ptr<const std::string> big_ =
      std::make_shared<const std::string>(5 * 1024 * 1024 + 3, 'b');
  Gate gate_;
  Router router_;
  std::mutex mutex_;
  std::vector<std::pair<std::string, int>> rejected_;
};

TEST_F(ServerTest, GivesTheHandlerPathQueryAndHeaders) {
  const auto server = start();
  Client client(*server);
  client.send(
      "GET /hello?a=%20b HTTP/1.1\r\nHost: here\r\naccept: text/plain\r\nAccept-Encoding: gzip\r\n"
      "X-Prometheus-Scrape-Timeout-Seconds: 9.5\r\n\r\n");
  const auto [head, body] = client.receive();
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nCache-Control: no-store\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("\r\nServer:")));
  EXPECT_EQ(body, "hello a=%20b text/plain gzip 9.5");
}

TEST_F(ServerTest, HeadHasTheLengthButNoBody) {
  const auto server = start();
  Client client(*server);
  client.send("HEAD /big HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(client.receive_until_closed());
  EXPECT_THAT(client.received(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(client.received(),
              HasSubstr("\r\nContent-Length: " + std::to_string(big_->size()) + "\r\n"));
  EXPECT_TRUE(client.received().ends_with("\r\n\r\n"));
}

TEST_F(ServerTest, AnswersUnknownPathsAndMethods) {
  const auto server = start();
  Client client(*server);
  EXPECT_THAT(client.get("/nothing").first, StartsWith("HTTP/1.1 404 Not Found\r\n"));
  client.send("DELETE /hello HTTP/1.1\r\nHost: here\r\n\r\n");
  EXPECT_THAT(client.receive().first, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
}

TEST_F(ServerTest, ServesNoFiles) {
  const auto server = start();
  for (const char* path : {"/etc/passwd", "/../../etc/passwd", "/CMakeLists.txt", "/a.php"}) {
    Client client(*server);
    EXPECT_THAT(client.get(path).first, StartsWith("HTTP/1.1 404 ")) << path;
  }
}

TEST_F(ServerTest, KeepsAConnectionForSeveralRequestsAlsoPipelined) {
  const auto server = start();
  Client client(*server);
  EXPECT_THAT(client.get("/hello?1").second, StartsWith("hello 1"));
  EXPECT_THAT(client.get("/hello?2").second, StartsWith("hello 2"));
  client.send(
      "GET /hello?3 HTTP/1.1\r\nHost: here\r\n\r\nGET /nothing HTTP/1.1\r\nHost: here\r\n\r\n"
      "GET /hello?4 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.receive().second, StartsWith("hello 3"));
  EXPECT_THAT(client.receive().second, StartsWith("404"));
  EXPECT_THAT(client.receive().second, StartsWith("hello 4"));
  EXPECT_TRUE(client.receive_until_closed());
  EXPECT_EQ(client.received(), "");
}

TEST_F(ServerTest, ClosesIdleConnectionsSoonerWhenHalfOfTheThreadsAreTaken) {
  const auto server = start({.threads = 4});
  Client first(*server);
  EXPECT_THAT(first.get("/hello").first, HasSubstr("Connection: keep-alive"));
  Client second(*server);
  EXPECT_THAT(second.get("/hello").first, HasSubstr("Connection: keep-alive"));
  Client third(*server);
  EXPECT_THAT(third.get("/hello").first, HasSubstr("Connection: close"));
  EXPECT_TRUE(third.receive_until_closed());
}

TEST_F(ServerTest, ALargeBodyArrivesWhole) {
  const auto server = start();
  Client client(*server);
  for (int round = 0; round < 2; ++round) {
    const auto [head, body] = client.get("/big");
    EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(body == *big_) << body.size();
  }
}

TEST_F(ServerTest, SurvivesGarbage) {
  const auto server = start();
  using std::string_literals::operator""s;
  for (const std::string& garbage :
       {"\0\0\0\r\n\r\n"s, "GET\r\n\r\n"s, "\r\n\r\n\r\n"s, "\x16\x03\x01\x02\x00\x01\r\n\r\n"s,
        "GET hello HTTP/1.1\r\n\r\n"s, "GET / HTTP/9.9\r\n\r\n"s, "OPTIONS * HTTP/1.1\r\n\r\n"s,
        "GET http://other:1/ HTTP/1.1\r\n\r\n"s, "GET /\x80\xff HTTP/1.1\r\n\r\n"s,
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"s, "GET /%00%zz HTTP/1.1\r\n\r\n"s,
        "GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n"s,
        "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"s, "GET / HTTP/1.1\r\nno colon\r\n\r\n"s,
        "GET /hello HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n"s}) {
    Client client(*server);
    client.send(garbage);
    client.finish_sending();
    EXPECT_TRUE(client.receive_until_closed()) << testing::PrintToString(garbage);
    EXPECT_THAT(client.received(), Not(HasSubstr("\r\nServer:")));
  }
  EXPECT_THAT(rejected(), testing::Contains(testing::Pair("malformed", 400)));
  Client client(*server);
  EXPECT_THAT(client.get("/hello").first, StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, RefusesAnOversizedRequestAndGoesOn) {
  const auto server = start();
  Client client(*server);
  client.send("GET /hello HTTP/1.1\r\nHost: here\r\nX-Long: " + std::string(100'000, 'x') +
              "\r\n\r\n");
  EXPECT_TRUE(client.receive_until_closed());
  EXPECT_THAT(client.received(), Not(HasSubstr("200 OK")));
  Client other(*server);
  EXPECT_THAT(other.get("/hello").first, StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, DoesNotWaitForARequestBodyThatNeverComes) {
  const auto server = start();
  Client client(*server);
  client.send("GET /hello HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000000000\r\n\r\n");
  EXPECT_TRUE(client.receive_until_closed());
  EXPECT_THAT(client.received(), HasSubstr("Connection: close"));
}

TEST_F(ServerTest, SlowClientsDoNotBlockAnother) {
  const auto server = start({.threads = 4});
  Client silent(*server);
  Client half(*server);
  half.send("GET /hel");
  Client not_reading(*server, 4096);
  not_reading.send("GET /big HTTP/1.1\r\nHost: here\r\n\r\n");
  Client client(*server);
  const auto before = steady_clock::now();
  EXPECT_THAT(client.get("/hello").first, StartsWith("HTTP/1.1 200 "));
  EXPECT_LT(steady_clock::now() - before, seconds(5));
}

TEST_F(ServerTest, GivesUpOnAClientThatSendsOrTakesNothing) {
  const auto server = start({.threads = 2, .request_timeout = milliseconds(200)});
  Client half(*server);
  half.send("GET /hel");
  Client not_reading(*server, 4096);
  not_reading.send("GET /big HTTP/1.1\r\nHost: here\r\n\r\n");
  Client client(*server);
  EXPECT_THAT(client.get("/hello").first, StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, AClientThatGoesAwayHurtsNobody) {
  const auto server = start();
  for (int i = 0; i < 20; ++i) {
    Client client(*server, 4096);
    client.send("GET /big HTTP/1.1\r\nHost: here\r\n\r\n");
  }
  Client client(*server);
  EXPECT_TRUE(client.get("/big").second == *big_);
}

TEST_F(ServerTest, StoppingFinishesTheAnswerUnderWayAndRefusesNewOnes) {
  auto server = start();
  Client slow(*server);
  slow.send("GET /slow HTTP/1.1\r\nHost: here\r\n\r\n");
  ASSERT_TRUE(gate_.wait_until_someone_is_inside());
  EXPECT_EQ(server->in_flight(), 1U);

  std::thread stopper([&server] { server->stop(); });
  std::string refused;
  const auto deadline = steady_clock::now() + kPatience;
  while (!refused.starts_with("HTTP/1.1 503 ") && steady_clock::now() < deadline) {
    Client late(*server);
    refused = late.get("/hello").first;
  }
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("Connection: close"));
  // It is reported once the answer has gone out.
  while (rejected().empty() && steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_THAT(rejected(), testing::Contains(testing::Pair("stopping", 503)));

  gate_.open();
  const auto [head, body] = slow.receive();
  stopper.join();
  EXPECT_FALSE(gate_.expired());
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(body.size(), 100'000U);
  EXPECT_FALSE(Client(*server).connected());
  EXPECT_EQ(server->in_flight(), 0U);
  server->stop();
}

TEST_F(ServerTest, StoppingCutsOffAClientThatTakesNothingAfterTheDrainTimeout) {
  auto server = start({.drain_timeout = milliseconds(100)});
  Client not_reading(*server, 4096);
  not_reading.send("GET /big HTTP/1.1\r\nHost: here\r\n\r\n");
  const auto deadline = steady_clock::now() + kPatience;
  while (server->in_flight() == 0 && steady_clock::now() < deadline) std::this_thread::yield();
  ASSERT_EQ(server->in_flight(), 1U);
  server->stop();
  EXPECT_EQ(server->in_flight(), 0U);
}

TEST_F(ServerTest, StopsAtOnceWhenIdle) {
  auto server = start();
  Client client(*server);
  client.send("GET /hello HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
  client.receive_until_closed();
  const auto before = steady_clock::now();
  server->stop();
  EXPECT_LT(steady_clock::now() - before, milliseconds(1500));
}

TEST_F(ServerTest, AThrowingHandlerIsA500) {
  auto server = Server::start({.listen_addresses = {"127.0.0.1:0"}},
                              [](const Request&) -> Response { throw std::bad_alloc(); });
  ASSERT_TRUE(server);
  Client client(**server);
  EXPECT_THAT(client.get("/").first, StartsWith("HTTP/1.1 500 "));
}

TEST_F(ServerTest, WorkersHaveSignalsBlockedAndTheStarterKeepsItsMask) {
  sigset_t inside;
  sigemptyset(&inside);
  router_.add("/mask", [&inside](const Request&) {
    pthread_sigmask(SIG_BLOCK, nullptr, &inside);
    return text_response(200, "");
  });
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  auto server = start();
  sigset_t after;
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  Client client(*server);
  client.get("/mask");
  server->stop();
  EXPECT_EQ(sigismember(&inside, SIGTERM), 1);
  EXPECT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

TEST_F(ServerTest, CutsOffAClientThatTakesItsAnswerTooSlowly) {
  const auto server = start({.send_timeout = milliseconds(200)});
  Client slow(*server, 4096);
  slow.send("GET /big HTTP/1.1\r\nHost: here\r\n\r\n");
  const auto deadline = steady_clock::now() + kPatience;
  bool goes_on = true;
  while (goes_on && steady_clock::now() < deadline) {
    goes_on = slow.receive_more(4096);
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_FALSE(goes_on) << "still served";
  EXPECT_LT(slow.received().size(), big_->size());
}

}  // namespace
}  // namespace cgmon
