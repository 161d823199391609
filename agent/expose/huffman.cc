#include "agent/expose/huffman.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace cgmon {
namespace {

constexpr std::size_t kMaxBits = 15;

/// Depth of each symbol in Huffman's tree.
std::vector<std::size_t> depths(std::span<const std::uint32_t> weights) {
  using Node = std::pair<std::uint64_t, std::size_t>;  // weight, number: symbols come first
  std::priority_queue<Node, std::vector<Node>, std::greater<>> open;
  for (std::size_t i = 0; i < weights.size(); ++i) open.emplace(weights[i], i);
  std::vector<std::size_t> parent(2 * weights.size() - 1);
  std::size_t next = weights.size();
  while (open.size() > 1) {
    const Node low = open.top();
    open.pop();
    const Node high = open.top();
    open.pop();
    parent[low.second] = parent[high.second] = next;
    open.emplace(low.first + high.first, next++);
  }
  const std::size_t root = next - 1;
  std::vector<std::size_t> depth(parent.size());
  for (std::size_t i = root; i-- > 0;) depth[i] = depth[parent[i]] + 1;
  depth.resize(weights.size());
  return depth;
}

}  // namespace

HuffmanCode make_huffman_code(std::span<const std::uint32_t> weights) {
  std::vector<std::uint32_t> flatter(weights.begin(), weights.end());
  std::vector<std::size_t> depth = depths(flatter);
  while (std::ranges::max(depth) > kMaxBits) {
    for (std::uint32_t& weight : flatter) weight = weight / 2 + 1;
    depth = depths(flatter);
  }
  std::array<std::uint32_t, kMaxBits + 2> next{};  // the next code of each length
  for (const std::size_t bits : depth) ++next[bits + 1];
  for (std::size_t bits = 1; bits < next.size(); ++bits)
    next[bits] = (next[bits - 1] + next[bits]) << 1U;
  HuffmanCode code;
  for (const std::size_t bits : depth) {
    const std::uint32_t value = next[bits]++;
    std::uint32_t reversed = 0;
    for (std::size_t bit = 0; bit < bits; ++bit) {
      reversed |= ((value >> bit) & 1U) << (bits - 1 - bit);
    }
    code.lengths.push_back(static_cast<std::uint8_t>(bits));
    code.codes.push_back(static_cast<std::uint16_t>(reversed));
  }
  return code;
}

}  // namespace cgmon
