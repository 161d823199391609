#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// A label value as the text formats want it: backslash, quote and newline escaped.
void append_escaped(std::string& text, std::string_view value);

/// A stored number as decimal text: `number` has `decimals` places behind the point; trailing zeros
/// are left out. 1500000000 with 9 is "1.5". Exact: no floating point is involved.
[[nodiscard]] char* write_number(char* at, std::uint64_t number, unsigned decimals,
                                 bool is_signed = false);

/// Writes a snapshot in the Prometheus text format 0.0.4: families in the table's order, each
/// contiguous, cgroups in path order, no timestamps. Keeps each cgroup's escaped label block and
/// writes into a reused buffer, so that a page costs nanoseconds a sample and allocates nothing
/// once it has grown. One-thread.
class PrometheusText {
 public:
  struct Stats {
    std::size_t samples = 0;
    std::size_t dropped = 0;  ///< samples beyond the bound
  };

  explicit PrometheusText(std::size_t max_samples = 500'000);

  /// Replaces the content of `page`.
  Stats render(const Snapshot& snapshot, std::string& page);

 private:
  struct Block {
    std::shared_ptr<const CgroupLabels> labels;  // what the text was made of; held, so that no
                                                 // other object can have its address
    std::string text;                            // `id="/x",name="y"} `
  };

  void refresh_blocks(const Snapshot& snapshot);
  void write_header(std::size_t row_index);
  void write_sample(std::size_t row_index, std::string_view block, Value value,
                    std::string_view element);
  void write_row(const Snapshot& snapshot, std::size_t row_index);
  void write_axis_row(const Snapshot& snapshot, std::size_t row_index);
  void write_loose(const Snapshot& snapshot, std::size_t row_index);
  void reserve(std::size_t bytes);
  void put(std::string_view text);

  std::size_t max_samples_;
  std::vector<std::string> prefixes_;  // by row: `family{fixed="labels",`
  std::vector<std::string> headers_;   // by row: HELP and TYPE of its family
  std::vector<Block> blocks_;          // by slot
  std::string loose_block_;            // of the loose sample being written
  Stats stats_;
  std::string* page_ = nullptr;
  std::size_t length_ = 0;
  std::size_t family_written_ = 0;  // family whose header stands, kFamilies.size() for none
};

}  // namespace cgmon
