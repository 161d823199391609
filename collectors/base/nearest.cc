#include "collectors/base/nearest.h"

#include <algorithm>
#include <cstddef>

#include "collectors/base/edit_distance.h"

namespace cgmon {
namespace {

/// Longer words are not typos of any name, and the distance costs the product of the lengths.
constexpr std::size_t kWordBytesMax = 80;

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('.') + 1); }

/// How far is still a typo: little, so that a short word or a common prefix does not suggest just
/// any name.
std::size_t tolerance(std::string_view word) {
  return word.size() <= 3 ? 1 : std::max<std::size_t>(2, word.size() / 5);
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  if (word.empty() || word.size() > kWordBytesMax) return std::nullopt;
  const std::string* best = nullptr;
  const std::size_t furthest = tolerance(word);
  std::size_t best_distance = furthest + 1;
  for (const std::string& candidate : candidates) {
    std::size_t distance = edit_distance(word, candidate);
    // The right name in the wrong place counts as near, but any typo is nearer.
    if (last_part(word) == last_part(candidate)) distance = std::min(distance, furthest);
    if (distance >= best_distance) continue;
    best = &candidate;
    best_distance = distance;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace cgmon
