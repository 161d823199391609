#include "agent/enforce/device_filter.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace cgmon {
namespace {

/// As the kernel runs it: the verifier lets nothing else through than what is known here. Returns
/// -1 for an instruction that is not known, or a jump that leads nowhere.
int result_of(const std::vector<bpf_insn>& program, const bpf_cgroup_dev_ctx& context) {
  std::array<std::uint64_t, 11> reg{};
  for (std::size_t at = 0; at < program.size(); ++at) {
    const bpf_insn& one = program[at];
    const auto immediate = static_cast<std::uint32_t>(one.imm);
    switch (one.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        reg.at(one.dst_reg) = one.off == 0   ? context.access_type
                              : one.off == 4 ? context.major
                                             : context.minor;
        break;
      case BPF_ALU | BPF_MOV | BPF_X:
        reg.at(one.dst_reg) = reg.at(one.src_reg) & UINT32_MAX;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        reg.at(one.dst_reg) &= immediate;
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        reg.at(one.dst_reg) >>= immediate;
        break;
      case BPF_ALU64 | BPF_MOV | BPF_K:
        reg.at(one.dst_reg) = immediate;
        break;
      case BPF_JMP32 | BPF_JNE | BPF_K:
        if ((reg.at(one.dst_reg) & UINT32_MAX) != immediate)
          at += static_cast<std::size_t>(one.off);
        break;
      case BPF_JMP | BPF_EXIT:
        return static_cast<int>(reg[0]);
      default:
        return -1;
    }
  }
  return -1;
}

constexpr std::uint32_t kRead = BPF_DEVCG_ACC_READ, kWrite = BPF_DEVCG_ACC_WRITE,
                        kMake = BPF_DEVCG_ACC_MKNOD;

bpf_cgroup_dev_ctx use(std::uint32_t access, char type, std::uint32_t major, std::uint32_t minor) {
  const std::uint32_t kind = type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
  return {(access << 16U) | kind, major, minor};
}

TEST(DeviceProgram, AllowsWhatARuleNamesAndNothingElse) {
  const std::vector<DeviceRule> rules{
      {.type = 'c', .major = 1, .minor = 3, .read = true, .write = true, .make = true},
      {.type = 'b', .major = 8, .read = true}};
  const auto program = device_program(rules);
  EXPECT_EQ(result_of(program, use(kRead | kWrite, 'c', 1, 3)), 1);
  EXPECT_EQ(result_of(program, use(kMake, 'c', 1, 3)), 1);
  EXPECT_EQ(result_of(program, use(kRead, 'c', 1, 5)), 0) << "another minor";
  EXPECT_EQ(result_of(program, use(kRead, 'c', 2, 3)), 0) << "another major";
  EXPECT_EQ(result_of(program, use(kRead, 'b', 1, 3)), 0) << "another type";
  EXPECT_EQ(result_of(program, use(kRead, 'b', 8, 77)), 1) << "any minor";
  EXPECT_EQ(result_of(program, use(kWrite, 'b', 8, 77)), 0) << "another access";
  EXPECT_EQ(result_of(program, use(kRead | kWrite, 'b', 8, 77)), 0) << "one of two";
}

TEST(DeviceProgram, WithoutRulesAllowsNothing) {
  EXPECT_EQ(result_of(device_program({}), use(kRead, 'c', 1, 3)), 0);
}

TEST(TextOfDeviceRule, IsWhatTheListOfV1Takes) {
  EXPECT_EQ(text_of(DeviceRule{.type = 'b', .major = 8, .read = true, .make = true}), "b 8:* rm");
}

}  // namespace
}  // namespace cgmon
