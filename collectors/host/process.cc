#include "collectors/host/process.h"

#include <cerrno>
#include <utility>

#include "collectors/parse/number.h"
#include "collectors/parse/process_files.h"

namespace cgmon {
namespace {

constexpr std::size_t kLargestFile = 16U << 20U;  // mountinfo of a host with many containers

std::string path_of(const std::string& procfs, std::string_view process, std::string_view file) {
  return procfs + '/' + std::string(process) + '/' + std::string(file);
}

Result<std::string> read_of(Files& files, const std::string& procfs, std::uint32_t pid,
                            std::string_view file) {
  std::string text;
  const std::string path = path_of(procfs, std::to_string(pid), file);
  const int error = read_file(files, Files::kAbsolute, path.c_str(), kLargestFile, text);
  if (error != 0) return failure("cannot read", path, -error);
  return text;
}

/// "net:[4026531840]"
std::optional<std::uint64_t> inode_of(std::string_view link) {
  take_until(link, '[');
  if (!link.ends_with(']')) return std::nullopt;
  return parse_number(link.substr(0, link.size() - 1));
}

}  // namespace

Result<Namespaces> read_namespaces(Files& files, const std::string& procfs, std::uint32_t pid) {
  Namespaces namespaces{};
  std::string target;
  bool any = false;
  for (std::size_t kind = 0; kind < kNamespaces.size(); ++kind) {
    const std::string path =
        path_of(procfs, std::to_string(pid), "ns/" + std::string(kNamespaces.at(kind)));
    const int error = files.read_link(Files::kAbsolute, path.c_str(), target);
    if (error == -ENOENT) continue;
    if (error != 0) return failure("cannot read", path, -error);
    namespaces.at(kind) = inode_of(target).value_or(0);
    any = true;
  }
  if (!any) return failure("no such process", path_of(procfs, std::to_string(pid), "ns"), ENOENT);
  return namespaces;
}

Result<void> each_process(
    Files& files, const std::string& procfs,
    const std::function<void(std::uint32_t, std::span<const ProcCgroup>)>& visit) {
  DirectoryListing listing;
  const int error = files.list_directories(Files::kAbsolute, procfs.c_str(), listing);
  if (error != 0) return failure("cannot list the processes", procfs, -error);
  for (const auto& entry : listing.entries()) {
    const auto pid = parse_number(listing.name(entry));
    if (!pid || *pid > UINT32_MAX) continue;
    const auto cgroups = read_cgroups(files, procfs, static_cast<std::uint32_t>(*pid));
    if (cgroups) visit(static_cast<std::uint32_t>(*pid), *cgroups);
  }
  return {};
}

Result<std::vector<ProcCgroup>> read_cgroups(Files& files, const std::string& procfs,
                                             std::uint32_t pid) {
  const auto text = read_of(files, procfs, pid, "cgroup");
  if (!text) return tl::unexpected(text.error());
  return parse_proc_cgroup(*text);
}

Result<Process> read_process(Files& files, const std::string& procfs, std::uint32_t pid) {
  const auto text = read_of(files, procfs, pid, "stat");
  if (!text) return tl::unexpected(text.error());
  const auto stat = parse_process_stat(*text);
  if (!stat) return failure("malformed", path_of(procfs, std::to_string(pid), "stat"), EBADMSG);
  return Process{std::string(stat->name), stat->cpu_ticks, stat->start_ticks, stat->resident_pages};
}

bool hides_processes(Files& files, const std::string& procfs) {
  std::string text;
  const std::string path = path_of(procfs, "1", "cgroup");
  return read_file(files, Files::kAbsolute, path.c_str(), kLargestFile, text) != 0;
}

Result<Mount> read_root_mount(Files& files, const std::string& procfs, std::uint32_t pid) {
  const auto text = read_of(files, procfs, pid, "mountinfo");
  if (!text) return tl::unexpected(text.error());
  std::optional<Mount> root;
  for (Mount& mount : parse_mounts(*text)) {
    if (mount.point == "/") root = std::move(mount);
  }
  if (!root) {
    return failure("no root", path_of(procfs, std::to_string(pid), "mountinfo"), EBADMSG);
  }
  return *std::move(root);
}

std::string find_mount_point(Files& files, const std::string& procfs, std::string_view process,
                             const Mount& mount) {
  std::string text;
  const std::string path = path_of(procfs, process, "mountinfo");
  if (read_file(files, Files::kAbsolute, path.c_str(), kLargestFile, text) != 0) return {};
  for (Mount& other : parse_mounts(text)) {
    const bool same = other.device == mount.device && other.type == mount.type;
    if (same && other.root == "/" && other.point != "/") return std::move(other.point);
  }
  return {};
}

}  // namespace cgmon
