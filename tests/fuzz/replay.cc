// Runs a target over its corpus, without a fuzzer: every file, and the file cut at many places.
// Usage: fuzz_NAME PATH..., each a file or a directory of files.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/fuzz/target.h"

namespace {

constexpr std::size_t kCutsMax = 64;

std::array<char, 512> g_at_work{};  // for the signal handler: the input being run

void tell_input(int) {
  // What write() returns would change nothing any more.
  [[maybe_unused]] const auto written =
      write(STDERR_FILENO, g_at_work.data(), std::char_traits<char>::length(g_at_work.data()));
}

/// In memory of its own size, so that the address sanitizer sees a read beyond the end.
void run(const std::string& name, std::string_view input) {
  std::snprintf(g_at_work.data(), g_at_work.size(), "input: the first %zu bytes of %s\n",
                input.size(), name.c_str());
  const std::unique_ptr<char[]> exact(new char[input.size()]);  // NOLINT(modernize-avoid-c-arrays)
  std::ranges::copy(input, exact.get());
  cgmon::check_input({exact.get(), input.size()});
}

std::size_t replay(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t step = std::max<std::size_t>(1, text.size() / kCutsMax);
  std::size_t runs = 0;
  for (std::size_t size = 0; size < text.size(); size += step, ++runs) {
    run(name, std::string_view(text).substr(0, size));
  }
  run(name, text);
  return runs + 1;
}

}  // namespace

int main(int count, char** words) {
  if (std::signal(SIGABRT, tell_input) == SIG_ERR) return 1;
  std::vector<std::string> files;
  for (int i = 1; i < count; ++i) {
    if (!std::filesystem::is_directory(words[i])) {
      files.emplace_back(words[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(words[i])) {
      files.push_back(entry.path().string());
    }
  }
  std::ranges::sort(files);
  std::size_t runs = 0;
  for (const std::string& file : files) runs += replay(file);
  std::printf("%zu files, %zu inputs\n", files.size(), runs);
  return files.empty() ? 1 : 0;
}
