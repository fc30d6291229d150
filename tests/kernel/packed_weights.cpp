#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>

#include "support/each_instruction_set.hpp"
#include "support/message_of.hpp"
#include "support/product_oracle.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

/// A number in [least, most], small ones more often.
index_t some(std::mt19937& random, index_t least, index_t most) {
  const index_t end = least + 1 + (most - least) * static_cast<index_t>(random() % 4 + 1) / 4;
  return least + static_cast<index_t>(random() % static_cast<unsigned>(end - least));
}

/// Weights as they come, of scales that differ by row and group.
Eigen::MatrixXf some_weights(std::mt19937& random, index_t rows, index_t cols) {
  Eigen::MatrixXf w = test::random_matrix(rows, cols, static_cast<std::uint32_t>(random()));
  if (random() % 8 == 0) w = w.cwiseAbs();  // zero points at the end of the codes
  if (random() % 8 == 0) w *= 0x1p-12f;
  if (random() % 8 == 0 && w.size() > 0) w.row(rows / 2).setZero();
  return w;
}

/// Every grid of 1 to 8 bits, granularity and storage of scales, as text.
std::string some_scheme(std::mt19937& random) {
  static constexpr std::array grids{
      "nf4",      "fp4",           "dynamic8", "fp8_e4m3", "fp8_e5m2", "fp6_e3m2",   "fp6_e2m3",
      "fp4_e2m1", "fp8_e4m3_fnuz", "mxfp4:",   "mxint8:",  "nvfp4:",   "mxfp8_e4m3:"};
  static constexpr std::array storages{"f32", "f16", "bf16"};
  std::string text;
  if (random() % 3 != 0) {
    const bool symmetric = random() % 2 == 0;
    text = (symmetric ? "symmetric:bits=" : "affine:bits=") + std::to_string(1 + random() % 8);
    if (symmetric && random() % 4 == 0) text += ",full=1";
  } else {
    text = grids[random() % grids.size()];
    if (text.back() == ':') return text.substr(0, text.size() - 1);  // blocks and scales of its own
    text += ":";
  }
  const auto key = [&](const std::string& more) { text += (text.back() == ':' ? "" : ",") + more; };
  switch (random() % 8) {
    case 0:
      key("group=tensor");
      break;
    case 1:
      key("group=row");
      break;
    case 2:
      key("group=column");
      break;
    default:
      key("group=" + std::to_string(random() % 3 == 0 ? some(random, 1, 256) : index_t{8} << random() % 6));
  }
  if (text.starts_with("symmetric:bits=1")) {
    key("scale=f32");  // others are refused where they are too coarse
  } else if (random() % 5 == 0) {
    key("double=256");
  } else {
    key(std::string("scale=") + storages[random() % storages.size()]);
  }
  return text;
}

/// Activations of samples of many sizes, some with zeros alone.
Eigen::MatrixXf some_samples(std::mt19937& random, index_t in, index_t samples) {
  Eigen::MatrixXf x = test::random_matrix(in, samples, static_cast<std::uint32_t>(random()));
  for (index_t s = 0; s < samples; ++s)
    x.col(s) *= random() % 16 == 0 ? 0.0f : std::ldexp(1.0f, static_cast<int>(random() % 20) - 10);
  return x;
}

struct product_shape {
  index_t rows, cols, samples;
};
product_shape some_shape(std::mt19937& random) {
  return {some(random, 0, 70), random() % 8 == 0 ? some(random, 0, 600) : some(random, 0, 70),
          random() % 3 == 0 ? some(random, 0, 4) : some(random, 1, 70)};
}

/// A product to try: its parts and, for the message of a failure, what it is.
struct some_product {
  explicit some_product(std::mt19937& random)
      : size(some_shape(random)),
        scheme(some_scheme(random)),
        q(quantize(some_weights(random, size.rows, size.cols), parse_scheme(scheme))),
        x(some_samples(random, size.cols, size.samples)),
        bias(random() % 2 == 0 ? Eigen::VectorXf() : Eigen::VectorXf(test::random_matrix(size.rows, 1, 5))) {
    options.bias = {bias.data(), static_cast<std::size_t>(bias.size())};
    options.threads = 1;
  }

  bool by_column() const {
    return q.groups().granularity().what == granularity::kind::column && q.size() > 0;
  }

  void expect_near(const test::real_matrix& expected) const {
    const packed_weights P(q);
    test::on_each_instruction_set([&] {
      Eigen::MatrixXf y = Eigen::MatrixXf::Constant(size.rows, size.samples, 7);
      P.multiply(x, y, options);
      ASSERT_TRUE(test::is_near(y, expected, size.cols))
          << scheme << " " << size.rows << " x " << size.cols << " x " << size.samples << ", block "
          << options.activation_block << " " << simd::name_of(simd::selected());
    });
  }

  product_shape size;
  std::string scheme;
  quantized_matrix q;
  Eigen::MatrixXf x;
  Eigen::VectorXf bias;
  product_options options;
};

constexpr int cases = 1500;

// Catches a weight, activation or output at another place than its own, whatever the shape, the tails and the
// instruction set; a scale, zero point or level of another group; sums that lose more than floats do.
TEST(packed_weights, exact_products_are_within_their_bound) {
  std::mt19937 random(1);
  for (int i = 0; i < cases && !HasFatalFailure(); ++i) {
    const some_product p(random);
    p.expect_near(
        test::product_of(test::weights_of(p.q), {p.x.cast<double>(), p.x.cast<double>().cwiseAbs()}, p.bias));
  }
}

/// Ways of rounding activations, of all kinds that fit the weights.
void choose_rounding(std::mt19937& random, some_product& p) {
  product_options& options = p.options;
  options.precision = product_precision::integer;
  const std::array grids{make_symmetric(8), make_symmetric(8, {.full = true}),
                         make_symmetric(8, {.unsigned_codes = true}), make_affine(8),
                         make_affine(8, {.signed_codes = true})};
  options.activations = grids[random() % grids.size()];
  if (random() % 4 == 0) {
    options.frozen = parameters{0.03125f, options.activations.center};
    if (options.activations.has_zero_point)
      options.frozen->zero_point = options.activations.lowest + static_cast<int>(random() % 256);
  }
  const bool has_groups = p.q.groups().granularity().what == granularity::kind::group;
  const index_t group = has_groups ? p.q.groups().run() : p.q.cols();
  switch (random() % 5) {
    case 0:
      options.activation_block = group * static_cast<index_t>(1 + random() % 3);
      break;
    case 1:
      options.activation_block = whole_sample;
      break;
    case 2:
      options.activation_block = group >= p.q.cols() ? 32 : 2 * group;
      break;
    case 3:
      options.activation_block = group % 16 == 0 ? group / 2 : 0;
      break;
    default:
      break;
  }
}

// The same of integer products, whose activations are those that quantize() makes: catches another block, grid
// or rounding of activations, and zero points that are not taken out.
TEST(packed_weights, integer_products_are_those_of_rounded_activations) {
  std::mt19937 random(2);
  for (int i = 0; i < cases && !HasFatalFailure(); ++i) {
    some_product p(random);
    choose_rounding(random, p);
    const bool has_groups = p.q.groups().granularity().what == granularity::kind::group;
    index_t block = p.options.activation_block;
    if (block == 0) block = has_groups ? p.q.groups().run() : p.q.cols();
    block = std::min(block, p.q.cols());
    test::real_matrix w = test::integer_weights_of(p.q, packed_weights(p.q).view());
    if (!p.by_column()) {
      p.expect_near(test::product_of(w, test::rounded_samples(p.x, block, p.options), p.bias));
      continue;
    }
    // activations are rounded as they meet weights of scale 1, but for the share of the zero points
    Eigen::MatrixXf scaled = p.x;
    const int middle = p.q.encoding().is_signed ? 0 : 1 << (p.q.bits() - 1);
    Eigen::MatrixXd zeros = Eigen::MatrixXd::Zero(w.values.rows(), w.values.cols());
    for (index_t c = 0; c < p.q.cols(); ++c) {
      if (scaled.size() > 0) scaled.row(c) *= p.q.scale(c);
      if (p.q.scale(c) == 0) continue;
      w.values.col(c) /= static_cast<double>(p.q.scale(c));
      w.magnitudes.col(c) /= static_cast<double>(p.q.scale(c));
      if (p.q.encoding().levels.empty() && !p.q.encoding().is_sign_only)
        zeros.col(c).setConstant(p.q.zero_point(c) - middle);
    }
    w.values += zeros;
    test::real_matrix expected = test::product_of(w, test::rounded_samples(scaled, block, p.options), p.bias);
    expected.values -= zeros * scaled.cast<double>();
    expected.magnitudes += zeros.cwiseAbs() * scaled.cast<double>().cwiseAbs();
    p.expect_near(expected);
  }
}

/// `q` with the same field everywhere, and zero points at the other end.
quantized_matrix filled(const quantized_matrix& q, bool ones) {
  const auto code = static_cast<std::uint8_t>(q.encoding().is_signed == ones ? 1 << (q.bits() - 1) : 0);
  const auto field = static_cast<std::uint8_t>(ones ? code - 1 : code);
  const std::vector<std::uint8_t> row(static_cast<std::size_t>(q.cols()), field);
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(q.rows() * q.row_bytes()));
  for (index_t r = 0; r < q.rows(); ++r)
    packing::pack_dense(row.data(), q.cols(), q.bits(), codes.data() + r * q.row_bytes());
  std::vector<std::uint8_t> zero_points(q.zero_points().size(), ones ? 0 : 255);
  return {q.groups(), q.encoding(), std::move(codes), q.scales(), std::move(zero_points)};
}

// Catches sums that saturate or overflow: 16 bits hold two products of bytes only just, 32 bits 2^16 of them.
TEST(packed_weights, nothing_saturates) {
  const Eigen::MatrixXf w = test::random_matrix(40, 5000, 1);
  Eigen::MatrixXf x = Eigen::MatrixXf::Ones(5000, 7);
  x.col(1) *= -1;
  x.col(2).head(2500) *= -1;
  for (index_t c = 0; c < 5000; c += 2) x(c, 3) = -1;
  for (const char* scheme :
       {"affine:bits=8,group=row", "symmetric:bits=8,full=1,group=row", "affine:bits=4,group=128",
        "affine:bits=8,group=2504", "symmetric:bits=4,full=1,group=32", "affine:bits=5,group=row",
        "symmetric:bits=7,full=1,group=row"})
    for (const bool ones : {false, true}) {
      const auto q = filled(quantize(w, parse_scheme(scheme)), ones);
      const packed_weights P(q);
      const test::real_matrix weights = test::weights_of(q);
      for (const integer_grid& grid : {make_symmetric(8, {.full = true}), make_affine(8)}) {
        product_options options{.precision = product_precision::integer, .activations = grid, .threads = 1};
        const test::real_matrix expected = test::product_of(
            weights,
            test::rounded_samples(x, q.groups().granularity().size > 0 ? q.groups().run() : 5000, options));
        test::on_each_instruction_set([&] {
          for (const index_t samples : {index_t{1}, x.cols()}) {
            Eigen::MatrixXf y(40, samples);
            P.multiply(x.leftCols(samples), y, options);
            ASSERT_TRUE(test::is_near(y, {expected.values.leftCols(samples), expected.magnitudes}, 5000))
                << scheme << " " << simd::name_of(simd::selected());
          }
        });
      }
    }
}

/// y as floats, whatever it is.
template <class Y>
Eigen::MatrixXf floats(const Y& y) {
  return y.template cast<float>();
}

// Catches strides, orders and element types that are mixed up: the same numbers give the same bits.
TEST(packed_weights, takes_and_fills_every_kind_of_matrix) {
  const auto q = quantize(test::random_matrix(37, 45, 1), parse_scheme("affine:bits=4,group=16"));
  const packed_weights P(q);
  const Eigen::MatrixXf x = floats(test::random_matrix(45, 9, 2).cast<Eigen::bfloat16>().eval());
  const Eigen::MatrixXf y = P * x;
  using rows_first = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  EXPECT_EQ(P * rows_first(x), y);
  EXPECT_EQ(P * x.cast<double>().eval(), y);
  EXPECT_EQ(P * x.cast<Eigen::bfloat16>().eval(), y);
  EXPECT_EQ(P * x.cast<Eigen::half>().eval(), P * floats(x.cast<Eigen::half>().eval()));
  EXPECT_EQ(P * (x + Eigen::MatrixXf::Zero(45, 9)), y);
  const Eigen::VectorXf column = x.col(3);
  EXPECT_EQ(P * x.col(3), P * column);
  EXPECT_EQ(P * x.transpose().row(3).transpose(), P * column);
  Eigen::MatrixXf wide = Eigen::MatrixXf::Constant(100, 30, 7);
  wide.block(11, 5, 45, 9) = x;
  EXPECT_EQ(P * wide.block(11, 5, 45, 9), y);
  const Eigen::Map<const Eigen::MatrixXf, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>> apart(
      wide.data(), 45, 9, {200, 2});
  EXPECT_EQ(P * apart, P * Eigen::MatrixXf(apart));

  rows_first by_rows(37, 9);
  P.multiply(x, by_rows);
  EXPECT_EQ(by_rows, y);
  Eigen::MatrixXf large = Eigen::MatrixXf::Constant(50, 30, 7);
  P.multiply(x, large.block(3, 4, 37, 9));
  EXPECT_EQ((large.block(3, 4, 37, 9)), y);
  large.block(3, 4, 37, 9).setConstant(7);
  EXPECT_EQ(large, Eigen::MatrixXf::Constant(50, 30, 7)) << "something was written beside the block";
  std::vector<float> memory(37 * 9 * 3, 7);
  Eigen::Map<Eigen::MatrixXf, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>> to(memory.data(), 37, 9,
                                                                                   {37 * 3, 3});
  P.multiply(x, to);
  EXPECT_EQ(to, y);
  EXPECT_EQ(memory[1], 7);
  Eigen::MatrixXd doubles(37, 9);
  P.multiply(x, doubles);
  EXPECT_EQ(doubles, y.cast<double>());
  Eigen::Matrix<Eigen::bfloat16, Eigen::Dynamic, Eigen::Dynamic> short_floats(37, 9);
  P.multiply(x, short_floats);
  EXPECT_EQ(floats(short_floats), floats(y.cast<Eigen::bfloat16>().eval()));
  Eigen::Matrix<Eigen::half, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> halves(37, 9);
  P.multiply(x, halves);
  EXPECT_EQ(floats(halves), floats(y.cast<Eigen::half>().eval()));
  Eigen::VectorXf of_one(37);
  P.multiply(x.col(2), of_one);
  EXPECT_EQ(of_one, P * x.col(2));
}

/// Calls check(P, options) for what the kernels tell apart.
template <class Check>
void for_some_products(const Check& check) {
  const Eigen::MatrixXf w = test::random_matrix(45, 160, 1);
  for (const char* scheme : {"affine:bits=4,group=32", "symmetric:bits=8,group=row", "affine:bits=8,group=64",
                             "nf4:group=64", "symmetric:bits=3,group=column", "fp8_e4m3:group=row"})
    for (const product_precision precision : {product_precision::exact, product_precision::integer})
      for (const integer_grid& grid : {make_symmetric(8), make_affine(8)}) {
        const packed_weights P(quantize(w, parse_scheme(scheme)));
        test::on_each_instruction_set([&] {
          SCOPED_TRACE(scheme + std::string(" ") + simd::name_of(simd::selected()));
          check(P, product_options{.precision = precision, .activations = grid, .threads = 1});
        });
      }
}
bool same_bits(const Eigen::MatrixXf& a, const Eigen::MatrixXf& b) {
  const auto bytes = static_cast<std::size_t>(a.size()) * sizeof(float);
  return a.size() == b.size() && (bytes == 0 || std::memcmp(a.data(), b.data(), bytes) == 0);
}

// Catches scales that samples share, and NaN that spreads: what lies in one sample touches no bit of another.
TEST(packed_weights, samples_do_not_touch_each_other) {
  for_some_products([](const packed_weights& P, const product_options& options) {
    for (const index_t samples : {1, 2, 3, 4, 5, 13, 25}) {
      const Eigen::MatrixXf x = test::random_matrix(160, samples, 2);
      Eigen::MatrixXf y(45, samples), changed(45, samples);
      P.multiply(x, y, options);
      ASSERT_TRUE(y.allFinite());
      for (const float factor :
           {1000.0f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        for (index_t s = 0; s < samples; s += 4) {
          Eigen::MatrixXf other = x;
          if (std::isfinite(factor)) {
            other.col(s) *= factor;
          } else {
            other(7 * s % 160, s) = factor;
          }
          P.multiply(other, changed, options);
          if (!std::isfinite(factor)) {
            for (index_t r = 0; r < 45; ++r) ASSERT_FALSE(std::isfinite(changed(r, s))) << factor << " " << s;
          }
          ASSERT_TRUE(same_bits(changed.leftCols(s), y.leftCols(s))) << factor;
          ASSERT_TRUE(same_bits(changed.rightCols(samples - s - 1), y.rightCols(samples - s - 1))) << factor;
        }
      }
    }
  });
}

// Catches sums whose order depends on who computes them.
TEST(packed_weights, gives_the_same_bits_for_any_number_of_threads) {
  for_some_products([](const packed_weights& P, product_options options) {
    if (simd::selected() != simd::available().back() || options.activations.has_zero_point) return;
    for (const index_t samples : {1, 3, 30}) {
      const Eigen::MatrixXf x = test::random_matrix(160, samples, 2);
      Eigen::MatrixXf one(45, samples), many(45, samples);
      options.threads = 1;
      P.multiply(x, one, options);
      for (const int threads : {2, 7}) {
        options.threads = threads;
        P.multiply(x, many, options);
        ASSERT_TRUE(same_bits(many, one)) << threads;
      }
      parallel_for_hook() = [](index_t count, int, const std::function<void(index_t)>& body) {
        for (index_t i = count; i-- > 0;) body(i);  // backwards
      };
      P.multiply(x, many, options);
      parallel_for_hook() = nullptr;
      ASSERT_TRUE(same_bits(many, one));
    }
  });
}

// Catches buffers that calls share: several threads multiply at once.
TEST(packed_weights, multiplies_from_several_threads_at_once) {
  const packed_weights P(quantize(test::random_matrix(90, 130, 1), parse_scheme("affine:bits=4,group=32")));
  const std::array<index_t, 3> samples{1, 5, 30};
  for (const product_precision precision : {product_precision::exact, product_precision::integer}) {
    const auto product = [&](const Eigen::MatrixXf& x) {
      Eigen::MatrixXf y(90, x.cols());
      P.multiply(x, y, {.precision = precision, .threads = 2});
      return y;
    };
    std::array<bool, 6> right{};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < right.size(); ++i)
      threads.emplace_back([&, i] {
        const Eigen::MatrixXf x = test::random_matrix(130, samples[i % 3], static_cast<std::uint32_t>(i));
        const Eigen::MatrixXf expected = product(x);
        right[i] = true;
        for (int repeat = 0; repeat < 20; ++repeat) right[i] = right[i] && same_bits(product(x), expected);
      });
    for (std::thread& thread : threads) thread.join();
    for (const bool is_right : right) EXPECT_TRUE(is_right);
  }
}

// Catches an error that is not raised before anything is written, or does not say what was expected.
TEST(packed_weights, refuses_what_does_not_fit) {
  const packed_weights P(quantize(test::random_matrix(6, 40, 1), parse_scheme("affine:bits=4,group=16")));
  const Eigen::MatrixXf x = Eigen::MatrixXf::Ones(40, 3);
  Eigen::MatrixXf y(6, 3);
  using test::message_of;
  EXPECT_EQ(message_of<shape_error>([&] { P.multiply(x.topRows(39), y); }),
            "product of 6 x 40 packed weights: expected 40 rows of input, found 39");
  EXPECT_EQ(message_of<shape_error>([&] { static_cast<void>(P * x.topRows(1)); }),
            "product of 6 x 40 packed weights: expected 40 rows of input, found 1");
  EXPECT_EQ(message_of<shape_error>([&] { P.multiply(x, y.leftCols(2)); }),
            "product of 6 x 40 packed weights: expected 6 x 3 outputs, found 6 x 2");
  EXPECT_EQ(message_of<shape_error>([&] { P.multiply(x, y.topRows(5)); }),
            "product of 6 x 40 packed weights: expected 6 x 3 outputs, found 5 x 3");
  const std::vector<float> biases(5);
  EXPECT_EQ(message_of<shape_error>([&] { P.multiply(x, y, {.bias = biases}); }),
            "product of 6 x 40 packed weights: expected 6 biases or none, found 5");
  const auto integer = [&](index_t block, const integer_grid& grid = make_symmetric(8)) {
    return message_of<invalid_scheme>([&] {
      P.multiply(x, y,
                 {.precision = product_precision::integer, .activation_block = block, .activations = grid});
    });
  };
  EXPECT_EQ(integer(0, make_symmetric(4)), "product: expected activations of 8 bits, found 4");
  EXPECT_EQ(integer(-1), "product: activation_block: expected 0 or more, found -1");
  EXPECT_EQ(
      integer(24),
      "product: activation_block: expected a multiple of 16, the weights' group, or a multiple of 8 that "
      "divides it, found 24");
  EXPECT_EQ(integer(8), "no error");
  EXPECT_EQ(integer(32), "no error");
}

// Catches copies that do not keep the weights alive, and weights that are nothing.
TEST(packed_weights, copies_share_their_memory) {
  packed_weights P;
  EXPECT_EQ(P.rows(), 0);
  EXPECT_EQ((P * Eigen::MatrixXf(0, 3)).cols(), 3);
  const auto q = quantize(test::random_matrix(33, 40, 1), parse_scheme("symmetric:bits=8,group=row"));
  const Eigen::VectorXf x = Eigen::VectorXf::Ones(40);
  {
    const packed_weights first(q);
    P = first;
    EXPECT_EQ(P.view().fields, first.view().fields);
    EXPECT_EQ(P.bytes(), 64 * 40 + 64 * 4);
  }
  EXPECT_EQ(P * x, packed_weights(q) * x);
}

}  // namespace
