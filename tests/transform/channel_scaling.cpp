#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/transform.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bitgauge {
namespace {

// Catches factors that multiply inputs and divide weights, and factors of other channels.
TEST(channel_scaling, divides_inputs_and_multiplies_weights) {
  const Eigen::Vector3f s(2, 0.25f, 3);
  const channel_scaling t(s);
  const Eigen::MatrixXf w = test::normal_matrix(4, 3, 1);
  EXPECT_EQ(change_weights(t, w), (w * s.asDiagonal()).eval());
  EXPECT_EQ(change_inputs(t, w), (w.array().rowwise() / s.transpose().array()).matrix().eval());
  EXPECT_LE((restore_weights(t, change_weights(t, w)) - w).cwiseAbs().maxCoeff(), 3e-7f);
}

// Catches factors that make an input or a weight infinite, NaN or 0.
TEST(channel_scaling, useless_factors_are_named) {
  const auto message = [](float factor) {
    return test::message_of<data_error>([&] { channel_scaling(Eigen::Vector2f(1, factor)); });
  };
  const std::string begin =
      "channel_scaling: factor of input 1: expected a positive number with a finite "
      "inverse, found ";
  EXPECT_EQ(message(0), begin + "0");
  EXPECT_EQ(message(-2), begin + "-2");
  EXPECT_EQ(message(std::numeric_limits<float>::infinity()), begin + "inf");
  EXPECT_NE(message(std::numeric_limits<float>::quiet_NaN()).find(begin), std::string::npos);
  EXPECT_NE(message(std::numeric_limits<float>::denorm_min()).find(begin), std::string::npos);
  EXPECT_EQ(message(1e-38f), "no error");
}

}  // namespace
}  // namespace bitgauge
