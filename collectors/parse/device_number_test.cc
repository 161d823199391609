#include "collectors/parse/device_number.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cgmon {
namespace {

using testing::ElementsAre;

std::vector<std::string> devices(std::string_view text, std::size_t malformed = 0) {
  std::vector<std::string> found;
  EXPECT_EQ(parse_partitions(text,
                             [&](DeviceNumber number, std::string_view name) {
                               found.push_back(std::to_string(number.major) + ':' +
                                               std::to_string(number.minor) + ' ' +
                                               std::string(name));
                             }),
            malformed)
      << text;
  return found;
}

TEST(ParseDeviceNumber, ReadsMajorAndMinor) {
  EXPECT_EQ(parse_device_number("254:0"), (DeviceNumber{254, 0}));
  EXPECT_EQ(parse_device_number("4095:1048575"), (DeviceNumber{4095, 1048575}));
}

TEST(ParseDeviceNumber, IsNothingForAnythingElse) {
  for (const std::string_view text :
       {"", ":", "254", "254:", ":0", "254:0:1", "-1:0", "254:0 ", "default", "Total", "4096:0",
        "0:1048576", "a:b", "99999999999999999999:0"}) {
    EXPECT_FALSE(parse_device_number(text)) << text;
  }
}

TEST(ParsePartitions, HandsOnEachDeviceWithItsName) {
  EXPECT_THAT(devices("major minor  #blocks  name\n\n 254        0    4194304 vda\n"
                      " 259        1       1024 nvme0n1p1\n"),
              ElementsAre("254:0 vda", "259:1 nvme0n1p1"));
  EXPECT_THAT(devices("major minor  #blocks  name\n\n"), ElementsAre());
  EXPECT_THAT(devices(""), ElementsAre());
}

TEST(ParsePartitions, CountsMalformedLinesAndKeepsTheOthers) {
  EXPECT_THAT(devices(" 8 0 100 sda\n x 1 100 sdb\n 8 2\n 8 3 100\n 8 4 100 sde\n 8 5 100 sd", 4),
              ElementsAre("8:0 sda", "8:4 sde"));
}

}  // namespace
}  // namespace cgmon
