#include "tests/fuzz/target.h"
#include "tests/support/tree_text.h"

namespace cgmon {

void check_input(std::string_view input) {
  const auto entries = parse_tree(input, "name");
  if (!entries) {
    require(entries.error().line >= 1, "an error has a line");
    return;
  }
  std::size_t bytes = 0;
  for (const TreeEntry& entry : *entries) {
    require(entry.path.starts_with('/') && entry.mode != 0, "an entry has a path and a type");
    bytes += entry.path.size() + entry.content.size();
  }
  require(bytes <= input.size(), "entries are no more than their text");
}

}  // namespace cgmon
