#include "agent/cli_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/cli.h"

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<RunSpec> spec_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "run");
  arguments.insert(arguments.end(), {"--", "true"});
  const Result<Invocation> invocation = parse_command_line(arguments, {});
  if (!invocation) return tl::unexpected(invocation.error());
  return invocation->run;
}

std::string error_of(std::vector<std::string> arguments) {
  const Result<RunSpec> spec = spec_of(std::move(arguments));
  return spec ? "no error" : spec.error().message();
}

std::string error_in_file(std::string_view text) {
  const Result<RunFile> file = parse_run_file(text, "run.yaml");
  return file ? "no error" : file.error().message();
}

TEST(RunFlags, AreReadIntoBaseUnits) {
  const auto spec = spec_of({"--cpus=0.5", "--memory=64M", "--io=8:0:rbps=1M,wiops=7",
                             "--io=/dev/vda:wbps=2K", "--timeout=2s", "--best-effort"});
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->microcores, 500'000U);
  EXPECT_EQ(spec->memory, std::uint64_t{64} << 20U);
  ASSERT_EQ(spec->io.size(), 2U);
  EXPECT_EQ(spec->io[0].device, "8:0");
  EXPECT_EQ(spec->io[0].write_iops, 7U);
  EXPECT_EQ(spec->io[1].write_bps, 2048U);
  EXPECT_TRUE(spec->best_effort);
  EXPECT_FALSE(spec->force);
}

TEST(RunFlags, SayWhatIsExpected) {
  EXPECT_EQ(error_of({"--cpus=0"}),
            "`--cpus`: expected a number of CPUs like 0.5, at least 0.01, got `0` (see --help)");
  EXPECT_EQ(error_of({"--memory=1", "--memory=2"}),
            "`--memory`: expected once, given 2 times (see --help)");
  EXPECT_THAT(error_of({"--io=8:0:rbps=1,rbs=2"}), HasSubstr("expected DEVICE:rbps=N"));
}

TEST(RunFlags, ReadDevicesResourcesAndProcessLimits) {
  const auto spec =
      spec_of({"--device=/dev/fuse:rw", "--device", "b 8:* r", "--device=none", "--hugetlb=2M:64M",
               "--misc=sev:5", "--rdma=mlx5_0:hca_handle=2,hca_object=7", "--rlimit=nofile=64:128",
               "--rlimit=core=0", "--rlimit=as=1G:unlimited", "--nice=-5", "--oom-score-adj=500"});
  ASSERT_TRUE(spec) << spec.error().message();
  ASSERT_EQ(spec->devices.size(), 2U);
  EXPECT_EQ(spec->devices[0].path, "/dev/fuse");
  EXPECT_FALSE(spec->devices[0].make);
  EXPECT_EQ(spec->devices[1].type, 'b');
  EXPECT_EQ(spec->devices[1].major, 8U);
  EXPECT_EQ(spec->devices[1].minor, std::nullopt);
  EXPECT_TRUE(spec->no_devices);
  ASSERT_EQ(spec->hugetlb.size(), 1U);
  EXPECT_EQ(spec->hugetlb[0].page_bytes, std::uint64_t{2} << 20U);
  ASSERT_EQ(spec->resources.size(), 2U);
  EXPECT_EQ(spec->resources[0].text, "hca_handle=2 hca_object=7");
  EXPECT_EQ(spec->resources[1].text, "5");
  ASSERT_EQ(spec->rlimits.size(), 3U);
  EXPECT_EQ(kRlimitNames[spec->rlimits[0].index], "nofile");
  EXPECT_EQ(spec->rlimits[0].hard, 128U);
  EXPECT_EQ(spec->rlimits[1].hard, 0U);
  EXPECT_EQ(spec->rlimits[2].hard, std::nullopt);
  EXPECT_EQ(spec->nice, -5);
  EXPECT_EQ(spec->oom_score_adj, 500);
}

TEST(RunFlags, RefuseDevicesResourcesAndProcessLimitsThatAreNone) {
  for (const char* bad :
       {"fuse", "c 1:3 x", "c 1", "x 1:3", "c 4096:1", "/dev/fuse:q", "/dev/x:"}) {
    EXPECT_THAT(error_of({"--device", bad}), HasSubstr("`--device`: expected")) << bad;
  }
  for (const char* bad : {"2M", "3M:1", "2M:x", ":1"}) {
    EXPECT_THAT(error_of({std::string("--hugetlb=") + bad}), HasSubstr("expected SIZE")) << bad;
  }
  for (const char* bad : {"sev", "sev:", ":5", "sev:x", "sev:1,2"}) {
    EXPECT_THAT(error_of({std::string("--misc=") + bad}), HasSubstr("expected NAME")) << bad;
  }
  for (const char* bad : {"m:hca=1", "m:hca_handle", "m:"}) {
    EXPECT_THAT(error_of({std::string("--rdma=") + bad}), HasSubstr("expected DEVICE")) << bad;
  }
  for (const char* bad : {"nofile", "file=1", "nofile=2:1", "nofile=unlimited:1", "nofile=x"}) {
    EXPECT_THAT(error_of({std::string("--rlimit=") + bad}), HasSubstr("`--rlimit`")) << bad;
  }
  EXPECT_THAT(error_of({"--nice=20"}), HasSubstr("from -20 to 19"));
  EXPECT_THAT(error_of({"--nice=--1"}), HasSubstr("`--nice`"));
}

TEST(RunFlags, SayWhatTheCommandIsKeptApartFrom) {
  const auto spec = spec_of({"--isolate", "--ns=time,user", "--overlay=/a:/b\\:c", "--bind=/x",
                             "--bind=/x:/y:ro", "--caps=default,CAP_NET_ADMIN", "--seccomp=log",
                             "--uid-map=0:100000:65536", "--time-offset=-90s", "--env=A=b"});
  ASSERT_TRUE(spec) << spec.error().message();
  const Isolation& isolation = spec->isolation;
  EXPECT_TRUE(isolation.standard);
  EXPECT_EQ(isolation.namespaces, bit(Namespace::time) | bit(Namespace::user));
  EXPECT_THAT(isolation.lowers, ElementsAre("/a", "/b:c"));
  ASSERT_EQ(isolation.binds.size(), 2U);
  EXPECT_EQ(isolation.binds[0].target, "/x");
  EXPECT_FALSE(isolation.binds[0].read_only);
  EXPECT_EQ(isolation.binds[1].target, "/y");
  EXPECT_TRUE(isolation.binds[1].read_only);
  EXPECT_EQ(isolation.capabilities, kDefaultCapabilities | capability("net_admin"));
  EXPECT_EQ(isolation.seccomp, Seccomp::log);
  ASSERT_EQ(isolation.uid_map.size(), 1U);
  EXPECT_EQ(isolation.uid_map[0].outside, 100'000U);
  EXPECT_EQ(isolation.time_offset, std::chrono::seconds{-90});
  EXPECT_THAT(isolation.environment, ElementsAre("A=b"));
  const auto none = spec_of({"--caps=none"});
  ASSERT_TRUE(none);
  EXPECT_EQ(none->isolation.capabilities, CapabilitySet{0});
}

TEST(RunFlags, SayWhoseLimitsAndNamespaces) {
  const auto spec = spec_of({"--into=web", "--join=mnt,pid,net"});
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->into, "web");
  EXPECT_EQ(spec->isolation.join,
            bit(Namespace::mount) | bit(Namespace::pid) | bit(Namespace::net));
  EXPECT_EQ(spec->isolation.namespaces, 0);
  EXPECT_THAT(error_of({"--join=net"}), HasSubstr("`--join` needs `--into`"));
  EXPECT_THAT(error_of({"--into=web", "--join=nett"}), HasSubstr("did you mean `net`?"));
  for (const char* made : {"--isolate", "--ns=net", "--root=/a", "--overlay=/a", "--tmpfs=/a",
                           "--hostname=a", "--time-offset=1s", "--uid-map=0:1:1"}) {
    EXPECT_THAT(error_of({"--into=web", "--join=net", made}), HasSubstr("goes with none")) << made;
  }
}

TEST(RunFlags, RefuseWhatDoesNotIsolate) {
  EXPECT_THAT(error_of({"--ns=pdi"}), HasSubstr("no kind of namespace `pdi`"));
  EXPECT_THAT(error_of({"--caps=net_rwa"}), HasSubstr("did you mean `net_raw`?"));
  EXPECT_THAT(error_of({"--bind=/a:/b:rx"}), HasSubstr("SOURCE:TARGET:ro"));
  EXPECT_THAT(error_of({"--bind=/a:/b/../c"}), HasSubstr("absolute path"));
  EXPECT_THAT(error_of({"--tmpfs=/"}), HasSubstr("absolute path"));
  EXPECT_THAT(error_of({"--uid-map=0:1:0"}), HasSubstr("INSIDE:OUTSIDE:COUNT"));
  EXPECT_THAT(error_of({"--time-offset=1500ms"}), HasSubstr("whole seconds"));
  EXPECT_THAT(error_of({"--overlay=/a::/b"}), HasSubstr("directories with : between"));
  EXPECT_THAT(error_of({"--root=/a", "--overlay=/b"}), HasSubstr("does not go with"));
  EXPECT_THAT(error_of({"--upper=/a"}), HasSubstr("needs `--overlay`"));
  EXPECT_THAT(error_of({"--env==x"}), HasSubstr("KEY=VALUE"));
}

TEST(RunFile, HasTheOptionsOfTheLine) {
  const auto file = parse_run_file(
      "command: [sh, -c, \"exit 3\"]\ncpus: 0.5\nio: [8:0:rbps=1M, 8:16:rbps=2M]\n"
      "best-effort: true\nforce: false\ninterval: 50ms\n",
      "run.yaml");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_THAT(file->command, ElementsAre("sh", "-c", "exit 3"));
  const auto spec = run_spec(file->words, file->command);
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->microcores, 500'000U);
  EXPECT_EQ(spec->io.size(), 2U);
  EXPECT_EQ(spec->interval, std::chrono::milliseconds{50});
  EXPECT_TRUE(spec->best_effort);
  EXPECT_FALSE(spec->force);
}

TEST(RunFile, NamesFileAndLineOfWhatIsWrong) {
  EXPECT_THAT(error_in_file("cpus: 1\nmemry: 1M\n"),
              AllOf(HasSubstr("run.yaml:2:"), HasSubstr("did you mean `memory`?")));
  EXPECT_THAT(
      error_in_file("\n\nmemory: much\n"),
      AllOf(HasSubstr("run.yaml:3:"), HasSubstr("expected bytes like"), HasSubstr("`much`")));
  EXPECT_THAT(error_in_file("cpus: 1\ncpus: 2\n"), HasSubstr("run.yaml:2: column 1: `cpus`"));
  EXPECT_THAT(error_in_file("command: true\n"), HasSubstr("run.yaml:1:"));
  EXPECT_THAT(error_in_file("command: []\n"), HasSubstr("expected a value"));
  EXPECT_THAT(error_in_file("io:\nmemory: 1M\n"), HasSubstr("run.yaml:1:"));
  EXPECT_THAT(error_in_file("memory: [1M, 2M]\n"), HasSubstr("run.yaml:1:"));
  EXPECT_THAT(error_in_file("force: 1\n"), HasSubstr("expected true or false"));
  EXPECT_THAT(error_in_file("- cpus\n"), HasSubstr("expected a map"));
  EXPECT_THAT(error_in_file("spec: other.yaml\n"), HasSubstr("unknown key"));
  EXPECT_THAT(error_in_file("web.threads: 2\n"), HasSubstr("unknown key"));
  EXPECT_EQ(error_in_file(""), "no error");
}

TEST(RunFile, GivesWayToTheLine) {
  EXPECT_THAT(error_of({"--spec=/nonexistent.yaml"}), HasSubstr("/nonexistent.yaml"));
}

}  // namespace
}  // namespace cgmon
