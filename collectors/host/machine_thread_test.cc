#include "collectors/host/machine_thread.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace cgmon {
namespace {

constexpr std::int64_t kLong = 60'000'000'000;

Machine machine_with(std::uint64_t cpus) {
  Machine machine;
  machine.cpus = cpus;
  return machine;
}

TEST(MachineThread, ReadsWhenItIsAsked) {
  std::uint64_t reads = 0;
  MachineThread thread([&reads](bool) { return machine_with(++reads); });
  EXPECT_EQ(thread.latest(), nullptr);
  EXPECT_TRUE(thread.ask(false));
  thread.wait(kLong);
  ASSERT_NE(thread.latest(), nullptr);
  EXPECT_EQ(thread.latest()->cpus, 1U);
  EXPECT_TRUE(thread.ask(false));
  thread.wait(kLong);
  EXPECT_EQ(thread.latest()->cpus, 2U);
}

TEST(MachineThread, PassesOnWhetherTheTopologyIsAskedFor) {
  MachineThread thread([](bool topology) { return machine_with(topology ? 7 : 0); });
  EXPECT_TRUE(thread.ask(true));
  thread.wait(kLong);
  EXPECT_EQ(thread.latest()->cpus, 7U);
}

TEST(MachineThread, KeepsTheLastOneWhileAReadHangsAndLeavesItBehind) {
  const auto release = std::make_shared<std::promise<void>>();
  const auto released = std::make_shared<std::shared_future<void>>(release->get_future());
  const auto began = std::make_shared<std::promise<void>>();
  const auto ended = std::make_shared<std::promise<void>>();
  {
    MachineThread thread([released, began, ended, reads = 0](bool) mutable {
      if (++reads == 2) {
        began->set_value();
        released->wait();
        ended->set_value();
      }
      return machine_with(static_cast<std::uint64_t>(reads));
    });
    EXPECT_TRUE(thread.ask(false));
    thread.wait(kLong);
    EXPECT_TRUE(thread.ask(false));
    EXPECT_FALSE(thread.ask(true)) << "one is under way";
    began->get_future().wait();  // a thread that ends first would read nothing
    thread.wait(0);
    EXPECT_EQ(thread.latest()->cpus, 1U);
  }
  release->set_value();  // only now: the end did not wait for it
  ended->get_future().wait();
}

}  // namespace
}  // namespace cgmon
