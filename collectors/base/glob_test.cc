#include "collectors/base/glob.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace cgmon {
namespace {

TEST(Glob, StandsForTheWholeText) {
  for (const auto& [pattern, text] :
       std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                        {"*", ""},
                                                        {"*", "anything/at all"},
                                                        {"web*", "web"},
                                                        {"web*", "web-1"},
                                                        {"*.service", "a.b.service"},
                                                        {"a*b*c", "a-b-b-c-c"},
                                                        {"*ab*ab", "abab"},
                                                        {"?", "x"},
                                                        {"?-?", "ä-€"},
                                                        {"**a?", "aaab"}}) {
    EXPECT_TRUE(matches_glob(pattern, text)) << pattern << " of " << text;
  }
  for (const auto& [pattern, text] :
       std::vector<std::pair<std::string, std::string>>{{"", "x"},
                                                        {"web", "web-1"},
                                                        {"?", ""},
                                                        {"?", "xy"},
                                                        {"Web", "web"},
                                                        {"a*b*c", "a-c-b"},
                                                        {"*x", "xy"},
                                                        {"a\\*", "a*b"}}) {
    EXPECT_FALSE(matches_glob(pattern, text)) << pattern << " of " << text;
  }
}

TEST(Glob, TakesNoTimeForPatternsThatAreMadeToTakeIt) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  EXPECT_FALSE(matches_glob(pattern + "b", std::string(2000, 'a')));
}

}  // namespace
}  // namespace cgmon
