#include "config/nearest.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace cgmon {
namespace {

/// Longer words are not typos of any name, and the distance costs the product of the lengths.
constexpr std::size_t kWordBytesMax = 80;

char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '_' ? '-' : c;
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; case and
/// _ for - are free. (Damerau–Levenshtein, optimal string alignment.)
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = folded(a[i - 1]) == folded(b[j - 1]);
      current[j] = std::min({above[j] + 1, current[j - 1] + 1, above[j - 1] + (same ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                           folded(a[i - 2]) == folded(b[j - 1]);
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, current);
  }
  return above[b.size()];
}

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
