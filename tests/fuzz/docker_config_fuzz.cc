#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "collectors/identity/docker.h"
#include "collectors/identity/utf8.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

using Json = nlohmann::json;

/// The document as a tree; discarded if it is no JSON, or gives one key of an object twice, for
/// which there is no one right reading.
Json tree_of(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  bool twice = false;
  Json tree = Json::parse(
      text,
      [&](int, Json::parse_event_t event, Json& parsed) {
        if (event == Json::parse_event_t::object_start) keys.emplace_back();
        if (event == Json::parse_event_t::object_end) keys.pop_back();
        if (event == Json::parse_event_t::key) {
          twice |= !keys.back().insert(parsed.get<std::string>()).second;
        }
        return true;
      },
      false);
  return twice ? Json(Json::value_t::discarded) : tree;
}

const Json& member(const Json& object, const char* key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

void check_against_tree(const Json& tree, const Result<ContainerMetadata>& read) {
  std::string name = text_of(member(tree, "Name"));
  if (name.starts_with('/')) name.erase(0, 1);
  const std::string image = text_of(member(member(tree, "Config"), "Image"));
  const bool usable = !name.empty() || !image.empty();
  require(read.has_value() == usable, "a document is usable if it has a name or an image");
  if (!read) return;
  require(read->name == repair_text(name, 256), "the name is the document's own Name");
  require(read->image == repair_text(image, 256), "the image is Config.Image");
  const Json& networks = member(member(tree, "NetworkSettings"), "Networks");
  std::vector<std::string> called;
  if (networks.is_object()) {
    for (const auto& [key, value] : networks.items()) {
      if (value.is_object() && !key.empty()) called.push_back(key);
    }
  }
  const auto is_in = [&](std::string_view network) {
    return std::ranges::find(called, network) != called.end();
  };
  require(read->network.empty() == called.empty(), "who is in a network says so");
  require(read->network != "host" || is_in("host"), "the host's is called so");
  require(read->network != "none" || is_in("none"), "and none");
  const Json& state = member(tree, "State");
  const bool running = member(state, "Running") == true;
  const std::int64_t started = parse_rfc3339(text_of(member(state, "StartedAt")));
  require(read->life.started_at_ns == (running ? started : 0), "only what runs has been started");
}

}  // namespace

void check_input(std::string_view input) {
  const auto read = parse_docker_config(input);
  if (read) {
    require(is_utf8(read->name) && is_utf8(read->image), "texts are UTF-8");
    require(read->name.size() <= 256 && read->image.size() <= 256, "texts are bounded");
    require(!read->name.empty() || !read->image.empty(), "what is found says something");
    require(read->life.started_at_ns >= 0, "no container is older than the epoch");
  }
  const Json tree = tree_of(input);
  if (!tree.is_discarded()) check_against_tree(tree, read);
}

}  // namespace cgmon
