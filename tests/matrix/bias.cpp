#include <bitgauge/matrix/bias.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace {

using namespace bitgauge;
using codes32 = Eigen::Matrix<std::int32_t, Eigen::Dynamic, 1>;

// Catches a scale other than s_x * s_w, a tie that does not go to even, one scale used for all channels.
TEST(bias, agrees_with_the_definition) {
  const Eigen::VectorXf bias{{1, -2, 0.5f, 0}};
  EXPECT_EQ(quantize_bias(bias, 0.5, 0.25), (codes32{{8, -16, 4, 0}}));
  EXPECT_EQ(quantize_bias(bias, 0.5, Eigen::Vector4f(0.25f, 0.5f, 1, 2)), (codes32{{8, -8, 1, 0}}));
  EXPECT_EQ(quantize_bias(Eigen::Vector4d(0.5, 1.5, 2.5, -0.5), 1, 1), (codes32{{0, 2, 2, 0}}));
  EXPECT_EQ(quantize_bias(Eigen::ArrayXf(bias.array()), 0.5, 0.25), (codes32{{8, -16, 4, 0}}));
  EXPECT_EQ(quantize_bias(bias.transpose(), 0.5, 0.25), (codes32{{8, -16, 4, 0}}));
  EXPECT_EQ(quantize_bias(Eigen::VectorXf(0), 0.5, 0.25).size(), 0);
}

// Catches a bias that wraps at the ends of its type: both ends fit, one beyond does not.
TEST(bias, fits_or_is_refused) {
  const auto one = [](double b) { return Eigen::Matrix<double, 1, 1>::Constant(b); };
  EXPECT_EQ(quantize_bias<std::int16_t>(one(32767), 1, 1)(0), 32767);
  EXPECT_EQ(quantize_bias<std::int16_t>(one(-32768), 1, 1)(0), -32768);
  EXPECT_EQ(quantize_bias(one(2147483647), 1, 1)(0), 2147483647);
  EXPECT_EQ(quantize_bias(one(-2147483648.0), 1, 1)(0), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(test::message_of<data_error>([&] { quantize_bias<std::int16_t>(one(32768), 1, 1); }),
            "bias 0: 32768.000000 / 1.000000 does not fit 16 bits");
  EXPECT_THROW(quantize_bias(one(2147483648.0), 1, 1), data_error);
  EXPECT_THROW(quantize_bias(one(std::numeric_limits<double>::quiet_NaN()), 1, 1), data_error);
  EXPECT_THROW(quantize_bias(one(std::numeric_limits<double>::infinity()), 1, 1), data_error);
}

// Catches a division by zero and scales of another layer.
TEST(bias, scales_must_be_positive_and_as_many_as_channels) {
  const Eigen::Vector3f bias(1, 2, 3);
  EXPECT_EQ(test::message_of<data_error>([&] { quantize_bias(bias, 1, Eigen::Vector3f(1, 0, 1)); }),
            "bias 1: expected a positive scale, found 0.000000");
  EXPECT_THROW(quantize_bias(bias, -1, 1), data_error);
  EXPECT_THROW(quantize_bias(bias, std::numeric_limits<double>::quiet_NaN(), 1), data_error);
  EXPECT_EQ(test::message_of<shape_error>([&] { quantize_bias(bias, 1, Eigen::Vector2f(1, 1)); }),
            "bias: expected 1 or 3 weight scales, found 2");
}

}  // namespace
