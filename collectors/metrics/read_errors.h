#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// Counts a failure by file and reason; `path()` is asked for the first one's place.
template <class Path>
void count_read_error(std::vector<ReadError>& errors, std::string_view file,
                      std::string_view reason, Path path) {
  for (ReadError& error : errors) {
    if (error.file == file && error.reason == reason) {
      ++error.count;
      return;
    }
  }
  errors.push_back({file, reason, 1, path()});
}

}  // namespace cgmon
