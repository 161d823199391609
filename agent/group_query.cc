#include "agent/group_query.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "agent/http/query.h"
#include "collectors/base/nearest.h"

namespace cgmon {
namespace {

std::vector<std::string> names_of(GroupSet groups) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kGroups.size(); ++i) {
    if ((groups & bit(static_cast<Group>(i))) != 0) names.emplace_back(kGroups[i].name);
  }
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// What a client sent, fit to be sent back to it.
std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string quoted = "`";
  for (const char c : text.substr(0, kLongest)) quoted += c > ' ' && c < '\x7f' ? c : '?';
  if (text.size() > kLongest) quoted += "...";
  return quoted + '`';
}

Result<GroupSet> group_of_name(std::string_view name, GroupSet on) {
  const auto found = std::ranges::find(kGroups, name, &GroupInfo::name);
  if (found != kGroups.end()) return bit(static_cast<Group>(found - kGroups.begin()));
  std::string what = "no collector " + in_quotes(name);
  const std::optional<std::string> near = nearest(name, names_of(kAllGroups));
  what += near ? "; did you mean `" + *near + "`?" : ".";
  return failure(what + " Collectors that are on: " + listed(names_of(on)));
}

}  // namespace

Result<GroupSet> groups_asked_for(std::string_view query, GroupSet on) {
  GroupSet collect = 0, exclude = 0;
  for (const auto& [name, value] : parse_query(query)) {
    if (name == "collect" || name == "exclude") {
      return failure("no parameter `" + name + "`; did you mean `" + name + "[]`?");
    }
    if (name != "collect[]" && name != "exclude[]") continue;
    const Result<GroupSet> group = group_of_name(value, on);
    if (!group) return group;
    if (name == "collect[]" && (*group & on) == 0) {
      return failure("the collector " + in_quotes(value) + " is off; --collector." + value +
                     " switches it on. Collectors that are on: " + listed(names_of(on)));
    }
    (name == "collect[]" ? collect : exclude) |= *group;
  }
  if (collect != 0 && exclude != 0) {
    return failure("collect[] and exclude[] do not go together");
  }
  if (collect != 0) return collect;
  return exclude == 0 ? kAllGroups : on & ~exclude;
}

}  // namespace cgmon
