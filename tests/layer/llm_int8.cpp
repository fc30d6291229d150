#include <bitgauge/layer/linear.hpp>
#include <bitgauge/layer/llm_int8.hpp>
#include <bitgauge/matrix/codes/from_codes.hpp>
#include <bitgauge/matrix/quantize.hpp>

#include "support/counted_memory.hpp"
#include "support/each_instruction_set.hpp"
#include "support/eigen_vectors.hpp"
#include "support/layer.hpp"
#include "support/message_of.hpp"
#include "support/near.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <thread>
#include <vector>

namespace bitgauge {
namespace {

using test::relative;
using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

/// Samples of unit variance, those of `channels` times 20.
Eigen::MatrixXf with_outlier_channels(index_t samples, index_t inputs, const std::vector<index_t>& channels,
                                      unsigned seed) {
  Eigen::MatrixXf x = test::normal_matrix(samples, inputs, seed);
  for (const index_t c : channels) x.col(c) *= 20;
  return x;
}

// Catches another rule for codes, scales and outlier columns than that of bitsandbytes, and sums of other columns.
TEST(llm_int8, is_that_of_the_vectors) {
  const char* const topic = "llm_int8";
  for (const auto& entry : test::cases_of(topic, "llm_int8_matmul")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto& outputs = entry["outputs"];
    const auto x = test::load_matrix<float>(topic, entry["inputs"]["x"]);
    const auto w = test::load_matrix<float>(topic, entry["inputs"]["w"]);
    const llm_int8 layer(w, {.threshold = entry["params"]["threshold"]});
    const auto weights = bitsandbytes::quantize_vectorwise(w);
    EXPECT_EQ(weights.codes_as<test::row_major<std::int8_t>>(),
              test::load_matrix<std::int8_t>(topic, outputs["wq"]));
    const auto w_scale = test::load_matrix<float>(topic, outputs["w_scale"]);
    for (index_t r = 0; r < w.rows(); ++r) EXPECT_EQ(weights.scale(r), w_scale(r) / 127);
    const llm_int8_parts parts = layer.parts(x);
    EXPECT_EQ(parts.codes, test::load_matrix<std::int8_t>(topic, outputs["xq"]));
    const auto x_scale = test::load_matrix<float>(topic, outputs["x_scale"]);
    for (index_t s = 0; s < x.rows(); ++s) EXPECT_EQ(parts.scales(s), x_scale(s) / 127);
    EXPECT_EQ(parts.sums, test::load_matrix<std::int32_t>(topic, outputs["acc_int32"]));
    const auto columns = test::load_matrix<std::int32_t>(topic, outputs["outlier_cols"]);
    ASSERT_EQ(std::ssize(parts.outliers), columns.size());
    for (index_t i = 0; i < columns.size(); ++i)
      EXPECT_EQ(parts.outliers[static_cast<std::size_t>(i)], columns(i));
    const auto y = test::load_matrix<float>(topic, outputs["y"]);
    const float largest = y.cwiseAbs().maxCoeff();
    EXPECT_LE((layer(x) - y).cwiseAbs().maxCoeff(), 1e-6f * largest);  // the vectors ask for 1e-5
    const llm_int8 exact(w, {.threshold = entry["params"]["threshold"], .exact_constant = true});
    EXPECT_LE((exact(x) - y).cwiseAbs().maxCoeff(), 2e-5f * largest);
  }
}

enum class finding { batch, sample, frozen };

/// Y in double, by the definition.
Eigen::MatrixXd definition(const Eigen::MatrixXf& x, const quantized_matrix& w, const Eigen::VectorXf& bias,
                           float threshold, finding how, const std::vector<index_t>& frozen) {
  const Eigen::MatrixXd weights = w.dequantize().cast<double>();
  const auto is_listed = [&](index_t c) { return std::count(frozen.begin(), frozen.end(), c) > 0; };
  Eigen::MatrixXd y(x.rows(), weights.rows());
  for (index_t s = 0; s < x.rows(); ++s) {
    Eigen::VectorXd floats(x.cols());
    float largest = 0;
    const auto is_large = [&](index_t row, index_t c) {
      return threshold > 0 && std::fabs(x(row, c)) >= threshold;
    };
    const auto is_kept = [&](index_t c) {
      if (how == finding::frozen) return is_listed(c);
      bool any = is_large(s, c);
      for (index_t t = 0; t < x.rows() && how == finding::batch; ++t) any = any || is_large(t, c);
      return any;
    };
    for (index_t c = 0; c < x.cols(); ++c)
      if (how == finding::frozen ? !is_listed(c) : !is_large(s, c))
        largest = std::max(largest, std::fabs(x(s, c)));
    const double step = static_cast<double>(largest / 127);
    for (index_t c = 0; c < x.cols(); ++c)
      floats(c) = is_kept(c) ? static_cast<double>(x(s, c))
                             : step * static_cast<double>(std::nearbyint(x(s, c) * (127 / largest)));
    y.row(s) = (weights * floats).transpose();
  }
  if (bias.size() > 0) y.rowwise() += bias.cast<double>().transpose();
  return y;
}

// Catches columns that are multiplied twice or not at all, a scale of another sample, output or batch, a bias that is
// lost, and panels, chunks of samples or segments that are mixed up, with the steps of every instruction set.
TEST(llm_int8, is_its_definition_in_double) {
  std::mt19937 random(7);
  const auto pick = [&](int most) {
    return static_cast<index_t>(random() % static_cast<unsigned>(most)) + 1;
  };
  for (int i = 0; i < 60; ++i) {
    const index_t samples = i == 0 ? 530 : pick(20), in = i % 10 == 1 ? 1024 + pick(1200) : pick(90),
                  out = pick(70);
    const int channels = static_cast<int>(random() % 12);
    std::vector<index_t> listed;
    for (int k = 0; k < channels; ++k) listed.push_back(pick(static_cast<int>(in)) - 1);
    const Eigen::MatrixXf x = with_outlier_channels(samples, in, listed, static_cast<unsigned>(i));
    const Eigen::MatrixXf w = test::normal_matrix(out, in, 100u + static_cast<unsigned>(i));
    const Eigen::VectorXf bias = test::normal_matrix(i % 2 == 0 ? out : 0, 1, 3);
    const auto q = bitsandbytes::quantize_vectorwise(w);
    const auto how = static_cast<finding>(i % 3);
    llm_int8_options options{.threshold = i % 7 == 0 ? 0.0f : 4.0f, .exact_constant = true};
    if (how == finding::sample) options.search = outlier_search::sample;
    if (how == finding::frozen) options.frozen = listed;
    const Eigen::MatrixXd expected = definition(x, q, bias, options.threshold, how, listed);
    const llm_int8 layer(w, bias, options);
    test::on_each_instruction_set([&] { ASSERT_LE(relative(layer(x).cast<double>(), expected), 2e-6) << i; });
  }
}

// Catches a float path that is none: the whole point is that channels of large values do not coarsen the others.
TEST(llm_int8, is_better_than_plain_integers_where_channels_have_outliers) {
  const std::vector<index_t> channels{3, 40, 77, 130, 200, 255};
  const Eigen::MatrixXf w = test::normal_matrix(96, 256, 1) * 0.05f,
                        x = with_outlier_channels(64, 256, channels, 2);
  const Eigen::MatrixXd exact = x.cast<double>() * w.cast<double>().transpose();
  activation_stats stats(256);
  stats.observe(x);
  const linear plain(quantize(w, symmetric<8>{}),
                     {.activations = activation_quantizer::dynamic(per_row{}, make_symmetric(8))});
  const double of_plain = relative(plain(x).cast<double>(), exact);
  for (const llm_int8_options& how :
       {llm_int8_options{}, {.search = outlier_search::sample}, {.frozen = outlier_columns(stats)}}) {
    const llm_int8 layer(w, how);
    outlier_report found;
    EXPECT_LE(relative(layer.forward(x, &found).cast<double>(), exact), 0.45 * of_plain);
    EXPECT_EQ(found.columns, channels);
    EXPECT_EQ(found.columns, layer.outliers(x));
    EXPECT_EQ(found.share_of_inputs(), 6.0 / 256);
    EXPECT_GT(found.share_of_time(), 0);
    EXPECT_LT(found.share_of_time(), 1);
  }
  EXPECT_EQ(relative(llm_int8(w, {.threshold = 0})(x).cast<double>(), exact) > 0.8 * of_plain, true);
}

// Catches NaN and infinity that spread to other samples, or make their column an outlier for all, and samples that
// meet where they should not.
TEST(llm_int8, samples_meet_by_their_outliers_alone) {
  const Eigen::MatrixXf w = test::normal_matrix(24, 96, 1), clean = with_outlier_channels(7, 96, {5, 60}, 2);
  for (const llm_int8_options& how :
       {llm_int8_options{}, {.search = outlier_search::sample}, {.frozen = {{5, 60}}}}) {
    const llm_int8 layer(w, how);
    const Eigen::MatrixXf y = layer(clean);
    for (const float strange : {nan, infinity, -infinity}) {
      Eigen::MatrixXf x = clean;
      x(3, 17) = strange;
      EXPECT_EQ(layer.outliers(x), (std::vector<index_t>{5, 60}));
      Eigen::MatrixXf found = layer(x);
      EXPECT_TRUE(found.row(3).array().isNaN().all());
      found.row(3) = y.row(3);
      EXPECT_EQ(found, y);
    }
    if (how.search == outlier_search::batch && !how.frozen) continue;
    Eigen::MatrixXf x = clean;
    x.row(3) *= 1000;
    Eigen::MatrixXf found = layer(x);
    found.row(3) = y.row(3);
    EXPECT_LE(relative(found.cast<double>(), y.cast<double>()), 1e-6);
  }
}

// Catches divisions by zero and empty buffers.
TEST(llm_int8, degenerate_batches) {
  const Eigen::MatrixXf w = test::normal_matrix(5, 20, 1);
  const Eigen::VectorXf bias = test::normal_matrix(5, 1, 2);
  const llm_int8 layer(w, bias);
  EXPECT_EQ(layer(Eigen::MatrixXf::Zero(3, 20)), Eigen::MatrixXf(bias.transpose().replicate(3, 1)));
  EXPECT_EQ(layer(Eigen::MatrixXf(0, 20)).rows(), 0);
  const Eigen::MatrixXf far = Eigen::MatrixXf::Constant(3, 20, 7);
  EXPECT_EQ(std::ssize(layer.outliers(far)), 20);
  const Eigen::MatrixXd exact =
      (far * bitsandbytes::quantize_vectorwise(w).dequantize().transpose()).cast<double>().rowwise() +
      bias.cast<double>().transpose();
  EXPECT_LE(relative(layer(far).cast<double>(), exact), 1e-6);
  const llm_int8 without_inputs(Eigen::MatrixXf(5, 0), bias);
  EXPECT_EQ(without_inputs(Eigen::MatrixXf(2, 0)), Eigen::MatrixXf(bias.transpose().replicate(2, 1)));
  EXPECT_EQ(llm_int8(Eigen::MatrixXf(0, 20))(far).cols(), 0);
  const Eigen::MatrixXf tiny = Eigen::MatrixXf::Constant(2, 20, std::numeric_limits<float>::denorm_min());
  EXPECT_TRUE(llm_int8(w)(tiny).allFinite());
  EXPECT_EQ(llm_int8(Eigen::MatrixXf::Zero(5, 20))(far), Eigen::MatrixXf::Zero(3, 5));
}

// Catches an input type, storage order, block or expression that is read or written otherwise.
TEST(llm_int8, takes_any_matrix) {
  const Eigen::MatrixXf w = test::normal_matrix(24, 96, 1), noise = with_outlier_channels(7, 96, {5, 60}, 2);
  const Eigen::MatrixXf x = (noise * 8).array().round().matrix() / 8;  // whole in 16 bits
  const llm_int8 layer(w);
  const Eigen::MatrixXf y = layer(x);
  const auto same = [&](const auto& found) {
    EXPECT_LE(relative(found.template cast<double>(), y.cast<double>()), 1e-6);
  };
  same(layer(row_major(x)));
  same(layer(x.cast<double>()));
  same(layer(Eigen::Matrix<Eigen::half, -1, -1>(x.cast<Eigen::half>())));
  same(layer(x.array()));
  same(layer(2 * x - x));
  same(llm_int8(row_major(w))(x));
  same(llm_int8(w.cast<double>())(x));
  same(llm_int8(bitsandbytes::quantize_vectorwise(w))(x));
  same(llm_int8(quantize(w, symmetric<8>{{.unsigned_codes = true}}))(x));
  Eigen::MatrixXf large = Eigen::MatrixXf::Constant(20, 40, 5);
  layer.forward_into(row_major(x), large.block(3, 2, 7, 24));
  same(large.block(3, 2, 7, 24));
  EXPECT_EQ((large.array() == 5.0f).count(), 20 * 40 - 7 * 24);
  Eigen::MatrixXd doubles(7, 24);
  layer.forward_into(x, doubles);
  same(doubles);
  const Eigen::RowVectorXf of_one = layer(x.row(2));
  EXPECT_EQ(of_one.size(), 24);
  EXPECT_EQ(llm_int8(Eigen::VectorXf::Ones(3))(Eigen::MatrixXf::Ones(1, 1)).cols(), 3);  // of one input
}

// Catches scratch memory that two calls share, and memory that is fetched in each call.
TEST(llm_int8, forwards_from_many_threads_and_fetches_no_memory_once_warm) {
  for (const llm_int8_options& how :
       {llm_int8_options{}, {.search = outlier_search::sample}, {.frozen = {{5, 60}}}}) {
    const llm_int8 layer(test::normal_matrix(24, 96, 1), how);
    const row_major x = with_outlier_channels(9, 96, {5, 60}, 2);
    row_major y(9, 24);
    layer.forward_into(x, y);
    const long before = test::allocations;
    layer.forward_into(x, y);
    layer.forward_into(x.topRows(1), y.topRows(1));
    EXPECT_EQ(test::allocations - before, 0);
    layer.forward_into(x, y);
    std::vector<row_major> found(4);
    std::vector<std::thread> threads;
    for (auto& each : found)
      threads.emplace_back([&] {
        for (int round = 0; round < 50; ++round) each = layer(x);
      });
    for (auto& each : threads) each.join();
    for (const auto& each : found) EXPECT_EQ(each, y);
  }
}

TEST(llm_int8, wrong_settings_are_named) {
  Eigen::MatrixXf w = Eigen::MatrixXf::Random(4, 64);
  const auto message = [&](const auto&... answers) {
    return test::message_of<bitgauge_error>([&] { llm_int8(answers...); });
  };
  EXPECT_EQ(message(w, llm_int8_options{.threshold = -1}),
            "llm_int8: threshold: expected 0 or more, found -1.000000");
  EXPECT_EQ(message(w, llm_int8_options{.threshold = nan}),
            "llm_int8: threshold: expected 0 or more, found nan");
  EXPECT_EQ(message(w, llm_int8_options{.frozen = {{3, 64}}}),
            "llm_int8 of 64 inputs: frozen: expected columns below 64, found 64");
  EXPECT_EQ(message(w, Eigen::VectorXf(Eigen::VectorXf::Ones(64))),
            "llm_int8: bias: expected 4 values, found 64");
  EXPECT_EQ(message(quantize(w, affine<8>{})),
            "llm_int8: expected weights of symmetric<8>, found 8 bits with zero points");
  EXPECT_EQ(message(quantize(w, symmetric<4>{})), "llm_int8: expected weights of symmetric<8>, found 4 bits");
  EXPECT_EQ(message(quantize(w, symmetric<8>{}, per_group{32})),
            "llm_int8: expected one scale a row or for all weights, found per_group: 2 scales a row");
  EXPECT_EQ(test::message_of<shape_error>([&] { llm_int8{w}(Eigen::MatrixXf(64, 1)); }),
            "llm_int8 of 64 inputs and 4 outputs: expected samples as rows, found 64 x 1 into 64 x 4");
  w(2, 5) = nan;
  EXPECT_EQ(message(w), "row 2, column 5 is NaN: expected finite values (or ask for nonfinite::saturate)");
}

}  // namespace
}  // namespace bitgauge
