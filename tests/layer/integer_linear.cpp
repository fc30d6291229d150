#include <bitgauge/layer/integer_linear.hpp>
#include <bitgauge/matrix/codes/from_codes.hpp>
#include <bitgauge/matrix/quantize.hpp>

#include "support/each_instruction_set.hpp"
#include "support/eigen_vectors.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <thread>
#include <vector>

namespace bitgauge {
namespace {

template <class Code>
using codes_of = Eigen::Matrix<Code, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using wide = Eigen::Matrix<std::int64_t, Eigen::Dynamic, Eigen::Dynamic>;

enum class filling { random, lowest, highest };

template <class Code>
codes_of<Code> filled(index_t rows, index_t cols, filling how, std::mt19937& random) {
  constexpr int low = std::numeric_limits<Code>::min(), high = std::numeric_limits<Code>::max();
  return codes_of<Code>::NullaryExpr(rows, cols, [&] {
    return static_cast<Code>(how == filling::lowest ? low
                             : how == filling::highest
                                 ? high
                                 : std::uniform_int_distribution<int>(low, high)(random));
  });
}

template <class Code>
std::int32_t any_code(std::mt19937& random) {
  return std::uniform_int_distribution<int>(std::numeric_limits<Code>::min(),
                                            std::numeric_limits<Code>::max())(random);
}

/// One layer of random shape and parameters against sums in int64 and codes from them by definition.
template <class Input, class Weight, class Output>
void is_the_definition(filling xs, filling ws, std::mt19937& random) {
  const auto pick = [&](int most) {
    return static_cast<index_t>(random() % static_cast<unsigned>(most)) + 1;
  };
  const bool is_large = random() % 50 == 0;
  const index_t samples = pick(is_large ? 140 : 6), in = pick(is_large ? 700 : 70), out = pick(20);
  const bool per_tensor_scale = random() % 2 == 0,
             has_zero_points = !std::is_signed_v<Weight> || random() % 2 == 0, has_bias = random() % 2 == 0;
  const auto x = filled<Input>(samples, in, xs, random);
  const auto w = filled<Weight>(out, in, ws, random);
  const index_t groups = per_tensor_scale ? 1 : out;
  Eigen::VectorXf scales(groups);
  Eigen::VectorXi zero_points(groups), bias(has_bias ? out : 0);
  for (index_t g = 0; g < groups; ++g) {
    scales(g) =
        std::ldexp(1.0f + static_cast<float>(random() % 1000) / 1000, -static_cast<int>(random() % 12));
    zero_points(g) = has_zero_points ? any_code<Weight>(random) : 0;
  }
  for (index_t r = 0; r < bias.size(); ++r) bias(r) = static_cast<std::int32_t>(random() % 20000) - 10000;
  const integer_grid grid = has_zero_points ? make_affine(8, {.signed_codes = std::is_signed_v<Weight>})
                                            : make_symmetric(8, {.full = true});
  const granularity how = per_tensor_scale ? granularity(per_tensor{}) : granularity(per_row{});
  const quantized_matrix q =
      has_zero_points ? from_codes(w, scales, zero_points, grid, how) : from_codes(w, scales, grid, how);
  const activation_parameters input(std::ldexp(1.1, -static_cast<int>(random() % 8)),
                                    any_code<Input>(random));
  const activation_parameters output(std::ldexp(1.7, static_cast<int>(random() % 20) - 6),
                                     any_code<Output>(random));
  const integer_linear layer(q, bias, input, output);

  wide sums(samples, out);
  for (index_t s = 0; s < samples; ++s)
    for (index_t r = 0; r < out; ++r) {
      sums(s, r) = has_bias ? bias(r) : 0;
      for (index_t c = 0; c < in; ++c)
        sums(s, r) += (std::int64_t{x(s, c)} - input.zero_point) *
                      (std::int64_t{w(r, c)} - zero_points(per_tensor_scale ? 0 : r));
    }
  ASSERT_EQ(layer.accumulate(x).template cast<std::int64_t>(), sums);
  for (const auto form : {requantization::exact, requantization::single, requantization::fixed_point}) {
    const integer_linear of_form(q, bias, input, output, {.form = form});
    const auto y = of_form.template forward<Output>(x);
    for (index_t s = 0; s < samples; ++s)
      for (index_t r = 0; r < out; ++r) {
        const float scale = scales(per_tensor_scale ? 0 : r);
        const double multiplier = input.scale * static_cast<double>(scale) / output.scale;
        double code = std::nearbyint(static_cast<double>(sums(s, r)) * multiplier);
        if (form == requantization::single)  // as ONNX Runtime: all in float
          code = static_cast<double>(
              std::nearbyint(static_cast<float>(sums(s, r)) *
                             (static_cast<float>(input.scale) * scale / static_cast<float>(output.scale))));
        if (form == requantization::fixed_point)
          code = make_fixed_point_multiplier(multiplier)(static_cast<std::int32_t>(sums(s, r)));
        code = std::clamp<double>(code + output.zero_point, std::numeric_limits<Output>::min(),
                                  std::numeric_limits<Output>::max());
        ASSERT_EQ(static_cast<double>(y(s, r)), code) << sums(s, r) << " * " << multiplier;
      }
  }
}

template <class Input, class Weight, class Output>
void is_the_definition_of_these_types(int cases) {
  std::mt19937 random(11);
  for (int i = 0; i < cases; ++i) {
    constexpr filling fillings[] = {filling::random, filling::lowest, filling::highest};
    const filling xs = i % 3 == 0 ? fillings[i / 3 % 3] : filling::random,
                  ws = i % 3 == 0 ? fillings[i / 9 % 3] : filling::random;
    is_the_definition<Input, Weight, Output>(xs, ws, random);
    if (testing::Test::HasFatalFailure()) return;
  }
}

// Catches a zero point or a sign on one side that is forgotten, sums that saturate, a scale of another row,
// and a form that rounds otherwise, in all combinations of signed and unsigned.
TEST(integer_linear, is_its_definition_in_wide_integers) {
  using i8 = std::int8_t;
  using u8 = std::uint8_t;
  const int cases = 300;
  is_the_definition_of_these_types<i8, i8, i8>(cases);
  is_the_definition_of_these_types<i8, i8, u8>(cases);
  is_the_definition_of_these_types<i8, u8, i8>(cases);
  is_the_definition_of_these_types<i8, u8, u8>(cases);
  is_the_definition_of_these_types<u8, i8, i8>(cases);
  is_the_definition_of_these_types<u8, i8, u8>(cases);
  is_the_definition_of_these_types<u8, u8, i8>(cases);
  is_the_definition_of_these_types<u8, u8, u8>(cases);
}

// Catches a multiplier of the single form that is rounded to float once rather than in each step, which moves a
// code in some ten thousand.
TEST(integer_linear, single_computes_its_multiplier_in_floats) {
  const codes_of<std::int8_t> w = codes_of<std::int8_t>::Constant(1, 1, 127);
  codes_of<std::uint8_t> x(256, 1);
  for (index_t s = 0; s < 256; ++s) x(s, 0) = static_cast<std::uint8_t>(s);
  int moved = 0;
  for (int i = 1; i <= 3000; ++i) {
    const float input = 0.01f * static_cast<float>(i), weight = 0.003f, output = 0.37f * input;
    const auto q = from_codes(w, Eigen::VectorXf::Constant(1, weight), symmetric<8>{}, per_tensor{});
    const integer_linear layer(q, parameters{input, 0}, parameters{output, 0},
                               {.form = requantization::single});
    const auto y = layer(x);
    const float steps = input * weight / output;
    const auto once = static_cast<float>(static_cast<double>(input) * static_cast<double>(weight) /
                                         static_cast<double>(output));
    for (index_t s = 0; s < 256; ++s) {
      const float sum = 127.0f * static_cast<float>(s), code = std::nearbyint(sum * steps);
      ASSERT_EQ(y(s, 0), std::min(code, 255.0f));
      moved += code < 255 && code != std::nearbyint(sum * once);
    }
  }
  EXPECT_GT(moved, 0);
}

// Catches another rule than PyTorch's quantized linear layers and the real-number definition.
TEST(integer_linear, codes_are_those_of_the_vectors) {
  for (const auto& entry : test::cases_of("linear_int8", "linear_int8")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto& params = entry["params"];
    const auto& inputs = entry["inputs"];
    const auto x = test::load_matrix<std::uint8_t>("linear_int8", inputs["qx"]);
    const auto w = test::load_matrix<std::int8_t>("linear_int8", inputs["qw"]);
    const auto scales = test::load_matrix<float>("linear_int8", inputs["w_scale"]);
    const Eigen::VectorXf bias =
        inputs["bias"].is_null() ? Eigen::VectorXf()
                                 : Eigen::VectorXf(test::load_matrix<float>("linear_int8", inputs["bias"]));
    const auto q =
        from_codes(w, scales, symmetric<8>{{.full = true}},
                   params["granularity"] == "row" ? granularity(per_row{}) : granularity(per_tensor{}));
    const activation_parameters output(params["out_scale"], params["out_zero_point"]);
    const integer_linear layer(q, bias, {params["x_scale"], params["x_zero_point"]}, output);
    const auto& outputs = entry["outputs"];
    EXPECT_EQ(layer.accumulate(x),
              test::load_matrix<std::int32_t>("linear_int8", outputs["accumulator_i32"]));
    EXPECT_EQ(layer(x), test::load_matrix<std::uint8_t>("linear_int8", outputs["ideal_u8"]));
    for (const auto form : {requantization::single, requantization::fixed_point}) {
      const integer_linear engine(q, bias, layer.input(), output, {.form = form});
      for (const char* name : {"onednn_u8", "qnnpack_u8"}) {
        const auto found = test::load_matrix<std::uint8_t>("linear_int8", outputs[name]);
        EXPECT_LE((engine(x).cast<int>() - found.cast<int>()).cwiseAbs().maxCoeff(), 1);
      }
    }
  }
}

// Catches a check of overflow that is off by one input: 33025 products of 255 * 255 fit int32, 33026 do not.
TEST(integer_linear, sums_that_could_overflow_are_refused) {
  const auto layer = [](index_t in) {
    const codes_of<std::uint8_t> w = codes_of<std::uint8_t>::Constant(1, in, 255);
    const Eigen::VectorXf scale = Eigen::VectorXf::Ones(1);
    const Eigen::VectorXi zero = Eigen::VectorXi::Zero(1);
    return integer_linear(from_codes(w, scale, zero, affine<8>{}), {1, 0}, {1, 0});
  };
  const codes_of<std::uint8_t> x = codes_of<std::uint8_t>::Constant(1, 33026, 255);
  EXPECT_EQ(layer(33025).accumulate(x.leftCols(33025))(0, 0), 33025 * 255 * 255);
  EXPECT_NE(test::message_of<data_error>([&] { layer(33026).accumulate(x); }).find("2147483647"),
            std::string::npos);
}

// Catches outputs that go astray in column-major matrices, blocks and maps, and inputs that are read so.
TEST(integer_linear, takes_and_fills_any_matrix) {
  std::mt19937 random(3);
  const auto w = filled<std::int8_t>(5, 9, filling::random, random);
  const auto q =
      from_codes(w, Eigen::VectorXf::Constant(1, 0.01f), symmetric<8>{{.full = true}}, per_tensor{});
  const integer_linear layer(q, {0.1, 2}, {0.05, -4});
  const auto x = filled<std::int8_t>(4, 9, filling::random, random);
  const auto expected = layer(x);
  const Eigen::Matrix<std::int8_t, Eigen::Dynamic, Eigen::Dynamic> columns = x;
  EXPECT_EQ(layer(columns), expected);
  Eigen::Matrix<std::int8_t, Eigen::Dynamic, Eigen::Dynamic> y(4, 5);
  layer.forward_into(columns, y);
  EXPECT_EQ(y, expected);
  codes_of<std::int8_t> large = codes_of<std::int8_t>::Constant(6, 8, 77);
  layer.forward_into(x, large.block(1, 2, 4, 5));
  EXPECT_EQ(large.block(1, 2, 4, 5), expected);
  EXPECT_EQ(large.cast<int>().sum() - expected.cast<int>().sum(), 77 * (48 - 20));
  EXPECT_EQ(layer(x.topRows(0)).rows(), 0);
  std::vector<codes_of<std::int8_t>> found(4);
  std::vector<std::thread> threads;
  for (auto& each : found) threads.emplace_back([&] { each = layer(x); });
  for (auto& each : threads) each.join();
  for (const auto& each : found) EXPECT_EQ(each, expected);
}

// Catches sums that are rounded on their way from the steps of an instruction set, which scale in float, to int32:
// those of 1024 columns must be whole, beyond 2^24 too, for few samples and for many, with tails.
TEST(integer_linear, long_sums_are_exact_with_every_instruction_set) {
  const index_t in = 2 * 1024 + 459, out = 37;
  std::mt19937 random(5);
  for (const int divisor : {1, 8})  // small codes: more columns at a time
    for (const filling how : {filling::lowest, filling::highest, filling::random}) {
      codes_of<std::int8_t> w =
          (filled<std::int8_t>(out, in, how, random).cast<int>() / divisor).cast<std::int8_t>();
      w.leftCols(9) = filled<std::int8_t>(out, 9, filling::random, random);  // odd sums
      const Eigen::VectorXi zero_points = Eigen::VectorXi::NullaryExpr(
          out, [&](index_t r) { return r % 3 == 0 ? 0 : any_code<std::int8_t>(random); });
      const quantized_matrix q = from_codes(w, Eigen::VectorXf::Ones(out), zero_points,
                                            make_affine(8, {.signed_codes = true}), per_row{});
      const integer_linear layer(q, {1, 77}, {1, 0});
      for (const index_t samples : {1, 5, 9, 50}) {
        auto x = filled<std::uint8_t>(samples, in, how, random);
        x.leftCols(9) = filled<std::uint8_t>(samples, 9, filling::random, random);
        const Eigen::MatrixXd centred = w.cast<double>().colwise() - zero_points.cast<double>();
        const Eigen::MatrixXd sums = (x.cast<double>().array() - 77).matrix() * centred.transpose();
        test::on_each_instruction_set([&] { EXPECT_EQ(layer.accumulate(x).cast<double>(), sums); });
      }
    }
}

// Catches a bias that is lost where a row of weights is zero throughout and has no scale.
TEST(integer_linear, a_row_of_zeros_gives_its_bias) {
  Eigen::MatrixXf w = Eigen::MatrixXf::Ones(2, 3);
  w.row(1).setZero();
  const integer_linear layer(quantize(w, symmetric<8>{}), Eigen::Vector2f(0.5f, -2), {0.1, 0}, {0.25, 10});
  const auto y = layer(codes_of<std::uint8_t>::Constant(1, 3, 10));
  EXPECT_EQ(y(0, 0), 10 + 14);  // 3 * 1 + 0.5 in steps of 0.25
  EXPECT_EQ(y(0, 1), 10 - 8);
}

TEST(integer_linear, wrong_settings_are_named) {
  const Eigen::MatrixXf w = Eigen::MatrixXf::Random(4, 64);
  const activation_parameters p(0.1, 3);
  const auto message = [&](const quantized_matrix& q, const Eigen::VectorXf& bias,
                           activation_parameters input) {
    return test::message_of<bitgauge_error>([&] { integer_linear(q, bias, input, p); });
  };
  EXPECT_EQ(message(quantize(w, symmetric<8>{}, per_group{32}), {}, p),
            "integer_linear: expected one scale a row or for all weights, found per_group: 2 scales a row");
  EXPECT_EQ(message(quantize(w, symmetric<8>{}, per_column{}), {}, p),
            "integer_linear: expected one scale a row or for all weights, found per_column: 64 scales a row");
  EXPECT_EQ(message(quantize(w, symmetric<8>{}), Eigen::VectorXf::Zero(3), p),
            "integer_linear: bias: expected 4 values, found 3");
  EXPECT_EQ(message(quantize(w, symmetric<8>{}), {}, {-1, 0}),
            "integer_linear: scale of inputs: expected a finite number above 0, found -1.000000");
  const integer_linear layer(quantize(w, symmetric<8>{}), {0.1, 200}, p);
  EXPECT_EQ(
      test::message_of<invalid_scheme>([&] { layer(codes_of<std::int8_t>::Zero(1, 64)); }),
      "integer_linear: zero point of inputs: expected -128 to 127, the codes of their matrix, found 200");
  EXPECT_EQ(test::message_of<shape_error>([&] { layer(codes_of<std::uint8_t>::Zero(64, 1)); }),
            "integer_linear of 64 inputs and 4 outputs: expected samples as rows, found 64 x 1 into 64 x 4");
}

}  // namespace
}  // namespace bitgauge
