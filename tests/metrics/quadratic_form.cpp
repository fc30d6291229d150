#include <bitgauge/metrics/quadratic_form.hpp>

#include "support/each_instruction_set.hpp"
#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

namespace bitgauge::detail {
namespace {

using rows_of_floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Of each row of d, by the class: inputs first .. first + d.cols() - 1 of the samples x.
std::vector<double> values_of(const rows_of_floats& x, const rows_of_floats& d, index_t first) {
  hessian h(x.cols());
  h.accumulate(x);
  const Eigen::VectorXf magnitudes = d.cwiseAbs().colwise().maxCoeff().transpose();
  const quadratic_form form(h, first, d.cols(), {magnitudes.data(), static_cast<std::size_t>(d.cols())});
  std::vector<float> weighed(static_cast<std::size_t>(d.rows() * form.stride()), 7.0f);
  const rows_of_floats zero = rows_of_floats::Zero(1, d.cols());
  for (index_t r = 0; r < d.rows(); ++r)
    form.weigh(d.row(r).eval().data(), zero.data(), weighed.data() + r * form.stride());
  std::vector<double> values(static_cast<std::size_t>(d.rows()));
  form.add_values(weighed.data(), d.rows(), values.data());
  for (double& value : values) value *= form.unit();
  return values;
}

// Catches a tile that is left out, counted twice or once too few, rows that mix, and another block of H: the oracle is
// the outputs. Widths around those of tiles; a column that is never seen; magnitudes that a float cannot square.
TEST(quadratic_form, is_the_energy_of_the_outputs) {
  for (const index_t n : {1, 31, 32, 33, 256, 257, 600})
    for (const index_t first : {0, 5})
      for (const float size : {1.0f, 0x1p90f, 0x1p-90f}) {
        rows_of_floats x = test::normal_matrix<rows_of_floats>(9, n + 2 * first, 1) * size,
                       d = test::normal_matrix<rows_of_floats>(7, n, 2) / size;
        x.col(first).setZero();
        if (n > 40) x.col(first + 40) *= 1000;
        const auto values = values_of(x, d, first);
        const Eigen::MatrixXd y = d.cast<double>() * x.cast<double>().middleCols(first, n).transpose();
        for (index_t r = 0; r < d.rows(); ++r)
          EXPECT_NEAR(values[static_cast<std::size_t>(r)], y.row(r).squaredNorm(),
                      1e-5 * y.row(r).squaredNorm())
              << n << " inputs from " << first << ", times " << size << ", row " << r;
      }
}

// Catches sums whose order hangs on the width of vectors: a factor would be another on another processor.
TEST(quadratic_form, is_the_same_on_every_instruction_set) {
  const rows_of_floats x = test::normal_matrix<rows_of_floats>(20, 300, 3),
                       d = test::normal_matrix<rows_of_floats>(9, 300, 4);
  const auto values = values_of(x, d, 0);
  test::on_each_instruction_set([&] { EXPECT_EQ(values_of(x, d, 0), values); });
}

// Catches a matrix that is of no samples and would give a negative error.
TEST(quadratic_form, refuses_what_is_no_hessian_of_samples) {
  const Eigen::Matrix2d h{{1, 3}, {3, 1}};
  const std::vector<float> ones{1, 1};
  EXPECT_EQ(test::message_of<data_error>([&] { quadratic_form(hessian::from_matrix(h), 0, 2, ones); }),
            "hessian: element (0, 1): expected at most the root of the product of its diagonal elements, as "
            "of samples, "
            "found 3");
}

}  // namespace
}  // namespace bitgauge::detail
