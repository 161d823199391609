#include "collectors/parse/proc_cgroup.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

void check_own_cgroups(std::string_view input) {
  std::string written;
  const auto entries = parse_proc_cgroup(input);
  for (const ProcCgroup& entry : entries) {
    require(entry.path.starts_with('/') && entry.path.find('\n') == std::string::npos,
            "a path is absolute and of one line");
    require(entry.controllers.find(':') == std::string::npos, "controllers end at the colon");
    written += std::to_string(entry.hierarchy) + ':' + entry.controllers + ':' + entry.path +
               " (deleted)\n";
  }
  const auto again = parse_proc_cgroup(written + "1:cut:/");
  const auto same = [](const ProcCgroup& a, const ProcCgroup& b) {
    return a.hierarchy == b.hierarchy && a.controllers == b.controllers && a.path == b.path;
  };
  require(std::ranges::equal(entries, again, same), "entries are read back as they were");
  std::size_t by_line = 0;
  for (const std::string& line : whole_lines(input))
    by_line += parse_proc_cgroup(line + '\n').size();
  require(by_line == entries.size(), "a text is its whole lines");
}

void check_controllers(std::string_view input) {
  std::string written = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n";
  const auto controllers = parse_proc_cgroups(input);
  for (const KernelController& controller : controllers) {
    require(!controller.name.empty(), "a controller has a name");
    written += controller.name + '\t' + std::to_string(controller.hierarchy) + "\t1\t" +
               (controller.enabled ? "1\n" : "0\n");
  }
  const auto again = parse_proc_cgroups(written + "cut\t1\t1\t1");
  const auto same = [](const KernelController& a, const KernelController& b) {
    return a.name == b.name && a.hierarchy == b.hierarchy && a.enabled == b.enabled;
  };
  require(std::ranges::equal(controllers, again, same), "controllers are read back as they were");
}

}  // namespace

void check_input(std::string_view input) {
  check_own_cgroups(input);
  check_controllers(input);
}

}  // namespace cgmon
