#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cgmon {

/// A sample of a page, its labels as they were before they were escaped.
struct ReadSample {
  std::string family, value;
  std::map<std::string, std::string> labels;
};

/// A page in the Prometheus text format 0.0.4, read by its definition. Requires that it is one:
/// whole lines, families in one piece, each with HELP and TYPE before, names and numbers as they
/// have to be, labels in quotes and each once.
[[nodiscard]] std::vector<ReadSample> read_page(std::string_view page);

}  // namespace cgmon
