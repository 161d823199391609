#include "collectors/host/machine.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>

#include "collectors/parse/cpu_list.h"
#include "collectors/parse/cpuinfo.h"
#include "collectors/parse/meminfo.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::size_t kLargestFile = 8U << 20U;  // cpuinfo of some thousand CPUs
constexpr std::size_t kLongestName = 256;

/// A name that goes onto the page; empty when it is none: what is odd is left out, not repaired.
std::string name_in(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.remove_suffix(1);
  const bool fits = text.size() <= kLongestName &&
                    std::ranges::all_of(text, [](char byte) { return byte >= ' ' && byte <= '~'; });
  return fits ? std::string(text) : std::string();
}

/// PRETTY_NAME of os-release(5), which is written as a shell would read it.
std::string pretty_name(std::string_view text) {
  constexpr std::string_view kKey = "PRETTY_NAME=";
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (!line.starts_with(kKey)) continue;
    line.remove_prefix(kKey.size());
    const bool quoted = line.size() >= 2 && (line.front() == '"' || line.front() == '\'');
    if (quoted && line.back() == line.front()) line = line.substr(1, line.size() - 2);
    std::string name;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\\' && i + 1 < line.size()) ++i;
      name += line[i];
    }
    return name_in(name);
  }
  return {};
}

class MachineReader {
 public:
  MachineReader(Files& files, const Roots& roots)
      : files_(files),
        roots_(roots),
        devices_(roots.sysfs + "/devices/system"),
        root_(files.open_directory(Files::kAbsolute, roots.rootfs.c_str())) {}
  MachineReader(const MachineReader&) = delete;
  MachineReader& operator=(const MachineReader&) = delete;
  ~MachineReader() {
    if (root_ >= 0) files_.close(root_);
  }

  void read_names(Machine& machine) {
    machine.machine_id = name_in(of_root("etc/machine-id"));
    if (machine.machine_id.empty()) {
      machine.machine_id = name_in(of_root("var/lib/dbus/machine-id"));
    }
    machine.system_uuid = name_in(text(roots_.sysfs + "/class/dmi/id/product_uuid"));
    if (machine.system_uuid.empty()) {
      machine.system_uuid = name_in(text(roots_.procfs + "/device-tree/vm,uuid"));
    }
    machine.boot_id = name_in(text(roots_.procfs + "/sys/kernel/random/boot_id"));
    machine.kernel_version = name_in(text(roots_.procfs + "/sys/kernel/osrelease"));
    machine.os_version = pretty_name(of_root("etc/os-release"));
    if (machine.os_version.empty()) {
      machine.os_version = pretty_name(of_root("usr/lib/os-release"));
    }
  }

  void read_memory(Machine& machine) {
    const std::string meminfo = text(roots_.procfs + "/meminfo");
    machine.memory_bytes = bytes_in(meminfo, "MemTotal");
    machine.swap_bytes = bytes_in(meminfo, "SwapTotal");
  }

  /// Cores and sockets by the sets of CPUs that share one: core numbers repeat among sockets, and
  /// ARM kernels give sockets none.
  void read_cpus(Machine& machine) {
    const auto online = list(devices_ + "/cpu/online");
    std::set<std::string> cores, sockets;
    bool all_say = online.has_value();
    for (std::size_t i = 0; all_say && i < online->size(); ++i) {
      const std::string topology = cpu_path((*online)[i]) + "/topology/";
      std::string core = text(topology + "thread_siblings_list");
      std::string socket = text(topology + "core_siblings_list");
      all_say = !core.empty() && !socket.empty();
      cores.insert(std::move(core));
      sockets.insert(std::move(socket));
    }
    if (online) machine.cpus = online->size();
    if (all_say) {
      machine.cores = cores.size();
      machine.sockets = sockets.size();
      return;
    }
    const CpuInfo info = parse_cpuinfo(text(roots_.procfs + "/cpuinfo"));
    if (!online && info.cpus != 0) machine.cpus = info.cpus;
    if (info.cores == 0) return;
    machine.cores = info.cores;
    machine.sockets = info.sockets;
  }

  /// All of them or none: a sum without one that could not be read is a wrong number.
  void read_modules(Machine& machine) {
    std::map<std::string, MemoryModules> modules;
    const std::string controllers = devices_ + "/edac/mc";
    bool all_read = true;
    for (const std::string& controller : directories(controllers, "mc", "", &all_read)) {
      const std::string path = controllers + '/' + controller;
      std::vector<std::string> names = directories(path, "dimm", "", &all_read);
      if (names.empty()) names = directories(path, "rank", "", &all_read);
      for (const std::string& name : names) {
        const std::string type = text(path + '/' + name + "/dimm_mem_type");
        const auto mebibytes = number(path + '/' + name + "/size");
        all_read = all_read && !type.empty() && mebibytes && *mebibytes < 1ULL << 32U;
        if (!all_read || *mebibytes == 0) continue;  // an empty slot
        MemoryModules& of_type = modules[name_in(type)];
        ++of_type.count;
        of_type.bytes += *mebibytes << 20U;
      }
    }
    if (all_read) machine.modules = std::move(modules);
  }

  void read_nodes(Machine& machine) {
    const std::string path = devices_ + "/node";
    const auto online = list(path + "/online");
    if (!online) return;
    for (const std::uint32_t number_of : *online) {
      const std::string number_text = std::to_string(number_of);
      const std::string directory = path + "/node" + number_text;
      MachineNode node;
      node.number = number_of;
      node.memory_bytes =
          bytes_in(text(directory + "/meminfo"), "Node " + number_text + " MemTotal");
      node.cpus = list(directory + "/cpulist").value_or(std::vector<std::uint32_t>());
      read_huge_pages(directory + "/hugepages", node);
      read_distances(text(directory + "/distance"), *online, node);
      machine.nodes.push_back(std::move(node));
    }
  }

  void read_topology(Machine& machine) {
    const auto online = list(devices_ + "/cpu/online");
    if (!online) return;
    std::set<std::uint32_t> seen;
    for (const std::uint32_t cpu : *online) {
      if (seen.contains(cpu)) continue;
      const auto cpus = list(cpu_path(cpu) + "/topology/thread_siblings_list");
      if (!cpus) continue;
      seen.insert(cpus->begin(), cpus->end());
      MachineCore core;
      core.number = number(cpu_path(cpu) + "/topology/core_id");
      core.cpus = *cpus;
      const std::string caches = cpu_path(cpu) + "/cache";
      for (const std::string& index : directories(caches, "index", "")) {
        read_cache(caches + '/' + index + '/', core);
      }
      machine.topology.push_back(std::move(core));
    }
  }

 private:
  void read_huge_pages(const std::string& path, MachineNode& node) {
    for (const std::string& directory : directories(path, "hugepages-", "kB")) {
      std::string_view size = directory;
      size.remove_prefix(std::string_view("hugepages-").size());
      size.remove_suffix(std::string_view("kB").size());
      const auto kilobytes = parse_number(size);
      const auto pages = number(path + '/' + directory + "/nr_hugepages");
      if (kilobytes && pages) node.huge_pages[*kilobytes] = *pages;
    }
  }

  /// "10 20\n": one a node that is online, in their order.
  static void read_distances(std::string_view text, const std::vector<std::uint32_t>& online,
                             MachineNode& node) {
    if (!text.ends_with('\n')) return;
    text.remove_suffix(1);
    std::map<std::uint32_t, std::uint64_t> distances;
    for (const std::uint32_t target : online) {
      const auto distance = parse_number(take_word(text));
      if (!distance) return;
      distances[target] = *distance;
    }
    if (text.empty()) node.distances = std::move(distances);
  }

  /// Its size is written "32K".
  void read_cache(const std::string& path, MachineCore& core) {
    std::string_view size;
    const std::string size_text = text(path + "size");
    size = size_text;
    if (!size.ends_with("K\n")) return;
    size.remove_suffix(2);
    const auto kibibytes = parse_number(size);
    const auto level = number(path + "level");
    auto cpus = list(path + "shared_cpu_list");
    std::string type = name_in(text(path + "type"));
    if (!kibibytes || *kibibytes >= 1ULL << 54U || !level || !cpus || type.empty()) return;
    core.caches.push_back({std::move(type), *level, *kibibytes << 10U, *std::move(cpus)});
  }

  [[nodiscard]] std::string cpu_path(std::uint32_t cpu) const {
    return devices_ + "/cpu/cpu" + std::to_string(cpu);
  }

  /// Empty when it cannot be read.
  std::string text(const std::string& path) { return text_of(Files::kAbsolute, path); }

  std::string text_of(int directory, const std::string& path) {
    std::string content;
    const int error = read_file(files_, directory, path.c_str(), kLargestFile, content);
    return error == 0 ? content : std::string();
  }

  /// A file of the host's root, where links are the host's.
  std::string of_root(const char* path) {
    std::string content;
    if (root_ < 0) return content;
    const int error = read_file_beneath(files_, root_, path, kLargestFile, content);
    return error == 0 ? content : std::string();
  }

  std::optional<std::uint64_t> number(const std::string& path) {
    std::string content = text(path);
    if (!content.ends_with('\n')) return std::nullopt;
    content.pop_back();
    return parse_number(content);
  }

  std::optional<std::vector<std::uint32_t>> list(const std::string& path) {
    return parse_cpu_list(text(path));
  }

  static std::optional<std::uint64_t> bytes_in(std::string_view meminfo, std::string_view key) {
    const auto kibibytes = parse_meminfo(meminfo, key);
    if (!kibibytes || *kibibytes >= 1ULL << 54U) return std::nullopt;
    return *kibibytes << 10U;
  }

  /// The directories in one whose names are a number between two words, by that number. `listed`
  /// becomes false where there are some and they cannot be had.
  std::vector<std::string> directories(const std::string& path, std::string_view before,
                                       std::string_view behind, bool* listed = nullptr) {
    DirectoryListing listing;
    const int error = files_.list_directories(Files::kAbsolute, path.c_str(), listing);
    if (error != 0 && error != -ENOENT && listed != nullptr) *listed = false;
    if (error != 0) return {};
    std::map<std::uint64_t, std::string> found;
    for (const auto& entry : listing.entries()) {
      const std::string_view name = listing.name(entry);
      if (!name.starts_with(before) || !name.ends_with(behind)) continue;
      std::string_view digits = name.substr(before.size());
      digits.remove_suffix(std::min(digits.size(), behind.size()));
      if (const auto key = parse_number(digits)) found.emplace(*key, name);
    }
    std::vector<std::string> names;
    for (auto& [key, name] : found) names.push_back(std::move(name));
    return names;
  }

  Files& files_;
  const Roots& roots_;
  std::string devices_;
  int root_;
};

}  // namespace

Machine read_machine(Files& files, const Roots& roots, bool topology) {
  Machine machine;
  MachineReader reader(files, roots);
  reader.read_names(machine);
  reader.read_memory(machine);
  reader.read_cpus(machine);
  reader.read_modules(machine);
  if (topology) {
    reader.read_nodes(machine);
    reader.read_topology(machine);
  }
  return machine;
}

}  // namespace cgmon
