#include "agent/enforce/device_filter.h"

#include <cstddef>

namespace cgmon {
namespace {

constexpr std::uint8_t kContext = 1, kType = 2, kAccess = 3, kMajor = 4, kMinor = 5, kRest = 6;

bpf_insn instruction(unsigned code, std::uint8_t to, std::uint8_t from, std::int16_t offset,
                     std::int32_t immediate) {
  bpf_insn made{};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = to & 15U;
  made.src_reg = from & 15U;
  made.off = offset;
  made.imm = immediate;
  return made;
}

bpf_insn load(std::uint8_t to, std::size_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, to, kContext, static_cast<std::int16_t>(offset), 0);
}

void append_end(std::vector<bpf_insn>& program, int result) {
  program.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, result));
  program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

/// What does not fit goes on behind the rule; where that is, is known at its end.
void append_rule(std::vector<bpf_insn>& program, const DeviceRule& rule) {
  std::vector<std::size_t> jumps;
  const auto unless = [&](std::uint8_t reg, unsigned value) {
    jumps.push_back(program.size());
    program.push_back(
        instruction(BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, 0, static_cast<std::int32_t>(value)));
  };
  unsigned allowed = 0;
  if (rule.read) allowed |= BPF_DEVCG_ACC_READ;
  if (rule.write) allowed |= BPF_DEVCG_ACC_WRITE;
  if (rule.make) allowed |= BPF_DEVCG_ACC_MKNOD;
  unless(kType, rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
  program.push_back(instruction(BPF_ALU | BPF_MOV | BPF_X, kRest, kAccess, 0, 0));
  program.push_back(instruction(BPF_ALU | BPF_AND | BPF_K, kRest, 0, 0,
                                static_cast<std::int32_t>(~allowed & 0xffffU)));
  unless(kRest, 0);
  if (rule.major) unless(kMajor, *rule.major);
  if (rule.minor) unless(kMinor, *rule.minor);
  append_end(program, 1);
  for (const std::size_t jump : jumps) {
    program[jump].off = static_cast<std::int16_t>(program.size() - jump - 1);
  }
}

}  // namespace

std::string text_of(const DeviceRule& rule) {
  const auto number = [](const std::optional<std::uint32_t>& each) {
    return each ? std::to_string(*each) : "*";
  };
  return std::string(1, rule.type) + ' ' + number(rule.major) + ':' + number(rule.minor) + ' ' +
         (rule.read ? "r" : "") + (rule.write ? "w" : "") + (rule.make ? "m" : "");
}

std::vector<bpf_insn> device_program(std::span<const DeviceRule> rules) {
  std::vector<bpf_insn> program;
  // The access is the upper half of what the type is the lower half of.
  program.push_back(load(kType, offsetof(bpf_cgroup_dev_ctx, access_type)));
  program.push_back(instruction(BPF_ALU | BPF_MOV | BPF_X, kAccess, kType, 0, 0));
  program.push_back(instruction(BPF_ALU | BPF_AND | BPF_K, kType, 0, 0, 0xffff));
  program.push_back(instruction(BPF_ALU | BPF_RSH | BPF_K, kAccess, 0, 0, 16));
  program.push_back(load(kMajor, offsetof(bpf_cgroup_dev_ctx, major)));
  program.push_back(load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor)));
  for (const DeviceRule& rule : rules) append_rule(program, rule);
  append_end(program, 0);
  return program;
}

}  // namespace cgmon
