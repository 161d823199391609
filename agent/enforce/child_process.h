#pragma once

#include <sys/types.h>

#include <cstdint>

#include "agent/enforce/child_plan.h"

/// What the new process and the agent say to each other, and what the process does with it.
namespace cgmon {

/// What the new process says on its status pipe; that it closes, unsaid, is a command executed.
struct ChildMessage {
  std::int32_t step = 0, error = 0;
};
inline constexpr std::int32_t kExecve = -1, kReady = -2;

/// What an init says of its command.
struct EndMessage {
  std::int32_t code = 0, status = 0;
};

/// The process' ends: it reads a byte each time that it may go on.
struct ChildPipes {
  int go, status, end;
};

/// Where to look for programs and what to hand them: read by execvp.
struct Program {
  char* const* arguments;
  char* const* environment;  ///< null: ours
};

/// What the new process does between its birth and the command, in it. Allocates nothing.
[[noreturn]] void become(const ChildPlan& plan, const Program& program, const ChildPipes& pipes,
                         pid_t parent);

}  // namespace cgmon
