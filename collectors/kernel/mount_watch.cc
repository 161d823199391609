#include "collectors/kernel/mount_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace cgmon {

MountWatch::MountWatch() : file_(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) {}

MountWatch::~MountWatch() {
  if (file_ >= 0) ::close(file_);
}

bool MountWatch::changed() {
  if (file_ < 0) return false;
  pollfd question{file_, POLLPRI, 0};
  return ::poll(&question, 1, 0) > 0 && (question.revents & (POLLPRI | POLLERR)) != 0;
}

}  // namespace cgmon
