#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cgmon {

/// A canonical Huffman code as deflate has it (RFC 1951, 3.2.2): at most 15 bits a symbol.
struct HuffmanCode {
  std::vector<std::uint8_t> lengths;  ///< by symbol, in bits
  std::vector<std::uint16_t> codes;   ///< by symbol, first bit lowest, as the stream wants it
};

/// The code for symbols of these weights. REQUIRES: at least two symbols, no weight is 0 (every
/// symbol gets a code, so that any text can be written).
[[nodiscard]] HuffmanCode make_huffman_code(std::span<const std::uint32_t> weights);

}  // namespace cgmon
