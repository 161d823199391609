// What a scrape costs, as ratios to the kernel's own price of the same reads in the same run.
//
//   bench [--rounds=15] [--agent=FILE] [CGROUPS...]        default: 100 1000
//
// floor    the reads of a pass and nothing else: the same files in the same order, the same kept
//          descriptors, the rest opened in the same way; failures are counted
// collect  a pass: discovery, reads, parsing, derived values, labels
// render   collect and the page
// scrape   GET /metrics of the real agent, CPU of its process (user and system)
// gzip     the same, as Prometheus asks for it: OpenMetrics, compressed
// Rounds are interleaved; the minimum is judged, the median stands beside it. Before each stage
// other data goes through the CPU's caches, as other work does between two scrapes: else the stage
// that reads what the one before it has just read looks cheap.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "agent/expose/prometheus_text.h"
#include "collectors/collector.h"
#include "collectors/identity/docker.h"
#include "collectors/identity/metadata_thread.h"
#include "tests/bench/agent_process.h"
#include "tests/bench/docker_shape.h"
#include "tests/bench/recording_files.h"

namespace cgmon {
namespace {

constexpr const char* kAsPrometheus =
    "Accept: "
    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n"
    "Accept-Encoding: gzip\r\n";

struct Options {
  int rounds = 15;
  std::string agent = "build/release/agent";
  std::vector<int> cgroups;
};

double cpu_us() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// Pushes everything else out of the CPU's caches.
void chill(std::vector<char>& other_data) {
  for (std::size_t i = 0; i < other_data.size(); i += 64) ++other_data[i];
}

struct Series {
  std::vector<double> values;
  [[nodiscard]] double least() const { return *std::ranges::min_element(values); }
  [[nodiscard]] double median() const {
    std::vector<double> sorted = values;
    std::ranges::sort(sorted);
    return sorted[sorted.size() / 2];
  }
};

/// The recorded reads, made again. Returns how many failed.
std::size_t floor_pass(SystemFiles& files, const Reads& reads, std::span<char> buffer) {
  std::size_t failed = 0;
  int opened = -1;
  for (const Reads::Step& step : reads.steps) {
    switch (step.what) {
      case Reads::Step::What::open:
        opened = files.open(step.handle, reads.paths[step.more].c_str());
        failed += opened < 0 ? 1 : 0;
        break;
      case Reads::Step::What::read_kept:
        failed += files.read(step.handle, buffer, step.more) < 0 ? 1 : 0;
        break;
      case Reads::Step::What::read_opened:
        failed += files.read(opened, buffer, step.more) < 0 ? 1 : 0;
        break;
      case Reads::Step::What::close:
        files.close(opened);
        break;
    }
  }
  return failed;
}

/// What a pass reads each time. A file that only a write changes is read once a minute as well:
/// that is no part of it.
Reads usual_reads(Collector& collector, RecordingFiles& files, Snapshot& snapshot) {
  Reads least;
  for (int i = 0; i < 5; ++i) {
    files.record(true);
    collector.collect(snapshot, INT64_MAX);
    files.record(false);
    if (i == 0 || files.reads().steps.size() < least.steps.size()) least = files.reads();
  }
  return least;
}

void print(const char* what, const Series& series, const Series& floor, double cgroups,
           double bound) {
  const double ratio = series.least() / floor.least();
  std::printf("  %-8s %9.1f %9.1f   %7.2f %7.2f", what, series.least() / cgroups,
              series.median() / cgroups, ratio, series.median() / floor.median());
  if (bound > 0) std::printf("   <= %.2f %s", bound, ratio <= bound ? "held" : "ABOVE");
  std::printf("\n");
}

bool measure(const Options& options, int cgroups) {
  const Roots roots;
  RecordingFiles files;
  SystemFiles floor_files;
  SystemClock clock;
  auto layout = detect_layout(files, roots);
  if (!layout || layout->mode == Mode::none) {
    std::fprintf(stderr, "bench: no cgroups here\n");
    return false;
  }
  const Layout kept_layout = *layout;
  DockerShape shape(kept_layout, cgroups, std::min(cgroups, 20));
  if (!shape.complete()) {
    std::fprintf(stderr,
                 "bench: cannot make its cgroups below /cgmon-bench-*; it takes root and "
                 "writable hierarchies\n");
    return false;
  }
  DockerFiles docker(floor_files, roots, {shape.data_root()});
  MetadataThread metadata([&](const MetadataQuestion& asked) { return docker.read(asked.id); });
  CollectorOptions collector_options;
  collector_options.descriptors = kept_files_budget(4096, raise_descriptor_limit());
  collector_options.ticks_per_second = user_ticks_per_second();
  Collector collector(files, clock, roots, *std::move(layout), collector_options, &metadata);
  PrometheusText text;
  std::string page;
  Snapshot snapshot;
  AgentProcess agent(options.agent, {"--web.min-interval=0", "--docker.root=" + shape.data_root()});
  shape.isolate(agent.pid());
  for (int i = 0; i < 3; ++i) {  // buffers grown, names known, descriptors open
    collector.collect(snapshot, INT64_MAX);
    text.render(snapshot, page);
    agent.get("/metrics");
    agent.get("/metrics", kAsPrometheus);
  }
  const Reads reads = usual_reads(collector, files, snapshot);

  Series floor, collect, render, scrape, gzip;
  std::vector<char> buffer(16384), other_data(64U << 20U);
  std::size_t failed = 0, bytes = 0, gzip_bytes = 0;
  for (int round = 0; round < options.rounds; ++round) {
    chill(other_data);
    double begin = cpu_us();
    failed += floor_pass(floor_files, reads, buffer);
    floor.values.push_back(cpu_us() - begin);

    chill(other_data);
    begin = cpu_us();
    collector.collect(snapshot, INT64_MAX);
    collect.values.push_back(cpu_us() - begin);
    text.render(snapshot, page);
    render.values.push_back(cpu_us() - begin);

    chill(other_data);
    begin = agent.cpu_us();
    bytes = agent.get("/metrics");
    scrape.values.push_back(agent.cpu_us() - begin);

    chill(other_data);
    begin = agent.cpu_us();
    gzip_bytes = agent.get("/metrics", kAsPrometheus);
    gzip.values.push_back(agent.cpu_us() - begin);
  }
  const double count = cgroups;
  std::printf(
      "%d cgroups of ours, %zu in all; %zu files read a pass (%zu kept, %zu opened); page %.2f MB, "
      "gzip %.2f MB%s\n",
      cgroups, snapshot.order.size(), reads.kept + reads.opened, reads.kept, reads.opened,
      static_cast<double>(bytes) / 1e6, static_cast<double>(gzip_bytes) / 1e6,
      failed == 0 ? "" : "; WRONG: reads failed");
  std::printf("  us CPU a cgroup  min    median   x floor  (median)\n");
  print("floor", floor, floor, count, 0);
  print("collect", collect, floor, count, 1.15);
  print("render", render, floor, count, 0);
  print("scrape", scrape, floor, count, 1.30);
  print("gzip", gzip, floor, count, 1.45);
  std::printf("  agent: RSS %.1f MiB, charged to its cgroup (kernel memory included) %.1f MiB\n",
              static_cast<double>(agent.resident_kib()) / 1024,
              static_cast<double>(shape.isolated_bytes()) / (1 << 20));
  return failed == 0;
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--rounds=")) {
      options.rounds = std::max(1, std::atoi(argument.substr(9).data()));
    } else if (argument.starts_with("--agent=")) {
      options.agent = argument.substr(8);
    } else if (const int cgroups = std::atoi(argv[i]); cgroups > 0) {
      options.cgroups.push_back(cgroups);
    } else {
      std::fprintf(stderr, "usage: bench [--rounds=15] [--agent=FILE] [CGROUPS...]\n");
      return 2;
    }
  }
  if (::access(options.agent.c_str(), X_OK) != 0) {  // before anything is made
    std::fprintf(stderr, "bench: no program at %s; --agent=FILE says where it is\n",
                 options.agent.c_str());
    return 2;
  }
  if (options.cgroups.empty()) options.cgroups = {100, 1000};
  bool good = true;
  for (const int cgroups : options.cgroups) good &= measure(options, cgroups);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace cgmon

int main(int argc, char** argv) { return cgmon::run(argc, argv); }
