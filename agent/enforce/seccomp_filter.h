#pragma once

#include <string>

#include "agent/enforce/isolation.h"

namespace cgmon {

/// The filter as the kernel takes it, struct sock_filter[]: system calls by which a container gets
/// at the host fail with EPERM, clone3 with ENOSYS so that programs fall back on clone, whose flags
/// a filter can see. Nothing else is refused, in any of the ABIs that this machine runs. Made when
/// the program was built, by seccomp_compiler.cc.
[[nodiscard]] std::string seccomp_filter(Seccomp mode);

}  // namespace cgmon
