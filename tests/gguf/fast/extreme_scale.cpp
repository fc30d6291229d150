#include <bitgauge/gguf/rows/encode_row.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>

#include "gguf/reference_cases.hpp"
#include "support/npy_file.hpp"
#include "support/vectors.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;

std::vector<float> round_trip(gguf::tensor_type type, const float* x, std::size_t columns, effort level) {
  std::vector<std::uint8_t> bytes(gguf::row_bytes(type, static_cast<bitgauge::index_t>(columns)));
  gguf::encode_row(type, x, static_cast<bitgauge::index_t>(columns), nullptr, level,
                   reinterpret_cast<std::byte*>(bytes.data()), {}, {.saturates = true});
  return test::decoded(type, bytes);
}

// Catches a quick encoder with a wrong sign, zero point or place of a code, or of less quality than ggml's.
TEST(fast_row, no_worse_than_the_reference) {
  for (const std::string name : {"gauss", "student"}) {
    const auto x = test::load_npy<float>(test::vector_path("gguf", "inputs/" + name + ".npy"));
    for (const auto type : {gguf::tensor_type::q8_0, gguf::tensor_type::q4_0, gguf::tensor_type::q5_0}) {
      double quick = 0, reference = 0;
      for (std::size_t r = 0; r < x.rows(); ++r) {
        const int count = static_cast<int>(x.cols());
        quick += gguf::best::weighted_error(
            x.row(r), round_trip(type, x.row(r), x.cols(), effort::fast).data(), nullptr, count);
        reference += gguf::best::weighted_error(
            x.row(r), round_trip(type, x.row(r), x.cols(), effort::reference).data(), nullptr, count);
      }
      EXPECT_LE(quick, 1.001 * reference) << gguf::traits_of(type).name << " " << name;
    }
  }
}

// Catches a lost tail: rows that are no multiple of the chunk, and zeros.
TEST(fast_row, every_block_is_written) {
  std::vector<float> x(32 * 67, 0.0f);
  for (std::size_t j = 32; j < x.size(); ++j) x[j] = (j % 2 == 0 ? 1.0f : -1.0f);
  const auto back = round_trip(gguf::tensor_type::q8_0, x.data(), x.size(), effort::fast);
  for (std::size_t j = 0; j < x.size(); ++j) EXPECT_NEAR(back[j], x[j], 1e-3f) << j;
}

// Catches an infinite scale where the elements exceed what binary16 can scale.
TEST(fast_row, huge_elements_stay_finite) {
  const std::vector<float> x(64, -1e8f);
  for (const float value : round_trip(gguf::tensor_type::q8_0, x.data(), x.size(), effort::fast)) {
    EXPECT_EQ(value, -127.0f * 65504.0f);
  }
}

}  // namespace
