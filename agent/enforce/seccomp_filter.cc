#include "agent/enforce/seccomp_filter.h"

#include <iterator>

#include "agent/enforce/seccomp_program.h"

namespace cgmon {

std::string seccomp_filter(Seccomp mode) {
  if (mode == Seccomp::log) return {std::begin(kLoggingFilter), std::end(kLoggingFilter)};
  return {std::begin(kRefusingFilter), std::end(kRefusingFilter)};
}

}  // namespace cgmon
