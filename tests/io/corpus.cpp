#include "fuzz/decoders.hpp"
#include "fuzz/layers.hpp"
#include "fuzz/quantized.hpp"
#include "fuzz/readers.hpp"
#include "fuzz/texts.hpp"
#include "fuzz/trellis.hpp"
#include "support/file_bytes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace {

/// Hands every file of the corpus to the fuzz target, also cut short and with each byte near its head
/// changed; returns how many whole files were accepted.
template <class Target>
int replay(const std::string& name, Target target) {
  const auto folder = std::filesystem::path(BITGAUGE_TEST_DATA) / "io/corpus" / name;
  std::vector<std::filesystem::path> paths(std::filesystem::directory_iterator(folder), {});
  std::ranges::sort(paths);
  EXPECT_FALSE(paths.empty());
  int accepted = 0;
  for (const auto& path : paths) {
    SCOPED_TRACE(path.string());
    const std::string whole = test::read_file(path);
    accepted += fuzz::accepts(target, test::bytes_of(whole));
    const std::size_t most = std::min<std::size_t>(whole.size(), 256);
    for (std::size_t i = 0; i < most; ++i) {
      fuzz::accepts(target, test::bytes_of(std::string_view(whole).substr(0, i)));
      for (const int change : {0x01, 0x80, 0xff}) {
        std::string changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ change);
        fuzz::accepts(target, test::bytes_of(changed));
      }
    }
  }
  return accepted;
}

// Catch a reader that ends in anything but success or one of the library's errors, on all that fuzzing has
// found worth keeping; and one that refuses everything.
TEST(corpus, npy) {
  EXPECT_GE(replay("npy", fuzz::npy), 5);
}
TEST(corpus, safetensors) {
  EXPECT_GE(replay("safetensors", fuzz::safetensors), 2);
}
TEST(corpus, gguf) {
  EXPECT_GE(replay("gguf", fuzz::gguf), 4);
}
TEST(corpus, imatrix) {
  EXPECT_GE(replay("imatrix", fuzz::imatrix), 2);
}

// The same for layers of other systems and our own descriptions, whose restored values must be finite; for
// texts, which must read as what they are written as; and for blocks, which every instruction set decodes
// alike.
TEST(corpus, bitsandbytes) {
  EXPECT_GE(replay("bitsandbytes", fuzz::bitsandbytes), 2);
}
TEST(corpus, gptq) {
  EXPECT_GE(replay("gptq", fuzz::gptq), 3);
}
TEST(corpus, awq) {
  EXPECT_GE(replay("awq", fuzz::awq), 1);
}
TEST(corpus, hqq) {
  EXPECT_GE(replay("hqq", fuzz::hqq), 5);
}
TEST(corpus, quanto) {
  EXPECT_GE(replay("quanto", fuzz::quanto), 4);
}
TEST(corpus, quantized) {
  EXPECT_GE(replay("quantized", fuzz::quantized), 10);
}
TEST(corpus, trellis) {
  EXPECT_GE(replay("trellis", fuzz::trellis), 4);
}
TEST(corpus, index) {
  EXPECT_GE(replay("index", fuzz::shard_index), 1);
}
TEST(corpus, scheme) {
  EXPECT_GE(replay("scheme", fuzz::scheme), 8);
}
TEST(corpus, decoders) {
  EXPECT_GE(replay("decoders", fuzz::decoders), 30);
}

}  // namespace
