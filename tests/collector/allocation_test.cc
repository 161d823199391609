// In steady state a pass and its page allocate nothing: memory that is asked for again and again
// fragments, and is charged to the agent for ever.

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <new>

#include "collectors/kernel/system_files.h"
#include "tests/collector/own_cgroups.h"
#include "tests/support/fixture_host.h"

namespace {

std::atomic<bool> counting{false};
std::atomic<std::size_t> allocations{0};

void* allocate(std::size_t size) {
  if (counting) ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace cgmon {
namespace {

/// How often `work` asks for memory.
template <class F>
std::size_t allocations_of(F&& work) {
  allocations = 0;
  counting = true;
  work();
  counting = false;
  return allocations;
}

/// Of an engine's files, which a serving agent reads on a thread beside the pass: not counted.
class NamesBeside final : public MetadataQueue {
 public:
  explicit NamesBeside(MetadataQueue& names) : names_(names) {}
  void ask(const MetadataQuestion& question) override {
    const bool was = counting.exchange(false);
    names_.ask(question);
    counting = was;
  }
  void ask_ended(std::int64_t now_ns) override { names_.ask_ended(now_ns); }
  std::optional<EndedContainers> take_ended() override { return names_.take_ended(); }
  void wait(std::int64_t max_ns) override { names_.wait(max_ns); }
  void take(std::vector<MetadataAnswer>& answers) override { names_.take(answers); }

 private:
  MetadataQueue& names_;
};

/// Calls back at the second look of a pass: the walk is done, the reading begins.
class HookClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ns() const override { return 1'795'480'000'000'000'000; }
  [[nodiscard]] std::int64_t monotonic_ns() const override {
    if (++looks_ == 2 && hook_) {
      const bool was = counting.exchange(false);
      hook_();
      counting = was;
    }
    return 0;
  }
  [[nodiscard]] std::int64_t thread_cpu_ns() const override { return 0; }
  /// For the next pass alone.
  void before_reading(std::function<void()> hook) {
    hook_ = std::move(hook);
    looks_ = 0;
  }

 private:
  mutable int looks_ = 0;
  std::function<void()> hook_;
};

struct Pass {
  Collector& collector;
  Snapshot snapshot;
  PrometheusText text;
  std::string page;

  void operator()() {
    collector.collect(snapshot, kNoDeadline);
    text.render(snapshot, page);
  }
};

TEST(Allocations, AreCountedHere) {
  EXPECT_GE(allocations_of([] { std::string(100, 'x').swap(*std::make_unique<std::string>()); }),
            2U);
}

TEST(Allocations, AreNoneInSteadyStateOverACapturedHostWithAbsentFilesAndDyingCgroups) {
  for (const char* fixture :
       {"debian-6.1-v2-systemd", "debian-6.1-v1-systemd", "debian-6.1-hybrid-cgroupfs"}) {
    for (const std::size_t descriptors : {std::size_t{0}, std::size_t{4096}}) {
      FixtureHost host(fixture);
      EngineNames names(host.files, host.roots);
      NamesBeside beside(names);
      const auto collector = host.collector({.descriptors = descriptors}, nullptr, &beside);
      Pass pass{*collector, {}, PrometheusText(), {}};
      for (int i = 0; i < 16; ++i) pass();
      EXPECT_EQ(allocations_of(pass), 0U) << fixture;
      const Hierarchy& master =
          collector->layout().hierarchies[static_cast<std::size_t>(collector->layout().master())];
      const std::string current =
          master.version == Version::v2 ? "/memory.current" : "/memory.usage_in_bytes";
      const auto& order = collector->tree().in_order();
      std::size_t dying = 0;
      for (const Cgroup* const cgroup : order) {
        const std::string file = master.mount_point + cgroup->path + current;
        if (!cgroup->children.empty() || !host.files.exists(file)) continue;
        host.files.set_error(file, ENODEV);
        if (++dying == 4) break;
      }
      ASSERT_EQ(dying, 4U);
      EXPECT_EQ(allocations_of(pass), 0U) << fixture << ": four died while they were read";
      EXPECT_EQ(pass.snapshot.report.vanished_reading, 4U);
      EXPECT_EQ(allocations_of(pass), 0U) << fixture;
    }
  }
}

TEST(Allocations, AreNoneInSteadyStateOnThisKernelWhileCgroupsVanish) {
  SystemFiles files;
  const Roots roots;
  auto layout = detect_layout(files, roots);
  ASSERT_TRUE(layout);
  const OwnCgroups own(*layout);
  if (!own.refused().empty()) GTEST_SKIP() << own.refused();
  // Of this host, the test's own part: others make cgroups whenever they like.
  for (Hierarchy& hierarchy : layout->hierarchies) {
    if (hierarchy.prefix.empty()) hierarchy.mount_point += own.top();
  }
  const auto name = [](int i) { return "/c" + std::to_string(i); };
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(own.make(name(i)));
  HookClock clock;
  Collector collector(files, clock, roots, *layout, {.descriptors = 4096}, nullptr);
  Pass pass{collector, {}, PrometheusText(), {}};
  const auto remove = [&](int from, int to) {
    for (int i = from; i < to; ++i) ASSERT_TRUE(own.remove(name(i)));
  };
  pass();
  remove(0, 10);  // the buffers of removal grow once
  for (int i = 0; i < 16; ++i) pass();
  ASSERT_EQ(pass.snapshot.order.size(), 21U);
  EXPECT_EQ(allocations_of(pass), 0U);

  clock.before_reading([&] { remove(10, 14); });
  EXPECT_EQ(allocations_of(pass), 0U) << "four died between the walk and the reading";
  EXPECT_EQ(pass.snapshot.report.vanished_reading, 4U);
  EXPECT_EQ(pass.snapshot.order.size(), 17U);
  clock.before_reading({});
  EXPECT_EQ(allocations_of(pass), 0U) << "the walk lets go of them";
  remove(14, 18);
  EXPECT_EQ(allocations_of(pass), 0U) << "four died between two passes";
  EXPECT_EQ(pass.snapshot.order.size(), 13U);
  EXPECT_EQ(allocations_of(pass), 0U);
}

}  // namespace
}  // namespace cgmon
