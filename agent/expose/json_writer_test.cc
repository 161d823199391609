#include "agent/expose/json_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace cgmon {
namespace {

TEST(JsonWriter, WritesNestedValuesWithCommasWhereTheyBelong) {
  for (const bool indented : {false, true}) {
    std::string text;
    JsonWriter json(text, indented);
    json.begin_object();
    json.member("a", std::uint64_t{1});
    json.key("b");
    json.begin_array();
    json.begin_object();
    json.end_object();
    json.string("x");
    json.begin_array();
    json.end_array();
    json.boolean(false);
    json.end_array();
    json.member("c", true);
    json.member("d", "e");
    json.end_object();
    EXPECT_EQ(nlohmann::json::parse(text),
              nlohmann::json::parse(R"({"a":1,"b":[{},"x",[],false],"c":true,"d":"e"})"))
        << text;
    EXPECT_EQ(text.find('\n') != text.npos, indented) << text;
  }
}

TEST(JsonWriter, WritesNumbersDigitByDigit) {
  std::string text;
  JsonWriter json(text);
  json.begin_array();
  json.number(UINT64_MAX);
  json.number(UINT64_MAX, 9);
  json.number(static_cast<std::uint64_t>(-5), 0, true);
  json.number(1'500'000, 6);
  json.end_array();
  EXPECT_EQ(text, "[18446744073709551615,18446744073.709551615,-5,1.5]");
}

TEST(JsonWriter, EscapesAnyBytes) {
  std::string text;
  JsonWriter(text).string("\"\\\n\x01\x7f\xc3\xa9\xff");
  EXPECT_EQ(text, "\"\\\"\\\\\\n\\u0001\\u007f\xc3\xa9\xef\xbf\xbd\"");
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 30, ' ');
    for (char& byte : bytes) byte = static_cast<char>(random());
    std::string object;
    JsonWriter json(object);
    json.begin_object();
    json.member(bytes, bytes);
    json.end_object();
    EXPECT_TRUE(nlohmann::json::accept(object)) << object;
  }
}

}  // namespace
}  // namespace cgmon
