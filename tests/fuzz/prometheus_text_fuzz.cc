#include <array>

#include "agent/expose/prometheus_text.h"
#include "collectors/identity/utf8.h"
#include "tests/fuzz/exposition.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

constexpr std::size_t kThreads = row("container_threads");

/// Two cgroups of one number each, the second of which nobody named badly.
Snapshot snapshot_of(CgroupLabels hostile) {
  Snapshot snapshot;
  snapshot.order = {0, 1};
  snapshot.alive = {1, 1};
  CgroupLabels plain;
  plain.id = "/plain";
  snapshot.labels = {std::make_shared<const CgroupLabels>(std::move(hostile)),
                     std::make_shared<const CgroupLabels>(std::move(plain))};
  snapshot.served[kThreads] = true;
  snapshot.columns[kThreads].reset(2);
  snapshot.columns[kThreads].set(0, Value::of(7));
  snapshot.columns[kThreads].set(1, Value::of(8));
  return snapshot;
}

void check_number(std::uint64_t number, unsigned decimals) {
  std::array<char, 64> buffer{};
  const std::string text(buffer.data(), write_number(buffer.data(), number, decimals));
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits = text.substr(0, point);
  std::string fraction = point < text.size() ? text.substr(point + 1) : "";
  require(point == text.size() || (!fraction.empty() && !fraction.ends_with('0')),
          "a fraction has no zeros behind");
  fraction.resize(decimals, '0');
  digits += fraction;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  require(digits == std::to_string(number), "a number is exact");
}

}  // namespace

/// A cgroup's path, five labels, and bytes that make a number.
void check_input(std::string_view input) {
  constexpr std::size_t kTextMax = 256;
  const auto text = parts(input, 7);
  CgroupLabels labels;
  labels.id = "/" + repair_path(text[0]);
  std::map<std::string, std::string> expected{{"id", labels.id}};
  const auto set = [&](const char* name, std::string_view value, std::string& label) {
    label = repair_text(value, kTextMax);
    if (!label.empty()) expected.emplace(name, label);
  };
  set("name", text[1], labels.name);
  set("image", text[2], labels.image);
  set("container", text[3], labels.container);
  set("pod", text[4], labels.pod);
  set("namespace", text[5], labels.namespace_name);
  std::string page = "what the buffer held before";
  PrometheusText().render(snapshot_of(labels), page);
  const auto samples = read_page(page);
  require(samples.size() == 2 && samples[0].value == "7" && samples[1].value == "8",
          "no label makes or hides a sample");
  require(samples[0].labels == expected, "labels are read back as they were");
  require(samples[1].labels == std::map<std::string, std::string>{{"id", "/plain"}},
          "a cgroup does not name another");

  std::uint64_t number = 0;
  for (const char byte : text[6].substr(0, 8)) {
    number = number << 8U | static_cast<unsigned char>(byte);
  }
  for (const unsigned decimals : {0U, 6U, 9U}) check_number(number, decimals);
}

}  // namespace cgmon
