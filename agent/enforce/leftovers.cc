#include "agent/enforce/leftovers.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/enforce/plan.h"
#include "agent/enforce/system.h"
#include "agent/enforce/teardown.h"

namespace cgmon {
namespace {

/// The paths in a member of a state file that end in `tail` + its id.
using Endings = std::vector<std::string>;
/// Paths in a state file that end as `endings_of` says those of its id do.
std::vector<std::string> paths_of_state(std::string_view text, const char* member,
                                        Endings (*endings_of)(const std::string&)) {
  const auto state = nlohmann::json::parse(text, nullptr, false);
  if (!state.is_object() || !state.contains("id") || !state["id"].is_string()) return {};
  const auto id = state["id"].get<std::string>();
  const bool is_id = id.size() == 16 && id.find_first_not_of("0123456789abcdef") == id.npos;
  if (!is_id || !state.contains(member) || !state[member].is_array()) return {};
  const Endings endings = endings_of(id);
  std::vector<std::string> paths;
  for (const auto& entry : state[member]) {
    if (!entry.is_string() || paths.size() >= kMaxHierarchies) continue;
    const auto path = entry.get<std::string>();
    const auto is_end = [&](const std::string& tail) { return path.ends_with(tail); };
    const bool is_whole = path.find('\0') == path.npos && path.find("/../") == path.npos;
    if (path.starts_with('/') && std::ranges::any_of(endings, is_end) && is_whole) {
      paths.push_back(path);
    }
  }
  return paths;
}

}  // namespace

std::string parent_of(const std::string& directory) {
  return directory.substr(0, directory.rfind('/'));
}

Result<void> remove_scratch(const std::string& root, const std::vector<MapFile>& maps) {
  Result<void> removed = remove_tree(root);
  const bool has_others =
      std::ranges::any_of(maps, [](const MapFile& map) { return !map.program.empty(); });
  return removed || !has_others ? removed : remove_tree_in_namespace(root, maps);
}

std::string text_of_state(const std::string& id, const std::vector<std::string>& directories,
                          const std::vector<std::string>& scratch) {
  const nlohmann::json state{{"id", id}, {"directories", directories}, {"scratch", scratch}};
  return state.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::vector<std::string> directories_of_state(std::string_view text) {
  return paths_of_state(text, "directories", [](const std::string& id) {
    const std::string scope = std::string(kRunParent) + '-' + id + ".scope";
    const std::string own = std::string(kRunParent) + '/' + id;
    return Endings{own, own + kAgentEnding, scope, scope + "/command"};
  });
}

std::vector<std::string> scratch_of_state(std::string_view text) {
  return paths_of_state(text, "scratch",
                        [](const std::string& id) { return Endings{'/' + scratch_name(id)}; });
}

Result<std::vector<std::string>> clean_up_leftovers(const std::string& state,
                                                    const std::vector<MapFile>& maps) {
  const Result<UniqueFd> lock = lock_directory(state);
  if (!lock) return tl::unexpected(lock.error());
  std::vector<std::string> done;
  for (const Leftover& leftover : leftover_state_files(state)) {
    const std::vector<std::string> directories = directories_of_state(leftover.text);
    const Result<std::size_t> killed =
        directories.empty() ? Result<std::size_t>(0) : kill_cgroups(directories);
    if (!killed) return tl::unexpected(killed.error());
    for (const std::string& directory : directories) {
      if (Result<void> removed = remove_cgroup(directory); !removed) {
        return tl::unexpected(removed.error());
      }
      // A scope goes by itself; what it is in is systemd's.
      if (parent_of(directory).ends_with(kRunParent)) remove_directory(parent_of(directory));
    }
    for (const std::string& root : scratch_of_state(leftover.text)) {
      if (Result<void> removed = remove_scratch(root, maps); !removed) {
        return tl::unexpected(removed.error());
      }
    }
    remove_file(state + '/' + leftover.name);
    done.push_back("removed " + leftover.name.substr(0, leftover.name.rfind('.')) + ", killed " +
                   std::to_string(*killed) + " of its processes");
  }
  return done;
}

}  // namespace cgmon
