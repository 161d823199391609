#pragma once

namespace cgmon {

/// Tells whether anything was mounted or unmounted in this process' mount namespace
/// (proc_pid_mountinfo(5): poll reports it). One-thread.
class MountWatch {
 public:
  MountWatch();
  MountWatch(const MountWatch&) = delete;
  MountWatch& operator=(const MountWatch&) = delete;
  ~MountWatch();

  /// Since the last call; never blocks. False, too, where mountinfo cannot be opened.
  [[nodiscard]] bool changed();

 private:
  int file_ = -1;
};

}  // namespace cgmon
