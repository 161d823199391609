#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"

namespace cgmon {

/// One path of a .tree file.
struct TreeEntry {
  std::string path;
  std::uint32_t mode = 0;  ///< type and permissions, as st_mode
  std::uint64_t inode = 0;
  std::int64_t mtime_ns = 0;
  std::uint32_t magic = 0;   ///< statfs magic of a mount point, else 0
  std::uint64_t device = 0;  ///< of a mount point: major << 32 | minor, 0 when not known
  int error = 0;             ///< errno of reading a file or following a link
  std::string content;       ///< of a file; of a link, where it leads
};

/// Reads a .tree file, which tests/vm/capture writes (all of the format is in its tree.py):
///
///     cgmon-tree 1
///     # what this is, for people; only here
///     d /sys/fs/cgroup 0755 i=1 t=1795474583.284000000 m=1021994 v=0:28
///     l /sys/fs/cgroup/cpu 0777 i=6 t=1795474583 a=cpu,cpuacct
///     d /sys/fs/cgroup/cpu,cpuacct 0555 i=1 t=1795474583.220000000 m=27e0eb v=0:29
///     f /sys/fs/cgroup/cpu,cpuacct/cpu.shares 0644 i=5 t=1795474546
///     <tab>1024
///     f /sys/fs/cgroup/cpu,cpuacct/odd\040name 0200 i=6 t=1795474546 e=EINVAL
///
/// Type (f d l s p c b), path, permissions, then i= inode, t= mtime in seconds, m= magic and v=
/// MAJ:MIN of a mount point, a= a link's target, e= what reading fails with; `open`: the content
/// does not end in a newline; `escaped`: the content has octal escapes, as path and target have
/// (\134 \040 \012 …). Entries are sorted, a directory stands before what is in it. `name` is the
/// path that an Error shows.
[[nodiscard]] Result<std::vector<TreeEntry>> parse_tree(std::string_view text,
                                                        std::string_view name);

}  // namespace cgmon
