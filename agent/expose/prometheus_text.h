#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/expose/element_label.h"
#include "agent/expose/template_gzip.h"
#include "agent/expose/text_format.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// A stored number as decimal text: `number` has `decimals` places behind the point; trailing zeros
/// are left out. 1500000000 with 9 is "1.5". Exact: no floating point is involved.
[[nodiscard]] char* write_number(char* at, std::uint64_t number, unsigned decimals,
                                 bool is_signed = false);

/// What a family's samples are in a text format.
[[nodiscard]] SampleType sample_type(Kind kind);

/// What a page may hold at most; samples beyond either are left out and counted.
struct PageBounds {
  std::size_t samples = 500'000;
  std::size_t bytes = std::size_t{256} << 20U;
};

/// Writes a snapshot in a text format: families in the table's order, each contiguous, cgroups in
/// path order, no timestamps; of OpenMetrics all but the end. Keeps each cgroup's escaped label
/// block and writes into a reused buffer, so that a page costs nanoseconds a sample and allocates
/// nothing once it has grown. One-thread.
class PrometheusText {
 public:
  struct Stats {
    std::size_t samples = 0;
    std::size_t beyond_samples = 0;  ///< samples left out because of the bound of samples
    std::size_t beyond_bytes = 0;    ///< and because of that of bytes
  };

  explicit PrometheusText(const PageBounds& bounds = {});

  /// Replaces the content of `page` by the families of `groups`. With `gzip`, which the caller
  /// begins and ends, its compressed form is written beside it.
  Stats render(const Snapshot& snapshot, std::string& page,
               TextFormat format = TextFormat::prometheus, TemplateGzip* gzip = nullptr,
               GroupSet groups = kAllGroups);
  void set_bounds(const PageBounds& bounds) { bounds_ = bounds; }

 private:
  struct Block {
    std::shared_ptr<const CgroupLabels> labels;  // what the text was made of; held, so that no
                                                 // other object can have its address
    struct Text {
      std::string text;          // `id="/x",name="y"} `
      std::uint64_t number = 0;  // another one for each text
    };
    std::array<Text, kLabelSets> texts;  // by LabelSet
    [[nodiscard]] const Text& of(LabelSet set) const {
      return texts[static_cast<std::size_t>(set)];
    }
  };

  void refresh_blocks(const Snapshot& snapshot);
  void make_text(const CgroupLabels& labels, LabelSet set, Block::Text& text);
  [[nodiscard]] const std::string& header(std::size_t row_index) const {
    return headers_[static_cast<std::size_t>(format_)][row_index];
  }
  void write_header(std::size_t row_index);
  void write_sample(std::size_t row_index, Slot slot, const Block::Text& block, Value value,
                    std::string_view element);
  void write_row(const Snapshot& snapshot, std::size_t row_index);
  void write_axis_row(const Snapshot& snapshot, std::size_t row_index);
  void write_loose(const Snapshot& snapshot, std::size_t row_index);
  void reserve(std::size_t bytes);
  void put(std::string_view text);

  PageBounds bounds_;
  std::vector<std::string> prefixes_;                // by row: `family{fixed="labels",`
  std::array<std::vector<std::string>, 2> headers_;  // by format and row: of its family
  std::vector<Block> blocks_;                        // by slot
  Block::Text loose_block_;                          // of the loose sample being written
  std::uint64_t blocks_made_ = 0;
  ElementLabels element_labels_;
  Stats stats_;
  std::string* page_ = nullptr;
  TextFormat format_ = TextFormat::prometheus;
  TemplateGzip* gzip_ = nullptr;
  std::size_t length_ = 0;
  std::size_t family_written_ = 0;  // family whose header stands, kFamilies.size() for none
};

}  // namespace cgmon
