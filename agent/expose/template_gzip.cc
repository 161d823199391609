#include "agent/expose/template_gzip.h"

#include <algorithm>
#include <cstring>

#include "agent/expose/huffman.h"

namespace cgmon {
namespace {

constexpr std::size_t kWindow = 32768;
constexpr std::size_t kLongestCopy = 258;
constexpr std::size_t kShortestCopy = 3;
constexpr std::size_t kEndOfBlock = 256, kFirstLength = 257;
constexpr std::size_t kLengthSymbols = 29, kDistanceSymbols = 30;

// RFC 1951, 3.2.5: the least value of each symbol, and how many extra bits follow it.
constexpr std::array<std::uint16_t, kLengthSymbols> kLengthBase{
    3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::array<std::uint8_t, kLengthSymbols> kLengthExtra{
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::array<std::uint16_t, kDistanceSymbols> kDistanceBase{
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr std::array<std::uint8_t, kDistanceSymbols> kDistanceExtra{
    0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
    6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

/// How often literals and lengths are to be expected: values are digits, ids are hexadecimal, and
/// most copies are long.
std::array<std::uint32_t, kFirstLength + kLengthSymbols> literal_weights() {
  std::array<std::uint32_t, kFirstLength + kLengthSymbols> weights{};
  weights.fill(1);
  for (std::size_t c = 'a'; c <= 'z'; ++c) weights.at(c) = 4;
  for (std::size_t c = 'a'; c <= 'f'; ++c) weights.at(c) = 80;
  for (std::size_t c = '0'; c <= '9'; ++c) weights.at(c) = 100;
  weights['\n'] = 24;
  weights[' '] = weights['.'] = weights['_'] = 6;
  for (std::size_t i = 0; i < kLengthSymbols; ++i) {
    weights.at(kFirstLength + i) = kLengthBase.at(i) < 17 ? 2 : 12;
  }
  return weights;
}

/// The line before is near, the family before far.
std::array<std::uint32_t, kDistanceSymbols> distance_weights() {
  std::array<std::uint32_t, kDistanceSymbols> weights{};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const bool is_a_line = kDistanceBase.at(i) >= 97 && kDistanceBase.at(i) < 513;
    weights.at(i) = is_a_line                    ? 24
                    : kDistanceBase.at(i) < 97   ? 1
                    : kDistanceBase.at(i) < 4097 ? 3
                                                 : 8;
  }
  return weights;
}

struct Bits {
  std::uint64_t bits = 0;
  std::uint32_t count = 0;
};

/// Everything about the code, worked out once.
struct CodeTables {
  HuffmanCode literal = make_huffman_code(literal_weights());
  HuffmanCode distance = make_huffman_code(distance_weights());
  std::array<Bits, kLongestCopy + 1> length{};  // symbol and extra bits
  std::array<std::uint8_t, kWindow + 1> distance_symbol{};

  CodeTables() {
    for (std::size_t i = 0, symbol = 0; i < length.size(); ++i) {
      if (i < kShortestCopy) continue;
      while (symbol + 1 < kLengthSymbols && kLengthBase.at(symbol + 1) <= i) ++symbol;
      const std::size_t at = kFirstLength + symbol;
      const std::uint64_t extra = i - kLengthBase.at(symbol);
      length.at(i) = {literal.codes[at] | extra << literal.lengths[at],
                      literal.lengths[at] + std::uint32_t{kLengthExtra.at(symbol)}};
    }
    for (std::size_t i = 1, symbol = 0; i < distance_symbol.size(); ++i) {
      while (symbol + 1 < kDistanceSymbols && kDistanceBase.at(symbol + 1) <= i) ++symbol;
      distance_symbol.at(i) = static_cast<std::uint8_t>(symbol);
    }
  }
};

const CodeTables& code_tables() {
  static const CodeTables the_code_tables;
  return the_code_tables;
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const auto [end, other] = std::mismatch(
      a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
  return static_cast<std::size_t>(end - a.begin());
}

std::uint32_t four_bytes(std::string_view text, std::size_t at) {
  std::uint32_t bytes = 0;
  std::memcpy(&bytes, text.data() + at, sizeof bytes);
  return bytes;
}

}  // namespace

TemplateGzip::TemplateGzip() : places_(4096) {}

void TemplateGzip::reserve(std::size_t bytes) {
  if (length_ + bytes > out_->size()) {
    out_->resize(std::max(length_ + bytes, out_->size() + out_->size() / 8 + 4096));
  }
}

/// REQUIRES: count <= 56 and reserved bytes.
void TemplateGzip::put(std::uint64_t bits, std::uint32_t count) {
  pending_ |= bits << pending_count_;
  pending_count_ += count;
  std::memcpy(out_->data() + length_, &pending_, sizeof pending_);  // little-endian, as x86 is
  const std::uint32_t whole = pending_count_ / 8;
  length_ += whole;
  pending_ >>= 8 * whole;
  pending_count_ %= 8;
}

void TemplateGzip::align() {
  if (pending_count_ != 0) put(0, 8 - pending_count_);
}

void TemplateGzip::literals(std::string_view text) {
  reserve(2 * text.size() + 16);
  const HuffmanCode& code = code_tables().literal;
  for (const char byte : text) {
    const auto symbol = static_cast<unsigned char>(byte);
    put(code.codes[symbol], code.lengths[symbol]);
  }
}

/// REQUIRES: length >= kShortestCopy, distance from 1 to kWindow.
void TemplateGzip::copy(std::size_t length, std::size_t distance) {
  const CodeTables& all = code_tables();
  const std::size_t symbol = all.distance_symbol[distance];
  const std::uint64_t extra = distance - kDistanceBase[symbol];
  const Bits far{all.distance.codes[symbol] | extra << all.distance.lengths[symbol],
                 all.distance.lengths[symbol] + std::uint32_t{kDistanceExtra[symbol]}};
  reserve(8 * (length / kLongestCopy + 2));
  while (length > 0) {
    std::size_t now = std::min(length, kLongestCopy);
    // The rest must not be too short to be a copy itself.
    if (length > now && length - now < kShortestCopy) now -= kShortestCopy;
    const Bits& long_ = all.length[now];
    put(long_.bits | far.bits << long_.count, long_.count + far.count);
    length -= now;
  }
}

void TemplateGzip::append_block_header() {
  reserve(512);
  constexpr std::string_view kHead("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  out_->replace(0, kHead.size(), kHead);
  length_ = kHead.size();
  const CodeTables& all = code_tables();
  put(0b100, 3);  // not the last block; dynamic codes
  put(all.literal.lengths.size() - 257, 5);
  put(all.distance.lengths.size() - 1, 5);
  put(19 - 4, 4);
  // The code of the code lengths: 0 to 15 have four bits each, the three repeats are not used.
  for (int i = 0; i < 19; ++i) put(i < 3 ? 0 : 4, 3);
  for (const HuffmanCode* const code : {&all.literal, &all.distance}) {
    for (const std::uint32_t bits : code->lengths) {
      const std::uint32_t reversed =
          (bits & 1U) << 3U | (bits & 2U) << 1U | (bits & 4U) >> 1U | (bits & 8U) >> 3U;
      put(reversed, 4);
    }
  }
}

void TemplateGzip::begin(std::string& out) {
  out_ = &out;
  length_ = 0;
  pending_ = 0;
  pending_count_ = 0;
  previous_ = {};
  ++page_;
  append_block_header();
}

void TemplateGzip::text(std::string_view page, std::size_t begin, std::size_t end,
                        std::size_t name) {
  literals(page.substr(begin, end - begin));
  previous_ = {.begin = name, .end = end};
}

TemplateGzip::Known& TemplateGzip::known_of(Slot slot) {
  if (slot == kNoSlot) return nobodys_;
  if (slot >= known_.size()) known_.resize(std::max<std::size_t>(64, 2 * std::size_t{slot}));
  return known_[slot];
}

void TemplateGzip::line(std::string_view page, const Line& line) {
  Known& known = known_of(line.slot);
  const std::size_t block_size = line.value - line.block;
  const bool in_window = known.page == page_ && known.block == line.block_number &&
                         line.block - known.at <= kWindow && block_size >= kShortestCopy;
  const bool has_neighbour = previous_.block_number != 0 && line.value - previous_.block <= kWindow;
  if (in_window) {
    write_prefix(page, line, 0);
    copy(block_size, line.block - known.at);
  } else if (has_neighbour) {
    const Recipe& how = recipe(known, line, page);
    follow(how, page, line, write_prefix(page, line, how.common));
  } else {
    write_prefix(page, line, 0);
    literals(page.substr(line.block, block_size));
  }
  literals(page.substr(line.value, line.end - line.value));
  known.page = page_;
  known.block = line.block_number;
  known.at = line.block;
  previous_ = line;
}

/// Prefix and element: what they have in common with the line before is copied. Where that is all,
/// the copy goes on for the `common` bytes with which the blocks begin. Returns how many bytes of
/// the block are written.
std::size_t TemplateGzip::write_prefix(std::string_view page, const Line& line,
                                       std::size_t common) {
  const std::size_t distance = line.begin - previous_.begin;
  const std::size_t size = line.block - line.begin;
  std::size_t same = 0;
  if (previous_.end != 0 && distance <= kWindow) {
    const bool same_row = previous_.block_number != 0 && previous_.row == line.row;
    if (same_row) same = line.element - line.begin;
    same += common_prefix(page.substr(line.begin + same, size - same),
                          page.substr(previous_.begin + same));
  }
  if (same < kShortestCopy) {
    literals(page.substr(line.begin, size));
    return 0;
  }
  const bool goes_on = same == size && line.block - previous_.block == distance;
  const std::size_t more = goes_on ? common : 0;
  copy(same + more, distance);
  literals(page.substr(line.begin + same, size - same));
  return more;
}

/// Writes a block, of which `done` bytes are written, after the line of its neighbour.
void TemplateGzip::follow(const Recipe& how, std::string_view page, const Line& line,
                          std::size_t done) {
  const std::size_t distance = line.block - previous_.block;
  if (done < how.common && how.common >= kShortestCopy) {
    copy(how.common, distance);
  } else if (done < how.common) {
    literals(page.substr(line.block, how.common));
  }
  reserve(8 * how.steps.size() + 2 * (line.value - line.block) + 16);
  for (const Step& step : how.steps) {
    if (step.bit_count != 0) {
      put(step.bits, step.bit_count);
    } else {
      copy(step.length, distance + step.further);
    }
  }
}

const TemplateGzip::Recipe& TemplateGzip::recipe(Known& known, const Line& line,
                                                 std::string_view page) {
  for (const Recipe& kept : known.recipes) {
    if (kept.block == line.block_number && kept.neighbour == previous_.block_number) return kept;
  }
  Recipe& made = known.recipes[known.next_recipe];
  known.next_recipe = (known.next_recipe + 1) % kRecipesKept;
  made.block = line.block_number;
  made.neighbour = previous_.block_number;
  fill(made, page.substr(line.block, line.value - line.block),
       page.substr(previous_.block, previous_.value - previous_.block));
  return made;
}

void TemplateGzip::add_literals(std::string_view text, std::vector<Step>& steps) const {
  const HuffmanCode& code = code_tables().literal;
  Step step;
  for (const char byte : text) {
    const auto symbol = static_cast<unsigned char>(byte);
    if (step.bit_count + code.lengths[symbol] > 56) {
      steps.push_back(step);
      step = {};
    }
    step.bits |= std::uint64_t{code.codes[symbol]} << step.bit_count;
    step.bit_count += code.lengths[symbol];
  }
  if (step.bit_count != 0) steps.push_back(step);
}

/// Linear in the sizes, whatever the labels are.
void TemplateGzip::fill(Recipe& recipe, std::string_view block, std::string_view neighbour) {
  constexpr std::size_t kWorthACopy = 5;  // a shorter one is hardly less than its literals
  const auto hash = [this](std::uint32_t bytes) {
    return (bytes * 2654435761U >> 16U) & (places_.size() - 1);
  };
  std::ranges::fill(places_, 0U);
  for (std::size_t i = 0; i + 4 <= neighbour.size(); ++i) {
    places_[hash(four_bytes(neighbour, i))] = static_cast<std::uint32_t>(i + 1);
  }
  recipe.steps.clear();
  recipe.common = common_prefix(block, neighbour);
  std::size_t at = recipe.common, literal_from = at;
  while (at + 4 <= block.size()) {
    const std::size_t place = places_[hash(four_bytes(block, at))];
    const std::size_t length =
        place == 0 ? 0 : common_prefix(block.substr(at), neighbour.substr(place - 1));
    if (length < kWorthACopy) {
      ++at;
      continue;
    }
    add_literals(block.substr(literal_from, at - literal_from), recipe.steps);
    // Modulo 2^64, so that one that lies nearer than the blocks do is right, too.
    recipe.steps.push_back(
        {.length = static_cast<std::uint32_t>(length), .further = at - (place - 1)});
    at += length;
    literal_from = at;
  }
  add_literals(block.substr(literal_from), recipe.steps);
}

void TemplateGzip::end(std::string_view page, std::size_t written) {
  reserve(32);
  const HuffmanCode& code = code_tables().literal;
  put(code.codes[kEndOfBlock], code.lengths[kEndOfBlock]);
  put(0, 3);  // an empty stored block, not the last one: after it, whole bytes
  align();
  out_->resize(length_);
  out_->append("\0\0\xff\xff", 4);
  gzip_.append_stream(page.substr(written), *out_);
  Gzip::append_trailer(page, *out_);
  length_ = out_->size();
}

}  // namespace cgmon
