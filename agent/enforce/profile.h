#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/enforce/plan.h"
#include "agent/enforce/report.h"
#include "collectors/cgroup/cgroup_reader.h"
#include "collectors/cgroup/read_plan.h"

namespace cgmon {

/// Reads the workload's own cgroup, by the handles of its directories. One-thread. Not to be moved.
class Profile {
 public:
  /// At most so many samples are kept: then every other one goes, and the interval doubles.
  static constexpr std::size_t kMaxSamples = 600;

  Profile(Files& files, const Layout& layout, const std::vector<RunDirectory>& directories,
          const ReaderOptions& options);
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;
  ~Profile();

  /// What was counted until now is not the command's, but of its making.
  void begin(std::int64_t now_ns);
  /// True when the interval has doubled.
  bool sample(std::int64_t now_ns);
  /// How many processes were killed for want of memory until now.
  [[nodiscard]] std::uint64_t oom_kills();
  /// Reads everything once more and fills figures, devices and samples.
  void finish(RunReport& report);

 private:
  void read_file_of_plan(std::size_t index);
  void read(bool all);
  [[nodiscard]] Value value(std::size_t row_index) const { return snapshot_.value(row_index, 0); }
  [[nodiscard]] Value risen(std::size_t row_index) const;
  [[nodiscard]] Value single(Controller controller, const char* file);
  [[nodiscard]] Value event(Controller controller, const char* file, std::string_view key);
  void raise_pressure(const RunSample& sample);
  [[nodiscard]] Value tasks() const;
  void add_devices(RunReport& report) const;

  Files& files_;
  const Layout& layout_;
  ReadPlan plan_;
  CgroupReader reader_;
  Snapshot snapshot_;
  std::string own_;            // the command's own directory below the one that is read, "x/"
  std::uint64_t beside_ = 0;   // tasks in the one that is read that are not the command's
  std::vector<int> handles_;   // by hierarchy, -1: no directory there
  std::vector<int> kept_;      // by file of the plan, -1: opened each time
  std::vector<bool> sampled_;  // by file of the plan: read at each sample
  std::vector<Value> base_;    // by row, at begin()
  std::vector<RunSample> samples_;
  RunSample peak_;                       // of each member its own largest
  RunSample before_;                     // the last one that was taken
  std::array<Value, 3> pressure_peaks_;  // of cpu, memory, io: largest share of an interval, ratio
  std::int64_t begin_ns_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace cgmon
