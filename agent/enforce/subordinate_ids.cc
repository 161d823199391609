#include "agent/enforce/subordinate_ids.h"

#include <algorithm>

#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::size_t kTextBytesMax = std::size_t{1} << 20U, kRangesMax = 64;

std::string text_of(Files& files, const char* path) {
  std::string text;
  if (read_file(files, Files::kAbsolute, path, kTextBytesMax, text) != 0) text.clear();
  return text;
}

std::string name_of_user(std::string_view users, std::uint32_t uid) {
  while (!users.empty()) {
    std::string_view line = take_until(users, '\n');
    const std::string_view name = take_until(line, ':');
    take_until(line, ':');
    if (parse_number(take_until(line, ':')) == uid) return std::string(name);
  }
  return {};
}

SubordinateIds ids_of(Files& files, const char* file, const std::string& program,
                      const std::string& name, std::uint32_t uid) {
  SubordinateIds ids{.ranges = parse_subordinate_ids(text_of(files, file), name, uid)};
  for (const char* directory : {"/usr/bin/", "/bin/", "/usr/local/bin/"}) {
    FileStatus status;
    const std::string path = directory + program;
    if (ids.program.empty() && files.status(Files::kAbsolute, path.c_str(), status) == 0) {
      ids.program = path;
    }
  }
  return ids;
}

}  // namespace

bool SubordinateIds::holds(const IdRange& wanted) const {
  return std::ranges::any_of(ranges, [&](const IdRange& range) {
    const std::uint64_t end = std::uint64_t{range.outside} + range.count;
    return wanted.outside >= range.outside && std::uint64_t{wanted.outside} + wanted.count <= end;
  });
}

std::vector<IdRange> parse_subordinate_ids(std::string_view text, std::string_view name,
                                           std::uint32_t uid) {
  std::vector<IdRange> ranges;
  std::uint64_t inside = 1;
  while (!text.empty() && ranges.size() < kRangesMax) {
    std::string_view line = take_until(text, '\n');
    const std::string_view owner = take_until(line, ':');
    const auto first = parse_number(take_until(line, ':')), count = parse_number(line);
    const bool is_ours = (!name.empty() && owner == name) || parse_number(owner) == uid;
    if (!is_ours || !first || !count || *count == 0) continue;
    if (*first > UINT32_MAX || *count > UINT32_MAX - *first || inside + *count > UINT32_MAX) {
      continue;
    }
    ranges.push_back({static_cast<std::uint32_t>(inside), static_cast<std::uint32_t>(*first),
                      static_cast<std::uint32_t>(*count)});
    inside += *count;
  }
  return ranges;
}

SubordinateUsers find_subordinate_ids(Files& files, std::uint32_t uid) {
  if (uid == 0) return {};
  const std::string name = name_of_user(text_of(files, "/etc/passwd"), uid);
  return {ids_of(files, "/etc/subuid", "newuidmap", name, uid),
          ids_of(files, "/etc/subgid", "newgidmap", name, uid)};
}

}  // namespace cgmon
