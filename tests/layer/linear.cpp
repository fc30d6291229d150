#include <bitgauge/layer/linear.hpp>
#include <bitgauge/matrix/codes/from_codes.hpp>

#include "support/counted_memory.hpp"
#include "support/eigen_vectors.hpp"
#include "support/layer.hpp"
#include "support/message_of.hpp"
#include "support/near.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

namespace bitgauge {
namespace {

using test::relative;
using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// 24 outputs of 96 inputs, in the schemes that layers are made of.
struct made_up_layer {
  Eigen::MatrixXf w = test::normal_matrix(24, 96, 1);
  Eigen::VectorXf bias = test::normal_matrix(24, 1, 2);
  Eigen::MatrixXf x = test::correlated_inputs(7, 96, 0.8f, 3);

  std::vector<quantized_matrix> weights() const {
    return {quantize(w, symmetric<8>{}), quantize(w, symmetric<8>{}, per_tensor{}), quantize(w, affine<8>{}),
            quantize(w, affine<4>{}, per_group{32}), quantize(w, symmetric<4>{}, per_group{32})};
  }
  std::vector<linear_options> precisions() const {
    return {{},
            {.activations = activation_quantizer::dynamic()},
            {.activations = activation_quantizer::dynamic(per_row{}, make_symmetric(8))},
            {.activations = activation_quantizer::frozen({0.05f, 110})}};
  }
};

// Catches a bias that is lost or added twice, samples taken for inputs, and a result that is not X W^T + b.
TEST(linear, is_the_product_with_its_bias) {
  const made_up_layer l;
  for (const quantized_matrix& q : l.weights()) {
    Eigen::MatrixXf exact = l.x * q.dequantize().transpose();
    EXPECT_LE(relative(linear(q)(l.x), exact), 1e-5);
    exact.rowwise() += l.bias.transpose();
    EXPECT_LE(relative(linear(q, l.bias)(l.x), exact), 1e-5);
    EXPECT_LE(relative(linear(packed_weights(q), l.bias)(l.x), exact), 1e-5);
    for (const linear_options& how : l.precisions())
      EXPECT_LE(relative(linear(q, l.bias, how)(l.x), exact), 0.03);
    EXPECT_LE(
        relative(linear(q, l.bias, {.activations = activation_quantizer::dynamic(per_tensor{})})(l.x), exact),
        0.03);
  }
}

// Catches scales of columns that are lost where activations are codes, and levels that are taken for codes.
TEST(linear, weights_of_any_scheme) {
  const made_up_layer l;
  for (const quantized_matrix& q :
       {quantize(l.w, symmetric<8>{}, per_column{}), quantize(l.w, nf4{}, per_group{32}),
        quantize(l.w, affine<3>{}, per_group{7}), quantize(l.w, symmetric<1>{})}) {
    const Eigen::MatrixXf exact = l.x * q.dequantize().transpose();
    EXPECT_LE(relative(linear(q)(l.x), exact), 1e-5);
    EXPECT_LE(relative(linear(q, {.activations = activation_quantizer::dynamic()})(l.x), exact), 0.02);
  }
}

// Catches a frozen scale that follows the batch, and values beyond it that are not clipped.
TEST(linear, static_activations_are_clipped) {
  const made_up_layer l;
  const auto q = quantize(l.w, symmetric<8>{});
  const auto frozen = activation_quantizer::frozen({0.01f, 100});
  const Eigen::MatrixXf expected = frozen(l.x).dequantize() * q.dequantize().transpose();
  EXPECT_GT(relative(frozen(l.x).dequantize(), l.x), 0.1);
  EXPECT_LE(relative(linear(q, {.activations = frozen})(l.x), expected), 1e-5);
}

// Catches a bias of integers at another scale than that of the sums.
TEST(linear, a_bias_of_integers_has_the_scale_of_the_sums) {
  const made_up_layer l;
  const Eigen::VectorXi codes = (l.bias * 1000).cast<int>();
  for (const granularity groups : {granularity(per_row{}), granularity(per_tensor{})}) {
    const auto q = quantize(l.w, symmetric<8>{}, groups);
    const linear_options how{.activations = activation_quantizer::frozen({0.05f, 110})};
    Eigen::VectorXf bias(24);
    for (index_t r = 0; r < 24; ++r)
      bias(r) = 0.05f * q.scale(groups == granularity(per_row{}) ? r : 0) * static_cast<float>(codes(r));
    EXPECT_LE(relative(linear(q, codes, how)(l.x), linear(q, bias, how)(l.x)), 1e-6);
    EXPECT_EQ(test::message_of<invalid_scheme>([&] { linear(q, codes); }),
              "linear: bias of integers: expected static activations, which give it a scale, found others: "
              "pass floats");
  }
}

// Catches an input type, storage order, block or expression that is read or written otherwise.
TEST(linear, takes_any_matrix) {
  const made_up_layer l;
  const auto coarse = [](const auto& x) { return (x * 8).array().round().matrix() / 8; };  // whole in 16 bits
  const Eigen::MatrixXf x = coarse(l.x);
  const row_major rows = x;
  for (const linear_options& how : l.precisions()) {
    const linear layer(quantize(l.w, symmetric<8>{}), l.bias, how);
    const Eigen::MatrixXf y = layer(rows);
    const auto same = [&](const auto& found) { EXPECT_LE(relative(found, y), 1e-6); };
    same(layer(x));
    same(layer(x.cast<double>()));
    same(layer(Eigen::MatrixXd(x.cast<double>())));
    same(layer(Eigen::Matrix<Eigen::half, -1, -1>(x.cast<Eigen::half>())));
    same(layer(Eigen::Matrix<Eigen::bfloat16, -1, -1, Eigen::RowMajor>(x.cast<Eigen::bfloat16>())));
    same(layer(x.array()));
    same(layer(2 * x - x));
    const Eigen::RowVectorXf of_one = layer(x.row(2));
    EXPECT_LE(relative(of_one, y.row(2)), 1e-6);
    Eigen::MatrixXf large = Eigen::MatrixXf::Constant(20, 40, 5);
    layer.forward_into(rows.middleRows(1, 4), large.block(3, 2, 4, 24));
    EXPECT_LE(relative(large.block(3, 2, 4, 24), y.middleRows(1, 4)), 1e-6);
    EXPECT_EQ((large.array() == 5.0f).count(), 20 * 40 - 4 * 24);
    Eigen::MatrixXd doubles(7, 24);
    layer.forward_into(x, doubles);
    same(doubles.cast<float>());
    row_major wide(14, 96);
    wide.setConstant(1e9f);
    for (index_t s = 0; s < 7; ++s) wide.row(2 * s) = x.row(s);
    same(layer(
        Eigen::Map<const row_major, 0, Eigen::OuterStride<>>(wide.data(), 7, 96, Eigen::OuterStride<>(192))));
    EXPECT_EQ(layer(x.topRows(0)).rows(), 0);
    EXPECT_EQ(layer(x.topRows(0)).cols(), 24);
  }
}

// Catches a scale or a sum that samples share: what one holds must not change another's output by a bit.
TEST(linear, samples_do_not_meet) {
  const made_up_layer l;
  for (const quantized_matrix& q : l.weights())
    for (const linear_options& how : l.precisions()) {
      const linear layer(q, l.bias, how);
      const Eigen::MatrixXf y = layer(l.x);
      Eigen::MatrixXf x = l.x;
      x.row(3) *= 1000;
      Eigen::MatrixXf found = layer(x);
      found.row(3) = y.row(3);
      EXPECT_EQ(found, y);
      x(3, 5) = std::numeric_limits<float>::quiet_NaN();
      found = layer(x);
      EXPECT_TRUE(found.row(3).array().isNaN().all());
      found.row(3) = y.row(3);
      EXPECT_EQ(found, y);
    }
}

// Catches scratch memory that two calls share.
TEST(linear, forwards_from_many_threads) {
  const made_up_layer l;
  for (const linear_options& how : l.precisions()) {
    const linear layer(quantize(l.w, affine<4>{}, per_group{32}), l.bias, how);
    std::vector<Eigen::MatrixXf> inputs, found(4);
    for (int i = 0; i < 4; ++i) inputs.push_back(test::normal_matrix(5, 96, static_cast<unsigned>(i)));
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        for (int round = 0; round < 50; ++round) found[i] = layer(inputs[i]);
      });
    for (auto& each : threads) each.join();
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(found[i], layer(inputs[i]));
  }
}

// Catches memory that is fetched in each call.
TEST(linear, fetches_no_memory_once_warm) {
  const made_up_layer l;
  const row_major x = l.x;
  row_major y(7, 24);
  for (const quantized_matrix& q : l.weights())
    for (const linear_options& how : l.precisions()) {
      const linear layer(q, l.bias, how);
      layer.forward_into(x, y);
      const long before = test::allocations;
      layer.forward_into(x, y);
      layer.forward_into(x.topRows(1), y.topRows(1));
      EXPECT_EQ(test::allocations - before, 0);
    }
}

// Catches another rule for activations than PyTorch's. What QNNPACK's engine returned is X W^T over the scale
// of the outputs (it had kept the multipliers of the static call before), plus the bias; what oneDNN's
// returned in these vectors is memory that nothing was written to.
TEST(linear, dynamic_outputs_are_near_those_of_the_vectors) {
  for (const auto& entry : test::cases_of("linear_int8", "linear_int8")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto& inputs = entry["inputs"];
    const auto scales = test::load_matrix<float>("linear_int8", inputs["w_scale"]);
    const auto q = from_codes(test::load_matrix<std::int8_t>("linear_int8", inputs["qw"]), scales,
                              symmetric<8>{{.full = true}},
                              scales.size() > 1 ? granularity(per_row{}) : granularity(per_tensor{}));
    Eigen::RowVectorXf bias = Eigen::RowVectorXf::Zero(q.rows());
    if (!inputs["bias"].is_null()) bias = test::load_matrix<float>("linear_int8", inputs["bias"]).transpose();
    const auto x = test::load_matrix<float>("linear_int8", inputs["X"]);
    row_major expected = test::load_matrix<float>("linear_int8", entry["outputs"]["qnnpack_dynamic_f32"]);
    expected.rowwise() -= bias;
    expected *= entry["params"]["out_scale"].get<float>();
    expected.rowwise() += bias;
    for (const granularity groups : {granularity(per_row{}), granularity(per_tensor{})}) {
      const linear layer(q, bias, {.activations = activation_quantizer::dynamic(groups)});
      EXPECT_LE((layer(x) - expected).cwiseAbs().maxCoeff(), 2e-2f * expected.cwiseAbs().maxCoeff());
    }
  }
}

TEST(linear, wrong_settings_are_named) {
  const Eigen::MatrixXf w = Eigen::MatrixXf::Random(4, 64);
  const linear layer(quantize(w, symmetric<8>{}));
  EXPECT_EQ(test::message_of<shape_error>([&] { layer(Eigen::VectorXf::Ones(64)); }),
            "linear of 64 inputs and 4 outputs: expected samples as rows, found 64 x 1 into 64 x 4");
  EXPECT_EQ(test::message_of<shape_error>([&] { linear(quantize(w), Eigen::VectorXf::Ones(64)); }),
            "linear: bias: expected 4 values, found 64");
  for (const auto& shared :
       {activation_quantizer::frozen({0.1f, 3}), activation_quantizer::dynamic(per_tensor{})})
    EXPECT_EQ(
        test::message_of<invalid_scheme>(
            [&] { linear(quantize(w, symmetric<8>{}, per_column{}), {.activations = shared}); }),
        "linear: weights per_column: expected activations that stay floats or have a scale a sample, found "
        "one scale for all");
  EXPECT_EQ(test::message_of<invalid_scheme>(
                [&] { linear(quantize(w), {.activations = activation_quantizer::dynamic(per_column{})}); }),
            "linear: activations: expected one scale a sample (per_row) or for all (per_tensor), found "
            "per_column, one an input");
}

}  // namespace
}  // namespace bitgauge
