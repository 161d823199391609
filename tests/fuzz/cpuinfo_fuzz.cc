#include <algorithm>
#include <functional>
#include <string>

#include "collectors/parse/cpu_list.h"
#include "collectors/parse/cpuinfo.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

void check_cpuinfo(std::string_view input) {
  const CpuInfo info = parse_cpuinfo(input);
  const auto begins_cpu = [](const std::string& line) { return line.starts_with("processor"); };
  const auto lines = whole_lines(input);
  require(info.cpus <= static_cast<std::size_t>(std::ranges::count_if(lines, begins_cpu)),
          "each CPU has its line");
  require(info.sockets <= info.cores && info.cores <= info.cpus,
          "sockets have cores, cores have CPUs");
  require((info.cores == 0) == (info.sockets == 0), "both are known, or none");
  std::string whole;
  for (const std::string& line : lines) whole += line + '\n';
  require(parse_cpuinfo(whole) == info, "a line that was cut does not count");
  whole += "processor\t: 7\n";
  require(parse_cpuinfo(whole) == CpuInfo{.cpus = info.cpus + 1},
          "one more CPU counts, and that it names no core voids the cores");
}

void check_list(std::string_view input) {
  const auto list = parse_cpu_list(input);
  if (!list) return;
  std::string text;
  for (const std::uint32_t cpu : *list) text += (text.empty() ? "" : ",") + std::to_string(cpu);
  require(parse_cpu_list(text + '\n') == list, "a list says the same number by number");
  require(std::ranges::adjacent_find(*list, std::greater_equal<>()) == list->end(), "lists rise");
}

}  // namespace

void check_input(std::string_view input) {
  check_cpuinfo(input);
  check_list(input);
}

}  // namespace cgmon
