#include "collectors/base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace cgmon {
namespace {

TEST(Error, NamesFileLineCauseAndTheSystemsWordsInOneLine) {
  const Error error{.what = "cannot read", .path = "/sys/x", .error = ENOENT, .line = 7};

  EXPECT_EQ(error.message(), "/sys/x:7: cannot read: No such file or directory");
}

TEST(Error, LeavesOutWhatItDoesNotKnow) {
  EXPECT_EQ((Error{.what = "unknown key", .path = "agent.yaml"}.message()),
            "agent.yaml: unknown key");
  EXPECT_EQ((Error{.what = "no hierarchy"}.message()), "no hierarchy");
  EXPECT_EQ((Error{.what = "open", .error = EMFILE}.message()), "open: Too many open files");
}

Result<int> half_of(int number) {
  if (number % 2 != 0) return failure("odd number", "input", EINVAL, 3);
  return number / 2;
}

TEST(Result, HoldsTheValueOfASuccess) {
  const Result<int> half = half_of(8);

  ASSERT_TRUE(half.has_value());
  EXPECT_EQ(*half, 4);
}

TEST(Result, CarriesEveryFieldOfAFailure) {
  const Result<int> half = half_of(7);

  ASSERT_FALSE(half.has_value());
  EXPECT_EQ(half.error().what, "odd number");
  EXPECT_EQ(half.error().path, "input");
  EXPECT_EQ(half.error().error, EINVAL);
  EXPECT_EQ(half.error().line, 3U);
}

TEST(ErrnoName, IsTheSymbolAndUnknownForANumberThatHasNone) {
  EXPECT_EQ(errno_name(ENOENT), "ENOENT");
  EXPECT_EQ(errno_name(EOPNOTSUPP), "EOPNOTSUPP");
  EXPECT_EQ(errno_name(-5), "unknown");
  EXPECT_EQ(errno_name(99999), "unknown");
}

}  // namespace
}  // namespace cgmon
