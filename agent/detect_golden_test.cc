// Whole reports against tests/golden/detect/; CGMON_GOLDEN_UPDATE=1 writes them anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "agent/detect.h"
#include "collectors/identity/docker.h"
#include "tests/support/made_up_hosts.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

std::string report(TreeFiles& tree, const Roots& roots,
                   std::string (&format)(const DetectReport&) = text_of) {
  const Result<Layout> layout = detect_layout(tree, roots);
  if (!layout) return layout.error().message();
  const DockerFiles docker(tree, roots, {});
  return format(detect(tree, roots, *layout, {docker.data_roots(), {"/home/ann"}, 1048576, 4096}));
}

void expect_golden(const std::string& name, const std::string& text,
                   const std::string& suffix = ".txt") {
  const std::string file = "tests/golden/detect/" + name + suffix;
  const char* const update = std::getenv("CGMON_GOLDEN_UPDATE");  // NOLINT(concurrency-mt-unsafe)
  if (update != nullptr && std::string(update) == "1") {
    std::ofstream(file, std::ios::binary) << text;
  }
  std::ifstream stream(file, std::ios::binary);
  ASSERT_TRUE(stream) << file << " is missing; CGMON_GOLDEN_UPDATE=1 writes it";
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(stream), {})) << file;
  for (std::size_t at = 0; suffix == ".txt" && at < text.size();) {
    const std::size_t end = text.find('\n', at);
    EXPECT_LE(end - at, 100U) << text.substr(at, end - at);
    at = end + 1;
  }
}

class CapturedHost : public testing::TestWithParam<const char*> {};

TEST_P(CapturedHost, IsDescribed) {
  TreeFiles tree;
  made_up::load_captured(tree, GetParam());
  expect_golden(GetParam(), report(tree, {}));
}

INSTANTIATE_TEST_SUITE_P(DetectGolden, CapturedHost,
                         testing::Values("debian-6.1-v1-cgroupfs", "debian-6.1-v1-systemd",
                                         "debian-6.1-v2-cgroupfs", "debian-6.1-v2-systemd",
                                         "debian-6.1-hybrid-cgroupfs", "debian-6.1-hybrid-systemd",
                                         "debian-6.1-v2-nopsi", "debian-6.1-v1-nomemory",
                                         "linux-6.18-hybrid"),
                         [](const auto& host) {
                           std::string name = host.param;
                           std::ranges::replace_if(
                               name, [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

TEST(DetectGolden, SaysWhatTurnsMemoryOnWhereItIsDisabled) {
  TreeFiles v1;
  made_up::disable_memory_v1(v1);
  expect_golden("memory-disabled-v1", report(v1, {}));
  TreeFiles v2;
  made_up::disable_memory_v2(v2);
  expect_golden("memory-disabled-v2", report(v2, {}));
}

TEST(DetectGolden, SaysWhatTurnsPressureOn) {
  TreeFiles without_files;
  made_up::load_captured(without_files, made_up::kV2);
  made_up::remove_pressure_files(without_files);
  TreeFiles failing_files;
  made_up::load_captured(failing_files, made_up::kV2);
  made_up::make_pressure_files_fail(failing_files);
  const std::string text = report(without_files, {});
  expect_golden("psi-off", text);
  EXPECT_EQ(report(failing_files, {}), text);
}

TEST(DetectGolden, SaysHowToSeeTheHostFromAV2Container) {
  TreeFiles tree;
  made_up::enter_v2_container(tree);
  expect_golden("container-v2", report(tree, {}));
}

TEST(DetectGolden, SaysHowToSeeTheHostFromAV1Container) {
  TreeFiles tree;
  made_up::enter_v1_container(tree);
  expect_golden("container-v1", report(tree, {}));
}

TEST(DetectGolden, SeesTheHostThatIsMountedInAContainer) {
  TreeFiles tree;
  made_up::mount_host_in_v2_container(tree);
  expect_golden("container-v2-host-mounted", report(tree, made_up::host_roots()));
}

TEST(DetectGolden, ListsEnginesAndWhoMakesTheirCgroups) {
  TreeFiles tree;
  made_up::load_captured(tree, made_up::kV2);
  const std::string tasks = "/run/containerd/io.containerd.runtime.v2.task";
  for (const char* const name : {"/k8s.io/web", "/k8s.io/shop", "/lab/job-7"}) {
    tree.add_directory(tasks + name);
  }
  tree.set_file(
      "/etc/containerd/config.toml",
      "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n"
      "  SystemdCgroup = true\n");
  tree.set_file("/var/lib/kubelet/config.yaml", "cgroupDriver: cgroupfs\n");
  tree.add_directory("/var/log/pods/prod_shop-0_1");
  const std::string container = "/vfs-containers/" + std::string(64, 'b');
  tree.add_directory("/home/ann/.local/share/containers/storage" + container);
  tree.add_directory("/var/lib/containers/storage" + container);
  tree.set_error("/var/lib/containers/storage", EACCES);
  expect_golden("engines", report(tree, {}));
  expect_golden("engines", report(tree, {}, json_of), ".json");
}

TEST(DetectGolden, SaysWhatToDoWhereThereAreNoCgroups) {
  TreeFiles tree;
  tree.set_file("/proc/self/mountinfo", "");
  expect_golden("no-cgroups", report(tree, {}));
}

}  // namespace
}  // namespace cgmon
