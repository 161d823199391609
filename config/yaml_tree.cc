#include "config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <optional>
#include <sstream>
#include <utility>

#include "config/scalar.h"

namespace cgmon {
namespace {

constexpr std::size_t kDepthMax = 8;
/// yaml-cpp's messages repeat bytes of the text: an escape, an anchor's name.
constexpr std::size_t kMessageBytesMax = 120;

/// yaml-cpp counts from 0 and says -1 where it does not know the place.
std::uint32_t from_one(int zero_based) {
  return zero_based < 0 ? 1U : static_cast<std::uint32_t>(zero_based) + 1U;
}

YamlNode node_at(const YAML::Mark& mark, YamlNode::Kind kind) {
  return {.kind = kind, .line = from_one(mark.line), .column = from_one(mark.column)};
}

/// Builds the tree from the parser's events. It can't stop the parser: after the first refusal it
/// only lets the events pass.
class TreeBuilder final : public YAML::EventHandler {
 public:
  struct Refusal {
    YamlNode place;
    std::string what;
  };

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    add(node_at(mark, YamlNode::Kind::null));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    refuse(node_at(mark, YamlNode::Kind::null), "expected a value, got an alias");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    const bool quoted_text = tag == "!";
    YamlNode node = node_at(mark, quoted_text ? YamlNode::Kind::quoted : YamlNode::Kind::plain);
    node.text = value;
    if (!quoted_text) check_tag(tag, node);
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    open(node_at(mark, YamlNode::Kind::list), tag);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    open(node_at(mark, YamlNode::Kind::map), tag);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] const std::optional<Refusal>& refusal() const { return refusal_; }
  [[nodiscard]] YamlNode take_root() { return std::move(root_); }

 private:
  void refuse(const YamlNode& place, std::string what) {
    if (!refusal_) refusal_ = Refusal{place, std::move(what)};
  }
  void check_tag(const std::string& tag, const YamlNode& node) {
    if (!tag.empty() && tag != "?") {
      refuse(node, "expected a value without a tag, got the tag " + in_quotes(tag));
    }
  }
  void open(YamlNode node, const std::string& tag) {
    check_tag(tag, node);
    if (open_.size() >= kDepthMax) {
      refuse(node, "expected at most " + std::to_string(kDepthMax) + " levels of nesting");
    }
    if (!refusal_) open_.push_back(std::move(node));
  }
  void close() {
    if (refusal_) return;
    YamlNode node = std::move(open_.back());
    open_.pop_back();
    add(std::move(node));
  }
  void add(YamlNode node) {
    if (refusal_) return;
    (open_.empty() ? root_ : open_.back().children.emplace_back()) = std::move(node);
  }

  YamlNode root_;
  std::vector<YamlNode> open_;
  std::optional<Refusal> refusal_;
};

}  // namespace

tl::unexpected<Error> failure_at(std::string_view name, const YamlNode& place,
                                 std::string_view what) {
  return failure("column " + std::to_string(place.column) + ": " + std::string(what), name, 0,
                 place.line);
}

Result<YamlNode> parse_yaml(std::string_view text, std::string_view name) {
  TreeBuilder builder;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    const bool found = parser.HandleNextDocument(builder);
    YamlNode root = builder.take_root();
    const std::optional<TreeBuilder::Refusal> refusal = builder.refusal();
    if (refusal) return failure_at(name, refusal->place, refusal->what);
    if (found) {
      TreeBuilder second;
      if (parser.HandleNextDocument(second)) {
        return failure("expected one YAML document, got several", name);
      }
    }
    return root;
  } catch (const YAML::Exception& error) {
    // A refusal came first in the text; the parser's own error is then a consequence or later.
    if (builder.refusal())
      return failure_at(name, builder.refusal()->place, builder.refusal()->what);
    return failure_at(name, node_at(error.mark, YamlNode::Kind::null),
                      "expected YAML: " + printable(error.msg, kMessageBytesMax));
  } catch (const std::exception& error) {
    return failure("expected YAML: " + printable(error.what(), kMessageBytesMax), name);
  }
}

}  // namespace cgmon
