#include <civetweb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "agent/http/listen_address.h"
#include "agent/http/server.h"
#include "agent/http/test_client.h"

namespace cgmon {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::EndsWith;
using testing::HasSubstr;

TEST(ServerAddresses, ListensAtSeveralAddressesWithThePortsTheKernelChose) {
  auto server = Server::start({.listen_addresses = {"127.0.0.1:0", "127.0.0.2:0", ":0"}},
                              [](const Request&) { return text_response(200, "x"); });
  ASSERT_TRUE(server) << server.error().message();
  ASSERT_EQ((*server)->ports().size(), 3U);
  EXPECT_EQ((*server)->addresses()[1], "127.0.0.2:" + std::to_string((*server)->ports()[1]));
  EXPECT_THAT((*server)->addresses()[2], EndsWith(":" + std::to_string((*server)->ports()[2])));
  for (const std::uint16_t port : (*server)->ports()) EXPECT_NE(port, 0);
}

TEST(ServerAddresses, AnAddressInUseIsNamedWithItsCause) {
  const auto server = Server::start({.listen_addresses = {"127.0.0.1:0"}},
                                    [](const Request&) { return Response{}; });
  ASSERT_TRUE(server) << server.error().message();
  const std::string address = (*server)->addresses().front();
  const auto second = Server::start({.listen_addresses = {"127.0.0.1:0", address}},
                                    [](const Request&) { return Response{}; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().error, EADDRINUSE);
  EXPECT_THAT(second.error().message(), HasSubstr("cannot listen on " + address + " "));
  EXPECT_THAT(second.error().message(), HasSubstr("Address already in use"));
}

TEST(ServerAddresses, AnAddressOfAnotherHostIsNamedWithItsCause) {
  const auto server = Server::start({.listen_addresses = {"192.0.2.1:0"}},
                                    [](const Request&) { return Response{}; });
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().error, EADDRNOTAVAIL);
}

TEST(ServerAddresses, RefusesOptionsThatServeNothing) {
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

TEST(ServerAddresses, ListensOnIPv6AloneAndOnBoth) {
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

TEST(ServerAddresses, StopsAtOnceWhereverItListens) {
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
