#include "agent/http/negotiation.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace cgmon {
namespace {

TEST(PrefersGzip, WhereTheClientListsIt) {
  for (const char* const header :
       {"gzip", "GZIP", "deflate, gzip, br", "gzip;q=0.5", "gzip; q=1.000", "x-gzip", "*",
        "deflate;q=0.1,*;q=0.2", " gzip ", ",gzip,", "gzip;q=0.5, identity;q=0.5",
        "gzip;level=9;q=0.3"}) {
    EXPECT_TRUE(prefers_gzip(header)) << header;
  }
}

TEST(PrefersGzip, NotWhereTheClientRefusesItOrWouldRatherHaveIdentity) {
  for (const char* const header :
       {"", "identity", "deflate", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *;q=1",
        "gzip;q=0.4, identity;q=0.5", "gzipped", "gzip;q=2", "gzip;q=nonsense",
        "gzip;q=", "gzip;q=-1", "gzip;q=0.1234", ";", "q=1", "\"gzip\""}) {
    EXPECT_FALSE(prefers_gzip(header)) << header;
  }
}

TEST(PrefersOpenmetrics, WhereTheClientNamesIt) {
  for (const char* const header :
       {"application/openmetrics-text", "application/openmetrics-text;version=1.0.0",
        "Application/OpenMetrics-Text; Version=\"1.0.0\"; charset=utf-8",
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
        "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;"
        "version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        "text/plain;q=0.5,application/openmetrics-text;q=0.5",
        "text/html;x=\"a,b;c\\\"\",application/openmetrics-text"}) {
    EXPECT_TRUE(prefers_openmetrics(header)) << header;
  }
}

TEST(PrefersOpenmetrics, NotWhereTextIsLikedBetterOrOnlyAWildcardFits) {
  for (const char* const header :
       {"", "*/*", "application/*", "text/plain", "text/plain;version=0.0.4", "application/json",
        "application/openmetrics-text;version=0.0.1", "application/openmetrics-text;version=2.0.0",
        "application/openmetrics-text;q=0", "application/openmetrics-text;q=0.4,text/plain;q=0.5",
        "application/openmetrics-text;q=0.4,text/*;q=0.5",
        "application/openmetrics-text;q=0.4,*/*;q=0.5", "application/openmetrics-text;q=1.5",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding="
        "delimited,text/plain;q=0.5"}) {
    EXPECT_FALSE(prefers_openmetrics(header)) << header;
  }
}

TEST(Negotiation, TakesAnyBytes) {
  constexpr std::string_view kAlphabet = "gzip*/;,=\"\\q01. \tapplication/openmetrics-text\xff";
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string header(random() % 40, ' ');
    for (char& byte : header) byte = kAlphabet[random() % kAlphabet.size()];
    if (header.find_first_of("\"\\") == header.npos) {
      EXPECT_FALSE(prefers_gzip(header + ",gzip;q=0")) << header;
    }
    static_cast<void>(prefers_openmetrics(header));
  }
}

}  // namespace
}  // namespace cgmon
