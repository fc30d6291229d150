#include <bitgauge/transform/activations/weight_maxima.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bitgauge {
namespace {

// Catches maxima of one layer, of signed values, and of part of the rows (300 are more than a panel).
TEST(weight_maxima, are_of_all_rows_and_layers) {
  const Eigen::MatrixXf a = test::normal_matrix(300, 5, 1), b = test::normal_matrix(3, 5, 2) * 3;
  Eigen::MatrixXf both(303, 5);
  both << a, b;
  EXPECT_EQ(column_maxima(a, b.cast<double>()).transpose(), both.cwiseAbs().colwise().maxCoeff());
  EXPECT_EQ(row_maxima(both), both.cwiseAbs().rowwise().maxCoeff());
  EXPECT_EQ(column_maxima(Eigen::MatrixXf::Zero(2, 3)), Eigen::Vector3f::Zero());
}

// Catches NaN that a maximum passes over, as std::max does where it comes second.
TEST(weight_maxima, nan_and_infinity_are_named) {
  Eigen::MatrixXf w = test::normal_matrix(40, 5, 1);
  w(37, 3) = std::numeric_limits<float>::quiet_NaN();
  const std::string message = "weights: row 37, column 3: expected a finite value, found NaN or infinity";
  EXPECT_EQ(test::message_of<data_error>([&] { column_maxima(w); }), message);
  w(37, 3) = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(test::message_of<data_error>([&] { row_maxima(w); }), message);
  EXPECT_EQ(test::message_of<shape_error>([&] { column_maxima(w.topRows(2), w.topLeftCorner(2, 4)); }),
            "weights: expected layers of one input, 5 columns, found 4");
}

}  // namespace
}  // namespace bitgauge
