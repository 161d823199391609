#include "agent/cli_isolation.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/cli_once.h"
#include "collectors/base/nearest.h"
#include "collectors/parse/number.h"
#include "config/scalar.h"

namespace cgmon {
namespace {

tl::unexpected<Error> expected(std::string_view flag, const std::string& what,
                               std::string_view got) {
  return usage_failure("`--" + std::string(flag) + "`: expected " + what + ", got " +
                       in_quotes(got));
}

/// The one value of a flag; null if it was not given.
const std::string* value_of(const RunWords& words, std::string_view flag) {
  const auto found = words.find(flag);
  return found == words.end() || found->second.empty() ? nullptr : &found->second.front();
}

std::string text_of(const RunWords& words, std::string_view flag) {
  const std::string* const text = value_of(words, flag);
  return text == nullptr ? std::string() : *text;
}

const std::vector<std::string>& values_of(const RunWords& words, std::string_view flag) {
  static const std::vector<std::string> kNone;
  const auto found = words.find(flag);
  return found == words.end() ? kNone : found->second;
}

template <class Names>
tl::unexpected<Error> unknown(std::string_view flag, const std::string& kind, const Names& names,
                              const std::string& got) {
  const std::vector<std::string> known(names.begin(), names.end());
  std::string text = "`--" + std::string(flag) + "`: no " + kind + ' ' + in_quotes(got);
  if (const auto near = nearest(got, known)) text += "; did you mean `" + *near + "`?";
  return usage_failure(text);
}

Result<void> set_namespaces(const RunWords& words, std::string_view flag, NamespaceSet& to) {
  const std::string text = text_of(words, flag);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view word = take_until(rest, ',');
    const std::string_view name = word == "mnt" ? "mount" : word;  // as in /proc/PID/ns
    const auto* const found = std::ranges::find(kNamespaceNames, name);
    if (name == "all") {
      to = kAllNamespaces;
    } else if (found == kNamespaceNames.end()) {
      return unknown(flag, "kind of namespace", kNamespaceNames, std::string(name));
    } else {
      to |= bit(static_cast<Namespace>(found - kNamespaceNames.begin()));
    }
  }
  return {};
}

Result<void> set_capabilities(const RunWords& words, Isolation& to) {
  if (value_of(words, "caps") == nullptr) return {};
  CapabilitySet set = 0;
  const std::string text = text_of(words, "caps");
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string name(take_until(rest, ','));
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (name.starts_with("cap_")) name.erase(0, 4);
    const CapabilitySet known = name == "all"       ? kAllCapabilities
                                : name == "default" ? kDefaultCapabilities
                                                    : capability(name);
    if (known == 0 && name != "none") {
      return unknown("caps", "capability", kCapabilityNames, name);
    }
    set |= known;
  }
  to.capabilities = set;
  return {};
}

/// An absolute path inside: a `..` could mean another place than it says.
Result<std::string> path_inside(std::string_view flag, std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const bool is_plain = path.find("//") == path.npos && path.find("/./") == path.npos &&
                        (path + '/').find("/../") == path.npos;
  if (!path.starts_with('/') || path == "/" || !is_plain) {
    return expected(flag, "an absolute path below /, without .. and //", path);
  }
  return path;
}

/// The parts of a list with colons; a backslash takes the meaning of the next character.
std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ':') {
      parts.emplace_back();
    } else {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      parts.back() += text[i];
    }
  }
  return parts;
}

Result<void> set_root(const RunWords& words, Isolation& to) {
  to.root = text_of(words, "root");
  to.chroot = value_of(words, "chroot") != nullptr;
  to.upper = text_of(words, "upper");
  to.diff = value_of(words, "diff") != nullptr;
  const std::string* const layers = value_of(words, "overlay");
  if (layers == nullptr) return {};
  to.lowers = split(*layers);
  if (std::ranges::any_of(to.lowers, [](const std::string& path) { return path.empty(); })) {
    return expected("overlay", "directories with : between", *layers);
  }
  return {};
}

Result<void> set_mounts(const RunWords& words, Isolation& to) {
  for (const std::string& text : values_of(words, "bind")) {
    const std::vector<std::string> parts = split(text);
    const bool is_read_only = parts.size() == 3 && parts[2] == "ro";
    if (parts.size() > 3 || (parts.size() == 3 && !is_read_only && parts[2] != "rw") ||
        parts[0].empty()) {
      return expected("bind", "SOURCE, SOURCE:TARGET or SOURCE:TARGET:ro", text);
    }
    const auto target = path_inside("bind", parts.size() > 1 ? parts[1] : parts[0]);
    if (!target) return tl::unexpected(target.error());
    to.binds.push_back({parts[0], *target, is_read_only});
  }
  for (const std::string& text : values_of(words, "tmpfs")) {
    const auto target = path_inside("tmpfs", text);
    if (!target) return tl::unexpected(target.error());
    to.tmpfs.push_back(*target);
  }
  return {};
}

Result<void> set_maps(std::string_view flag, const std::vector<std::string>& texts,
                      std::vector<IdRange>& to) {
  for (const std::string& text : texts) {
    std::string_view rest = text;
    std::array<std::uint64_t, 3> numbers{};
    bool is_right = std::ranges::count(text, ':') == 2;
    for (std::uint64_t& number : numbers) {
      const auto parsed = parse_number(take_until(rest, ':'));
      is_right = is_right && parsed && *parsed <= UINT32_MAX;
      number = parsed.value_or(0);
    }
    if (!is_right || numbers[2] == 0) {
      return expected(flag, "INSIDE:OUTSIDE:COUNT like 0:100000:65536", text);
    }
    to.push_back({static_cast<std::uint32_t>(numbers[0]), static_cast<std::uint32_t>(numbers[1]),
                  static_cast<std::uint32_t>(numbers[2])});
  }
  return {};
}

Result<void> set_time_offset(const RunWords& words, Isolation& to) {
  const std::string* const given = value_of(words, "time-offset");
  if (given == nullptr) return {};
  std::string_view text = *given;
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const auto length = parse_duration(text);
  if (!length || length->count() % 1000 != 0) {
    return expected("time-offset", "whole seconds, like 90s, 24h or -1h", *given);
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*length);
  to.time_offset = is_negative ? -seconds : seconds;
  return {};
}

Result<void> set_rest(const RunWords& words, Isolation& to) {
  constexpr std::size_t kHostnameMax = 64;  // the kernel's
  to.hostname = text_of(words, "hostname");
  if (to.hostname.size() > kHostnameMax) {
    return expected("hostname", "at most 64 characters", to.hostname);
  }
  to.environment = values_of(words, "env");
  for (const std::string& variable : to.environment) {
    if (variable.starts_with('=')) return expected("env", "KEY=VALUE or KEY", variable);
  }
  to.workdir = text_of(words, "workdir");
  to.user = text_of(words, "user");
  to.standard = value_of(words, "isolate") != nullptr;
  to.no_new_privileges = value_of(words, "no-new-privileges") != nullptr;
  const std::string* const seccomp = value_of(words, "seccomp");
  if (seccomp == nullptr) return {};
  if (*seccomp == "default") to.seccomp = Seccomp::standard;
  if (*seccomp == "log") to.seccomp = Seccomp::log;
  if (*seccomp == "off") to.seccomp = Seccomp::off;
  return to.seccomp ? Result<void>() : expected("seccomp", "default, log or off", *seccomp);
}

}  // namespace

Result<Isolation> isolation(const RunWords& words) {
  Isolation found;
  Result<void> done = set_namespaces(words, "ns", found.namespaces);
  if (done) done = set_namespaces(words, "join", found.join);
  if (done) done = set_capabilities(words, found);
  if (done) done = set_root(words, found);
  if (done) done = set_mounts(words, found);
  if (done) done = set_maps("uid-map", values_of(words, "uid-map"), found.uid_map);
  if (done) done = set_maps("gid-map", values_of(words, "gid-map"), found.gid_map);
  if (done) done = set_time_offset(words, found);
  if (done) done = set_rest(words, found);
  if (!done) return tl::unexpected(done.error());
  return found;
}

Result<void> check_isolation(const Isolation& isolation) {
  const bool has_layers = !isolation.lowers.empty();
  if (!isolation.root.empty() && has_layers) {
    return usage_failure("`--root` does not go with `--overlay`, whose layers are the root");
  }
  if (isolation.chroot && isolation.root.empty() && !has_layers) {
    return usage_failure("`--chroot` needs `--root`");
  }
  if (!isolation.upper.empty() && !has_layers) return usage_failure("`--upper` needs `--overlay`");
  if (isolation.diff && !has_layers) return usage_failure("`--diff` needs `--overlay`");
  const bool makes =
      isolation.standard || isolation.namespaces != 0 || has_layers || !isolation.root.empty() ||
      !isolation.binds.empty() || !isolation.tmpfs.empty() || !isolation.hostname.empty() ||
      isolation.time_offset || !isolation.uid_map.empty() || !isolation.gid_map.empty();
  if (isolation.join != 0 && makes) {
    return usage_failure(
        "`--join` takes namespaces that are there, and goes with none that are made (`--isolate`, "
        "`--ns`, `--root`, `--overlay`, `--bind`, `--tmpfs`, `--hostname`, `--time-offset`, "
        "`--uid-map`, `--gid-map`)");
  }
  return {};
}

}  // namespace cgmon
