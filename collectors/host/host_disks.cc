#include "collectors/host/host_disks.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace cgmon {
namespace {

constexpr std::size_t kLargestMountinfo = 16U << 20U;

constexpr auto kOnDisks = std::to_array<std::string_view>({
    "ext2",
    "ext3",
    "ext4",
    "xfs",
    "btrfs",
    "f2fs",
    "zfs",
    "bcachefs",
    "jfs",
    "reiserfs",
    "nilfs2",
    "vfat",
    "exfat",
    "ntfs3",
    "erofs",
});

/// Mount points whose file systems are made for one container or service each.
constexpr auto kPlumbing = std::to_array<std::string_view>({
    "/var/lib/docker/",
    "/var/lib/containerd/",
    "/var/lib/containers/",
    "/var/lib/kubelet/pods/",
    "/run/containerd/",
    "/run/docker/",
    "/run/containers/",
    "/run/credentials/",
    "/run/netns/",
    "/var/snap/",
    "/snap/",
    "/proc/",
    "/sys/",
    "/run/user/",
});

/// Their subvolumes have device numbers of their own.
bool has_device_of_mount(std::string_view type) { return type != "btrfs" && type != "bcachefs"; }

bool is_plumbing(std::string_view point) {
  return std::ranges::any_of(kPlumbing,
                             [&](std::string_view prefix) { return point.starts_with(prefix); });
}

bool lies_there(const DiskMount& mount, const DiskEntry& top) {
  if (!mount.device) return true;
  return top.device == (std::uint64_t{mount.device->major} << 32U | mount.device->minor);
}

}  // namespace

std::vector<DiskMount> choose_disks(const std::vector<Mount>& mounts) {
  std::vector<DiskMount> chosen;
  std::vector<std::string_view> devices;
  for (const Mount& mount : mounts) {
    const bool on_disk = std::ranges::find(kOnDisks, mount.type) != kOnDisks.end();
    if ((!on_disk && mount.type != "tmpfs") || is_plumbing(mount.point)) continue;
    if (std::ranges::find(devices, mount.device) != devices.end()) continue;
    // The kernel calls what it booted from /dev/root; its number has a better name.
    std::string name = !on_disk                      ? mount.point
                       : mount.source == "/dev/root" ? std::string()
                                                     : mount.source;
    if (!name.empty() && std::ranges::find(chosen, name, &DiskMount::name) != chosen.end())
      continue;
    devices.push_back(mount.device);
    DiskMount disk{.name = std::move(name), .point = mount.point};
    if (has_device_of_mount(mount.type)) disk.device = parse_device_number(mount.device);
    chosen.push_back(std::move(disk));
  }
  return chosen;
}

HostDisks read_host_disks(Files& files, DiskFiles& disks, const std::string& procfs,
                          const std::string& root) {
  HostDisks host;
  std::string text;
  for (const char* const process : {"/1/mountinfo", "/self/mountinfo"}) {
    const std::string path = procfs + process;
    host.error = read_file(files, Files::kAbsolute, path.c_str(), kLargestMountinfo, text);
    if (host.error == 0) break;
  }
  if (host.error != 0) return host;
  for (DiskMount& mount : choose_disks(parse_mounts(text))) {
    if (host.disks.size() >= kMaxHostDisks) {
      ++host.dropped;
      continue;
    }
    const int directory = disks.open_point(root.c_str(), mount.point.c_str());
    if (directory < 0) continue;
    HostDisk disk{.name = std::move(mount.name)};
    DiskEntry top;
    const bool known = disks.entry(directory, ".", top) == 0 && lies_there(mount, top) &&
                       disks.space(directory, disk.space) == 0 && disk.space.bytes != 0;
    disks.close(directory);
    if (!known) continue;
    disk.device = top.device;
    host.disks.push_back(std::move(disk));
  }
  std::ranges::sort(host.disks, {}, &HostDisk::name);
  return host;
}

}  // namespace cgmon
