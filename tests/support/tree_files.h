#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/kernel/files.h"

namespace cgmon {

inline constexpr std::uint32_t kTmpfsMagic = 0x01021994;
inline constexpr std::uint32_t kCgroupMagic = 0x0027e0eb;
inline constexpr std::uint32_t kCgroup2Magic = 0x63677270;
inline constexpr std::uint32_t kProcMagic = 0x00009fa0;

/// A tree of files in memory that answers as the kernel would answer root: a captured host
/// (tests/fixtures/*.tree), a tree made in code, or one changed into the other. The kernel's
/// manners that matter are kept: a cgroup file that is open when its directory goes answers
/// -ENODEV and a process' -ESRCH, directories count their links, a directory made anew has another
/// inode, watches report. tree_files_test.cc holds it against SystemFiles.
///
/// Not kept: permissions (root may all), the inode that a parent's listing has for a mount point,
/// the order of listings (here names backwards, so that nobody relies on it).
/// After the first round a repeated question allocates nothing. Thread-compatible.
///
/// Editing functions take absolute paths, follow links, make missing parents, and abort when a
/// test asks for what cannot be; they return *this.
class TreeFiles final : public Files {
 public:
  /// An empty tmpfs.
  TreeFiles();

  /// Adds the paths of a .tree file (format: tree_text.h).
  [[nodiscard]] Result<void> load(const std::string& file);
  /// The same from text; `name` stands in errors.
  [[nodiscard]] Result<void> load_text(std::string_view text, std::string_view name);

  // Editing.

  /// Makes a file, or changes the content of one that exists, whose inode stays.
  TreeFiles& set_file(std::string_view path, std::string_view content);
  TreeFiles& add_directory(std::string_view path);
  TreeFiles& add_link(std::string_view path, std::string_view target);
  TreeFiles& add_fifo(std::string_view path);
  /// Removes what is no directory; a link itself.
  TreeFiles& remove(std::string_view path);
  /// Removes a directory with all that is in it, the deepest first, as `rmdir` does with a cgroup.
  TreeFiles& remove_directory(std::string_view path);
  /// Moves a directory; inodes and watches stay.
  TreeFiles& rename_directory(std::string_view from, std::string_view to);
  /// Makes the new directory `to` with copies of all that `from` holds, with inodes of their own.
  TreeFiles& copy_directory(std::string_view from, std::string_view to);
  /// Makes a directory a mount point with a device number of its own.
  TreeFiles& set_filesystem(std::string_view path, std::uint32_t magic);
  /// EACCES and EPERM: opening fails. Others: reading fails, as for kernel files. 0: all is well.
  TreeFiles& set_error(std::string_view path, int error);
  TreeFiles& set_inode(std::string_view path, std::uint64_t inode);
  TreeFiles& set_mtime(std::string_view path, std::int64_t mtime_ns);
  /// The time that changes from now on leave behind. At first: 1,700,000,000 s, after load() the
  /// youngest time in the file.
  TreeFiles& set_now(std::int64_t now_ns);
  [[nodiscard]] const std::string& content(std::string_view path) const;
  [[nodiscard]] bool exists(std::string_view path) const;

  // What the kernel may refuse.

  /// Every watch loses what it has queued and reports an overflow.
  TreeFiles& overflow_watches();
  /// While muted, watches report nothing: what changes meanwhile must be noticed by other means.
  TreeFiles& mute_watches(bool muted);
  /// watch_directory() fails with this errno (ENOSPC: max_user_watches); 0: works again.
  TreeFiles& fail_watches(int error);
  /// open_watch() fails with this errno (EMFILE: max_user_instances); 0: works again.
  TreeFiles& fail_open_watch(int error);
  /// Opening fails with -EMFILE when so many handles are open.
  TreeFiles& limit_handles(std::size_t limit);

  // What the caller did.

  [[nodiscard]] std::size_t open_handles() const { return open_handles_; }
  /// Calls with a handle that was not open: closed twice, or used after it was closed.
  [[nodiscard]] std::size_t bad_handles() const { return bad_handles_; }
  /// Paths of what is open, for the message of a leak test. Watches are "(watch)".
  [[nodiscard]] std::vector<std::string> open_paths() const;
  /// How many directories and files are watched, all watches together.
  [[nodiscard]] std::size_t watched() const;

  int open_directory(int dir, const char* path) override;
  /// A FIFO, which would block: -EDEADLK.
  int open(int dir, const char* path) override;
  int open_beneath(int dir, const char* path) override;
  std::int64_t read(int file, std::span<char> buffer, std::uint64_t offset) override;
  void close(int handle) override;
  int status(int dir, const char* path, FileStatus& status) override;
  int read_link(int dir, const char* path, std::string& target) override;
  std::int64_t filesystem(const char* path) override;
  int readable(int dir, const char* path) override;
  int list_directories(int dir, const char* path, DirectoryListing& listing) override;
  int list_beneath(int dir, const char* path, bool directories, std::size_t most,
                   DirectoryListing& listing) override;
  int count_links(int dir, const char* path, LinkCounts& counts) override;
  int open_watch() override;
  int watch_directory(int watch, int dir, const char* path) override;
  int watch_file(int watch, int dir, const char* path) override;
  void unwatch(int watch, int number) override;
  int read_watch(int watch, WatchEvents& events) override;

 private:
  struct Node : std::enable_shared_from_this<Node> {
    Node* parent = nullptr;  ///< null at the root, and once removed
    std::string name;
    std::uint32_t mode = 0;
    std::uint32_t magic = 0;  ///< of a mount point
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t mtime_ns = 0;
    int error = 0;  ///< errno of opening, reading or following it
    int gone = 0;   ///< errno of reading it once it is removed
    bool removed = false;
    std::string content;  ///< of a link, where it leads
    std::map<std::string, std::shared_ptr<Node>, std::less<>> children;
    std::uint32_t directories = 0;  ///< of them, directories

    [[nodiscard]] bool is(std::uint32_t type) const;
    [[nodiscard]] const Node& mount_point() const;
    [[nodiscard]] std::string path() const;
  };
  struct Watched {
    int number;
    bool files;  ///< itself, or the files in it
  };
  struct Watch {
    std::unordered_map<const Node*, Watched> numbers;
    WatchEvents events;
    int last_number = 0;
  };
  struct Handle {
    std::shared_ptr<Node> node;  ///< or:
    std::unique_ptr<Watch> watch;
    bool path_only = false;  ///< O_PATH: good as `dir`, not for reading
  };
  enum class Last : std::uint8_t { follow, keep };  ///< what to do with a link that comes last
  struct Found {
    Node* node = nullptr;
    int error = 0;  ///< negative errno
  };

  /// Magic links (/proc/PID/ns/…) lead nowhere here.
  [[nodiscard]] Found walk(Node& base, Node& root, std::string_view path, Last last) const;
  [[nodiscard]] Found look_up(int dir, std::string_view path, Last last);
  /// The same with the directory of a handle as the root.
  [[nodiscard]] Found look_up_beneath(int dir, std::string_view path);
  [[nodiscard]] Handle* handle_of(int number);
  [[nodiscard]] Watch* watch_of(int number);
  int add_watch(int watch, const Found& found, bool files);
  int take_handle(Handle handle);
  [[nodiscard]] bool full() const { return open_handles_ >= handle_limit_; }

  Node& must_find(std::string_view path, Last last) const;
  Node& make_directories(std::string_view path);
  Node& make(std::string_view path, std::uint32_t mode);
  Node& make_in(Node& parent, std::string_view name, std::uint32_t mode);
  std::shared_ptr<Node> detach(Node& node);
  void forget(Node& node);
  void copy_into(const Node& from, Node& to);
  void report(const Node& directory, const Node& child, bool made);
  void report_change(const Node& file);

  std::shared_ptr<Node> root_;
  std::vector<Handle> handles_;
  std::size_t first_free_ = 0, open_handles_ = 0, bad_handles_ = 0;
  std::size_t handle_limit_ = 1'000'000;
  std::uint64_t last_inode_ = 0;
  std::uint32_t last_device_ = 1000;
  std::int64_t now_ns_ = 1'700'000'000'000'000'000;
  bool muted_ = false;
  int watch_error_ = 0, open_watch_error_ = 0;
  mutable std::array<std::string, 2> link_paths_;  ///< what is left to walk after a link, by turns
};

}  // namespace cgmon
