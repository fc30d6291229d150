#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/transform/awq/awq_clip.hpp>
#include <bitgauge/transform/awq/awq_reference.hpp>

#include "support/eigen_vectors.hpp"
#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitgauge {
namespace {

hessian hessian_of(const row_matrix& x) {
  hessian h(x.cols());
  h.accumulate(x);
  return h;
}

/// Sum over groups of the squared error of their shares of the outputs, by definition; of groups of `run`
/// inputs.
template <class Quantized>
double error_of(const row_matrix& w, const Quantized& q, const row_matrix& x, index_t run) {
  const Eigen::MatrixXd d = (w - q.dequantize()).template cast<double>();
  double sum = 0;
  for (index_t c = 0; c < w.cols(); c += run) {
    const index_t count = std::min(run, w.cols() - c);
    sum += (d.middleCols(c, count) * x.cast<double>().middleCols(c, count).transpose()).squaredNorm();
  }
  return sum;
}

// Catches other ends, errors or a rounding of half-way codes than the authors' program has, and a default that is worse.
TEST(awq_clip, is_that_of_the_authors) {
  for (const auto& entry : test::cases_of("awq", "awq_clip_search")) {
    const std::string name = entry["name"];
    const row_matrix w = test::load_matrix<float>("awq", entry["inputs"]["w"]),
                     x = test::load_matrix<float>("awq", entry["inputs"]["x"]);
    const index_t step = entry["params"]["token_step"], samples = (x.rows() + step - 1) / step;
    row_matrix sampled(samples, x.cols());
    for (index_t i = 0; i < samples; ++i) sampled.row(i) = x.row(i * step);
    const int bits = entry["params"]["bits"], size = entry["params"]["group_size"];
    const granularity groups = size > 0 ? granularity(per_group{size}) : granularity(per_row{});
    const awq_reference_quantizer theirs{bits, groups};
    const hessian h = hessian_of(sampled);
    const awq_clipped found = awq_clip(w, h, awq_clip_options::reference(), groups, theirs);
    const auto maxima = test::load_matrix<float>("awq", entry["outputs"]["best_max"]);
    ASSERT_EQ(maxima.size(), found.highest.size()) << name;
    for (index_t g = 0; g < maxima.size(); ++g) {
      EXPECT_EQ(found.highest(g), maxima.data()[g]) << name << ", group " << g;
      EXPECT_EQ(found.lowest(g), -maxima.data()[g]) << name << ", group " << g;
    }
    EXPECT_EQ(theirs(found.weights).dequantize(),
              test::load_matrix<float>("awq", entry["outputs"]["dequant_clipped"]))
        << name;
    EXPECT_LT(awq_clip(w, h, make_affine(bits), groups).error, found.error) << name;
  }
}

// Catches a symmetric grid that is not searched, groups that do not divide, ends of the wrong group, and errors that are
// not those of what the caller will quantize; also where groups span rows. 101 rows are more than are summed at once.
TEST(awq_clip, error_is_that_of_the_result) {
  const row_matrix w = test::normal_matrix<row_matrix>(101, 40, 1),
                   x = test::normal_matrix<row_matrix>(30, 40, 2);
  const hessian h = hessian_of(x);
  const auto check = [&](const char* what, index_t run, const auto&... answers) {
    const awq_clipped found = awq_clip(w, h, answers...);
    const double error = error_of(w, quantize(found.weights, answers...), x, run),
                 plain = error_of(w, quantize(w, answers...), x, run);
    EXPECT_NEAR(found.error, error, 1e-5 * error) << what;
    EXPECT_NEAR(found.plain_error, plain, 1e-5 * plain) << what;
    EXPECT_LT(found.error, 0.95 * found.plain_error) << what;
  };
  check("affine", 16, affine<3>{}, per_group{16}, options{.threads = 2});
  check("symmetric", 16, symmetric<3>{}, per_group{16});
  check("nf4", 40, nf4{}, per_row{});
  check("tensor", 40, affine<3>{}, per_tensor{});
  check("columns", 1, affine<3>{}, per_column{});
}

// Catches shares that are not tried, or tried where another was better: every share of every row by itself, written out.
TEST(awq_clip, is_the_best_of_the_shares) {
  const row_matrix w = test::normal_matrix<row_matrix>(20, 24, 3),
                   x = test::normal_matrix<row_matrix>(30, 24, 4);
  const awq_clipped found = awq_clip(w, hessian_of(x), symmetric<3>{});
  for (index_t r = 0; r < w.rows(); ++r) {
    double least = std::numeric_limits<double>::infinity();
    float best = 0;
    for (int i = 0; i < 10; ++i) {
      const float m = w.row(r).cwiseAbs().maxCoeff() * static_cast<float>(1 - i / 20.0);
      const row_matrix clipped = w.row(r).cwiseMin(m).cwiseMax(-m);
      const double error = error_of(w.row(r), quantize(clipped, symmetric<3>{}), x, 24);
      if (error < least) {
        least = error;
        best = m;
      }
    }
    EXPECT_EQ(found.highest(r), best) << "row " << r;
    EXPECT_EQ(found.weights.row(r).cwiseAbs().maxCoeff(), best) << "row " << r;
  }
}

// Catches division by zero and NaN where inputs are silent, samples few or there is one of a thing.
TEST(awq_clip, degenerate_input_is_defined) {
  const auto check = [](const row_matrix& w, const row_matrix& x) {
    const awq_clipped found = awq_clip(w, hessian_of(x), affine<4>{}, per_group{16});
    EXPECT_TRUE(found.weights.allFinite());
    EXPECT_EQ(found.weights.rows(), w.rows());
    EXPECT_LE(found.error, found.plain_error);
  };
  row_matrix w = test::normal_matrix<row_matrix>(5, 40, 5), x = test::normal_matrix<row_matrix>(3, 40, 6);
  x.col(2).setZero();
  w.col(4).setZero();
  check(w, x);
  check(w, x.topRows(1));
  check(w.topRows(1), x);
  check(w.leftCols(1), x.leftCols(1));
  check(w.topRows(0), x);
  check(w, row_matrix::Zero(3, 40));
  check(row_matrix::Zero(5, 40), x);
}

// Catches messages that do not say what is wrong, or none.
TEST(awq_clip, refuses) {
  row_matrix w = test::normal_matrix<row_matrix>(5, 40, 5);
  const hessian h = hessian_of(w);
  EXPECT_EQ(test::message_of<shape_error>([&] { awq_clip(w, hessian(39), affine<4>{}); }),
            "awq_clip: expected a Hessian of 40 inputs, as the weights have, found 39");
  EXPECT_EQ(test::message_of<data_error>([&] { awq_clip(w, hessian(40), affine<4>{}); }),
            "awq_clip: expected a Hessian of at least one sample, found none: accumulate a batch first");
  EXPECT_EQ(
      test::message_of<shape_error>([&] { awq_clip(w, h, awq_clip_options{.shrink = 1.5}, affine<4>{}); }),
      "awq_clip: expected at least 1 step and a shrink of 0 to 1, found 20 and 1.500000");
  EXPECT_EQ(
      test::message_of<invalid_scheme>([&] {
        awq_clip(w, h, per_row{}, awq_reference_quantizer{1, per_row{}, false});
      }),
      "awq_reference_quantizer: expected groups within rows, and 2 bits without zero points, found others");
  w(1, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::message_of<data_error>([&] { awq_clip(w, h, affine<4>{}); }).substr(0, 24),
            "row 1, column 2 is NaN: ");
}

}  // namespace
}  // namespace bitgauge
