#include "collectors/base/nearest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cgmon {
namespace {

using ::testing::Optional;

const std::vector<std::string>& names() {
  static const std::vector<std::string> all = {
      "web.listen-address", "web.threads",    "path.procfs",     "log.level",
      "collector.cpu",      "collector.pids", "no-collector.cpu"};
  return all;
}

TEST(Nearest, FindsANameATypoAway) {
  EXPECT_THAT(nearest("web.listen-adress", names()), Optional(std::string("web.listen-address")));
  EXPECT_THAT(nearest("web.treads", names()), Optional(std::string("web.threads")));
  EXPECT_THAT(nearest("web.htreads", names()), Optional(std::string("web.threads")));
  EXPECT_THAT(nearest("log.levell", names()), Optional(std::string("log.level")));
}

TEST(Nearest, TakesCaseAndUnderscoresForFree) {
  EXPECT_THAT(nearest("WEB.LISTEN_ADDRESS", names()), Optional(std::string("web.listen-address")));
}

TEST(Nearest, FindsTheRightLastPartInTheWrongPlace) {
  EXPECT_THAT(nearest("listen-address", names()), Optional(std::string("web.listen-address")));
  EXPECT_THAT(nearest("host.procfs", names()), Optional(std::string("path.procfs")));
}

TEST(Nearest, PrefersATypoToTheRightLastPart) {
  EXPECT_THAT(nearest("no-colector.cpu", names()), Optional(std::string("no-collector.cpu")));
}

TEST(Nearest, SuggestsNothingWhenNothingIsClose) {
  for (const std::string word : {"", "x", "foo", "web.port", "collector.memory", "..."}) {
    EXPECT_EQ(nearest(word, names()), std::nullopt) << '"' << word << '"';
  }
  EXPECT_EQ(nearest("web.threads", std::vector<std::string>{}), std::nullopt);
}

TEST(Nearest, DoesNotCompareWordsLongerThanAnyName) {
  std::string word(1U << 20U, 'a');
  word += ".threads";
  EXPECT_EQ(nearest(word, names()), std::nullopt);
}

}  // namespace
}  // namespace cgmon
