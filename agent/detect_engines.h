#pragma once

#include "agent/detect.h"
#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// Adds to a report the engines whose files are on the host, what cannot be read of them and by
/// which right it could, and notes on who makes cgroups: two managers of one tree, a kubelet and a
/// runtime that differ.
void detect_engines(Files& files, const Roots& roots, const Layout& layout,
                    const DetectFacts& facts, DetectReport& report);

}  // namespace cgmon
