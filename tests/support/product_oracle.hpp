#pragma once

/// \file
/// Products with quantized weights by the definition, in double, and how far a product may be from them: the
/// bounds of kernel/packed_weights.hpp. Shares no arithmetic with kernels.

#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/kernel/product_options.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace test {

using bitgauge::integer_grid;
using bitgauge::quantized_matrix;

/// A matrix and the magnitudes that its bounds count.
struct real_matrix {
  Eigen::MatrixXd values, magnitudes;
};

/// scale * (code - zero point), and scale * (|code - middle| + |zero point - middle|); of levels their
/// magnitude. `level(field)` gives what a level counts as.
template <class Level>
real_matrix weights_of(const quantized_matrix& q, const Level& level) {
  real_matrix w{Eigen::MatrixXd(q.rows(), q.cols()), Eigen::MatrixXd(q.rows(), q.cols())};
  const bitgauge::code_encoding& encoding = q.encoding();
  const int middle = encoding.is_signed ? 0 : 1 << (encoding.bits - 1);
  for (Eigen::Index r = 0; r < q.rows(); ++r)
    for (Eigen::Index c = 0; c < q.cols(); ++c) {
      const auto group = q.is_column_vector() ? q.groups().group_of(0, r) : q.groups().group_of(r, c);
      const auto scale = static_cast<double>(q.scale(group));
      const int code = q.code(r, c), zero = q.zero_point(group);
      if (!encoding.levels.empty()) {
        w.values(r, c) = scale * level(code);
        w.magnitudes(r, c) = std::fabs(w.values(r, c));
      } else if (encoding.is_sign_only) {
        w.values(r, c) = scale * code;
        w.magnitudes(r, c) = scale;
      } else {
        w.values(r, c) = scale * (code - zero);
        w.magnitudes(r, c) = scale * (std::abs(code - middle) + std::abs(zero - middle));
      }
    }
  return w;
}
inline real_matrix weights_of(const quantized_matrix& q) {
  return weights_of(q, [&](int field) {
    return static_cast<double>(q.encoding().levels[static_cast<std::size_t>(field)]);
  });
}

/// The same as integer products see them: levels rounded to codes of at most 127 steps, which are `codes`. Where
/// all levels are multiples of a power of two that is one step of 127, they are exact, else off by half a step.
inline real_matrix integer_weights_of(const quantized_matrix& q,
                                      const bitgauge::kernel::weights_view& packed) {
  return weights_of(q, [&](int field) {
    const auto level = static_cast<double>(q.encoding().levels[static_cast<std::size_t>(field)]);
    const auto step = static_cast<double>(packed.level_step);
    const double rounded = step * packed.codes[static_cast<std::size_t>(field)];
    const bool is_exact = std::ldexp(1.0, std::ilogb(step)) == step;
    EXPECT_LE(std::fabs(rounded - level), is_exact ? 0 : 0.50001 * step) << level;
    return rounded;
  });
}

/// Samples (columns) as codes of blocks of `block` elements stand for them, or of frozen parameters.
inline real_matrix rounded_samples(const Eigen::MatrixXf& x, Eigen::Index block,
                                   const bitgauge::product_options& options) {
  if (options.frozen) {
    real_matrix samples{Eigen::MatrixXd(x.rows(), x.cols()), {}};
    const float inverse = 1.0f / options.frozen->scale;
    for (Eigen::Index i = 0; i < x.size(); ++i) {
      const float steps = x.data()[i] * inverse;
      const double code = std::clamp(std::nearbyint(static_cast<double>(steps)) + options.frozen->zero_point,
                                     static_cast<double>(options.activations.lowest),
                                     static_cast<double>(options.activations.highest));
      samples.values.data()[i] =
          static_cast<double>(options.frozen->scale) * (code - options.frozen->zero_point);
    }
    samples.magnitudes = samples.values.cwiseAbs();
    return samples;
  }
  const auto q = bitgauge::quantize(Eigen::MatrixXf(x.transpose()), options.activations,
                                    bitgauge::per_group{std::max<Eigen::Index>(block, 1)});
  real_matrix samples = weights_of(q);
  samples.values.transposeInPlace();
  samples.magnitudes = samples.values.cwiseAbs();
  return samples;
}

/// Eigen's own threads would wait for each other in every small product.
inline const bool is_serial = (Eigen::setNbThreads(1), true);

/// W x + bias and the magnitudes that its bound counts.
inline real_matrix product_of(const real_matrix& w, const real_matrix& x, const Eigen::VectorXf& bias = {}) {
  real_matrix y{w.values * x.values, w.magnitudes * x.magnitudes};
  if (bias.size() > 0) {
    y.values.colwise() += bias.cast<double>();
    y.magnitudes.colwise() += bias.cast<double>().cwiseAbs();
  }
  return y;
}

/// Whether |y - expected| <= (terms + 8) 2^-24 magnitudes everywhere; else the first element that is not.
inline ::testing::AssertionResult is_near(const Eigen::MatrixXf& y, const real_matrix& expected,
                                          Eigen::Index terms) {
  for (Eigen::Index c = 0; c < y.cols(); ++c)
    for (Eigen::Index r = 0; r < y.rows(); ++r) {
      const double off = std::fabs(static_cast<double>(y(r, c)) - expected.values(r, c));
      const double bound = static_cast<double>(terms + 8) * 0x1p-24 * expected.magnitudes(r, c);
      if (!(off <= bound))
        return ::testing::AssertionFailure() << "(" << r << ", " << c << ") is " << y(r, c) << ", expected "
                                             << expected.values(r, c) << " +- " << bound;
    }
  return ::testing::AssertionSuccess();
}

}  // namespace test
