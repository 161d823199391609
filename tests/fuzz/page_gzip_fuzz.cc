#include <libdeflate.h>

#include <array>
#include <memory>

#include "agent/expose/prometheus_text.h"
#include "collectors/identity/utf8.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

constexpr std::array kRowsUsed{row("container_threads"), row("container_threads_max"),
                               row("container_memory_rss"), row("container_memory_cache")};
constexpr std::size_t kCgroups = 3;

/// What a strict reader makes of a gzip file.
std::string unpacked(std::string_view file, std::size_t size) {
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> reader(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  std::string text(size + 1, '\0');
  std::size_t consumed = 0, got = 0;
  const libdeflate_result result = libdeflate_gzip_decompress_ex(
      reader.get(), file.data(), file.size(), text.data(), text.size(), &consumed, &got);
  require(result == LIBDEFLATE_SUCCESS && consumed == file.size(), "a compressed page is gzip");
  text.resize(got);
  return text;
}

}  // namespace

/// Two pages after one another. The input: for each page and cgroup a path and a name, then bytes
/// that make numbers.
void check_input(std::string_view input) {
  const auto text = parts(input, 4 * kCgroups + 1);
  PrometheusText writer;
  TemplateGzip gzip;
  Snapshot snapshot;
  snapshot.order = {2, 0, 1};
  snapshot.alive.assign(kCgroups, 1);
  snapshot.labels.resize(kCgroups);
  std::size_t next = 0;
  std::string_view bytes = text.back();
  for (int page_number = 0; page_number < 2; ++page_number) {
    for (auto& labels : snapshot.labels) {
      CgroupLabels made;
      made.id = '/' + repair_path(text[next]);
      made.name = repair_text(text[next + 1], 256);
      next += 2;
      if (!labels || made.id != "/") labels = std::make_shared<const CgroupLabels>(std::move(made));
    }
    for (const std::size_t row_index : kRowsUsed) {
      snapshot.served[row_index] = true;
      snapshot.columns[row_index].reset(kCgroups);
      for (Slot slot = 0; slot < kCgroups; ++slot) {
        std::uint64_t number = 0;
        for (const char byte : bytes.substr(0, 3)) {
          number = number << 20U | static_cast<unsigned char>(byte);
        }
        bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()));
        if (number != 7) snapshot.columns[row_index].set(slot, Value::of(number));
      }
    }
    std::string page, file, plain;
    const auto format = page_number == 0 ? TextFormat::prometheus : TextFormat::openmetrics;
    gzip.begin(file);
    writer.render(snapshot, page, format, &gzip);
    const std::size_t written = page.size();
    page += text[next - 1];  // the agent's own metrics come behind
    gzip.end(page, written);
    require(unpacked(file, page.size()) == page, "a compressed page is the page");
    PrometheusText().render(snapshot, plain, format);
    require(plain == page.substr(0, written), "a page does not depend on the one before");
  }
}

}  // namespace cgmon
