#include "agent/expose/machine_text.h"

#include <array>

#include "agent/expose/prometheus_text.h"
#include "collectors/metrics/tables.h"

namespace cgmon {

void append_machine_text(const Snapshot& snapshot, std::string& page, TextFormat format,
                         GroupSet groups) {
  if (snapshot.machine == nullptr) return;
  std::size_t begun = kFamilies.size();
  for (const MachineSample& sample : *snapshot.machine) {
    const Family& family = kFamilies[sample.family];
    if ((groups & snapshot.groups & bit(family.group)) == 0) continue;
    if (begun != sample.family) {
      append_header(page, format, family.name, sample_type(family.kind), family.help);
      begun = sample.family;
    }
    page += family.name;
    char separator = '{';
    for (const auto& [name, value] : sample.labels) {
      page += separator;
      separator = ',';
      page.append(name).append("=\"");
      append_escaped(page, value);
      page += '"';
    }
    page += sample.labels.empty() ? " " : "} ";
    std::array<char, 32> number{};
    page.append(number.data(), write_number(number.data(), sample.value, decimals(family.unit)));
    page += '\n';
  }
}

}  // namespace cgmon
