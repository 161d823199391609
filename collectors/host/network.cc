#include "collectors/host/network.h"

#include <array>
#include <cerrno>
#include <charconv>

#include "collectors/parse/net_counters.h"

namespace cgmon {
namespace {

constexpr std::size_t kLargestFile = 4U << 20U;

}  // namespace

void Network::begin_pass() {
  known_ = 0;
  dropped_ = 0;
}

int Network::namespace_of(std::uint32_t pid) {
  std::array<char, 12> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), pid).ptr;
  return find({digits.data(), end}, kMaxInterfaces);
}

int Network::namespace_of_host() {
  const int number = find("1", kMaxHostInterfaces);
  // Only where /proc keeps PID 1 from us (hidepid); after a failure another namespace would pass
  // for the host's.
  const bool hidden = number == -ENOENT || number == -EACCES || number == -EPERM;
  return hidden ? find("self", kMaxHostInterfaces) : number;
}

int Network::find(std::string_view process, std::size_t most) {
  path_.assign(procfs_).append("/").append(process).append("/net/dev");
  FileStatus status;
  const int error = files_.status(Files::kAbsolute, path_.c_str(), status);
  if (error != 0) return error;
  for (std::size_t i = 0; i < known_; ++i) {
    if (spaces_[i].inode == status.inode) return static_cast<int>(i);
  }
  if (known_ == spaces_.size()) spaces_.emplace_back();
  Namespace& space = spaces_[known_];
  space.inode = status.inode;
  space.process.assign(process);
  space.counts = {};
  const int result = read(space, most);
  return result != 0 ? result : static_cast<int>(known_++);
}

int Network::read_counts(int number) {
  Namespace& space = spaces_[static_cast<std::size_t>(number)];
  int result = 0;
  for (const std::string_view file : {"/net/snmp", "/net/netstat"}) {
    path_.assign(procfs_).append("/").append(space.process).append(file);
    ++reads_;
    const int error = read_file(files_, Files::kAbsolute, path_.c_str(), kLargestFile, text_);
    if (error != 0) return error;
    const std::size_t malformed = parse_net_counters(
        text_, [&](std::string_view protocol, std::string_view name, std::uint64_t value) {
          for (std::size_t i = 0; i < kNetCounters.size(); ++i) {
            const NetCounter& counter = kNetCounters.at(i);
            if (counter.protocol == protocol && counter.name == name) {
              space.counts.at(i) = Value::of(value);
            }
          }
        });
    if (malformed != 0) result = -EBADMSG;
  }
  return result;
}

int Network::read(Namespace& space, std::size_t most) {
  ++reads_;
  space.count = 0;
  const int error = read_file(files_, Files::kAbsolute, path_.c_str(), kLargestFile, text_);
  if (error != 0) return error;
  space.malformed = parse_net_dev(text_, [&](std::string_view name, const InterfaceCounts& counts) {
    if (is_left_out(name)) return;
    if (space.count >= most) {
      ++dropped_;
      return;
    }
    if (space.count == space.interfaces.size()) space.interfaces.emplace_back();
    Interface& interface = space.interfaces[space.count++];
    interface.name.assign(name);
    interface.counts = counts;
  });
  return 0;
}

}  // namespace cgmon
