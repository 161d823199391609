#include "collectors/identity/machines.h"

#include <cerrno>

#include "collectors/identity/utf8.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

/// Without the quotes and backslashes that systemd puts around what a shell would take apart
/// (env_file_fputs_assignment).
std::string plain(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
  value = value.substr(1, value.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    text += value[i];
  }
  return text;
}

/// Who registers machines, as this project calls them.
std::string_view runtime_of(std::string_view service) {
  if (service == "systemd-nspawn" || service == "nspawn") return "nspawn";
  return service.starts_with("libvirt") ? "libvirt" : std::string_view();
}

}  // namespace

Result<ContainerMetadata> parse_machine(std::string_view text) {
  ContainerMetadata metadata;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::string_view key = take_until(line, '=');
    if (key == "NAME") metadata.name = repair_text(plain(line), kMaxLabelBytes);
    if (key == "SERVICE") metadata.runtime = runtime_of(plain(line));
    if (key == "REALTIME") {
      const auto microseconds = parse_number(line);
      if (microseconds && *microseconds < INT64_MAX / 1000) {
        metadata.life.created_at_ns = static_cast<std::int64_t>(*microseconds) * 1000;
      }
    }
  }
  if (metadata.name.empty()) return failure("a machine without a NAME", {}, EBADMSG);
  metadata.complete = true;
  return metadata;
}

Result<ContainerMetadata> Machines::read(std::string_view unit) {
  const std::string path = joined({"/run/systemd/machines/unit:", unit});
  const int error = is_path_component(unit) ? host_.read(path, text_) : -ENOENT;
  if (error != 0) return failure("cannot read the machine's file", path, -error);
  return parse_machine(text_);
}

}  // namespace cgmon
