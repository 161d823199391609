#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/expose/gzip.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// Compresses a page of samples while it is written, without searching for matches: who writes the
/// page knows what stood where. A line is PREFIX ELEMENT BLOCK VALUE. The prefix repeats the line
/// before; a cgroup's label block repeats its own line one family up, where that lies within
/// deflate's window of 32 KiB, and else what it has in common with the block of the line before,
/// which is found out once for each pair of neighbours. The rest are literals under one code that
/// fits such pages. The output is ordinary gzip. An eighth of what searching costs, on large pages.
///
/// One-thread. Use: begin(), then text() or line() for each piece of the page in order, then end().
class TemplateGzip {
 public:
  /// A sample's line, by places in the page.
  struct Line {
    std::size_t begin = 0;           ///< of the prefix
    std::size_t element = 0;         ///< where the prefix ends
    std::size_t block = 0;           ///< where the element ends
    std::size_t value = 0;           ///< where the block ends
    std::size_t end = 0;             ///< behind the newline
    std::size_t row = 0;             ///< lines of one row have the same prefix
    Slot slot = 0;                   ///< whose label block it is; kNoSlot: nobody's
    std::uint64_t block_number = 0;  ///< another one whenever a slot's block changes
  };

  TemplateGzip();

  /// Replaces the content of `out`, which must live until end().
  void begin(std::string& out);

  /// Header lines: [begin, end) of the page. The next line's name is taken to repeat the word at
  /// `name`.
  void text(std::string_view page, std::size_t begin, std::size_t end, std::size_t name);

  void line(std::string_view page, const Line& line);

  /// Bytes so far.
  [[nodiscard]] std::size_t size() const { return length_; }

  /// What stands in the page behind `written` is compressed by searching.
  void end(std::string_view page, std::size_t written);

 private:
  /// A step in writing a label block: bits of literals, or a copy of what stands `further` bytes
  /// farther before than the neighbour's block does.
  struct Step {
    std::uint64_t bits = 0;
    std::uint32_t bit_count = 0;  // 0: a copy
    std::uint32_t length = 0;
    std::size_t further = 0;
  };
  /// How a block is written right after the line of another one.
  struct Recipe {
    std::uint64_t block = 0, neighbour = 0;  // their numbers; 0: none
    std::size_t common = 0;                  // bytes with which both begin
    std::vector<Step> steps;                 // for the others
  };
  static constexpr std::size_t kRecipesKept = 4;
  struct Known {
    std::uint64_t page = 0, block = 0;  // when and as what it was last written
    std::size_t at = 0;
    std::array<Recipe, kRecipesKept> recipes;
    std::size_t next_recipe = 0;
  };

  Known& known_of(Slot slot);
  void put(std::uint64_t bits, std::uint32_t count);
  void literals(std::string_view text);
  void copy(std::size_t length, std::size_t distance);
  void reserve(std::size_t bytes);
  void align();
  void append_block_header();
  const Recipe& recipe(Known& known, const Line& line, std::string_view page);
  void fill(Recipe& recipe, std::string_view block, std::string_view neighbour);
  void add_literals(std::string_view text, std::vector<Step>& steps) const;
  std::size_t write_prefix(std::string_view page, const Line& line, std::size_t common);
  void follow(const Recipe& how, std::string_view page, const Line& line, std::size_t done);

  Gzip gzip_;
  std::string* out_ = nullptr;
  std::size_t length_ = 0;
  std::uint64_t pending_ = 0;          // bits that are no whole byte yet
  std::uint32_t pending_count_ = 0;    // fewer than 8 between calls
  std::uint64_t page_ = 0;             // number of the page
  Line previous_;                      // the last line; after text() the name, with block number 0
  std::vector<Known> known_;           // by slot
  Known nobodys_;                      // for blocks that belong to no slot
  std::vector<std::uint32_t> places_;  // of fill(): hash of four bytes to their place, plus one
};

}  // namespace cgmon
