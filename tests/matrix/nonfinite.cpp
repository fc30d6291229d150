#include <bitgauge/matrix/quantize.hpp>

#include "support/codes.hpp"
#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr granularity granularities[] = {per_tensor{}, per_row{}, per_column{}, per_group{8}};
const options saturating{.on_nonfinite = nonfinite::saturate};

/// A value of every kind that is not finite: signalling NaN too.
const std::pair<float, const char*> kinds[] = {{nan, "NaN"},
                                               {std::bit_cast<float>(0xff800001u), "NaN"},
                                               {infinity, "infinity"},
                                               {-infinity, "-infinity"}};

// Catches an element that is overlooked (in a vector's tail, the last row, another panel) or named wrongly.
TEST(finite, rejects_by_row_and_column) {
  const Eigen::MatrixXf clean = test::random_matrix(37, 71, 1);
  for (const auto& [value, name] : kinds)
    for (const auto& [row, col] :
         {std::pair<index_t, index_t>{0, 0}, {36, 70}, {17, 64}, {20, 69}, {15, 3}}) {
      Eigen::MatrixXf x = clean;
      x(row, col) = value;
      const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> row_major = x;
      const std::string expected = "row " + std::to_string(row) + ", column " + std::to_string(col) + " is " +
                                   name + ": expected finite values (or ask for nonfinite::saturate)";
      for (const granularity groups : granularities) {
        EXPECT_EQ(
            test::message_of<data_error>([&] { quantize(x, affine<8>{}, groups, options{.threads = 1}); }),
            expected);
        EXPECT_EQ(test::message_of<data_error>([&] { quantize(row_major, symmetric<1>{}, groups); }),
                  expected);
      }
    }
}

// Catches a report that depends on which thread came first.
TEST(finite, names_the_first_of_several) {
  Eigen::MatrixXf x = test::random_matrix(64, 32, 2);
  x(60, 1) = nan;
  x(33, 30) = infinity;
  x(33, 9) = -infinity;
  for (int repeat = 0; repeat < 20; ++repeat)
    for (const granularity groups : {granularities[0], granularities[1], granularities[3]})
      EXPECT_EQ(test::message_of<data_error>([&] { quantize(x, groups); }).substr(0, 31),
                "row 33, column 9 is -infinity: ");
}

TEST(finite, names_the_row_of_a_column_vector) {
  Eigen::VectorXf x = Eigen::VectorXf::Ones(20);
  x(7) = nan;
  EXPECT_EQ(test::message_of<data_error>([&] { quantize(x); }).substr(0, 24), "row 7, column 0 is NaN: ");
}

// Catches a double that is finite but overflows binary32 and is then taken for a number.
TEST(finite, a_double_that_overflows_is_not_finite) {
  Eigen::MatrixXd x = Eigen::MatrixXd::Ones(3, 3);
  x(1, 2) = 1e300;
  EXPECT_EQ(test::message_of<data_error>([&] { quantize(x); }).substr(0, 28), "row 1, column 2 is infinity:");
}

// Catches ranges that are stretched by infinity, and codes of infinity or NaN that are anywhere else than at
// the ends and at zero.
TEST(finite, saturates_when_asked) {
  const Eigen::MatrixXf clean = test::random_matrix(20, 24, 3);
  Eigen::MatrixXf dirty = clean, zeroed = clean;
  const std::pair<index_t, index_t> places[] = {{0, 0}, {3, 7}, {9, 23}, {19, 12}};
  for (std::size_t i = 0; i < 4; ++i) {
    dirty(places[i].first, places[i].second) = kinds[i].first;
    zeroed(places[i].first, places[i].second) = 0;
  }
  for (const granularity groups : granularities)
    for (const integer_grid& grid :
         {make_affine(4), make_affine(8, {.signed_codes = true}), make_symmetric(5)}) {
      const auto q = quantize(dirty, grid, groups, saturating), expected = quantize(zeroed, grid, groups);
      EXPECT_EQ(q.scales().bytes(), expected.scales().bytes());
      EXPECT_EQ(q.zero_points(), expected.zero_points());
      Eigen::MatrixXi codes = test::codes_of(expected);
      codes(9, 23) = grid.highest;
      codes(19, 12) = grid.lowest;
      EXPECT_EQ(test::codes_of(q), codes);
      EXPECT_EQ(q.dequantize()(0, 0), 0);
      EXPECT_EQ(q.dequantize()(3, 7), 0);
    }
}

// Catches NaN that comes out of a group without a finite value.
TEST(finite, groups_without_a_finite_value_are_zero) {
  for (const auto& [value, name] : kinds)
    for (const integer_grid& grid : {make_affine(8), make_symmetric(4), make_symmetric(1)}) {
      const auto q = quantize(Eigen::MatrixXf::Constant(3, 10, value), grid, saturating);
      EXPECT_EQ(q.dequantize(), Eigen::MatrixXf::Zero(3, 10)) << name;
    }
}

// Catches subnormal numbers whose scale would be zero or have an infinite inverse. Codes of one bit are
// nothing but the scale, of which the least stored would be farther from these numbers than 0 is.
TEST(finite, subnormal_groups_stay_finite) {
  const Eigen::RowVectorXf x{{0, 1e-40f, -1e-42f, std::numeric_limits<float>::denorm_min()}};
  for (const integer_grid& grid : test::all_integer_grids())
    for (const scale_storage storage : {f32_scales, f16_scales, bf16_scales}) {
      const auto q = quantize(x, grid, storage);
      const Eigen::MatrixXf back = q.dequantize();
      if (grid.is_sign_only()) {
        EXPECT_EQ(q.scale(0), 0.0f);
        EXPECT_EQ(back, Eigen::MatrixXf::Zero(1, 4));
        continue;
      }
      EXPECT_GE(q.scale(0), 0x1p-126f);
      for (index_t i = 0; i < 4; ++i) EXPECT_LE(std::fabs(back(0, i) - x(i)), q.scale(0) * 0.5f);
    }
}

// Catches negative zero taken for a negative number by a one-bit grid or a range.
TEST(finite, negative_zero_is_zero) {
  const Eigen::RowVectorXf x{{-0.0f, 0.0f, 1.0f, -0.0f}};
  for (const integer_grid& grid : test::all_integer_grids()) {
    const auto q = quantize(x, grid);
    EXPECT_EQ(q.code(0, 0), q.code(0, 1));
    EXPECT_EQ(q, quantize(Eigen::RowVectorXf{{0.0f, 0.0f, 1.0f, 0.0f}}, grid));
  }
}

// Catches a scale that overflows f16 and is stored as infinity, in any granularity.
TEST(finite, scales_that_overflow_are_refused) {
  Eigen::MatrixXf x = Eigen::MatrixXf::Ones(5, 16);
  x(3, 3) = 1e8f;
  for (const granularity groups : granularities) {
    EXPECT_EQ(test::message_of<data_error>([&] { quantize(x, symmetric<8>{}, groups, f16_scales); }),
              "scale 787401.562500 overflows f16: store scales as bf16 or f32");
    EXPECT_NEAR(quantize(x, symmetric<8>{}, groups, bf16_scales).dequantize()(3, 3), 1e8, 4e5);
  }
}

}  // namespace
