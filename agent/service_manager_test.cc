#include "agent/service_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

namespace cgmon {
namespace {

using ::testing::HasSubstr;

/// The manager's end: a datagram socket by that name.
class Listener {
 public:
  explicit Listener(const std::string& name) : name_(name) {
    descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    std::size_t length = offsetof(sockaddr_un, sun_path) + name.size();
    if (name[0] == '@') {
      address.sun_path[0] = '\0';
    } else {
      ++length;
    }
    bound_ = ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address),
                    static_cast<socklen_t>(length)) == 0;
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    ::close(descriptor_);
    if (name_[0] == '/') ::unlink(name_.c_str());
  }

  [[nodiscard]] bool bound() const { return bound_; }
  /// The next datagram; nothing when there is none.
  [[nodiscard]] std::string next() const {
    std::array<char, 256> text{};
    const ssize_t size = ::recv(descriptor_, text.data(), text.size(), 0);
    return size < 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(size));
  }

 private:
  std::string name_;
  int descriptor_ = -1;
  bool bound_ = false;
};

std::string socket_name(const char* prefix) {
  return prefix + ("cgmon-test-notify-" + std::to_string(::getpid()));
}

TEST(ServiceManagerTest, SendsEachPhaseAsOneDatagram) {
  for (const std::string& name : {socket_name("/tmp/"), socket_name("@")}) {
    const Listener listener(name);
    ASSERT_TRUE(listener.bound()) << name;
    const ServiceManager manager(name);
    EXPECT_TRUE(manager.tell(ServicePhase::ready, 5'000));
    EXPECT_EQ(listener.next(), "READY=1");
    EXPECT_TRUE(manager.tell(ServicePhase::reloading, 7'000'999));
    EXPECT_EQ(listener.next(), "RELOADING=1\nMONOTONIC_USEC=7000");
    EXPECT_TRUE(manager.tell(ServicePhase::stopping, 9'000));
    EXPECT_EQ(listener.next(), "STOPPING=1");
    EXPECT_EQ(listener.next(), "");
  }
}

TEST(ServiceManagerTest, SaysNothingWhereNobodyWaits) {
  EXPECT_TRUE(ServiceManager("").tell(ServicePhase::ready, 1));
}

TEST(ServiceManagerTest, FailsWithTheSocketsName) {
  const auto nobody = ServiceManager("/nonexistent/notify").tell(ServicePhase::ready, 1);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().error, ENOENT);
  EXPECT_THAT(nobody.error().message(), HasSubstr("/nonexistent/notify"));
  for (const std::string& name : {std::string("relative"), "/" + std::string(107, 'x'),
                                  "@" + std::string(200, 'x'), std::string("vsock:2:1234")}) {
    EXPECT_FALSE(ServiceManager(name).tell(ServicePhase::ready, 1)) << name;
  }
}

}  // namespace
}  // namespace cgmon
