#include "collectors/identity/cgroup_path.h"

#include <algorithm>
#include <array>
#include <utility>

namespace cgmon {
namespace {

using enum CgroupKind;

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char byte) { return byte >= '0' && byte <= '9'; });
}

bool is_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char byte) { return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f'); });
}

/// The id of docker, podman and CRI.
bool is_id(std::string_view text) { return text.size() == 64 && is_hex(text); }

/// A word of any engine that has no such ids: letters, digits and "._-".
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '.' || byte == '_' || byte == '-';
  });
}

bool is_uuid(std::string_view text, char dash) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != dash : !is_hex(text.substr(i, 1))) return false;
  }
  return true;
}

/// A pod's uid; a static pod's is the hash of its manifest.
bool is_pod_uid(std::string_view text, char dash) {
  return is_uuid(text, dash) || (text.size() == 32 && is_hex(text));
}

bool is_unit(std::string_view name) {
  for (const std::string_view suffix :
       {".service", ".scope", ".slice", ".socket", ".mount", ".swap"}) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) return true;
  }
  return false;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

int hex_digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/// systemd's \xHH as bytes. To be done after a name was split at what it escapes.
std::string unescape(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    if (text.size() >= 4 && text.starts_with("\\x") && hex_digit(text[2]) >= 0 &&
        hex_digit(text[3]) >= 0) {
      plain += static_cast<char>(hex_digit(text[2]) * 16 + hex_digit(text[3]));
      text.remove_prefix(4);
    } else {
      plain += text.front();
      text.remove_prefix(1);
    }
  }
  return plain;
}

/// A path from its top to the segment at hand.
struct Walk {
  PathIdentity is;
  std::string_view segment;  ///< as it stands there
  std::string_view name;     ///< without the "_" that systemd may have put before it
  std::string_view parent;   ///< the segment above
  std::string_view above;    ///< the one above that
  std::size_t depth = 0;     ///< 1 at the top
  bool kubepods = false;     ///< below the kubelet's cgroup
  bool slurm = false, ecs = false, garden = false, nomad = false;
  bool contains = false;  ///< what is below is in a container or a machine
};

void set_container(Walk& walk, std::string_view runtime, std::string_view id) {
  walk.is.kind = container;
  walk.is.runtime = runtime;
  walk.is.container_id = id;
  walk.contains = true;
}

/// Engines that put their name before the id: `docker-ID.scope`, `libpod-ID`. A prefix with the id
/// alone is what they make without systemd.
struct Engine {
  std::string_view name, runtime;
  bool plain;  ///< also without ".scope"
};
constexpr auto kEngines = std::to_array<Engine>({
    {"docker", "docker", false},
    {"libpod", "podman", true},
    {"crio", "crio", true},
    {"cri-containerd", "containerd", true},
    {"nerdctl", "nerdctl", false},
});

bool named_container(Walk& walk) {
  std::string_view rest = walk.name;
  const bool scope = take_suffix(rest, ".scope");
  for (const Engine& engine : kEngines) {
    std::string_view id = rest;
    if (take_prefix(id, engine.name) && take_prefix(id, "-") && is_id(id) &&
        (scope || engine.plain)) {
      set_container(walk, engine.runtime, id);
      return true;
    }
  }
  return false;
}

/// Sets the pod that a slice of the kubelet is: `kubepods-burstable-podUID.slice`, below any
/// --cgroup-root ("kubelet-kubepods-…").
bool pod_slice(std::string_view name, PathIdentity& is) {
  if (!take_suffix(name, ".slice")) return false;
  const std::size_t at = name.rfind("kubepods");
  if (at == name.npos || (at > 0 && name[at - 1] != '-')) return false;
  name.remove_prefix(at + std::string_view("kubepods").size());
  is.qos = "guaranteed";
  for (const std::string_view qos : {"burstable", "besteffort"}) {
    if (name.starts_with('-') && name.substr(1).starts_with(qos)) {
      name.remove_prefix(1 + qos.size());
      is.qos = qos;
    }
  }
  if (!take_prefix(name, "-pod") || !is_pod_uid(name, '_')) {
    if (is.qos == "guaranteed") is.qos = {};
    return false;
  }
  is.pod_uid = name;
  std::ranges::replace(is.pod_uid, '_', '-');
  return true;
}

bool kubernetes(Walk& walk) {
  std::string_view rest = walk.name;
  if (walk.name == "kubepods" || walk.name == "kubepods.slice" ||
      walk.name.ends_with("-kubepods.slice")) {
    walk.kubepods = true;
    return false;
  }
  if (pod_slice(walk.name, walk.is)) {
    walk.kubepods = true;
    walk.is.kind = pod;
    return true;
  }
  if (!walk.kubepods) return false;
  if (walk.name == "burstable" || walk.name == "besteffort") {
    walk.is.qos = walk.name;
  } else if (walk.is.pod_uid.empty() && take_prefix(rest, "pod") && is_pod_uid(rest, '-')) {
    walk.is.kind = pod;
    walk.is.pod_uid = rest;
    if (walk.is.qos.empty()) walk.is.qos = "guaranteed";
    return true;
  } else if (!walk.is.pod_uid.empty() && is_id(walk.name)) {
    set_container(walk, "containerd", walk.name);  // or docker: metadata knows
    return true;
  }
  return false;
}

/// The name for systemd as a directory: an engine without systemd was given it.
/// `kubepods-podUID.slice:cri-containerd:ID`.
bool colons(Walk& walk) {
  const std::size_t first = walk.name.find(':');
  if (first == walk.name.npos || first == 0) return false;
  const std::size_t second = walk.name.find(':', first + 1);
  if (second == walk.name.npos) return false;
  const std::string_view slice = walk.name.substr(0, first), id = walk.name.substr(second + 1);
  const std::string_view engine = walk.name.substr(first + 1, second - first - 1);
  const auto* const found = std::ranges::find(kEngines, engine, &Engine::name);
  if (found == kEngines.end() || !is_id(id)) return false;
  pod_slice(slice, walk.is);
  if (slice.ends_with(".slice")) walk.is.slice = slice;
  walk.is.unit = {};
  set_container(walk, found->runtime, id);
  return true;
}

/// Containers known by the directory that they lie in.
bool placed_container(Walk& walk) {
  if (is_id(walk.name)) {
    if (walk.parent == "docker") return set_container(walk, "docker", walk.name), true;
    if (walk.depth == 2 && (walk.parent == "default" || walk.parent == "k8s.io")) {
      walk.is.engine_namespace = walk.parent;
      set_container(walk, walk.parent == "default" ? "nerdctl" : "containerd", walk.name);
      return true;
    }
    if (walk.ecs && walk.above == "ecs") {
      walk.is.task_id = walk.parent;
      set_container(walk, "docker", walk.name);
      return true;
    }
  }
  const bool in_garden =
      walk.parent == "garden" || (walk.garden && (walk.parent == "good" || walk.parent == "bad"));
  if (in_garden && walk.name != "good" && walk.name != "bad" && !is_unit(walk.name) &&
      is_word(walk.name)) {
    set_container(walk, "garden", walk.name);
    return true;
  }
  if (walk.parent == "mesos" && is_uuid(walk.name, '-')) {
    set_container(walk, "mesos", walk.name);
    return true;
  }
  return false;
}

/// `machine-libpod_pod_ID.slice`, without systemd `libpod_parent/ID`.
bool podman_pod(Walk& walk) {
  std::string_view rest = walk.name;
  const bool slice = take_suffix(rest, ".slice");
  const bool named =
      take_prefix(rest, "machine-libpod_pod_") || take_prefix(rest, "user-libpod_pod_");
  if (slice ? !named : walk.parent != "libpod_parent") return false;
  if (!is_id(rest)) return false;
  walk.is.kind = pod;
  walk.is.runtime = "podman";
  walk.is.pod_uid = rest;
  return true;
}

/// LXC: `lxc.payload.NAME`, before 4.0 and on Proxmox `lxc/NAME`.
bool lxc(Walk& walk) {
  std::string_view rest = walk.name;
  const bool payload = take_prefix(rest, "lxc.payload.");
  const bool placed = walk.depth == 2 && (walk.parent == "lxc" || walk.parent == "lxc.payload") &&
                      !rest.starts_with("lxc.");
  if ((!payload && !placed) || !is_word(rest)) return false;
  set_container(walk, "lxc", rest);
  walk.is.name = rest;
  return true;
}

bool set_machine(Walk& walk, std::string_view runtime, std::string_view name) {
  if (name.empty()) return false;
  walk.is.kind = machine;
  walk.is.runtime = runtime;
  walk.is.name = unescape(name);
  walk.contains = true;
  return true;
}

/// `1-NAME` without its number.
bool take_number(std::string_view& text, std::string_view dash) {
  const std::size_t end = text.find(dash);
  if (end == text.npos || !is_digits(text.substr(0, end))) return false;
  text.remove_prefix(end + dash.size());
  return true;
}

/// Machines of systemd-machined and libvirt: `systemd-nspawn@NAME.service`, `machine-NAME.scope`,
/// `machine-qemu\x2d1\x2dNAME.scope`, `machine/qemu-1-NAME.libvirt-qemu`.
bool machines(Walk& walk) {
  std::string_view rest = walk.name;
  if (take_prefix(rest, "systemd-nspawn@")) {
    return take_suffix(rest, ".service") && set_machine(walk, "nspawn", rest);
  }
  if (take_prefix(rest, "machine-")) {
    if (!take_suffix(rest, ".scope")) return false;
    std::string_view name = rest;
    const bool libvirt = take_prefix(name, "qemu\\x2d") || take_prefix(name, "lxc\\x2d");
    if (libvirt && take_number(name, "\\x2d")) return set_machine(walk, "libvirt", name);
    return set_machine(walk, "nspawn", rest);
  }
  if (walk.parent != "machine" && walk.parent != "machine.slice") return false;
  if (!take_suffix(rest, ".libvirt-qemu") && !take_suffix(rest, ".libvirt-lxc")) return false;
  if (!take_prefix(rest, "qemu-") && !take_prefix(rest, "lxc-")) return false;
  return take_number(rest, "-") && set_machine(walk, "libvirt", rest);
}

/// Slurm: `slurm/uid_N/job_N/step_X/task_X`, on v2 `slurmstepd.scope/job_N/step_X/user/task_X`.
bool slurm(Walk& walk) {
  if (walk.name == "slurm" || walk.name.starts_with("slurm_") || walk.name == "slurmstepd.scope" ||
      walk.name.ends_with("_slurmstepd.scope")) {
    walk.slurm = walk.slurm || walk.depth == 1 || walk.name.ends_with(".scope");
    return false;
  }
  if (!walk.slurm) return false;
  struct Level {
    std::string_view prefix;
    CgroupKind kind;
    std::string_view PathIdentity::*id;
  };
  static constexpr std::array<Level, 4> kLevels{{{"uid_", user, &PathIdentity::uid},
                                                 {"job_", job, &PathIdentity::job_id},
                                                 {"step_", step, &PathIdentity::step_id},
                                                 {"task_", task, &PathIdentity::task_id}}};
  for (const Level& level : kLevels) {
    std::string_view id = walk.name;
    if (!take_prefix(id, level.prefix)) continue;
    const bool numbered = level.kind == user || level.kind == job;
    if (numbered ? !is_digits(id) : !is_word(id)) return false;
    walk.is.kind = level.kind;
    walk.is.runtime = "slurm";
    walk.is.*level.id = id;
    return true;
  }
  return false;
}

bool set_job(Walk& walk, std::string_view runtime, std::string_view id) {
  walk.is.kind = job;
  walk.is.runtime = runtime;
  walk.is.job_id = id;
  return true;
}

/// Other batch systems and orchestrators.
bool batch(Walk& walk) {
  std::string_view rest = walk.name;
  if (walk.parent == "htcondor" && take_prefix(rest, "condor_")) {
    const std::size_t slot = rest.rfind("_slot");
    if (slot == rest.npos || rest.find('@', slot) == rest.npos) return false;
    walk.is.name = rest.substr(slot + 1);
    return set_job(walk, "htcondor", {});  // a slot is no job's number
  }
  if (walk.parent == "torque" && is_word(rest)) return set_job(walk, "torque", rest);
  if (walk.above == "pbs_jobs.service" && walk.parent == "jobid" && is_word(rest)) {
    return set_job(walk, "pbs", rest);
  }
  if (walk.above == "lsf" && take_prefix(rest, "job.")) {
    return set_job(walk, "lsf", rest.substr(0, rest.find('.')));
  }
  if (walk.ecs && walk.parent == "ecs" && is_word(rest)) {
    walk.is.kind = task;
    walk.is.runtime = "ecs";
    walk.is.task_id = rest;
    return true;
  }
  if (take_prefix(rest, "ecstasks-") && take_suffix(rest, ".slice") && is_hex(rest) &&
      rest.size() == 32) {
    walk.is.kind = task;
    walk.is.runtime = "ecs";
    walk.is.task_id = rest;
    return true;
  }
  if (walk.nomad && take_suffix(rest, ".scope") && rest.size() > 37 && rest[36] == '.' &&
      is_uuid(rest.substr(0, 36), '-')) {
    walk.is.kind = task;
    walk.is.runtime = "nomad";
    walk.is.job_id = rest.substr(0, 36);
    walk.is.task_id = rest.substr(37);
    return true;
  }
  return false;
}

void systemd(Walk& walk) {
  const std::string_view name = walk.name;
  std::string_view uid = name;
  if (name.ends_with(".slice")) {
    walk.is.kind = slice;
    if (take_prefix(uid, "user-") && take_suffix(uid, ".slice") && is_digits(uid)) {
      walk.is.kind = user;
      walk.is.uid = uid;
    }
  } else {
    walk.is.kind = unit;
    if (take_prefix(uid, "user@") && take_suffix(uid, ".service") && is_digits(uid)) {
      walk.is.uid = uid;
    }
  }
}

/// The rules, the most telling first.
constexpr std::array<bool (*)(Walk&), 9> kRules{
    named_container, colons, kubernetes, placed_container, podman_pod, lxc, machines, slurm, batch};

/// What containerd's clients make without systemd, `/NAMESPACE/ID` with any id, and what docker and
/// others make below a directory of somebody's choice, `…/ID`.
void guess(Walk& walk) {
  if (walk.is.kind != other || walk.kubepods || !walk.is.outer.empty()) return;
  const bool by_namespace =
      walk.depth == 2 && walk.is.unit.empty() && is_word(walk.name) && is_word(walk.parent);
  if (!by_namespace && !is_id(walk.name)) return;
  walk.is.possible_id = walk.name;
  // A namespace by chance is no harm: of such ids all engines are asked.
  if (by_namespace && !is_id(walk.name)) walk.is.engine_namespace = walk.parent;
}

void step_into(Walk& walk) {
  // In the order of going down, so what a segment above said stays unless this one says it anew.
  walk.is.kind = other;
  walk.is.possible_id = {};
  walk.is.engine_namespace = {};
  walk.is.runtime = {};
  walk.is.name.clear();
  // systemd puts a "_" before names that would clash with the kernel's files.
  walk.name = walk.segment;
  if (walk.name.starts_with('_') && is_unit(walk.name)) walk.name.remove_prefix(1);
  if (is_unit(walk.name)) {
    walk.is.unit = walk.name;
    if (walk.name.ends_with(".slice")) walk.is.slice = walk.name;
  }
  walk.ecs = walk.ecs || (walk.depth == 1 && walk.name == "ecs");
  walk.garden = walk.garden || walk.name == "garden";
  walk.nomad = walk.nomad || walk.name == "nomad.slice";
  const bool known = std::ranges::any_of(kRules, [&](const auto rule) { return rule(walk); });
  if (!known && is_unit(walk.name)) systemd(walk);
  if (!known && !is_unit(walk.name) && !walk.name.starts_with('.')) guess(walk);
}

}  // namespace

PathIdentity identify_path(std::string_view path) {
  Walk walk;
  if (path == "/") {
    walk.is.kind = root;
    return std::move(walk.is);
  }
  if (!path.starts_with('/')) return std::move(walk.is);
  std::size_t at = 1;
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (walk.contains) {
      // What runs in there made this, and what is above says nothing of it.
      walk = {};
      walk.is.outer = path.substr(0, at - 1);
    }
    walk.above = walk.parent;
    walk.parent = walk.segment;
    walk.segment = path.substr(at, end - at);
    ++walk.depth;
    step_into(walk);
    at = end + 1;
  }
  return std::move(walk.is);
}

}  // namespace cgmon
