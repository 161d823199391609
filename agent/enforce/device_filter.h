#pragma once

#include <linux/bpf.h>

#include <span>
#include <string>
#include <vector>

#include "agent/enforce/spec.h"

namespace cgmon {

/// "c 1:3 rwm": a rule as v1's devices.allow takes it. The rule has numbers, no path.
[[nodiscard]] std::string text_of(const DeviceRule& rule);

/// The BPF_PROG_TYPE_CGROUP_DEVICE program that lets pass what one of the rules allows and refuses
/// all else with EPERM. It has no loop and no map; ten instructions a rule at most.
/// Source: bpf_cgroup_dev_ctx in linux/bpf.h.
[[nodiscard]] std::vector<bpf_insn> device_program(std::span<const DeviceRule> rules);

}  // namespace cgmon
