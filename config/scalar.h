#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace cgmon {

/// Parsers of single values as a person types them, in a flag or in YAML. All of them are total,
/// take any bytes and allocate at most the value; nothing means "not of that form".

/// "true" or "false".
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);

/// Decimal digits alone; larger than 64 bits saturates, so that a range check can name the range.
[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text);

/// A whole number with its unit (ms, s, m, h) or "0"; saturates like parse_count.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest text that parse_duration reads back: 500ms, 2s, 1m, 0.
[[nodiscard]] std::string to_string(std::chrono::milliseconds duration);

/// host:port, where host is empty, a name, an IPv4 address or an IPv6 address in brackets. No scope
/// id (%eth0): it would not reach the socket.
[[nodiscard]] std::optional<HostPort> parse_host_port(std::string_view text);

[[nodiscard]] std::optional<LogLevel> parse_log_level(std::string_view text);

/// The text that parse_log_level reads back.
[[nodiscard]] std::string to_string(LogLevel level);

/// "logfmt" or "json".
[[nodiscard]] std::optional<LogFormat> parse_log_format(std::string_view text);

/// Adds "containers", "pods", "units" or "all", or several of them with commas, to `scopes`.
/// False if a part is none of them; `scopes` may then hold the parts before it.
[[nodiscard]] bool add_scopes(std::string_view text, Scopes& scopes);

/// A path without control bytes, no longer than the kernel takes.
[[nodiscard]] bool is_directory_path(std::string_view text);

/// The same, or nothing.
[[nodiscard]] bool is_directory_path_or_empty(std::string_view text);

/// A pattern of a label's key: some text without blanks, commas and control bytes.
[[nodiscard]] bool is_key_pattern(std::string_view text);

/// A pattern of cgroup paths: it begins with "/" or "*" and has no comma, no control byte and none
/// of the characters that mean something in other tools' patterns alone: [ ] { }.
[[nodiscard]] bool is_path_pattern(std::string_view text);

/// The runtimes that cgroups are told apart by.
inline constexpr std::string_view kRuntimeWords =
    "docker containerd nerdctl podman crio garden mesos lxc nspawn libvirt slurm htcondor torque "
    "pbs lsf ecs nomad";
/// One of these, or a pattern that has a * or ? in place of some of it.
[[nodiscard]] bool is_runtime_pattern(std::string_view text);

/// A pattern of Kubernetes' namespaces (RFC 1123 labels).
[[nodiscard]] bool is_namespace_pattern(std::string_view text);

/// An absolute URL path that is neither "/" nor below "/-/", which the agent serves itself.
[[nodiscard]] bool is_telemetry_path(std::string_view text);

/// `text` made fit for a terminal and a log line: control bytes and non-ASCII as \xNN, at most
/// `max_bytes` of it.
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_bytes);

/// The first 60 bytes of `text`, printable and between backquotes.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace cgmon
