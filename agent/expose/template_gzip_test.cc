#include "agent/expose/template_gzip.h"

#include <gtest/gtest.h>
#include <libdeflate.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "agent/expose/huffman.h"
#include "agent/expose/prometheus_text.h"

namespace cgmon {
namespace {

/// What a strict reader makes of a gzip file; "broken" where it is none.
std::string unpacked(const std::string& file, std::size_t size) {
  libdeflate_decompressor* const reader = libdeflate_alloc_decompressor();
  std::string text(size, '\0');
  std::size_t consumed = 0, got = 0;
  const libdeflate_result result = libdeflate_gzip_decompress_ex(
      reader, file.data(), file.size(), text.data(), text.size(), &consumed, &got);
  libdeflate_free_decompressor(reader);
  text.resize(got);
  return result == LIBDEFLATE_SUCCESS && consumed == file.size() ? text : "broken";
}

class RandomHost {
 public:
  RandomHost(std::uint32_t seed, std::size_t cgroups) : random_(seed) {
    for (std::size_t i = 0; i < cgroups; ++i) {
      snapshot.order.push_back(static_cast<Slot>(i));
      snapshot.alive.push_back(1);
      snapshot.labels.push_back(labels());
    }
  }

  /// Between two pages: values grow, labels change, cgroups come and go.
  void change() {
    snapshot.order.clear();
    for (Slot slot = 0; slot < snapshot.labels.size(); ++slot) {
      if (random_() % 20 == 0) snapshot.labels[slot] = labels();
      if (random_() % 10 != 0) snapshot.order.push_back(slot);
    }
    if (random_() % 4 == 0) std::ranges::shuffle(snapshot.order, random_);
    snapshot.loose.clear();
    for (std::size_t row = 0; row < kRowCount; ++row) {
      for (std::uint64_t i = 0; i < random_() % 3; ++i) {
        snapshot.loose.push_back({row, labels(), number()});
      }
      snapshot.served[row] = random_() % 5 != 0;
      snapshot.axes[row].clear();
      snapshot.columns[row].reset(snapshot.labels.size());
      for (const Slot slot : snapshot.order) {
        if (kRows[row].axis == Axis::cpu) {
          for (std::uint32_t cpu = 0; cpu < random_() % 5; ++cpu) {
            snapshot.axes[row].push_back({slot, cpu, number()});
          }
        } else if (random_() % 8 != 0) {
          snapshot.columns[row].set(slot, Value::of(number()));
        }
      }
    }
  }

  Snapshot snapshot;

 private:
  std::uint64_t number() { return random_() >> random_() % 64; }
  std::string word(std::size_t longest, std::string_view alphabet) {
    std::string text(random_() % (longest + 1), ' ');
    for (char& byte : text) byte = alphabet[random_() % alphabet.size()];
    return text;
  }
  std::shared_ptr<const CgroupLabels> labels() {
    CgroupLabels made;
    made.id = "/system.slice/docker-" + word(64, "0123456789abcdef") + ".scope";
    if (random_() % 3 != 0) made.image = "registry.example/app-" + word(3, "0123456789") + ":1.2";
    if (random_() % 3 != 0) made.name = "web-" + word(4, "0123456789");
    if (random_() % 10 == 0) made.name = word(300, "\"\\\n a\xc3\xa9");
    if (random_() % 50 == 0) made.image = word(40'000, "ab\"\\");
    if (random_() % 20 == 0) made = {};
    return std::make_shared<const CgroupLabels>(std::move(made));
  }

  std::mt19937_64 random_;
};

std::string compressed(PrometheusText& writer, TemplateGzip& gzip, const Snapshot& snapshot,
                       std::string_view rest, std::string& page, std::string& out) {
  gzip.begin(out);
  writer.render(snapshot, page, TextFormat::openmetrics, &gzip);
  const std::size_t written = page.size();
  page += rest;
  gzip.end(page, written);
  return unpacked(out, page.size());
}

TEST(TemplateGzip, IsThePageForAnyPages) {
  constexpr std::array<std::size_t, 5> kSizes{0, 1, 2, 7, 40};
  constexpr std::size_t kBeyondTheWindow = 300;  // a family's lines are more than 32 KiB
  PrometheusText writer;
  TemplateGzip gzip;
  std::string page, out;
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    RandomHost host(seed, seed == 0 ? kBeyondTheWindow : kSizes.at(seed % kSizes.size()));
    for (int round = 0; round < 3; ++round) {
      host.change();
      const std::string rest = round == 0 ? "" : "# EOF " + std::to_string(seed) + "\n";
      const std::string text = compressed(writer, gzip, host.snapshot, rest, page, out);
      ASSERT_TRUE(text == page) << "seed " << seed << ", round " << round << ", page of "
                                << page.size() << ", read " << text.size();
      std::string alone;
      PrometheusText().render(host.snapshot, alone, TextFormat::openmetrics);
      ASSERT_TRUE(page == alone + rest) << "and the page is the one without gzip";
    }
  }
}

TEST(TemplateGzip, IsASmallPartOfAUsualPage) {
  for (const std::size_t cgroups : {30U, 100U, 1000U}) {
    std::mt19937_64 random(cgroups);
    Snapshot snapshot;
    for (Slot slot = 0; slot < cgroups; ++slot) {
      CgroupLabels labels;
      labels.id = "/system.slice/docker-";
      for (int i = 0; i < 64; ++i) labels.id += "0123456789abcdef"[random() % 16];
      labels.id += ".scope";
      labels.image = "registry.example/team/app-" + std::to_string(slot % 20) + ":1.2.3";
      labels.name = "web-" + std::to_string(slot);
      snapshot.order.push_back(slot);
      snapshot.alive.push_back(1);
      snapshot.labels.push_back(std::make_shared<const CgroupLabels>(std::move(labels)));
    }
    for (std::size_t row = 0; row < kRowCount; ++row) {
      snapshot.served[row] =
          kRows[row].axis == Axis::none && family_of(row).reporter != Reporter::nobody;
      snapshot.columns[row].reset(cgroups);
      for (const Slot slot : snapshot.order) {
        snapshot.columns[row].set(slot, Value::of(row % 8 == 0 ? 0 : random() % 500'000'000));
      }
    }
    PrometheusText writer;
    TemplateGzip gzip;
    std::string page, out, searched;
    EXPECT_TRUE(compressed(writer, gzip, snapshot, "", page, out) == page);
    Gzip().append_file(page, searched);
    RecordProperty(
        "ratio_" + std::to_string(cgroups),
        std::to_string(static_cast<double>(page.size()) / static_cast<double>(out.size())));
    EXPECT_LT(3.5 * static_cast<double>(out.size()), static_cast<double>(page.size()))
        << cgroups << " cgroups";
    // What a family says of itself comes once: there is nothing to copy it from but a search.
    std::size_t families = 0;
    for (std::size_t at = page.find("# TYPE "); at != page.npos;
         at = page.find("# TYPE ", at + 1)) {
      ++families;
    }
    RecordProperty("families", std::to_string(families));
    EXPECT_LT(out.size(), searched.size() + searched.size() / 4 + 50 * families)
        << cgroups << " cgroups, " << families << " families";
  }
}

TEST(Gzip, FilesAreTheirTexts) {
  Gzip gzip;
  for (const std::string& text :
       {std::string(), std::string("a"), std::string(100'000, 'x'), std::string("\0\xff\n", 3)}) {
    std::string file = "kept";
    gzip.append_file(text, file);
    ASSERT_TRUE(file.starts_with("kept"));
    EXPECT_TRUE(unpacked(file.substr(4), text.size()) == text);
  }
}

TEST(HuffmanCode, IsCompleteAndShortEnoughForAnyWeights) {
  std::mt19937_64 random(3);
  std::vector<std::vector<std::uint32_t>> cases{{1, 1}, {1, 1'000'000'000}, {1, 1, 1}};
  std::vector<std::uint32_t> steep{1, 1};  // Fibonacci's numbers make the deepest tree
  while (steep.size() < 40) steep.push_back(steep[steep.size() - 1] + steep[steep.size() - 2]);
  cases.push_back(steep);
  for (int i = 0; i < 50; ++i) {
    cases.emplace_back(2 + random() % 285);
    for (std::uint32_t& weight : cases.back()) {
      weight = 1 + (static_cast<std::uint32_t>(random()) >> random() % 32U);
    }
  }
  for (const auto& weights : cases) {
    const HuffmanCode code = make_huffman_code(weights);
    ASSERT_EQ(code.lengths.size(), weights.size());
    double kraft = 0;
    for (const unsigned bits : code.lengths) {
      EXPECT_TRUE(bits >= 1 && bits <= 15) << bits;
      kraft += 1.0 / (1U << bits);
    }
    EXPECT_EQ(kraft, 1.0);
  }
}

}  // namespace
}  // namespace cgmon
