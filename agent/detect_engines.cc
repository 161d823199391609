#include "agent/detect_engines.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/detect_text.h"
#include "collectors/identity/host_files.h"
#include "collectors/identity/json_visit.h"
#include "collectors/parse/settings.h"

namespace cgmon {
namespace {

constexpr std::size_t kMaxListed = 10'000;
constexpr std::string_view kSystemd = "systemd", kCgroupfs = "cgroupfs", kBoth = "both";
constexpr std::string_view kRight =
    "run as root, or with CAP_DAC_READ_SEARCH (systemd: AmbientCapabilities=, docker: "
    "--cap-add=DAC_READ_SEARCH)";

bool is_id(std::string_view name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == name.npos;
}

std::string counted(std::size_t count, std::string_view what) {
  return std::to_string(count) + ' ' + std::string(what) + (count == 1 ? "" : "s");
}

/// Of several, where they differ: both.
std::string_view driver_of(const std::vector<std::string_view>& values, std::string_view systemd) {
  std::string_view driver;
  for (const std::string_view value : values) {
    const std::string_view one = value == systemd ? kSystemd : kCgroupfs;
    driver = driver.empty() || driver == one ? one : kBoth;
  }
  return driver;
}

class Engines {
 public:
  Engines(Files& files, const Roots& roots, const Layout& layout, const DetectFacts& facts,
          DetectReport& report)
      : files_(files),
        host_(files, roots),
        layout_(layout),
        facts_(facts),
        report_(report),
        prefix_(roots.rootfs == "/" ? "" : roots.rootfs) {
    for (const Controller controller : {Controller::memory, Controller::pids, Controller::cpu}) {
      const int at = layout.serving(controller);
      if (tree_.empty() && at >= 0) {
        tree_ = layout.hierarchies[static_cast<std::size_t>(at)].mount_point;
      }
    }
    // systemd's own process is there wherever it manages the tree.
    systemd_owns_ = !tree_.empty() && has_directory(tree_ + "/init.scope");
  }

  void look() {
    for (const std::string& root : facts_.docker_roots) docker(root);
    for (const auto& [state, config] : kContainerds) containerd(state, config);
    crio();
    podman("/var/lib/containers/storage", {});
    for (const std::string& home : facts_.homes) {
      podman(home + "/.local/share/containers/storage", home);
    }
    counted_directory("lxc", "/var/lib/lxc", "container");
    kubelet();
    two_managers();
    kubelet_and_runtime();
  }

 private:
  using Line = DetectReport::EngineLine;
  static constexpr auto kContainerds =
      std::to_array<std::pair<std::string_view, std::string_view>>({
          {"/run/containerd", "/etc/containerd/config.toml"},
          {"/run/k3s/containerd", "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"},
          {"/var/snap/microk8s/common/run/containerd",
           "/var/snap/microk8s/current/args/containerd.toml"},
      });

  [[nodiscard]] bool has_directory(const std::string& path) const {
    DirectoryListing listing;
    return files_.list_directories(Files::kAbsolute, path.c_str(), listing) == 0;
  }
  /// 0, or why a directory on the host cannot be listed.
  [[nodiscard]] int error_of(const std::string& path) const {
    DirectoryListing listing;
    return files_.list_directories(Files::kAbsolute, (prefix_ + path).c_str(), listing);
  }
  [[nodiscard]] std::vector<std::string> cgroups(const std::string& path) const {
    DirectoryListing listing;
    std::vector<std::string> names;
    if (tree_.empty()) return names;
    if (files_.list_directories(Files::kAbsolute, (tree_ + path).c_str(), listing) != 0) {
      return names;
    }
    for (const auto& entry : listing.entries()) names.emplace_back(listing.name(entry));
    return names;
  }
  /// The driver that the cgroups show; empty where there are none.
  [[nodiscard]] std::string_view seen(const std::string& slice, std::string_view scope,
                                      const std::string& plain) const {
    bool systemd = false, cgroupfs = false;
    for (const std::string& name : cgroups(slice)) {
      systemd |= name.starts_with(scope) && name.ends_with(".scope");
    }
    for (const std::string& name : cgroups(plain)) cgroupfs |= name.find('.') == name.npos;
    if (systemd && cgroupfs) return kBoth;
    return systemd ? kSystemd : cgroupfs ? kCgroupfs : std::string_view();
  }
  /// The same of the kubelet and its runtime, by the cgroup that all pods lie in.
  [[nodiscard]] std::string_view seen_of_pods() const {
    const bool slice = !cgroups("/kubepods.slice").empty(), plain = !cgroups("/kubepods").empty();
    if (slice && plain) return kBoth;
    return slice ? kSystemd : plain ? kCgroupfs : std::string_view();
  }
  static void set_driver(Line& line, std::string_view driver, std::string_view by) {
    if (driver.empty() || !line.driver.empty()) return;
    line.driver = driver;
    line.driver_by = by;
  }
  void set_default(Line& line, bool systemd) const {
    set_driver(line, systemd && systemd_owns_ ? kSystemd : kCgroupfs, "its default");
  }
  /// What a file sets a key to; `systemd` is the value that stands for this driver.
  void set_by_file(Line& line, std::string_view path, std::string_view key,
                   std::string_view systemd = kSystemd) {
    if (host_.read(path, text_) == 0)
      set_driver(line, driver_of(settings(text_, key), systemd), path);
  }
  /// Whether there is a file that can be read.
  [[nodiscard]] bool is_file(const std::string& path) {
    const int file = host_.open(path);
    if (file >= 0) host_.close(file);
    return file >= 0;
  }
  /// Notes that an engine's files cannot be read.
  void refuse(Line& line, int error) {
    line.readable = false;
    line.read = "NOT READABLE (" + std::string(errno_name(-error)) + ")";
    report_.missing.push_back({"names and images of " + line.name + "'s containers: " + line.files +
                                   " cannot be read (" + std::string(errno_name(-error)) + ")",
                               std::string(kRight)});
  }

  void docker(const std::string& root);
  void containerd(std::string_view state, std::string_view config);
  void crio();
  void podman(const std::string& storage, const std::string& home);
  void counted_directory(std::string_view name, const std::string& path, std::string_view what);
  void kubelet();
  void two_managers();
  void kubelet_and_runtime();

  Files& files_;
  HostFiles host_;
  const Layout& layout_;
  const DetectFacts& facts_;
  DetectReport& report_;
  std::string prefix_;  // of the host's paths
  std::string tree_;    // where containers' cgroups are looked for
  bool systemd_owns_ = false;
  std::string text_;
};

void Engines::docker(const std::string& root) {
  const std::string containers = root + "/containers";
  int error = error_of(containers);
  if (error == -ENOENT || error == -ENOTDIR) return;
  Line line{.name = "docker", .files = printable(root)};
  std::vector<std::string> ids = host_.directories(containers, kMaxListed);
  std::erase_if(ids, [](const std::string& name) { return !is_id(name); });
  if (error == 0 && !ids.empty()) {
    const std::string file = prefix_ + containers + '/' + ids.front() + "/config.v2.json";
    error = files_.readable(Files::kAbsolute, file.c_str());
    if (error == -ENOENT) error = 0;  // not written yet, or removed a moment ago
  }
  line.read = counted(ids.size(), "container");
  if (error != 0) refuse(line, error);
  constexpr std::string_view kConfig = "/etc/docker/daemon.json", kKey = "native.cgroupdriver=";
  if (host_.read(kConfig, text_) == 0) {
    std::string driver;
    visit_json(text_, [&](JsonKeys keys, const JsonValue& value) {
      if (keys_are(keys, "exec-opts", "") && value.is_text() && value.text.starts_with(kKey)) {
        driver = value.text.substr(kKey.size());
      }
    });
    if (!driver.empty()) set_driver(line, driver == kSystemd ? kSystemd : kCgroupfs, kConfig);
  }
  set_driver(line, seen("/system.slice", "docker-", "/docker"), "its cgroups");
  set_default(line, layout_.mode == Mode::unified);
  report_.engines.push_back(std::move(line));
}

void Engines::containerd(std::string_view state, std::string_view config) {
  const std::string tasks = std::string(state) + "/io.containerd.runtime.v2.task";
  const int error = error_of(tasks);
  if (error == -ENOENT || error == -ENOTDIR) return;
  Line line{.name = "containerd", .files = printable(state)};
  if (error != 0) {
    refuse(line, error);
  } else {
    std::vector<std::string> names = host_.directories(tasks, kMaxListed);
    std::ranges::sort(names);
    for (const std::string& name : names) {
      if (name == "moby" || name == "plugins.moby") continue;  // docker's, which says more itself
      const std::size_t count = host_.directories(tasks + '/' + name, kMaxListed).size();
      if (count == 0) continue;
      line.read +=
          (line.read.empty() ? "" : ", ") + std::to_string(count) + " in " + printable(name);
    }
    if (line.read.empty()) return;
  }
  set_by_file(line, config, "SystemdCgroup", "true");
  set_driver(line, seen_of_pods(), "its cgroups");
  set_default(line, false);
  report_.engines.push_back(std::move(line));
}

void Engines::crio() {
  if (error_of("/etc/crio") == -ENOENT && error_of("/run/crio") == -ENOENT) return;
  Line line{.name = "cri-o", .files = "/run/containers/storage", .read = "as podman's"};
  for (const char* const file : {"/etc/crio/crio.conf.d/10-crio.conf", "/etc/crio/crio.conf"}) {
    set_by_file(line, file, "cgroup_manager");
  }
  set_default(line, true);
  report_.engines.push_back(std::move(line));
}

/// A store of containers/storage; `home` is of the user whose it is, empty for root's.
void Engines::podman(const std::string& storage, const std::string& home) {
  const int error = error_of(storage);
  Line line{.name = "podman", .files = printable(storage)};
  if (error == 0) {
    std::size_t count = 0;
    bool is_store = false;
    for (const std::string& driver : host_.directories(storage, kMaxListed)) {
      if (!driver.ends_with("-containers")) continue;
      is_store = true;
      const auto names = host_.directories(storage + '/' + driver, kMaxListed);
      count += static_cast<std::size_t>(std::ranges::count_if(names, is_id));
    }
    if (!is_store) return;
    line.read = counted(count, "container");
    // Podman 5 begins with SQLite, and goes on with bolt where it finds that.
    if (!is_file(storage + "/libpod/bolt_state.db") && is_file(storage + "/db.sql")) {
      line.read += ": name and image, no labels, state, pod (db.sql is not read)";
    }
  } else if (home.empty() && error == -EACCES) {
    refuse(line, error);
  } else {
    return;  // a user's directory that is closed says nothing of an engine
  }
  line.rootless = !home.empty();
  if (!home.empty()) {
    set_by_file(line, home + "/.config/containers/containers.conf", "cgroup_manager");
  }
  for (const char* const file :
       {"/etc/containers/containers.conf", "/usr/share/containers/containers.conf"}) {
    set_by_file(line, file, "cgroup_manager");
  }
  if (home.empty()) {
    set_driver(line, seen("/machine.slice", "libpod-", "/libpod_parent"), "its cgroups");
  }
  set_default(line, !line.rootless || layout_.mode == Mode::unified);
  report_.engines.push_back(std::move(line));
}

void Engines::counted_directory(std::string_view name, const std::string& path,
                                std::string_view what) {
  const std::size_t count = host_.directories(path, kMaxListed).size();
  if (count == 0) return;
  report_.engines.push_back(
      {.name = std::string(name), .files = path, .read = counted(count, what)});
}

void Engines::kubelet() {
  constexpr const char* kConfig = "/var/lib/kubelet/config.yaml";
  if (error_of("/var/lib/kubelet") == -ENOENT) return;
  Line line{.name = "kubelet", .files = "/var/log/pods"};
  const int error = error_of("/var/log/pods");
  line.read = counted(host_.directories("/var/log/pods", kMaxListed).size(), "pod");
  if (error != 0 && error != -ENOENT) refuse(line, error);
  // A flag outweighs the file.
  constexpr const char* kFlags = "/var/lib/kubelet/kubeadm-flags.env";
  constexpr std::string_view kFlag = "--cgroup-driver=";
  if (host_.read(kFlags, text_) == 0) {
    const std::size_t at = text_.find(kFlag);
    if (at != text_.npos) {
      const bool systemd = std::string_view(text_).substr(at + kFlag.size()).starts_with(kSystemd);
      set_driver(line, systemd ? kSystemd : kCgroupfs, kFlags);
    }
  }
  set_by_file(line, kConfig, "cgroupDriver");
  set_driver(line, seen_of_pods(), "its cgroups");
  set_default(line, false);
  report_.engines.push_back(std::move(line));
}

std::string_view how_to_settle(std::string_view engine) {
  if (engine == "docker") {
    return "\"exec-opts\": [\"native.cgroupdriver=systemd\"] in /etc/docker/daemon.json";
  }
  if (engine == "containerd") {
    return "SystemdCgroup = true in the options of its runtimes in config.toml (ctr: "
           "--runc-systemd-cgroup)";
  }
  if (engine == "kubelet") return "cgroupDriver: systemd in /var/lib/kubelet/config.yaml";
  if (engine == "cri-o") return "cgroup_manager = \"systemd\" in /etc/crio/crio.conf";
  return "cgroup_manager = \"systemd\" in /etc/containers/containers.conf";
}

/// systemd takes the whole tree for its own; who makes cgroups beside it is a second manager.
void Engines::two_managers() {
  if (!systemd_owns_) return;
  std::vector<std::string> said;
  for (const Line& line : report_.engines) {
    if (line.driver != kCgroupfs && line.driver != kBoth) continue;
    if (line.rootless || std::ranges::find(said, line.name) != said.end()) continue;
    said.push_back(line.name);
    report_.notes.push_back(
        "two managers share one tree: systemd owns it, and " + line.name +
        " makes cgroups there by itself (driver cgroupfs, by " + line.driver_by +
        "). Each has its own view of what is used, and the host may become "
        "unstable under pressure. To settle on systemd: " +
        std::string(how_to_settle(line.name)) + ", then start it and its containers anew");
  }
}

/// The kubelet makes the pods' cgroups, its runtime the containers' in them.
void Engines::kubelet_and_runtime() {
  const auto kubelet = std::ranges::find(report_.engines, "kubelet", &Line::name);
  if (kubelet == report_.engines.end()) return;
  for (const Line& line : report_.engines) {
    if (line.name != "containerd" && line.name != "cri-o") continue;
    if (line.driver == kubelet->driver || line.driver == kBoth) continue;
    report_.notes.push_back(
        "the kubelet's driver is " + kubelet->driver + ", " + line.name + "'s is " + line.driver +
        ": containers are not in the cgroups of their pods. Give both the "
        "same: " +
        std::string(how_to_settle("kubelet")) + ", and " + std::string(how_to_settle(line.name)));
  }
}

}  // namespace

void detect_engines(Files& files, const Roots& roots, const Layout& layout,
                    const DetectFacts& facts, DetectReport& report) {
  Engines(files, roots, layout, facts, report).look();
}

}  // namespace cgmon
