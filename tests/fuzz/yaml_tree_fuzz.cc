#include "config/yaml_tree.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

struct Size {
  std::size_t nodes = 0, bytes = 0, depth = 0;
};

void measure(const YamlNode& node, std::string_view input, std::size_t depth, Size& size) {
  ++size.nodes;
  size.bytes += node.text.size();
  size.depth = std::max(size.depth, depth);
  require(node.line >= 1 && node.line <= input.size() + 1 && node.column >= 1 &&
              node.column <= input.size() + 1,
          "a node is at a place of the text");
  const bool has_children = node.kind == YamlNode::Kind::list || node.kind == YamlNode::Kind::map;
  require(has_children || node.children.empty(), "only lists and maps have children");
  require(node.kind != YamlNode::Kind::map || node.children.size() % 2 == 0,
          "every key has a value");
  for (const YamlNode& child : node.children) measure(child, input, depth + 1, size);
}

}  // namespace

void check_input(std::string_view input) {
  const Result<YamlNode> root = parse_yaml(input, "name");
  if (!root) {
    require(root.error().path == "name" && is_printable_ascii(root.error().what),
            "an error is one line for a terminal");
    require(root.error().what.size() <= 600, "an error is short");
    return;
  }
  Size size;
  measure(*root, input, 0, size);
  require(size.depth <= 8, "nesting is bounded");
  require(size.nodes <= 2 * input.size() + 1 && size.bytes <= 3 * input.size(),
          "a tree is bounded by its text");
}

}  // namespace cgmon
