#include "agent/http/server.h"

#include <civetweb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <future>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "agent/http/listen_address.h"
#include "agent/http/router.h"

namespace cgmon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr seconds kPatience{20};

/// One connection, reading with a time limit.
class Client {
 public:
  explicit Client(const Server& server, int receive_buffer = 0)
      : Client(ListenAddress{"127.0.0.1", server.ports().front()}, receive_buffer) {}
  explicit Client(const ListenAddress& address, int receive_buffer = 0)
      : Client(socket_address(address), receive_buffer) {}
  Client(const SocketAddress& there, int receive_buffer)
      : fd_(socket(there.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = kPatience.count(), .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (receive_buffer != 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    connected_ = connect(fd_, there.get(), there.size) == 0;
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }

  // NOLINTNEXTLINE(modernize-use-nodiscard): most clients only care about the answer
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void finish_sending() const { shutdown(fd_, SHUT_WR); }

  /// Head and body of the next answer; what came of it when the connection ends first.
  std::pair<std::string, std::string> receive(bool with_body = true) {
    while (!head_is_whole() && receive_more()) {
    }
    if (!head_is_whole()) return {std::exchange(received_, ""), ""};
    const std::size_t head_size = received_.find("\r\n\r\n") + 4;
    const std::string head = received_.substr(0, head_size);
    const std::size_t at = head.find("Content-Length: ");
    const std::size_t size =
        !with_body || at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    while (received_.size() < head_size + size && receive_more()) {
    }
    const std::string body = received_.substr(head_size, size);
    received_.erase(0, head_size + size);
    return {head, body};
  }

  std::pair<std::string, std::string> get(const std::string& path) {
    send("GET " + path + " HTTP/1.1\r\nHost: here\r\n\r\n");
    return receive();
  }

  /// Everything until the other side closes; false after the time limit.
  bool receive_until_closed() {
    while (receive_more()) {
    }
    return errno != EAGAIN;
  }
  [[nodiscard]] const std::string& received() const { return received_; }

 private:
  [[nodiscard]] bool head_is_whole() const {
    return received_.find("\r\n\r\n") != std::string::npos;
  }

  bool receive_more() {
    std::array<char, 65536> buffer{};
    errno = 0;
    const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
    if (size <= 0) return false;
    received_.append(buffer.data(), static_cast<std::size_t>(size));
    return true;
  }

  int fd_;
  bool connected_ = false;
  std::string received_;
};

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

TEST_F(ServerTest, ListensAtSeveralAddressesWithThePortsTheKernelChose) {
  auto server = Server::start({.listen_addresses = {"127.0.0.1:0", "127.0.0.2:0", ":0"}},
                              [](const Request&) { return text_response(200, "x"); });
  ASSERT_TRUE(server) << server.error().message();
  ASSERT_EQ((*server)->ports().size(), 3U);
  EXPECT_EQ((*server)->addresses()[1], "127.0.0.2:" + std::to_string((*server)->ports()[1]));
  EXPECT_THAT((*server)->addresses()[2], EndsWith(":" + std::to_string((*server)->ports()[2])));
  for (const std::uint16_t port : (*server)->ports()) EXPECT_NE(port, 0);
}

TEST_F(ServerTest, AnAddressInUseIsNamedWithItsCause) {
  const auto server = start();
  const std::string address = server->addresses().front();
  const auto second = Server::start({.listen_addresses = {"127.0.0.1:0", address}},
                                    [](const Request&) { return Response{}; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().error, EADDRINUSE);
  EXPECT_THAT(second.error().message(), HasSubstr("cannot listen on " + address + " "));
  EXPECT_THAT(second.error().message(), HasSubstr("Address already in use"));
}

TEST_F(ServerTest, AnAddressOfAnotherHostIsNamedWithItsCause) {
  const auto server = Server::start({.listen_addresses = {"192.0.2.1:0"}},
                                    [](const Request&) { return Response{}; });
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().error, EADDRNOTAVAIL);
}

TEST_F(ServerTest, RefusesOptionsThatServeNothing) {
  const auto handler = [](const Request&) { return Response{}; };
  EXPECT_FALSE(Server::start({}, handler));
  EXPECT_FALSE(Server::start({.listen_addresses = {"127.0.0.1:0"}, .threads = 0}, handler));
  const auto server = Server::start({.listen_addresses = {"[::1%lo]:0"}}, handler);
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message(), HasSubstr("scope id"));
}

/// What a new client at `host` gets as the first line.
std::string first_line(const Server& server, const std::string& host) {
  Client client(ListenAddress{host, server.ports().front()});
  if (!client.connected()) return "not connected";
  const std::string head = client.get("/").first;
  return head.substr(0, head.find('\r'));
}

TEST_F(ServerTest, ListensOnIPv6AloneAndOnBoth) {
  if (listen_errno({"::1", 0}) != 0) GTEST_SKIP() << "no IPv6 loopback address on this host";
  const auto handler = [](const Request&) { return text_response(200, "x"); };
  for (const std::string place : {"[::1]:0", "[::]:0"}) {
    const auto alone = Server::start({.listen_addresses = {place}}, handler);
    ASSERT_TRUE(alone) << alone.error().message();
    EXPECT_EQ((*alone)->addresses().front(),
              place.substr(0, place.size() - 1) + std::to_string((*alone)->ports().front()));
    EXPECT_EQ(first_line(**alone, "::1"), "HTTP/1.1 200 OK");
    EXPECT_EQ(first_line(**alone, "127.0.0.1"), "not connected");
  }
  const auto both = Server::start({.listen_addresses = {":0"}}, handler);
  ASSERT_TRUE(both) << both.error().message();
  EXPECT_EQ(first_line(**both, "::1"), "HTTP/1.1 200 OK");
  EXPECT_EQ(first_line(**both, "127.0.0.1"), "HTTP/1.1 200 OK");
}

TEST_F(ServerTest, StopsAtOnceWhereverItListens) {
  for (const std::string place : {"127.0.0.1:0", ":0", "[::]:0", "[::1]:0"}) {
    if (place.starts_with('[') && listen_errno({"::1", 0}) != 0) continue;
    const auto server =
        Server::start({.listen_addresses = {place}}, [](const Request&) { return Response{}; });
    ASSERT_TRUE(server) << server.error().message();
    const auto begin = steady_clock::now();
    (*server)->stop();
    // The library alone would take up to two seconds.
    EXPECT_LT(steady_clock::now() - begin, milliseconds(1'000)) << place;
  }
}

TEST(HttpLibrary, IsOursWithIPv6AndWithoutFilesScriptsAndWebSockets) {
  EXPECT_STREQ(mg_version(), CIVETWEB_VERSION);
  EXPECT_NE(mg_check_feature(MG_FEATURES_IPV6), 0U);
  for (const unsigned unwanted :
       {MG_FEATURES_FILES, MG_FEATURES_CGI, MG_FEATURES_WEBSOCKET, MG_FEATURES_LUA,
        MG_FEATURES_SSJS, MG_FEATURES_CACHE, MG_FEATURES_X_DOMAIN_SOCKET, MG_FEATURES_HTTP2}) {
    EXPECT_EQ(mg_check_feature(unwanted), 0U) << unwanted;
  }
}

TEST(HttpLibrary, HasNoTlsYet) { EXPECT_EQ(mg_check_feature(MG_FEATURES_TLS), 0U); }

}  // namespace
}  // namespace cgmon
