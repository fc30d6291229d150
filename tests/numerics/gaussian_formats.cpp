// The error of every codebook and small-float format on 2^20 samples of N(0, 1), against its expectation. The
// expectation is integrated, not quoted: given the absmax m of a block of n elements and the scale s(m) that
// follows from it, the others are independent and normal within (-m, m), so that
//
//     NMSE = integral over m of 2 phi(m) [ (n - 1) F^(n-2) A(m) + F^(n-1) e(m) ],   F = P(|x| < m),
//
// with A(m) the integral of the squared error at scale s(m) over (-m, m) and e(m) the error of the extreme
// element itself.

#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/mse.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;

const Eigen::MatrixXf& samples() {
  static const Eigen::MatrixXf w = [] {
    std::mt19937_64 random(20);
    std::normal_distribution<float> normal;
    return Eigen::MatrixXf(Eigen::MatrixXf::NullaryExpr(256, 4096, [&] { return normal(random); }));
  }();
  return w;
}

double nmse(const quantized_matrix& q) {
  const Eigen::MatrixXd w = samples().cast<double>();
  return (w - q.dequantize().cast<double>()).squaredNorm() / w.squaredNorm();
}

double density(double x) {
  return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0));
}
double below(double x) {
  return std::erfc(-x / std::sqrt(2.0)) / 2;
}

/// The integral of (x - r)^2 phi(x) over (a, b).
double cell_error(double a, double b, double r) {
  const double mass = below(b) - below(a), first = density(a) - density(b);
  const double second = mass + a * density(a) - b * density(b);
  return second - 2 * r * first + r * r * mass;
}

template <class Grid>
std::vector<double> sorted_levels_of(const Grid& grid) {
  std::vector<double> levels;
  for (int field = 0; field < 1 << grid.bits(); ++field)
    if (std::isfinite(grid.level(field))) levels.push_back(static_cast<double>(grid.level(field)));
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  return levels;
}

template <class Grid, class Scale>
double expected_nmse(const Grid& grid, int n, const Scale& scale_of) {
  const std::vector<double> levels = sorted_levels_of(grid);
  const double step = 0.001;
  double total = 0;
  for (double m = step / 2; m < 7; m += step) {
    const double s = scale_of(m), inside = 2 * below(m) - 1;
    double within = 0, extreme = 0;
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const double low = i == 0 ? -m : std::clamp(s * (levels[i - 1] + levels[i]) / 2, -m, m);
      const double high = i + 1 == levels.size() ? m : std::clamp(s * (levels[i] + levels[i + 1]) / 2, -m, m);
      const double r = s * levels[i];
      if (low < high) within += cell_error(low, high, r);
      if (low < high && low == -m) extreme += (m + r) * (m + r) / 2;
      if (low < high && high == m) extreme += (m - r) * (m - r) / 2;
    }
    total += step * 2 * density(m) *
             ((n - 1) * std::pow(inside, n - 2) * within + std::pow(inside, n - 1) * extreme);
  }
  return total;
}

/// absmax / largest, stored as it is.
template <class Grid>
double expected_nmse(const Grid& grid, int n) {
  return expected_nmse(grid, n, [&](double m) {
    return static_cast<double>(grid.scale_for({-static_cast<float>(m), static_cast<float>(m)}));
  });
}

constexpr double tolerance = 0.01;

void expect_close(double found, double expected) {
  EXPECT_NEAR(found / expected, 1, tolerance) << found;
}

// Catches a level, midpoint, block or scale that is off: any costs more than 1 %. The comments are published
// figures.
TEST(gaussian_formats, errors_are_as_derived) {
  expect_close(nmse(quantize(samples(), nf4{}, per_block{64})), expected_nmse(nf4{}, 64));  // .00847
  expect_close(nmse(quantize(samples(), fp4{}, per_block{64})), expected_nmse(fp4{}, 64));  // .014892
  expect_close(nmse(quantize(samples(), symmetric<4>{}, per_block{64})),
               expected_nmse(make_symmetric(4), 64));  // .01159
  expect_close(nmse(quantize(samples(), fp8_e4m3{}, per_block{128})), expected_nmse(fp8_e4m3{}, 128));
  expect_close(nmse(quantize(samples(), fp6_e2m3{}, per_block{32})), expected_nmse(fp6_e2m3{}, 32));
  expect_close(nmse(quantize(samples(), dynamic8{}, per_block{256})), expected_nmse(dynamic8{}, 256));
}

// Catches a shared exponent that is not the specification's. Its error depends on where the standard
// deviation lies between two powers of two: .0132 at 1, .0130 at 0.02.
TEST(gaussian_formats, microscaling_errors_are_as_derived) {
  const auto expect_derived = [](const auto& grid, int largest_exponent) {
    const auto shared = [=](double m) { return std::exp2(std::floor(std::log2(m)) - largest_exponent); };
    expect_close(nmse(quantize(samples(), grid, per_block{32}, e8m0_scales)),
                 expected_nmse(grid, 32, shared));
  };
  expect_derived(mxfp4{}, 2);
  expect_derived(mxfp6_e3m2{}, 4);
  expect_derived(mxfp6_e2m3{}, 2);
  expect_derived(mxfp8_e4m3{}, 8);
  expect_derived(mxint8{}, 0);
}

// Catches an E4M3 scale rounded another way, a wrong tensor factor, or a convention that loses accuracy.
TEST(gaussian_formats, nvfp4_errors_are_as_derived) {
  const auto q = quantize(samples(), fp4_e2m1{}, per_block{16}, e4m3_scales);
  const double factor = static_cast<double>(samples().cwiseAbs().maxCoeff()) / (6.0 * 448);
  const double expected = expected_nmse(fp4_e2m1{}, 16, [&](double m) {
    return static_cast<double>(numeric::e4m3::from_float(static_cast<float>(m / 6 / factor)).to_float()) *
           factor;
  });
  expect_close(nmse(q), expected);  // .00905
  expect_close(nmse(quantize(samples(), fp4_e2m1{}, per_block{16}, e4m3_divided_scales)), expected);
  EXPECT_LE(nmse(quantize(samples(), fp4_e2m1{}, per_block{16}, e4m3_scales, mse_range{})),
            0.00660 * (1 + tolerance));
}

// Catches scales that lose more than they save when they are quantized themselves: 4.127 bits for less than 1
// % error.
TEST(gaussian_formats, double_quantization_costs_less_than_one_percent) {
  for (const scale_type type : {scale_type::dynamic8, scale_type::affine8}) {
    const auto expect_cheap = [&](const auto& grid) {
      const auto plain = quantize(samples(), grid, per_block{64});
      const auto q = quantize(samples(), grid, per_block{64}, double_quantized{256, type});
      EXPECT_LT(nmse(q), 1.01 * nmse(plain));
      const double scale_bits =
          type == scale_type::dynamic8 ? 8.0 / 64 + 32.0 / (64 * 256) : 8.0 / 64 + 64.0 / (64 * 256);
      EXPECT_NEAR(q.bits_per_weight(), 4 + scale_bits, 1e-4);
    };
    expect_cheap(nf4{});
    expect_cheap(symmetric<4>{});
  }
}

}  // namespace
