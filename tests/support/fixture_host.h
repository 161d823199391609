#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/expose/prometheus_text.h"
#include "collectors/collector.h"
#include "collectors/identity/engine_files.h"
#include "collectors/identity/metadata_thread.h"
#include "tests/support/manual_clock.h"
#include "tests/support/tree_files.h"

namespace cgmon {

inline constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int64_t>::max();

/// Answers from engines' files at once, on the asking thread.
class EngineNames final : public MetadataQueue {
 public:
  EngineNames(Files& files, const Roots& roots) : engines_(files, roots, {}) {}

  void ask(const MetadataQuestion& asked) override {
    answers_.push_back(to_answer(asked, engines_.read(asked)));
  }
  void ask_ended(std::int64_t) override {}
  std::optional<EndedContainers> take_ended() override { return std::nullopt; }
  void wait(std::int64_t) override {}
  void take(std::vector<MetadataAnswer>& answers) override {
    for (MetadataAnswer& answer : answers_) answers.push_back(std::move(answer));
    answers_.clear();
  }

 private:
  EngineFiles engines_;
  std::vector<MetadataAnswer> answers_;
};

/// A captured host (tests/fixtures/NAME.tree) whose clock stands still.
struct FixtureHost {
  explicit FixtureHost(std::string_view name) {
    const auto loaded = files.load("tests/fixtures/" + std::string(name) + ".tree");
    if (loaded) return;
    std::fprintf(stderr, "%s\n", loaded.error().message().c_str());
    std::abort();
  }

  [[nodiscard]] Layout layout() {
    auto found = detect_layout(files, roots);
    if (!found) std::abort();
    return *std::move(found);
  }
  /// `through`: what the collector gets in place of `files`.
  [[nodiscard]] std::unique_ptr<Collector> collector(CollectorOptions options = {},
                                                     Files* through = nullptr,
                                                     MetadataQueue* names = nullptr) {
    return std::make_unique<Collector>(through != nullptr ? *through : files, clock, roots,
                                       layout(), options, names);
  }

  TreeFiles files;
  ManualClock clock{1'795'480'000'000'000'000};
  Roots roots;
};

[[nodiscard]] inline std::string page_of(const Snapshot& snapshot) {
  std::string page;
  PrometheusText().render(snapshot, page);
  return page;
}

/// The lines of a page that are samples, or those that begin with `prefix`.
[[nodiscard]] inline std::vector<std::string> samples_of(std::string_view page,
                                                         std::string_view prefix = {}) {
  std::vector<std::string> samples;
  while (!page.empty()) {
    const std::string_view line = page.substr(0, page.find('\n'));
    page.remove_prefix(std::min(line.size() + 1, page.size()));
    if (!line.starts_with('#') && line.starts_with(prefix)) samples.emplace_back(line);
  }
  return samples;
}

}  // namespace cgmon
