#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/given.hpp>

#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

// Laws that hold for every matrix and scheme; RapidCheck generates both and shrinks what breaks one.
namespace {

using namespace bitgauge;
using bitgauge::index_t;

/// A float from 2^-71 to 2^15 (so that scales fit f16), or zero.
rc::Gen<float> any_value() {
  return rc::gen::apply([](std::int32_t mantissa,
                           int exponent) { return std::ldexp(static_cast<float>(mantissa), exponent - 31); },
                        rc::gen::arbitrary<std::int32_t>(), rc::gen::inRange(-40, 16));
}

rc::Gen<Eigen::MatrixXf> any_matrix() {
  return rc::gen::mapcat(rc::gen::pair(rc::gen::inRange<index_t>(0, 20), rc::gen::inRange<index_t>(0, 40)),
                         [](const std::pair<index_t, index_t>& shape) {
                           const auto size = static_cast<std::size_t>(shape.first * shape.second);
                           return rc::gen::map(rc::gen::container<std::vector<float>>(size, any_value()),
                                               [shape](const std::vector<float>& values) {
                                                 return Eigen::MatrixXf(Eigen::Map<const Eigen::MatrixXf>(
                                                     values.data(), shape.first, shape.second));
                                               });
                         });
}

rc::Gen<granularity> any_granularity() {
  return rc::gen::oneOf(
      rc::gen::just(granularity(per_tensor{})), rc::gen::just(granularity(per_row{})),
      rc::gen::just(granularity(per_column{})),
      rc::gen::map(rc::gen::inRange<index_t>(1, 50), [](index_t n) { return granularity(per_group{n}); }));
}

integer_grid any_grid() {
  return *rc::gen::elementOf(test::all_integer_grids());
}

scale_storage any_storage() {
  return *rc::gen::element(f32_scales, f16_scales, bf16_scales);
}

/// Half of the distance between the stored scales around `scale`.
double unit_of(scale_storage storage, double scale) {
  if (storage == f16_scales) return std::max(scale * 0x1p-11, 0x1p-25);  // subnormal below 2^-14
  return scale * (storage == f32_scales ? 0x1p-24 : 0x1p-8);
}

// real = scale * (code - zero_point) is at most half a scale from every value. Beyond that half only: the
// values that lie outside of what the codes reach because the scale was rounded down when it was stored
// (codes * unit), the rounding of x * (1 / scale), and in symmetric grids of torch half a step at the upper
// end.
RC_GTEST_PROP(quantize, error_is_at_most_half_a_scale, ()) {
  const Eigen::MatrixXf x = *any_matrix();
  const integer_grid grid = any_grid();
  const scale_storage storage = any_storage();
  RC_PRE(!grid.is_sign_only());
  const auto q = quantize(x, grid, *any_granularity(), storage, options{.threads = 1});
  const Eigen::MatrixXf back = q.dequantize(1);
  const double codes = grid.highest - grid.lowest + 1;
  const double torch_end = !grid.has_zero_point && grid.steps != std::floor(grid.steps) ? 0.5 : 0;
  for (index_t r = 0; r < x.rows(); ++r)
    for (index_t c = 0; c < x.cols(); ++c) {
      const double scale = static_cast<double>(q.scale(q.groups().group_of(r, c)));
      const double bound = (0.5 + torch_end + codes * 0x1p-22) * scale + codes * unit_of(storage, scale);
      RC_ASSERT(std::fabs(static_cast<double>(back(r, c)) - static_cast<double>(x(r, c))) <= bound);
    }
}

// Zero is exact, or the scale is zero, in every grid but the one-bit symmetric one.
RC_GTEST_PROP(quantize, zero_stays_zero, ()) {
  Eigen::MatrixXf x = *any_matrix();
  const integer_grid grid = any_grid();
  RC_PRE(x.size() > 0 && !grid.is_sign_only());
  const index_t r = *rc::gen::inRange<index_t>(0, x.rows()), c = *rc::gen::inRange<index_t>(0, x.cols());
  x(r, c) = *rc::gen::element(0.0f, -0.0f);
  RC_ASSERT(quantize(x, grid, *any_granularity(), any_storage()).dequantize()(r, c) == 0);
}

// What was quantized once is not changed by quantizing it again onto the same parameters.
RC_GTEST_PROP(quantize, is_idempotent_on_given_parameters, ()) {
  const Eigen::MatrixXf x = *any_matrix();
  const integer_grid grid = any_grid();
  const granularity groups = *any_granularity();
  const scale_storage storage = any_storage();
  const auto q = quantize(x, grid, groups, storage);
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  for (index_t g = 0; g < q.groups().count(); ++g) {
    scales.push_back(q.scale(g));
    zero_points.push_back(q.zero_point(g));
  }
  RC_ASSERT(quantize(q.dequantize(), grid, groups, storage, given_parameters(scales, zero_points)) == q);
}

// Codes rise with the values of a group.
RC_GTEST_PROP(quantize, is_monotonic, ()) {
  std::vector<float> values = *rc::gen::container<std::vector<float>>(any_value());
  std::sort(values.begin(), values.end());
  const Eigen::Map<const Eigen::RowVectorXf> x(values.data(), static_cast<index_t>(values.size()));
  const auto q = quantize(x, any_grid(), any_storage());
  for (index_t i = 1; i < x.size(); ++i) RC_ASSERT(q.code(0, i - 1) <= q.code(0, i));
}

// A positive power of two scales the scale and leaves the codes alone.
RC_GTEST_PROP(quantize, powers_of_two_move_only_the_scale, ()) {
  const Eigen::MatrixXf x = *any_matrix();
  const integer_grid grid = any_grid();
  RC_PRE(grid.smallest_scale == 0);
  const granularity groups = *any_granularity();
  const float factor = std::ldexp(1.0f, *rc::gen::inRange(-20, 20));
  const auto q = quantize(x, grid, groups), moved = quantize(Eigen::MatrixXf(x * factor), grid, groups);
  RC_ASSERT(q.codes() == moved.codes());
  RC_ASSERT(q.zero_points() == moved.zero_points());
  for (index_t g = 0; g < q.groups().count(); ++g) RC_ASSERT(moved.scale(g) == q.scale(g) * factor);
}

// Bytes do not depend on threads, on the storage order of the input, or on which loop rounds to nearest.
RC_GTEST_PROP(quantize, same_input_same_bytes, ()) {
  const Eigen::MatrixXf x = *any_matrix();
  const integer_grid grid = any_grid();
  const granularity groups = *any_granularity();
  const scale_storage storage = any_storage();
  const auto q = quantize(x, grid, groups, storage, options{.threads = 1});
  const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> row_major = x.cast<double>();
  RC_ASSERT(q == quantize(row_major, grid, groups, storage, options{.threads = 2}));
  RC_ASSERT(q.dequantize(1) == q.dequantize(2));
}

}  // namespace
