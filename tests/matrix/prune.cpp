#include <bitgauge/matrix/pruned/prune.hpp>

#include "support/eigen_vectors.hpp"
#include "support/failure.hpp"
#include "support/pruning_cases.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bitgauge {
namespace {

// Catches another threshold, another group of comparison, or norms that are not those of columns: the masks of the
// published programs, and so their errors.
TEST(prune, masks_are_the_reference) {
  for (const char* op : {"magnitude", "wanda"})
    for (const auto& entry : test::cases_of("pruning", op)) {
      SCOPED_TRACE(entry["name"].get<std::string>());
      const test::pruning_layer l(entry);
      const pruning_mask m = op[0] == 'm' ? magnitude_mask(l.w, l.pattern) : wanda_mask(l.w, l.h, l.pattern);
      EXPECT_EQ(m.as_matrix(), test::load_matrix<std::uint8_t>("pruning", entry["outputs"]["mask"]));
      EXPECT_EQ(m, op[0] == 'm' ? magnitude_mask(Eigen::MatrixXf(l.w).cast<double>(), l.pattern)
                                : wanda_mask(l.w, l.x.colwise().norm(), l.pattern));
      test::row_major<float> pruned = l.w;
      m.apply(pruned);
      EXPECT_NEAR(l.error_of(pruned), entry["outputs"]["err"], 1e-6 * entry["outputs"]["err"].get<double>());
    }
}

// Catches ties that are decided otherwise than said, and a share of 0 that prunes.
TEST(prune, decides_ties_as_said) {
  const Eigen::MatrixXf w = Eigen::MatrixXf::Constant(2, 6, -1);
  Eigen::MatrixXi half(2, 6);
  half << 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1;
  EXPECT_EQ(magnitude_mask(w, n_of_m{2, 4}).as_matrix<Eigen::MatrixXi>(), half);
  EXPECT_EQ(magnitude_mask(w, unstructured{0.1}).pruned(), 12);
  EXPECT_EQ(magnitude_mask(w, unstructured{0}).pruned(), 0);
  half << 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0;
  EXPECT_EQ(wanda_mask(w, Eigen::VectorXf::Ones(6), unstructured{0.5}).as_matrix<Eigen::MatrixXi>(), half);
  EXPECT_EQ(magnitude_mask(Eigen::MatrixXf(0, 6), unstructured{0.5}).size(), 0);
}

// Catches weights and norms that are not looked at.
TEST(prune, refuses_what_cannot_be) {
  Eigen::MatrixXf w = Eigen::MatrixXf::Ones(2, 3);
  EXPECT_EQ(test::failure_of<shape_error>([&] { wanda_mask(w, Eigen::VectorXf::Ones(2), unstructured{}); }),
            "wanda_mask: expected a norm for each of 3 columns, found 2");
  EXPECT_EQ(
      test::failure_of<data_error>([&] { wanda_mask(w, Eigen::RowVector3d(0, 1, -1), unstructured{}); }),
      "wanda_mask: norm of input 2: expected a finite value from 0 up, found -1");
  w(1, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::failure_of<data_error>([&] { magnitude_mask(w, unstructured{}); }),
            "magnitude_mask: row 1, column 2: expected a finite value, found NaN");
}

}  // namespace
}  // namespace bitgauge
