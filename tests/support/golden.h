#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace cgmon {

/// Compares a text with tests/golden/NAME; with CGMON_GOLDEN_UPDATE=1 (`./dev golden --update`)
/// writes it there instead.
inline void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = "tests/golden/" + name;
  if (std::getenv("CGMON_GOLDEN_UPDATE") != nullptr) {
    std::ofstream out(path, std::ios::binary);
    out << text;
    out.close();
    ASSERT_TRUE(out) << "cannot write " << path;
    return;
  }
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in) << path << " is missing; ./dev golden --update writes it";
  std::istringstream now(text);
  std::string expected, actual;
  for (int line = 1;; ++line) {
    const bool more = static_cast<bool>(std::getline(in, expected));
    const bool more_now = static_cast<bool>(std::getline(now, actual));
    if (!more && !more_now) return;
    ASSERT_TRUE(more && more_now && expected == actual)
        << path << ':' << line << ": expected " << (more ? '"' + expected + '"' : "the end")
        << "\n  now " << (more_now ? '"' + actual + '"' : "the end")
        << "\n./dev golden --update writes what is now; read its diff";
  }
}

}  // namespace cgmon
