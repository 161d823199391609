#include "agent/expose/gzip.h"

#include <libdeflate.h>

#include <new>

namespace cgmon {
namespace {

constexpr int kFastest = 1;

void append_little_endian(std::uint32_t number, std::string& out) {
  for (int i = 0; i < 4; ++i) {
    out += static_cast<char>(number & 0xffU);
    number >>= 8U;
  }
}

}  // namespace

struct Gzip::State {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(kFastest);
};

Gzip::Gzip() : state_(std::make_unique<State>()) {
  if (state_->compressor == nullptr) throw std::bad_alloc();
}

Gzip::~Gzip() { libdeflate_free_compressor(state_->compressor); }

void Gzip::append_file(std::string_view text, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + libdeflate_gzip_compress_bound(state_->compressor, text.size()));
  out.resize(before + libdeflate_gzip_compress(state_->compressor, text.data(), text.size(),
                                               out.data() + before, out.size() - before));
}

void Gzip::append_stream(std::string_view text, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + libdeflate_deflate_compress_bound(state_->compressor, text.size()));
  out.resize(before + libdeflate_deflate_compress(state_->compressor, text.data(), text.size(),
                                                  out.data() + before, out.size() - before));
}

void Gzip::append_trailer(std::string_view text, std::string& out) {
  append_little_endian(libdeflate_crc32(0, text.data(), text.size()), out);
  append_little_endian(static_cast<std::uint32_t>(text.size()), out);
}

}  // namespace cgmon
