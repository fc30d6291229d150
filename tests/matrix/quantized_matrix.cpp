#include <bitgauge/matrix/quantize.hpp>

#include "support/codes.hpp"
#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

using bytes = std::vector<std::uint8_t>;

/// A matrix put together by hand: 2 x 3, 4 bits, zero points 1 and 2, scales 0.5 and 2.
quantized_matrix by_hand(code_encoding meaning = {.bits = 4, .has_zero_points = true}) {
  scale_array scales(scale_type::f16, 2);
  scales.set(0, 0.5f);
  scales.set(1, 2);
  return {grouping(per_row{}, 2, 3), std::move(meaning), bytes{0x21, 0x03, 0x40, 0x0f}, scales, bytes{0x21}};
}

// Catches another layout of codes, scales and zero points than the one documented for files.
TEST(quantized_matrix, layout_is_as_documented) {
  const auto q = by_hand();
  EXPECT_EQ(q.rows(), 2);
  EXPECT_EQ(q.cols(), 3);
  EXPECT_EQ(test::code_list(q), (std::vector<int>{1, 2, 3, 0, 4, 15}));
  EXPECT_EQ(q.zero_point(0), 1);
  EXPECT_EQ(q.zero_point(1), 2);
  EXPECT_EQ(q.dequantize(), (Eigen::MatrixXf{{0, 0.5f, 1}, {-4, 4, 26}}));
  EXPECT_EQ(q.row_bytes(), 2);
  EXPECT_EQ(q.storage_bytes(), 4 + 2 * 2 + 1);
  EXPECT_EQ(q.bits_per_weight(), 8 * 9 / 6.0);
}

// Catches fields that are taken for unsigned codes.
TEST(quantized_matrix, fields_are_read_by_their_meaning) {
  EXPECT_EQ(test::code_list(by_hand({.bits = 4, .is_signed = true, .has_zero_points = true})),
            (std::vector<int>{1, 2, 3, 0, 4, -1}));
  code_encoding book{.bits = 4, .has_zero_points = false, .levels = std::vector<float>(16, 0.0f)};
  book.levels[15] = -3.5f;
  scale_array scales(scale_type::f32, 2);
  scales.set(1, 2);
  const quantized_matrix q(grouping(per_row{}, 2, 3), book, bytes{0x21, 0x03, 0x40, 0x0f}, scales, {});
  EXPECT_EQ(q.dequantize(), (Eigen::MatrixXf{{0, 0, 0}, {0, 0, -7}}));
  EXPECT_EQ(q.code(1, 2), 15);
}

// Catches parts from a file that do not fit together and would be read out of bounds.
TEST(quantized_matrix, parts_must_fit) {
  const grouping groups(per_group{2}, 2, 3);  // 4 groups
  const code_encoding meaning{.bits = 4, .has_zero_points = true};
  const auto failure = [](auto... parts) {
    return test::message_of<bitgauge_error>([&] { quantized_matrix(parts...); });
  };
  const scale_array scales(scale_type::f32, 4);
  EXPECT_EQ(failure(groups, meaning, bytes(4), scales, bytes(2)), "no error");
  EXPECT_EQ(failure(groups, meaning, bytes(3), scales, bytes(2)),
            "quantized matrix: codes: expected 4 bytes, found 3");
  EXPECT_EQ(failure(groups, meaning, bytes(4), scale_array(scale_type::f16, 5), bytes(2)),
            "quantized matrix: scales: expected 8 bytes, found 10");
  EXPECT_EQ(failure(groups, meaning, bytes(4), scales, bytes{}),
            "quantized matrix: zero points: expected 2 bytes, found 0");
  EXPECT_EQ(failure(groups, code_encoding{.bits = 4}, bytes(4), scales, bytes(2)),
            "quantized matrix: zero points: expected 0 bytes, found 2");
  EXPECT_EQ(failure(groups, code_encoding{.bits = 4, .levels = {1, 2}}, bytes(4), scales, bytes{}),
            "quantized matrix: levels: expected 64 bytes, found 8");
  EXPECT_EQ(failure(groups, code_encoding{.bits = 9}, bytes(4), scales, bytes{}),
            "quantized matrix: bits: expected 1 to 8, found 9");
  EXPECT_EQ(failure(groups, meaning, bytes(4), scales, bytes(2), true),
            "quantized matrix: a column vector is stored as 1 row, found 2");
  scale_array infinite(scale_type::f32, 4);
  infinite.set(2, std::numeric_limits<float>::infinity());
  EXPECT_EQ(failure(groups, meaning, bytes(4), infinite, bytes(2)),
            "quantized matrix: scale of group 2: expected a finite value, found inf");
}

// Catches a meaning that decodes out of its tables: sign codes of 8 bits used to read 256 numbers where there
// are two, and what lay on the stack became the matrix.
TEST(quantized_matrix, a_meaning_must_make_sense) {
  const auto failure = [](const code_encoding& meaning) {
    return test::message_of<invalid_scheme>([&] {
      const grouping groups(per_row{}, 1, 8);
      quantized_matrix(groups, meaning, bytes(static_cast<std::size_t>(meaning.bits)),
                       scale_array(scale_type::f32, 1), bytes(meaning.has_zero_points ? 1 : 0));
    });
  };
  const std::vector<float> two{-1, 1};
  EXPECT_EQ(failure({.bits = 1, .is_sign_only = true}), "no error");
  EXPECT_EQ(failure({.bits = 1, .levels = two}), "no error");
  EXPECT_EQ(failure({.bits = 4, .center = 15}), "no error");
  EXPECT_EQ(failure({.bits = 4, .is_signed = true, .center = -8}), "no error");
  for (const int bits : {2, 4, 8})
    EXPECT_EQ(failure({.bits = bits, .is_sign_only = true}),
              "quantized matrix: bits: expected 1 for sign codes, found " + std::to_string(bits));
  const std::string one_of =
      "quantized matrix: codes: expected one of unsigned, signed, sign and levels, found ";
  EXPECT_EQ(failure({.bits = 1, .is_signed = true, .is_sign_only = true}), one_of + "2");
  EXPECT_EQ(failure({.bits = 1, .is_signed = true, .levels = two}), one_of + "2");
  EXPECT_EQ(failure({.bits = 1, .is_signed = true, .is_sign_only = true, .levels = two}), one_of + "3");
  const std::string zero = "quantized matrix: zero_point: expected ";
  EXPECT_EQ(failure({.bits = 1, .is_sign_only = true, .has_zero_points = true}),
            zero + "0 for sign codes and levels, found one a group");
  EXPECT_EQ(failure({.bits = 1, .has_zero_points = true, .levels = two}),
            zero + "0 for sign codes and levels, found one a group");
  EXPECT_EQ(failure({.bits = 1, .center = 1, .levels = two}), zero + "0, found 1");
  EXPECT_EQ(failure({.bits = 4, .has_zero_points = true, .center = 3}), zero + "0, found 3");
  EXPECT_EQ(failure({.bits = 4, .center = 16}), zero + "a code, 0 to 15, found 16");
  EXPECT_EQ(failure({.bits = 4, .center = -1}), zero + "a code, 0 to 15, found -1");
  EXPECT_EQ(failure({.bits = 4, .is_signed = true, .center = 8}), zero + "a code, -8 to 7, found 8");
}

// Catches codes from outside that stand for NaN or infinity: by a level, or by a scale that takes a level
// beyond binary32. Levels that no code uses, as the NaN of FP8, and codes near the end are fine.
TEST(quantized_matrix, restored_values_are_finite) {
  const float inf = std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::max();
  const auto failure = [](const code_encoding& meaning, float scale, const bytes& codes,
                          bool column = false) {
    return test::message_of<data_error>([&] {
      scale_array scales(scale_type::f32, 1);
      scales.set(0, scale);
      quantized_matrix(grouping(per_tensor{}, column ? 1 : 2, column ? 4 : 2), meaning, codes, scales, {},
                       column);
    });
  };
  const code_encoding book{.bits = 2, .levels = {0, 1, inf, std::numeric_limits<float>::quiet_NaN()}};
  EXPECT_EQ(failure(book, 1, {0b0100, 0b0001}), "no error");
  EXPECT_EQ(failure(book, 1, {0b0100, 0b1001}),
            "quantized matrix: row 1, column 1: expected a finite value, found inf");
  EXPECT_EQ(failure(book, 1, {0b11100100}, true),
            "quantized matrix: row 2, column 0: expected a finite value, found inf");
  EXPECT_NE(failure(book, 1, {0b0100, 0b1101}), "no error");
  const code_encoding plain{.bits = 2};
  EXPECT_EQ(failure(plain, most / 2, {0b1000, 0b0110}), "no error");
  EXPECT_EQ(failure(plain, most / 2, {0b1000, 0b0111}),
            "quantized matrix: row 1, column 0: expected a finite value, found inf");
  EXPECT_NE(failure({.bits = 2, .is_signed = true, .center = 1}, -most / 2, {0b1000, 0}), "no error");
}

// Catches an element beyond the end that is read from the next row.
TEST(quantized_matrix, codes_are_looked_up_within_the_matrix) {
  const auto q = by_hand();
  EXPECT_EQ(test::message_of<shape_error>([&] { static_cast<void>(q.code(0, 3)); }),
            "code(0, 3) of a matrix of 2 x 3");
  EXPECT_THROW(static_cast<void>(q.code(-1, 0)), shape_error);
  EXPECT_THROW(static_cast<void>(q.code(2, 0)), shape_error);
}

// Catches a difference that equality overlooks.
TEST(quantized_matrix, equality_sees_every_part) {
  const Eigen::MatrixXf x = test::random_matrix(4, 8, 1);
  const auto q = quantize(x, affine<4>{}, per_group{4});
  EXPECT_EQ(q, quantized_matrix(q));
  EXPECT_FALSE(q == quantize(x, affine<5>{}, per_group{4}));
  EXPECT_FALSE(q == quantize(x, affine<4>{}, per_group{2}));
  EXPECT_FALSE(q == quantize(x, affine<4>{}, per_group{4}, f16_scales));
  EXPECT_FALSE(q == quantize(x, affine<4>{{.signed_codes = true}}, per_group{4}));
  EXPECT_FALSE(q == quantize(Eigen::MatrixXf(2 * x), affine<4>{}, per_group{4}));
  EXPECT_FALSE(q == quantize(x.transpose(), affine<4>{}, per_group{4}));
  EXPECT_FALSE(quantize(Eigen::VectorXf(x.col(0))) == quantize(Eigen::RowVectorXf(x.col(0).transpose())));
}

TEST(quantized_matrix, default_is_empty) {
  const quantized_matrix q;
  EXPECT_EQ(q.size(), 0);
  EXPECT_EQ(q.dequantize().size(), 0);
  EXPECT_EQ(q.storage_bytes(), 0);
}

}  // namespace
