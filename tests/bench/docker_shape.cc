#include "tests/bench/docker_shape.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

namespace cgmon {
namespace {

namespace fs = std::filesystem;

void write_text(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

/// 64 hex digits that compress as badly as real ids do; the same in every run.
std::string container_id(int number) {
  std::mt19937_64 random(static_cast<std::uint64_t>(number) + 1);
  std::string id;
  for (int i = 0; i < 4; ++i) {
    std::array<char, 17> part{};
    std::snprintf(part.data(), part.size(), "%016llx", static_cast<unsigned long long>(random()));
    id += part.data();
  }
  return id;
}

/// What a live container does: a little CPU and memory all the time.
[[noreturn]] void work() {
  while (true) {
    constexpr std::size_t kBytes = 1U << 20U;
    auto* const memory = static_cast<volatile char*>(std::malloc(kBytes));
    for (std::size_t i = 0; memory != nullptr && i < kBytes; i += 4096) memory[i] = 1;
    std::free(const_cast<char*>(memory));
    ::usleep(200'000);
  }
}

}  // namespace

DockerShape::DockerShape(const Layout& layout, int cgroups, int live)
    : layout_(layout),
      top_("/cgmon-bench-" + std::to_string(::getpid())),
      data_root_(fs::temp_directory_path().string() + top_) {
  fs::create_directories(data_root_ + "/containers");
  make(top_);
  make(top_ + "/agent");
  make(top_ + "/docker");
  for (int i = 0; i < cgroups; ++i) make_container(i, i < live);
}

DockerShape::~DockerShape() {
  for (const pid_t pid : processes_) ::kill(pid, SIGKILL);
  for (const pid_t pid : processes_) ::waitpid(pid, nullptr, 0);
  for (auto at = made_.rbegin(); at != made_.rend(); ++at) {
    // A killed process leaves its cgroup a moment after it was reaped.
    for (int i = 0; ::rmdir(at->c_str()) != 0 && errno == EBUSY && i < 500; ++i) ::usleep(10'000);
  }
  std::error_code ignored;
  fs::remove_all(data_root_, ignored);
}

void DockerShape::make(const std::string& path) {
  bool made_one = false;
  for (const Hierarchy& hierarchy : layout_.hierarchies) {
    const fs::path directory = hierarchy.mount_point + path;
    if (::mkdir(directory.c_str(), 0755) != 0) continue;
    made_.push_back(directory);
    made_one = true;
    if (hierarchy.version == Version::v2) {
      // Children have a controller's files only if their parent passes it on.
      for (const char* const controller : {"+cpu", "+memory", "+pids", "+io"}) {
        write_text(directory / "cgroup.subtree_control", controller);
      }
    }
  }
  complete_ = complete_ && made_one;
}

void DockerShape::make_container(int number, bool live) {
  const std::string id = container_id(number);
  make(top_ + "/docker/" + id);
  const fs::path files = data_root_ + "/containers/" + id;
  fs::create_directories(files);
  write_text(files / "config.v2.json",
             R"({"ID":")" + id + R"(","Name":"/web-)" + std::to_string(number) +
                 R"(","Config":{"Image":"registry.example/team/app-)" +
                 std::to_string(number % 20) +
                 R"(:1.2.3"},"State":{"Running":true,"StartedAt":"2026-01-02T03:04:05.678Z"}})");
  if (!live) return;
  const pid_t child = ::fork();
  if (child == 0) {
    for (const Hierarchy& hierarchy : layout_.hierarchies) {
      write_text(hierarchy.mount_point + top_ + "/docker/" + id + "/cgroup.procs", "0");
    }
    work();
  }
  processes_.push_back(child);
}

void DockerShape::isolate(pid_t pid) {
  const int memory = layout_.serving(Controller::memory);
  if (memory < 0) return;
  write_text(layout_.hierarchies[static_cast<std::size_t>(memory)].mount_point + top_ +
                 "/agent/cgroup.procs",
             std::to_string(pid));
}

std::uint64_t DockerShape::isolated_bytes() const {
  const int memory = layout_.serving(Controller::memory);
  if (memory < 0) return 0;
  const Hierarchy& hierarchy = layout_.hierarchies[static_cast<std::size_t>(memory)];
  const char* const file =
      hierarchy.version == Version::v2 ? "/memory.current" : "/memory.usage_in_bytes";
  std::uint64_t bytes = 0;
  std::ifstream(hierarchy.mount_point + top_ + "/agent" + file) >> bytes;
  return bytes;
}

}  // namespace cgmon
