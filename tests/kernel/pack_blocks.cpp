#include <bitgauge/gguf/format/visit_format.hpp>
#include <bitgauge/kernel/pack/pack_blocks.hpp>

#include "support/each_instruction_set.hpp"
#include "support/message_of.hpp"
#include "support/product_oracle.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;
using bitgauge::index_t;
using gguf::tensor_type;

constexpr index_t rows = 37, cols = 768;

/// A block of random bits that stand for numbers of everyday size, and those numbers: of every element |scale *
/// level| + |minimum|, by the description of the format.
template <class Format>
void fill_block(std::mt19937& random, std::byte* bytes, double* magnitudes) {
  gguf::block<Format> block;
  gguf::block_codes<Format> numbers;
  for (bool is_usual = false; !is_usual;) {
    for (std::uint8_t& byte : block.bytes) byte = static_cast<std::uint8_t>(random());
    if (Format::type == tensor_type::mxfp4) block.bytes[0] = static_cast<std::uint8_t>(100 + random() % 30);
    gguf::unpack<Format>(block.bytes.data(), numbers);
    std::array<std::int8_t, static_cast<std::size_t>(Format::elements)> levels;
    numbers.levels(levels.data());
    is_usual = true;
    for (int j = 0; j < Format::elements; ++j) {
      const int s = j / Format::sub_block;
      const auto scale = static_cast<double>(numbers.scale_of(s));
      magnitudes[j] = std::fabs(scale * levels[static_cast<std::size_t>(j)]) +
                      std::fabs(static_cast<double>(numbers.minimum_of(s)));
      is_usual = is_usual && magnitudes[j] < 1e6;  // neither is NaN
    }
  }
  std::memcpy(bytes, block.bytes.data(), block.bytes.size());
}

struct some_blocks {
  gguf::block_matrix q;
  test::real_matrix w;
};
some_blocks blocks_of(tensor_type type) {
  std::mt19937 random(static_cast<unsigned>(type));
  std::vector<std::byte> bytes(static_cast<std::size_t>(rows) * gguf::row_bytes(type, cols));
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> magnitudes(rows, cols);
  gguf::visit_format(type, [&]<class Format>(Format) {
    for (index_t i = 0; i < rows * cols / Format::elements; ++i)
      fill_block<Format>(random, bytes.data() + i * Format::bytes, magnitudes.data() + i * Format::elements);
  });
  some_blocks made{gguf::block_matrix(type, rows, cols, std::move(bytes)), {}};
  made.w = {made.q.dequantize().cast<double>(), magnitudes};
  return made;
}

/// Calls check(blocks, name) for every type that is made of blocks.
template <class Check>
void for_every_type(const Check& check) {
  for (const gguf::tensor_type_traits& traits : gguf::tensor_types)
    if (traits.is_quantized()) check(blocks_of(traits.type), std::string(traits.name));
}

// Catches a level, scale, minimum or factor that is read from another place, or rounded: a product with the unit
// matrix gives the weights bit for bit as ggml decodes them.
TEST(pack_blocks, loses_nothing) {
  const Eigen::MatrixXf unit = Eigen::MatrixXf::Identity(cols, cols);
  for_every_type([&](const some_blocks& blocks, const std::string& name) {
    const packed_weights P(blocks.q);
    const Eigen::MatrixXf values = blocks.q.dequantize();
    test::on_each_instruction_set([&] {
      Eigen::MatrixXf y(rows, cols);
      P.multiply(unit, y, {.threads = 1});
      EXPECT_EQ(y, values) << name << " " << simd::name_of(simd::selected());
    });
  });
}

// Catches sums over whole rows that are none, in both precisions, for one sample and many; levels that integer
// products round, which they need not.
TEST(pack_blocks, products_are_within_their_bounds) {
  for_every_type([&](const some_blocks& blocks, const std::string& name) {
    const packed_weights P(blocks.q);
    const Eigen::MatrixXf x = test::random_matrix(cols, 14, 3);
    for (const index_t samples : {1, 3, 14})
      for (const index_t block : {0, 16, 256}) {
        const Eigen::MatrixXf some = x.leftCols(samples);
        product_options options;
        test::real_matrix expected =
            test::product_of(blocks.w, {some.cast<double>(), some.cast<double>().cwiseAbs()});
        if (block > 0) {
          options = {.precision = product_precision::integer,
                     .activation_block = std::max(block, P.view().group)};
          expected =
              test::product_of(blocks.w, test::rounded_samples(some, options.activation_block, options));
        }
        options.threads = 1;
        test::on_each_instruction_set([&] {
          Eigen::MatrixXf y(rows, samples);
          P.multiply(some, y, options);
          EXPECT_TRUE(test::is_near(y, expected, cols))
              << name << " " << samples << " " << simd::name_of(simd::selected());
        });
      }
  });
}

// Catches activations of K-quants with a scale for each of their small groups, and others without one.
TEST(pack_blocks, activations_share_scales_as_weights_do) {
  for_every_type([&](const some_blocks& blocks, const std::string& name) {
    const packed_weights P(blocks.q);
    const index_t block = P.view().scale_factors != nullptr ? 256 : P.view().group;
    const Eigen::MatrixXf x = test::random_matrix(cols, 14, 3);
    Eigen::MatrixXf found(rows, 14), expected(rows, 14);
    P.multiply(x, found, {.precision = product_precision::integer});
    P.multiply(x, expected, {.precision = product_precision::integer, .activation_block = block});
    EXPECT_EQ(found, expected) << name;
  });
}

// Catches parameters that take more room than those of ggml by more than a half.
TEST(pack_blocks, is_as_small_as_it_says) {
  const auto bits = [](tensor_type type) {
    const packed_weights P(
        gguf::block_matrix(type, 64, 512, std::vector<std::byte>(64 * gguf::row_bytes(type, 512))));
    return 8.0 * static_cast<double>(P.bytes()) / (64 * 512);
  };
  EXPECT_EQ(bits(tensor_type::q4_k), 4.625);   // 4 + 2 * 8 / 32 + 2 * 16 / 256
  EXPECT_EQ(bits(tensor_type::q6_k), 6.5625);  // 6 + 8 / 16 + 16 / 256
  EXPECT_EQ(bits(tensor_type::q3_k), 3.5625);
  EXPECT_EQ(bits(tensor_type::q2_k), 3.125);
  EXPECT_EQ(bits(tensor_type::iq4_xs), 4.3125);
  EXPECT_EQ(bits(tensor_type::q4_0), 4.5);
  EXPECT_EQ(bits(tensor_type::q4_1), 5);
  EXPECT_EQ(bits(tensor_type::q8_0), 8.5);
  EXPECT_EQ(bits(tensor_type::iq3_s), 4.3125);    // 16 levels
  EXPECT_EQ(bits(tensor_type::iq2_xxs), 3.3125);  // 6 levels
  EXPECT_EQ(bits(tensor_type::tq2_0), 2.0625);
  EXPECT_EQ(bits(tensor_type::q1_0), 1.125);
}

// Catches types without blocks that are packed as something else.
TEST(pack_blocks, refuses_floats) {
  const gguf::block_matrix halves(tensor_type::f16, 2, 3, std::vector<std::byte>(12));
  EXPECT_EQ(
      test::message_of<invalid_scheme>([&] { static_cast<void>(packed_weights(halves)); }),
      "packed weights of a matrix of f16: expected a type made of blocks, such as q4_K: quantize its values");
}

}  // namespace
