#include "collectors/host/host_disks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::Field;

// A docker host with a disk, a tmpfs and a network file system.
constexpr std::string_view kMounts =
    "22 28 0:21 / /sys rw shared:7 - sysfs sysfs rw\n"
    "28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
    "30 28 0:26 / /dev/shm rw shared:4 - tmpfs tmpfs rw\n"
    "31 28 254:1 /home /srv/home rw shared:1 - ext4 /dev/vda1 rw\n"
    "32 28 254:2 / /boot/efi rw shared:2 - vfat /dev/vda2 rw\n"
    "33 28 0:40 / /mnt/far rw - nfs4 server:/export rw\n"
    "34 28 0:41 / /var/lib/docker/overlay2/abc/merged rw - overlay overlay rw,lowerdir=/a\n"
    "35 28 0:42 / /run/user/1000 rw - tmpfs tmpfs rw\n"
    "36 28 0:43 / /data\\040disk rw - btrfs /dev/mapper/vg-data rw\n";

TEST(HostDisks, AreTheLocalOnesEachOnce) {
  EXPECT_THAT(choose_disks(parse_mounts(kMounts)),
              ElementsAre(Field(&DiskMount::name, "/dev/vda1"), Field(&DiskMount::name, "/dev/shm"),
                          Field(&DiskMount::name, "/dev/vda2"),
                          Field(&DiskMount::name, "/dev/mapper/vg-data")));
}

TEST(HostDisks, HaveTheirDevicesNameWhereTheKernelSaysRootAlone) {
  const auto disks = choose_disks(parse_mounts("28 1 254:1 / / rw - ext4 /dev/root rw\n"));
  EXPECT_THAT(disks, ElementsAre(Field(&DiskMount::name, "")));
}

/// Has of each mount what the kernel would: its own device, on btrfs another.
class FakeSpaces final : public DiskFiles {
 public:
  explicit FakeSpaces(std::string_view mounts) {
    for (const Mount& mount : parse_mounts(mounts)) {
      const auto device = parse_device_number(mount.device).value();
      devices_[mount.point] =
          mount.type == "btrfs" ? 77 : std::uint64_t{device.major} << 32U | device.minor;
    }
  }
  int open_directory(const char*, const char*) override { return -EACCES; }
  int open_point(const char* root, const char* path) override {
    opened_.push_back(std::string(root) + path);
    points_.emplace_back(path);
    return errors_.contains(path) ? errors_[path] : static_cast<int>(opened_.size());
  }
  int open_child(int, const char*) override { return -EACCES; }
  int next_names(int, std::string&) override { return -EACCES; }
  int entry(int directory, const char*, DiskEntry& entry) override {
    entry.device = devices_[points_.at(static_cast<std::size_t>(directory) - 1)];
    return 0;
  }
  int space(int, DiskSpace& space) override {
    space = {.bytes = 1000, .bytes_free = 400, .inodes = 10, .inodes_free = 4};
    return 0;
  }
  void close(int) override {}

  std::vector<std::string> opened_;
  std::map<std::string, int> errors_;
  std::map<std::string, std::uint64_t> devices_;

 private:
  std::vector<std::string> points_;
};

TEST(HostDisks, AreAskedBelowTheRootByTheMountsOfPid1) {
  TreeFiles files;
  files.set_file("/host/proc/1/mountinfo", kMounts);
  FakeSpaces spaces(kMounts);
  spaces.errors_["/boot/efi"] = -EACCES;
  const HostDisks host = read_host_disks(files, spaces, "/host/proc", "/host");
  EXPECT_EQ(host.error, 0);
  EXPECT_THAT(spaces.opened_,
              ElementsAre("/host/", "/host/dev/shm", "/host/boot/efi", "/host/data disk"));
  EXPECT_THAT(host.disks,
              ElementsAre(Field(&HostDisk::name, "/dev/mapper/vg-data"),
                          Field(&HostDisk::name, "/dev/shm"), Field(&HostDisk::name, "/dev/vda1")));
}

TEST(HostDisks, AreLeftOutWhereSomethingElseLies) {
  TreeFiles files;
  files.set_file("/proc/1/mountinfo", kMounts);
  FakeSpaces spaces(kMounts);
  spaces.devices_["/"] = 45;         // the overlay of the agent's own container
  spaces.devices_["/dev/shm"] = 46;  // and its own tmpfs
  const HostDisks host = read_host_disks(files, spaces, "/proc", "/host");
  EXPECT_THAT(host.disks, ElementsAre(Field(&HostDisk::name, "/dev/mapper/vg-data"),
                                      Field(&HostDisk::name, "/dev/vda2")));
}

TEST(HostDisks, BeyondTheBoundAreCounted) {
  std::string text;
  for (int i = 0; i < 70; ++i) {
    const std::string number = std::to_string(i);
    text += "1 1 8:" + number + " / /m" + number + " rw - ext4 /dev/sd" + number + " rw\n";
  }
  TreeFiles files;
  files.set_file("/proc/self/mountinfo", text);
  FakeSpaces spaces(text);
  const HostDisks host = read_host_disks(files, spaces, "/proc", "/");
  EXPECT_EQ(host.disks.size(), kMaxHostDisks);
  EXPECT_EQ(host.dropped, 6U);
}

TEST(HostDisks, SayWhyTheyCannotBeRead) {
  TreeFiles files;
  FakeSpaces spaces("");
  EXPECT_EQ(read_host_disks(files, spaces, "/proc", "/").error, -ENOENT);
}

}  // namespace
}  // namespace cgmon
