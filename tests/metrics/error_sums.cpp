#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/metrics/output_error.hpp>

#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

// Catches a wrong formula: every metric of a pair that can be worked out by hand.
TEST(error, small_example) {
  const Eigen::RowVectorXf x{{3, 4, 0, 0}}, y{{3, 3, 0, 1}};
  const error_sums e = measure_error(x, y);
  EXPECT_EQ(e.mse(), 0.5);
  EXPECT_EQ(e.nmse(), 2.0 / 25);
  EXPECT_DOUBLE_EQ(e.sqnr_db(), 10 * std::log10(12.5));
  EXPECT_DOUBLE_EQ(e.cosine(), 21 / std::sqrt(25.0 * 19));
  EXPECT_EQ(e.max_abs_error(), 1);
  EXPECT_NEAR(e.gap_db(4), 6.0206 * 4 - 10 * std::log10(12.5), 1e-5);
}

// Catches a division by zero, and infinity or NaN in place of a limit.
TEST(error, limits) {
  const Eigen::RowVectorXf zero = Eigen::RowVectorXf::Zero(3), one = Eigen::RowVectorXf::Ones(3);
  const error_sums same = measure_error(one, one), lost = measure_error(one, zero),
                   born = measure_error(zero, one);
  EXPECT_EQ(same.mse(), 0);
  EXPECT_EQ(same.nmse(), 0);
  EXPECT_EQ(same.sqnr_db(), std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(same.cosine(), 1);
  EXPECT_EQ(lost.sqnr_db(), 0);
  EXPECT_EQ(lost.cosine(), 0);
  EXPECT_EQ(born.sqnr_db(), -std::numeric_limits<double>::infinity());
  const error_sums nothing = measure_error(Eigen::MatrixXf(0, 4), Eigen::MatrixXf(0, 4));
  EXPECT_EQ(nothing.mse(), 0);
  EXPECT_EQ(nothing.nmse(), 0);
  EXPECT_EQ(nothing.cosine(), 1);
  EXPECT_EQ(nothing.max_abs_error(), 0);
}

// Catches NaN and infinity that a comparison turns into a figure of no error, on either side or both.
TEST(error, nan_and_infinity_are_in_every_figure) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Eigen::RowVectorXf good{{1, 2, 3}};
  for (const float bad : {nan, inf, -inf}) {
    Eigen::RowVectorXf x = good;
    x(1) = bad;
    for (const error_sums& e : {measure_error(x, x), measure_error(x, good), measure_error(good, x)}) {
      EXPECT_FALSE(e.is_zero());
      EXPECT_FALSE(std::isfinite(e.mse()));
      EXPECT_FALSE(std::isfinite(e.max_abs_error()));
      EXPECT_NE(e.nmse(), 0);
      EXPECT_NE(e.sqnr_db(), inf);
      EXPECT_TRUE(std::isnan(e.cosine()));
    }
    EXPECT_TRUE(std::isnan(measure_error(x, x).max_abs_error()));
  }
  EXPECT_TRUE(std::isnan(output_error{std::nan(""), 1}.relative()));
  EXPECT_TRUE(measure_error(good, good).is_zero());
}

// Catches rows that are paired wrongly (layouts, panels, vectors), and sums in single precision.
TEST(error, agrees_with_the_definition) {
  const Eigen::MatrixXf x = test::random_matrix(41, 33, 1);
  const auto q = quantize(x, affine<3>{}, per_group{8});
  const Eigen::MatrixXd a = x.cast<double>(), b = q.dequantize().cast<double>();
  const double energy = a.squaredNorm(), noise = (a - b).squaredNorm();
  const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> row_major = x;
  for (const error_sums& e :
       {measure_error(x, q), measure_error(row_major, q), measure_error(x.cast<double>(), q),
        measure_error(x, q.dequantize()), measure_error(row_major, q.dequantize())}) {
    EXPECT_NEAR(e.mse(), noise / 1353, 1e-12 * noise);
    EXPECT_NEAR(e.sqnr_db(), 10 * std::log10(energy / noise), 1e-9);
    EXPECT_NEAR(e.cosine(), a.cwiseProduct(b).sum() / (a.norm() * b.norm()), 1e-12);
    EXPECT_EQ(e.max_abs_error(), (a - b).cwiseAbs().maxCoeff());
  }
  const Eigen::VectorXf v = x.col(3);
  const auto vector = quantize(v, affine<3>{});
  const double expected = (v - vector.dequantize<Eigen::VectorXf>()).cast<double>().squaredNorm() / 41;
  EXPECT_NEAR(measure_error(v, vector).mse(), expected, 1e-15);
  // a vector by its type and one by its shape lie differently in memory
  const Eigen::MatrixXf standing = v;
  EXPECT_NEAR(measure_error(v, vector.dequantize()).mse(), expected, 1e-15);
  EXPECT_NEAR(measure_error(vector.dequantize(), v).mse(), expected, 1e-15);
  EXPECT_NEAR(measure_error(standing, vector).mse(), expected, 1e-15);
  EXPECT_EQ(measure_error(v, quantize(standing, affine<3>{}, per_column{})).mse(),
            measure_error(v, vector).mse());
  EXPECT_EQ(measure_error(v.array(), vector.dequantize<Eigen::ArrayXf>()).mse(),
            measure_error(v, vector).mse());
}

// Catches sums whose order depends on threads.
TEST(error, is_the_same_with_any_number_of_threads) {
  const Eigen::MatrixXf x = test::random_matrix(200, 50, 2);
  const auto q = quantize(x, symmetric<4>{});
  const error_sums one = measure_error(x, q, 1), two = measure_error(x, q, 2);
  EXPECT_EQ(one.error_energy, two.error_energy);
  EXPECT_EQ(one.product, two.product);
  EXPECT_EQ(one.energy, two.energy);
}

// Catches the bound's constant: of uniform quantization with step s of wide data the error is s^2 / 12, and
// the ideal Gaussian coder of R bits has 6.0206 R dB.
TEST(error, follows_from_the_step) {
  const Eigen::VectorXf x = Eigen::VectorXf::LinSpaced(100001, -1, 1);
  const auto q = quantize(x, affine<8>{});
  const double step = static_cast<double>(q.scale(0));
  EXPECT_NEAR(measure_error(x, q).mse() / (step * step / 12), 1, 0.02);
  error_sums ideal;
  ideal.count = 1;
  ideal.energy = 1;
  ideal.error_energy = std::pow(2.0, -2 * 5.5);
  EXPECT_NEAR(ideal.gap_db(5.5), 0, 1e-12);
}

TEST(error, shapes_must_agree) {
  const Eigen::MatrixXf x = Eigen::MatrixXf::Zero(2, 3);
  EXPECT_EQ(test::message_of<shape_error>([&] { measure_error(x, quantize(Eigen::MatrixXf::Zero(3, 2))); }),
            "measure_error: expected 2 x 3, found 3 x 2");
  EXPECT_THROW(measure_error(x, Eigen::MatrixXf(2, 4)), shape_error);
}

}  // namespace
