#include "config/config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "collectors/base/nearest.h"
#include "config/option.h"
#include "config/scalar.h"
#include "config/yaml_tree.h"

namespace cgmon {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 20U;

bool is_scalar(const YamlNode& node) {
  return node.kind == YamlNode::Kind::plain || node.kind == YamlNode::Kind::quoted;
}

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      return "a map";
    case YamlNode::Kind::quoted:
      return "the text " + in_quotes(node.text);
    case YamlNode::Kind::plain:
      break;
  }
  return in_quotes(node.text);
}

/// Numbers, durations and switches are not written between quotes, as in any other YAML file.
bool takes_quotes(const Option& option) {
  return !is_flag(option) && !std::holds_alternative<CountField>(option.field) &&
         !std::holds_alternative<DurationField>(option.field);
}

/// Puts a document's values into a Config, key by key.
class Merger {
 public:
  Merger(std::string_view file, Config& config)
      : file_(file), config_(config), names_(option_names(config)) {}

  [[nodiscard]] Result<void> section(const YamlNode& map, const std::string& prefix) {
    for (std::size_t i = 0; i + 1 < map.children.size(); i += 2) {
      const YamlNode& key = map.children[i];
      if (!is_scalar(key)) return failure_at(file_, key, "expected a key, got " + describe(key));
      if (Result<void> unique = check_unique(map, i, prefix); !unique) return unique;
      if (Result<void> done = entry(key, map.children[i + 1], prefix + key.text); !done) {
        return done;
      }
    }
    return {};
  }

  /// "expected a map of `web`, `log`": what may stand below a prefix.
  [[nodiscard]] std::string expected_keys(const std::string& prefix) const {
    std::string list;
    for (const std::string& key : keys_below(prefix)) list += (list.empty() ? "" : ", ") + key;
    return list;
  }

 private:
  [[nodiscard]] Result<void> entry(const YamlNode& key, const YamlNode& value,
                                   const std::string& name) {
    if (const Option* const option = is_one_part(key) ? find_option(name) : nullptr) {
      return set_option(*option, key, value);
    }
    if (CollectorSwitch* const collector =
            is_one_part(key) ? find_collector(name, config_) : nullptr) {
      return set_collector(*collector, name, key, value);
    }
    const std::string prefix = name + ".";
    if (!is_one_part(key) || keys_below(prefix).empty()) return unknown(key, name);
    if (value.kind == YamlNode::Kind::map) return section(value, prefix);
    // `web:` with all of its keys commented out.
    if (value.kind == YamlNode::Kind::null) return {};
    return failure_at(file_, place_of(key, value),
                      in_quotes(name) + ": expected a map of " + expected_keys(prefix) + ", got " +
                          describe(value));
  }

  /// A key with a dot in it is not nesting, though it may spell a known name.
  static bool is_one_part(const YamlNode& key) { return key.text.find('.') == std::string::npos; }

  [[nodiscard]] Result<void> set_option(const Option& option, const YamlNode& key,
                                        const YamlNode& value) {
    const bool is_list = value.kind == YamlNode::Kind::list && is_repeatable(option);
    const std::span<const YamlNode> nodes =
        is_list ? std::span<const YamlNode>(value.children) : std::span(&value, 1);
    std::vector<std::string> texts;
    for (const YamlNode& node : nodes) {
      if (node.kind != YamlNode::Kind::plain &&
          (node.kind != YamlNode::Kind::quoted || !takes_quotes(option))) {
        return bad_value(option, key, node);
      }
      texts.push_back(node.text);
    }
    const tl::expected<void, BadValue> assigned = assign(option, texts, config_);
    if (!assigned) return bad_value(option, key, nodes[assigned.error().index]);
    return {};
  }

  [[nodiscard]] tl::unexpected<Error> bad_value(const Option& option, const YamlNode& key,
                                                const YamlNode& node) const {
    return failure_at(file_, place_of(key, node),
                      in_quotes(option.name) + ": expected " + expected_value(option) + ", got " +
                          describe(node));
  }

  [[nodiscard]] Result<void> set_collector(CollectorSwitch& collector, const std::string& name,
                                           const YamlNode& key, const YamlNode& value) const {
    const bool plain = value.kind == YamlNode::Kind::plain;
    const std::optional<bool> enabled = plain ? parse_boolean(value.text) : std::nullopt;
    if (!enabled) {
      return failure_at(file_, place_of(key, value),
                        in_quotes(name) + ": expected true or false, got " + describe(value));
    }
    collector.enabled = *enabled;
    return {};
  }

  /// yaml-cpp puts a missing value at the next token, which may be lines away.
  static const YamlNode& place_of(const YamlNode& key, const YamlNode& value) {
    return value.kind == YamlNode::Kind::null ? key : value;
  }

  [[nodiscard]] Result<void> check_unique(const YamlNode& map, std::size_t index,
                                          const std::string& prefix) const {
    for (std::size_t i = 0; i < index; i += 2) {
      if (map.children[i].text != map.children[index].text) continue;
      return failure_at(file_, map.children[index],
                        in_quotes(prefix + map.children[index].text) +
                            ": expected once, already given on line " +
                            std::to_string(map.children[i].line));
    }
    return {};
  }

  [[nodiscard]] tl::unexpected<Error> unknown(const YamlNode& key, const std::string& name) const {
    std::string what = "unknown key " + in_quotes(name) + ": expected ";
    if (std::ranges::find(names_, name) != names_.end()) {
      const std::size_t dot = name.find('.');
      what += "nesting in place of dots, `" + name.substr(0, dot) + ": {" + name.substr(dot + 1) +
              ": ...}`";
      return failure_at(file_, key, what);
    }
    const std::string prefix = name.substr(0, name.size() - key.text.size());
    what += expected_keys(prefix);
    if (const std::optional<std::string> near = nearest(name, candidates(prefix))) {
      what += "; did you mean `" + *near + "`?";
    }
    return failure_at(file_, key, what);
  }

  /// What an unknown key may have meant: any option, or a section at the top.
  [[nodiscard]] std::vector<std::string> candidates(const std::string& prefix) const {
    std::vector<std::string> all = names_;
    if (!prefix.empty()) return all;
    for (std::string& key : keys_below("")) {
      if (std::ranges::find(all, key) == all.end()) all.push_back(std::move(key));
    }
    return all;
  }

  /// The next parts of the names that begin with `prefix`, each once, in the table's order.
  [[nodiscard]] std::vector<std::string> keys_below(const std::string& prefix) const {
    std::vector<std::string> keys;
    for (const std::string& name : names_) {
      if (!name.starts_with(prefix)) continue;
      std::string key = name.substr(prefix.size(), name.find('.', prefix.size()) - prefix.size());
      if (std::ranges::find(keys, key) == keys.end()) keys.push_back(std::move(key));
    }
    return keys;
  }

  std::string_view file_;
  Config& config_;
  std::vector<std::string> names_;
};

struct CloseFile {
  void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};

}  // namespace

Config default_config(std::span<const GroupOption> groups) {
  Config config;
  for (const GroupOption& group : groups) {
    config.collectors.push_back({std::string(group.name), group.default_on});
  }
  return config;
}

Result<void> merge_yaml(std::string_view text, std::string_view name, Config& config) {
  const Result<YamlNode> root = parse_yaml(text, name);
  if (!root) return tl::unexpected(root.error());
  if (root->kind == YamlNode::Kind::null) return {};
  Config merged = config;
  Merger merger(name, merged);
  if (root->kind != YamlNode::Kind::map) {
    return failure_at(name, *root,
                      "expected a map of " + merger.expected_keys("") + ", got " + describe(*root));
  }
  if (Result<void> done = merger.section(*root, ""); !done) return done;
  config = std::move(merged);
  return {};
}

Result<std::string> read_yaml_file(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) return failure("can't open the configuration file", path, errno);
  std::string text;
  std::array<char, 16384> chunk{};
  while (text.size() <= kFileBytesMax) {
    const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), file.get());
    if (count == 0) break;
    text.append(chunk.data(), count);
  }
  if (std::ferror(file.get()) != 0) {
    return failure("can't read the configuration file", path, errno);
  }
  if (text.size() > kFileBytesMax) {
    return failure("expected a configuration file of at most 1 MiB", path);
  }
  return text;
}

Result<void> merge_yaml_file(const std::string& path, Config& config) {
  const Result<std::string> text = read_yaml_file(path);
  if (!text) return tl::unexpected(text.error());
  return merge_yaml(*text, path, config);
}

void resolve_paths(PathConfig& path) {
  const auto below = [](const std::string& directory, std::string_view name) {
    return directory + (directory.ends_with('/') ? "" : "/") + std::string(name);
  };
  if (path.procfs.empty()) path.procfs = below(path.rootfs, "proc");
  if (path.sysfs.empty()) path.sysfs = below(path.rootfs, "sys");
  if (path.cgroupfs.empty()) path.cgroupfs = below(path.sysfs, "fs/cgroup");
}

}  // namespace cgmon
