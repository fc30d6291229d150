#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/transform/awq.hpp>

#include "support/eigen_vectors.hpp"
#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <iostream>
#include <limits>

namespace bitgauge {
namespace {

/// Weights, and inputs of which some are far larger than the rest.
struct layer {
  row_matrix w, x;
  activation_stats stats;
  hessian h;

  layer(row_matrix weights, row_matrix samples)
      : w(std::move(weights)), x(std::move(samples)), stats(x.cols()), h(x.cols()) {
    stats.observe(x);
    h.accumulate(x);
  }
};

layer with_outliers(index_t out, index_t in, index_t samples = 50) {
  row_matrix x = test::normal_matrix<row_matrix>(samples, in, 5);
  for (index_t j = 3; j < in; j += 17) x.col(j) *= 20;
  return {test::normal_matrix<row_matrix>(out, in, 6), std::move(x)};
}

/// The mean over samples and outputs of the squared error of `q`, weights in the basis of `scaling`, by
/// definition.
template <class Quantized>
double loss_of(const layer& l, const channel_scaling& scaling, const Quantized& q) {
  const Eigen::MatrixXf restored = q.dequantize() * scaling.factors().cwiseInverse().asDiagonal();
  return ((l.w - restored).template cast<double>() * l.x.cast<double>().transpose()).squaredNorm() /
         static_cast<double>(l.x.rows() * l.w.rows());
}

// Catches another formula of factors, range or loss than the authors' program has, and a default that is worse. The
// quantity itself is in the manifest: losses within 1e-3, scales within 1e-5.
TEST(awq, is_that_of_the_authors) {
  for (const auto& entry : test::cases_of("awq", "awq_scale_search")) {
    const std::string name = entry["name"];
    const auto& outputs = entry["outputs"];
    const layer l(test::load_matrix<float>("awq", entry["inputs"]["w0"]),
                  test::load_matrix<float>("awq", entry["inputs"]["x"]));
    const int bits = entry["params"]["bits"], size = entry["params"]["group_size"];
    const granularity groups = size > 0 ? granularity(per_group{size}) : granularity(per_row{});
    const awq_weights found =
        awq(l.w, l.stats, l.h, awq_options::reference(), awq_reference_quantizer{bits, groups});
    const auto& search = found.search();
    const auto losses = test::load_matrix<double>("awq", outputs["losses"]);
    ASSERT_EQ(static_cast<index_t>(search.candidates.size()), losses.size()) << name;
    for (index_t i = 0; i < losses.size(); ++i)
      EXPECT_NEAR(search.candidates[static_cast<std::size_t>(i)].loss, losses(i), 1e-5 * losses(i)) << name;
    EXPECT_NEAR(search.candidates[search.best].activation_exponent, outputs["best_ratio"].get<double>(), 1e-9)
        << name;
    const auto scales = test::load_matrix<float>("awq", outputs["scales"]);
    for (index_t j = 0; j < scales.size(); ++j)
      EXPECT_NEAR(found.transform().factors()(j), scales(j), 1e-5f * scales(j)) << name << ", input " << j;

    const double ours = awq(l.w, l.stats, l.h, make_affine(bits), groups).search().loss();
    EXPECT_LE(ours, losses.minCoeff()) << name;
    std::cout << name << ": default's loss is " << ours / losses.minCoeff() << " of the authors'\n";
  }
}

// Catches losses that are not those of what the caller will quantize: columns restored by another factor, rows or a
// ragged group left out, grids without a zero point. And a search that ends above its best, or above no scaling.
TEST(awq, loss_is_that_of_the_result) {
  const layer l = with_outliers(101, 40);
  const auto check = [&](const char* what, const auto&... answers) {
    const awq_weights found = awq(l.w, l.stats, l.h, answers...);
    const auto& search = found.search();
    const double loss = loss_of(l, found.transform(), quantize(found.weights(), answers...)),
                 plain = loss_of(l, channel_scaling(Eigen::VectorXf::Ones(40)), quantize(l.w, answers...));
    EXPECT_NEAR(search.loss(), loss, 1e-5 * loss) << what;
    EXPECT_NEAR(search.plain_loss(), plain, 1e-5 * plain) << what;
    for (const awq_candidate& c : search.candidates) EXPECT_LE(search.loss(), c.loss) << what;
    EXPECT_LT(search.loss(), 0.75 * search.plain_loss()) << what;
    EXPECT_GE(search.candidates.size(), 21u) << what;
    EXPECT_EQ(search.candidates[20].activation_exponent, 1) << what;
  };
  check("affine", affine<4>{}, per_group{16}, options{.threads = 2});
  check("symmetric", symmetric<3>{}, per_group{16});
  check("tensor", affine<4>{}, per_tensor{});
  check("nf4", nf4{}, per_group{12}, f16_scales);
}

// Catches an importance that still weighs the columns as they were: errors of scaled columns count less.
TEST(awq, importance_follows_the_columns) {
  const layer l = with_outliers(8, 40);
  const Eigen::VectorXf squares = l.h.diagonal().cast<float>();
  const awq_weights found =
      awq(l.w, l.stats, l.h, affine<4>{}, per_group{16}, mse_range{}, importance(squares));
  const Eigen::VectorXf own = squares.cwiseQuotient(found.transform().factors().cwiseAbs2());
  const double loss =
      loss_of(l, found.transform(),
              quantize(found.weights(), affine<4>{}, per_group{16}, mse_range{}, importance(own)));
  EXPECT_NEAR(found.search().loss(), loss, 1e-5 * loss);
}

// Catches a function that is given other weights than those that are returned, or another scaling.
TEST(awq, takes_a_function) {
  const layer l = with_outliers(12, 64);
  const auto blocks = [](const row_matrix& w) { return quantize(w, gguf::q4_0{}); };
  const awq_weights a = awq(l.w, l.stats, l.h, blocks);
  const double loss = loss_of(l, a.transform(), blocks(a.weights()));
  EXPECT_NEAR(a.search().loss(), loss, 1e-5 * loss);
  EXPECT_LT(a.search().loss(), 0.8 * a.search().plain_loss());

  const auto feedback = [&](const row_matrix& w, const channel_scaling& s) {
    const hessian changed = change_hessian(s, l.h);
    return quantize(w, affine<3>{}, gptq{changed});
  };
  const awq_options few{.steps = 3, .refinements = 0};
  const awq_weights b = awq(l.w, l.stats, l.h, few, feedback);
  const double after = loss_of(l, b.transform(), feedback(b.weights(), b.transform()));
  EXPECT_NEAR(b.search().loss(), after, 1e-5 * after);
}

// Catches a layer that does not count, or one that counts by its own number of outputs: rows one below the other are
// the same search.
TEST(awq, layers_that_share_inputs_are_one_layer) {
  const layer l = with_outliers(30, 40);
  const std::vector<row_matrix> parts{l.w.topRows(7), l.w.bottomRows(23)};
  const awq_factors shared = awq_shared(parts, l.stats, l.h, awq_options{}, affine<4>{}, per_group{16});
  const awq_weights whole = awq(l.w, l.stats, l.h, affine<4>{}, per_group{16});
  EXPECT_EQ(shared.scaling.factors(), whole.transform().factors());
  EXPECT_NEAR(shared.loss(), whole.search().loss(), 1e-12 * shared.loss());
  // a row of each: rows 0 of both parts
  row_matrix two(2, 40);
  two << l.w.row(0), l.w.row(7);
  const awq_factors some =
      awq_shared(parts, l.stats, l.h, awq_options{.rows = 1}, affine<4>{}, per_group{16});
  EXPECT_EQ(some.loss(), awq(two, l.stats, l.h, affine<4>{}, per_group{16}).search().loss());
}

// Catches a floor that takes inputs of small unit for silent ones: then nothing is gained on them.
TEST(awq, does_not_depend_on_the_unit_of_activations) {
  const layer large = with_outliers(20, 40), small(large.w, large.x * 0x1p-60f);
  const auto relative = [](const layer& l) {
    const auto& search = awq(l.w, l.stats, l.h, affine<3>{}, per_group{16}).search();
    return search.loss() / search.plain_loss();
  };
  EXPECT_NEAR(relative(small), relative(large), 0.1 * relative(large));
}

// Catches division by zero and NaN where inputs are silent, samples few or there is one of a thing.
TEST(awq, degenerate_input_is_defined) {
  const auto check = [](const layer& l) {
    const awq_weights found = awq(l.w, l.stats, l.h, affine<4>{}, per_group{16});
    EXPECT_TRUE(found.weights().allFinite());
    EXPECT_LE(found.search().loss(), found.search().plain_loss());
    const double loss = loss_of(l, found.transform(), quantize(found.weights(), affine<4>{}, per_group{16}));
    EXPECT_NEAR(found.search().loss(), loss, 1e-5 * loss + 1e-30);
  };
  layer silent = with_outliers(9, 40, 3);  // fewer samples than inputs
  check(silent);
  silent.x.col(2).setZero();
  check({silent.w, silent.x});
  silent.w.col(5).setZero();
  check({silent.w, silent.x});
  check({silent.w, silent.x.topRows(1)});
  check({silent.w.topRows(1), silent.x});
  check({silent.w.leftCols(1), silent.x.leftCols(1)});
  check({silent.w, row_matrix::Zero(3, 40)});
  check({row_matrix::Zero(4, 40), silent.x});
  check({silent.w * (FLT_MAX / 8), silent.x});
  check({silent.w, silent.x * 0x1p100f});
}

// Catches messages that do not say what is wrong, or none.
TEST(awq, refuses) {
  layer l = with_outliers(4, 40);
  const auto message = [&]<class Error>(const row_matrix& w, const activation_stats& stats, const hessian& h,
                                        awq_options o, Error*) {
    return test::message_of<Error>([&] { awq(w, stats, h, o, affine<4>{}); });
  };
  shape_error* const shape = nullptr;
  data_error* const data = nullptr;
  EXPECT_EQ(message(l.w, l.stats, hessian(39), {}, shape),
            "awq: expected statistics of 39 inputs, as the Hessian has, found 40");
  EXPECT_EQ(message(l.w.leftCols(39), l.stats, l.h, {}, shape),
            "awq: expected a Hessian of 39 inputs, as the weights have, found 40");
  EXPECT_EQ(message(l.w, l.stats, hessian(40), {}, data),
            "awq: expected a Hessian of at least one sample, found none: accumulate a batch first");
  EXPECT_EQ(message(l.w, activation_stats(40), l.h, {}, data),
            "activation_stats: expected at least one sample, found none: observe a batch first");
  EXPECT_EQ(message(l.w, l.stats, l.h, {.steps = 0}, shape),
            "awq: expected at least 1 step and refinements and rows from 0 up, found 0, 20 and 0");
  EXPECT_EQ(test::message_of<shape_error>(
                [&] { awq_shared(std::vector<row_matrix>{}, l.stats, l.h, awq_options{}, affine<4>{}); }),
            "awq: expected at least one layer, found none");
  l.w(1, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message(l.w, l.stats, l.h, {}, data).substr(0, 24), "row 1, column 2 is NaN: ");
}

}  // namespace
}  // namespace bitgauge
