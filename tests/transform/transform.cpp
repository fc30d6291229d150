#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/transform.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

namespace bitgauge {
namespace {

/// A transform of a user's own: the inputs' order turned about, doubled.
struct reversed {
  index_t n;
  index_t inputs() const { return n; }
  template <class T>
  void change_input(std::span<T> x) const {
    std::ranges::reverse(x);
    for (T& value : x) value *= 2;
  }
  template <class T>
  void change_weights(std::span<T> w) const {
    std::ranges::reverse(w);
    for (T& value : w) value /= 2;
  }
  template <class T>
  void restore_weights(std::span<T> w) const {
    change_input(w);
  }
};

/// Floats alone, which no Hessian can be changed with.
struct floats_alone {
  index_t inputs() const { return 1; }
  void change_input(std::span<float>) const {}
  void change_weights(std::span<float>) const {}
  void restore_weights(std::span<float>) const {}
};

static_assert(input_transform<reversed> && input_transform<channel_scaling>);
static_assert(!input_transform<floats_alone> && !input_transform<int>);

// Catches rows that are left out (37 is not whole panels), inputs and weights changed by another map than each
// other's inverse, and a Hessian of the original inputs.
TEST(transform, outputs_stay_and_weights_come_back) {
  const Eigen::MatrixXf w = test::normal_matrix(37, 10, 1), x = test::correlated_inputs(20, 10, 0.5f, 2);
  const transformed t(w, reversed{10});
  EXPECT_EQ(t.weights(), (w.rowwise().reverse() / 2).eval());
  EXPECT_EQ(t.inputs(x), (x.rowwise().reverse() * 2).eval());
  EXPECT_EQ(t.restore(t.weights()), w);
  hessian h(10), changed(10);
  h.accumulate(x.cast<double>());
  changed.accumulate(t.inputs(x).cast<double>());
  EXPECT_LE((t.hessian_of(h).matrix() - changed.matrix()).norm(), 1e-12 * changed.matrix().norm());
  EXPECT_EQ(t.hessian_of(h).samples(), 20);
}

// Catches memory that is read as if it were row-major floats, and rows that depend on the number of threads.
TEST(transform, takes_every_matrix) {
  const Eigen::MatrixXf w = test::normal_matrix(33, 6, 3);
  const Eigen::Matrix<double, -1, -1, Eigen::RowMajor> rows = w.cast<double>();
  const row_matrix expected = w.rowwise().reverse() / 2;
  for (const int threads : {1, 2}) {
    EXPECT_EQ(change_weights(reversed{6}, rows, threads), expected);
    EXPECT_EQ(change_weights(reversed{6}, w + 0 * w, threads), expected);
    EXPECT_EQ(change_weights(reversed{4}, w.block(1, 1, 20, 4), threads),
              (w.block(1, 1, 20, 4).rowwise().reverse() / 2).eval());
  }
}

// Catches a vector whose one column passes for the one input of a transform, memory left as it was fetched:
// a column vector is one row, as quantize() takes it.
TEST(transform, a_vector_is_a_row) {
  const Eigen::VectorXf x = Eigen::VectorXf::LinSpaced(5, 1, 5);
  EXPECT_EQ(change_inputs(reversed{5}, x), (2 * x.reverse().transpose()).eval());
  EXPECT_EQ(test::message_of<shape_error>([&] { change_inputs(reversed{1}, x); }),
            "transform: samples: expected rows of 1 inputs, found 5");
}

TEST(transform, wrong_shapes_are_named) {
  const Eigen::MatrixXf w = Eigen::MatrixXf::Ones(3, 4);
  EXPECT_EQ(test::message_of<shape_error>([&] { transformed(w, reversed{5}); }),
            "transform: weights: expected rows of 5 inputs, found 4");
  EXPECT_EQ(test::message_of<shape_error>([&] { transformed(w, reversed{4}).inputs(w.leftCols(2)); }),
            "transform: samples: expected rows of 4 inputs, found 2");
  EXPECT_EQ(test::message_of<shape_error>([&] { change_hessian(reversed{4}, hessian(3)); }),
            "transform: expected a Hessian of 4 inputs, found 3");
}

}  // namespace
}  // namespace bitgauge
