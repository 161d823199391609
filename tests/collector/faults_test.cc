// For every n: the n-th question to the kernel fails. A pass may lack numbers then, but shows no
// wrong one, leaks nothing, says that something failed, and the pass after the failure is whole.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "tests/support/faulty_files.h"
#include "tests/support/fixture_host.h"

namespace cgmon {
namespace {

using testing::IsEmpty;

struct Layouts {
  const char* fixture;
  const char* kept;  ///< the only directory that stays at the top of each hierarchy
};

void keep_only(TreeFiles& files, const std::string& directory, const std::string& kept) {
  DirectoryListing listing;
  ASSERT_EQ(files.list_directories(Files::kAbsolute, directory.c_str(), listing), 0) << directory;
  for (const auto& entry : listing.entries()) {
    const std::string name(listing.name(entry));
    if (!name.starts_with(kept)) files.remove_directory(directory + '/' + name);
  }
}

/// A captured host with its containers alone: every n is a run of its own.
std::unique_ptr<FixtureHost> small_host(const Layouts& layouts) {
  auto host = std::make_unique<FixtureHost>(layouts.fixture);
  for (const Hierarchy& hierarchy : host->layout().hierarchies) {
    keep_only(host->files, hierarchy.mount_point, layouts.kept);
    const std::string below = hierarchy.mount_point + '/' + layouts.kept;
    if (std::string_view(layouts.kept) == "system.slice" && host->files.exists(below)) {
      keep_only(host->files, below, "docker-");
    }
  }
  return host;
}

/// The page without when cgroups were made: that is the oldest of several times, and nearer to the
/// truth with each that could be had. Which of them failed makes no number wrong.
std::string page_without_ages(Snapshot& snapshot) {
  snapshot.served[row("container_start_time_seconds")] = false;
  snapshot.served[row("container_creation_time_seconds")] = false;
  return page_of(snapshot);
}

/// Whether a row that others depend on has no number in any cgroup.
bool lacks_everywhere(const Snapshot& snapshot, std::size_t needed) {
  if (needed == kNoRow) return false;
  for (Slot slot = 0; slot < snapshot.parent.size(); ++slot) {
    if (snapshot.value(needed, slot).is_number()) return false;
  }
  return true;
}

bool says_that_something_failed(const Snapshot& snapshot) {
  if (!snapshot.read_errors.empty() || snapshot.report.watch_failures != 0 ||
      snapshot.report.vanished_reading != 0) {
    return true;
  }
  return std::ranges::any_of(snapshot.report.groups, [](const GroupReport& group) {
    return group.collected && !group.success;
  });
}

/// Whether there was an n-th call.
bool passes_survive(FixtureHost& host, const Layout& layout, FaultyFiles::Fault fault,
                    const std::string& whole_page, const std::set<std::string>& whole) {
  const std::string what =
      std::string(errno_name(fault.error)) + " at " + std::to_string(fault.nth);
  FaultyFiles faulty(host.files, fault);
  bool fired = false;
  {
    Collector collector(faulty, host.clock, host.roots, layout, {}, nullptr);
    const bool has_fallbacks = std::ranges::any_of(collector.plan().files, [](const auto& kind) {
      return std::ranges::any_of(kind.bindings, &Binding::fallback);
    });
    Snapshot first, second, third;
    for (Snapshot* const snapshot : {&first, &second}) {
      collector.collect(*snapshot, kNoDeadline);
      const std::string page = page_without_ages(*snapshot);
      // ENOENT says that there is no such source: the next one may stand in for it.
      for (const std::string& sample : samples_of(page)) {
        EXPECT_TRUE(whole.contains(sample) || (fault.error == ENOENT && has_fallbacks))
            << what << " made up " << sample;
      }
      if (page != whole_page && fault.error != ENOENT) {
        EXPECT_TRUE(says_that_something_failed(*snapshot)) << what;
      }
    }
    fired = faulty.fired();
    collector.collect(third, kNoDeadline);
    EXPECT_EQ(page_without_ages(third), whole_page) << what << ": the pass after it";
  }
  EXPECT_THAT(host.files.open_paths(), IsEmpty()) << what;
  EXPECT_EQ(host.files.bad_handles(), 0U) << what;
  return fired;
}

class CollectorWithFaults : public testing::TestWithParam<Layouts> {};

TEST_P(CollectorWithFaults, ShowsNothingWrongAndRecoversWhicheverCallFails) {
  const auto host = small_host(GetParam());
  const Layout layout = host->layout();
  std::string whole_page;
  {
    const auto collector = host->collector();
    Snapshot snapshot;
    collector->collect(snapshot, kNoDeadline);
    whole_page = page_without_ages(snapshot);
  }
  const auto lines = samples_of(whole_page);
  const std::set<std::string> whole(lines.begin(), lines.end());
  ASSERT_GT(whole.size(), 80U);
  for (const int error : {EIO, EACCES, ENOENT, ENODEV, EMFILE}) {
    for (std::size_t n = 1;; ++n) {
      const bool fired =
          passes_survive(*host, layout, {.nth = n, .error = error}, whole_page, whole);
      if (testing::Test::HasFailure()) return;
      if (!fired) {
        EXPECT_GT(n, 200U) << "calls that were tried";
        break;
      }
    }
  }
}

TEST_P(CollectorWithFaults, ShowsNothingWrongWhileEveryReadOfAFileFails) {
  const auto host = small_host(GetParam());
  const Layout layout = host->layout();
  const auto whole_host = host->collector();
  Snapshot snapshot;
  whole_host->collect(snapshot, kNoDeadline);
  const auto lines = samples_of(page_of(snapshot));
  const std::set<std::string> whole(lines.begin(), lines.end());
  for (const FileKind& kind : whole_host->plan().files) {
    for (const int error : {EIO, EACCES, EMFILE}) {
      FaultyFiles faulty(host->files, {.nth = 1,
                                       .error = error,
                                       .lasting = true,
                                       .call = FaultyFiles::Call::open,
                                       .path_suffix = kind.file});
      Collector collector(faulty, host->clock, host->roots, layout, {}, nullptr);
      Snapshot failing;
      collector.collect(failing, kNoDeadline);
      // Older kernels' files are not asked for where there are newer ones.
      if (!faulty.fired() && kind.replaces != FileKind::kNoFile) continue;
      // Nor those of which every row needs a number that this host has not, as of its swap.
      if (!faulty.fired() && std::ranges::all_of(kind.bindings, [&](const Binding& binding) {
            return lacks_everywhere(snapshot, binding.only_if);
          })) {
        continue;
      }
      EXPECT_FALSE(failing.report.groups[static_cast<std::size_t>(kind.group)].success)
          << kind.file;
      ASSERT_FALSE(failing.read_errors.empty()) << kind.file;
      EXPECT_EQ(failing.read_errors[0].reason, errno_name(error));
      EXPECT_TRUE(kind.file.ends_with(failing.read_errors[0].file)) << kind.file;
      for (const std::string& sample : samples_of(page_of(failing))) {
        EXPECT_TRUE(whole.contains(sample)) << kind.file << " failing made up " << sample;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, CollectorWithFaults,
                         testing::Values(Layouts{"debian-6.1-v2-systemd", "system.slice"},
                                         Layouts{"debian-6.1-v1-systemd", "system.slice"},
                                         Layouts{"debian-6.1-hybrid-cgroupfs", "docker"}),
                         [](const auto& parameter) {
                           std::string name = parameter.param.fixture;
                           for (char& byte : name) {
                             if (byte == '-' || byte == '.') byte = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace cgmon
