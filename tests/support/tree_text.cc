#include "tests/support/tree_text.h"

#include <sys/stat.h>

#include <charconv>
#include <optional>
#include <utility>

namespace cgmon {
namespace {

constexpr std::string_view kFirstLine = "cgmon-tree 1";

std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return taken;
}

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::uint32_t type_bits(std::string_view type) {
  if (type == "f") return S_IFREG;
  if (type == "d") return S_IFDIR;
  if (type == "l") return S_IFLNK;
  if (type == "s") return S_IFSOCK;
  if (type == "p") return S_IFIFO;
  if (type == "c") return S_IFCHR;
  if (type == "b") return S_IFBLK;
  return 0;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      plain += text[at];
      continue;
    }
    const auto byte = number<std::uint32_t>(text.substr(at + 1, 3), 8);
    if (at + 3 >= text.size() || !byte || *byte > 255) return std::nullopt;
    plain += static_cast<char>(static_cast<unsigned char>(*byte));
    at += 3;
  }
  return plain;
}

/// "1795474583" or "1795474583.284000000" in nanoseconds.
std::optional<std::int64_t> time_ns(std::string_view text) {
  const auto seconds = number<std::int64_t>(take(text, '.'));
  const auto fraction = text.empty() ? std::optional<std::int64_t>(0) : number<std::int64_t>(text);
  if (!seconds || !fraction || (!text.empty() && text.size() != 9)) return std::nullopt;
  std::int64_t time = 0;
  if (*fraction < 0 || __builtin_mul_overflow(*seconds, 1'000'000'000, &time) ||
      __builtin_add_overflow(time, *fraction, &time)) {
    return std::nullopt;
  }
  return time;
}

std::optional<std::uint64_t> device_number(std::string_view text) {
  const auto major = number<std::uint32_t>(take(text, ':'));
  const auto minor = number<std::uint32_t>(text);
  if (!major || !minor) return std::nullopt;
  return (std::uint64_t{*major} << 32U) | *minor;
}

std::optional<int> errno_of(std::string_view name) {
  constexpr int kHighest = 133;  // EHWPOISON
  for (int error = 1; error <= kHighest; ++error) {
    if (errno_name(error) == name) return error;
  }
  return std::nullopt;
}

/// Stores `value` where there is one.
template <class T, class U>
bool store(std::optional<U> value, T& place) {
  if (!value) return false;
  place = static_cast<T>(*std::move(value));
  return true;
}

struct Header {
  TreeEntry entry;
  bool open = false, escaped = false;
};

bool parse_word(std::string_view word, Header& header) {
  if (word == "open") return header.open = true;
  if (word == "escaped") return header.escaped = true;
  if (word.size() < 2 || word[1] != '=') return false;
  const std::string_view value = word.substr(2);
  TreeEntry& entry = header.entry;
  switch (word[0]) {
    case 'i':
      return store(number<std::uint64_t>(value), entry.inode);
    case 't':
      return store(time_ns(value), entry.mtime_ns);
    case 'm':
      return store(number<std::uint32_t>(value, 16), entry.magic);
    case 'v':
      return store(device_number(value), entry.device);
    case 'a':
      return store(unescape(value), entry.content);
    case 'e':
      return store(errno_of(value), entry.error);
    default:
      return false;
  }
}

std::optional<Header> parse_header(std::string_view line) {
  Header header;
  const std::uint32_t type = type_bits(take(line, ' '));
  const std::optional<std::string> path = unescape(take(line, ' '));
  const auto permissions = number<std::uint32_t>(take(line, ' '), 8);
  if (type == 0 || !path || !path->starts_with('/') || !permissions) return std::nullopt;
  header.entry.path = *path;
  header.entry.mode = type | *permissions;
  while (!line.empty()) {
    if (!parse_word(take(line, ' '), header)) return std::nullopt;
  }
  return header;
}

/// Ends an entry: what is known only when all of its lines have been seen.
bool finish(Header& header) {
  std::string& content = header.entry.content;
  if (header.escaped) {
    std::optional<std::string> plain = unescape(content);
    if (!plain) return false;
    content = *std::move(plain);
  }
  if (header.open) {
    if (content.empty()) return false;
    content.pop_back();
  }
  return true;
}

}  // namespace

Result<std::vector<TreeEntry>> parse_tree(std::string_view text, std::string_view name) {
  std::vector<TreeEntry> entries;
  std::optional<Header> current;
  std::uint32_t line_number = 1;
  const auto malformed = [&](std::string what) {
    return failure(std::move(what), name, 0, line_number);
  };
  if (take(text, '\n') != kFirstLine) return malformed("expected \"cgmon-tree 1\"");
  while (!text.empty()) {
    ++line_number;
    const std::string_view line = take(text, '\n');
    if (line.starts_with('#') && !current) continue;
    if (line.starts_with('\t')) {
      if (!current || !S_ISREG(current->entry.mode)) return malformed("content without a file");
      current->entry.content.append(line.substr(1)).push_back('\n');
      continue;
    }
    if (current) {
      if (!finish(*current)) return malformed("malformed content of the entry above");
      entries.push_back(std::move(current->entry));
    }
    current = parse_header(line);
    if (!current) return malformed("malformed entry");
  }
  if (current) {
    if (!finish(*current)) return malformed("malformed content of the last entry");
    entries.push_back(std::move(current->entry));
  }
  return entries;
}

}  // namespace cgmon
