#pragma once

/// \file
/// Cross-layer equalisation: channels between linear layers rescaled so that all use their layer's range.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/transform/activations/weight_maxima.hpp>
#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/stored/pending_change.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge {

/// When equalize_chain() has done enough.
struct equalization_options {
  index_t sweeps = 100;     ///< over the chain, at most
  double tolerance = 1e-4;  ///< the largest relative change of a factor in a sweep that counts as none
};

/// What equalize_chain() did.
struct equalization {
  std::vector<channel_scaling> factors;  ///< of the inputs of each layer but the first
  index_t sweeps = 0;
  double largest_change =
      0;  ///< of a factor in the last sweep, relative: up to the tolerance where it converged
};

namespace detail {

/// sqrt(first / second), or 1 for a dead channel.
inline double equalizing_factor(double first, double second) noexcept {
  return first > 0 && second > 0 ? std::sqrt(first / second) : 1;
}

/// Factors of the channels between layers of these magnitudes. A sweep goes through the chain, each pair
/// equalised as the pairs before have left it; weights are rewritten once, at the end, so that nothing is
/// rounded twice.
inline equalization equalizing_factors(const std::vector<row_matrix>& magnitudes,
                                       const equalization_options& how) {
  const std::size_t pairs = magnitudes.size() - 1;
  std::vector<Eigen::ArrayXd> s;  // s[l]: of the inputs of layer l, s[0] and the last of what stays
  s.emplace_back(Eigen::ArrayXd::Ones(magnitudes.front().cols()));
  for (const row_matrix& layer : magnitudes) s.emplace_back(Eigen::ArrayXd::Ones(layer.rows()));
  equalization found;
  do {
    found.largest_change = 0;
    ++found.sweeps;
    for (std::size_t l = 0; l < pairs; ++l) {
      const row_matrix &first = magnitudes[l], &second = magnitudes[l + 1];
      Eigen::ArrayXd outputs = Eigen::ArrayXd::Zero(first.rows()), inputs = outputs;
      for (index_t i = 0; i < first.rows(); ++i)
        for (index_t j = 0; j < first.cols(); ++j)
          outputs(i) = std::max(outputs(i), static_cast<double>(first(i, j)) * s[l](j));
      for (index_t k = 0; k < second.rows(); ++k)
        for (index_t i = 0; i < second.cols(); ++i)
          inputs(i) = std::max(inputs(i), static_cast<double>(second(k, i)) / s[l + 2](k));
      for (index_t i = 0; i < outputs.size(); ++i) {
        const double factor = equalizing_factor(outputs(i), inputs(i)),
                     before = std::exchange(s[l + 1](i), factor);
        found.largest_change = std::max(found.largest_change, std::max(factor / before, before / factor) - 1);
      }
    }
  } while (found.sweeps < how.sweeps && found.largest_change > how.tolerance);
  for (std::size_t l = 0; l < pairs; ++l) found.factors.emplace_back(s[l + 1].cast<float>().matrix());
  return found;
}

inline void require_consecutive(index_t outputs, index_t inputs) {
  if (outputs != inputs)
    raise_message<shape_error>({"equalize: expected layers one after the other, but the outputs of one are ",
                                outputs, ", the inputs of the next ", inputs});
}

/// The factors of two layers, each within 0 and infinity.
template <class First, class Second>
channel_scaling equalizing_factors(const First& first, const Second& second) {
  require_consecutive(first.rows(), second.cols());
  const Eigen::VectorXf outputs = row_maxima(first), inputs = column_maxima(second);
  Eigen::VectorXf factors(outputs.size());
  for (index_t i = 0; i < factors.size(); ++i)
    factors(i) = static_cast<float>(
        equalizing_factor(static_cast<double>(outputs(i)), static_cast<double>(inputs(i))));
  return channel_scaling(std::move(factors));
}

}  // namespace detail

/// Cross-layer equalisation (Nagel et al., ICCV 2019, section 4.1) of y = W2 f(W1 x + b1), in place:
///
///     r1_i = max |row i of W1|,  r2_i = max |column i of W2|,  s_i = sqrt(r1_i r2_i) / r2_i
///     row i of W1 and b1_i divided by s_i, column i of W2 multiplied by s_i
///
/// Both ranges become sqrt(r1_i r2_i), and y stays what it was where f(s z) = s f(z) for s > 0: ReLU, leaky
/// ReLU, none. Without data; what it gains are matrices that one scale for all (per_tensor) suits. A dead
/// channel, a row or a column of zeros, keeps its weights: s_i = 1.
///
///     const channel_scaling s = equalize(W1, b1, W2);
///
/// W1: hidden x in; b1: a vector of either orientation, or left out; W2: out x hidden; each a matrix, map,
/// block or reference of float, double, half or bfloat16. Returns s. Throws shape_error where shapes disagree,
/// data_error for NaN and infinity, there or once changed, and for factors that no float holds; nothing is
/// changed then. Cost: two passes, and copies of both in float (double of double).
template <writable_dense First, writable_dense Bias, writable_dense Second>
channel_scaling equalize(First&& first, Bias&& bias, Second&& second) {
  channel_scaling s = detail::equalizing_factors(first, second);
  const auto divide = [&](auto values) { s.change_input(values); };
  const detail::pending_change new_first("equalize: first weights", first, false, divide);
  const auto new_bias = detail::change_of_vector("equalize: first bias", bias, s.inputs(), divide);
  const detail::pending_change new_second("equalize: second weights", second, true,
                                          [&](auto row) { s.change_weights(row); });
  new_first.write();
  new_bias.write();
  new_second.write();
  return s;
}
template <writable_dense First, writable_dense Second>
channel_scaling equalize(First&& first, Second&& second) {
  Eigen::VectorXf none = Eigen::VectorXf::Zero(first.rows());
  return equalize(first, none, second);
}

/// The same of a chain of layers, pair after pair until no factor changes: at the fixed point every channel's
/// two ranges agree. In place.
///
///     std::vector<Eigen::MatrixXf> weights{W1, W2, W3};
///     std::vector<Eigen::VectorXf> biases{b1, b2, b3};          // or none; one of size 0 where a layer has none
///     const equalization done = equalize_chain(weights, biases);
///
/// weights, biases: random access ranges of what equalize() takes. The last bias is never changed. Throws
/// shape_error for fewer than two layers and as equalize() does, invalid_scheme unless how.sweeps >= 1; nothing
/// is changed then. Cost: two passes a sweep over magnitudes kept as floats.
template <std::ranges::random_access_range Weights, std::ranges::random_access_range Biases>
requires writable_dense<std::ranges::range_reference_t<Weights>> &&
         writable_dense<std::ranges::range_reference_t<Biases>>
equalization equalize_chain(Weights&& weights, Biases&& biases, const equalization_options& how = {}) {
  const auto layers = static_cast<std::size_t>(std::ranges::size(weights)),
             of_bias = static_cast<std::size_t>(std::ranges::size(biases));
  if (layers < 2)
    detail::raise_message<shape_error>({"equalize: expected at least 2 layers, found ", layers});
  if (of_bias != 0 && of_bias != layers)
    detail::raise_message<shape_error>(
        {"equalize: expected no bias or one for each of ", layers, " layers, found ", of_bias});
  if (how.sweeps < 1)
    detail::raise_message<invalid_scheme>({"equalize: expected at least 1 sweep, found ", how.sweeps});
  const auto layer = [&](std::size_t l) -> auto& {
    return *(std::ranges::begin(weights) + static_cast<std::ptrdiff_t>(l));
  };
  const auto bias = [&](std::size_t l) -> auto& {
    return *(std::ranges::begin(biases) + static_cast<std::ptrdiff_t>(l));
  };
  std::vector<row_matrix> magnitudes;
  for (std::size_t l = 0; l < layers; ++l) {
    if (l > 0) detail::require_consecutive(layer(l - 1).rows(), layer(l).cols());
    (void)row_maxima(layer(l));  // refuses what is not finite
    magnitudes.emplace_back(layer(l).matrix().template cast<float>().cwiseAbs());
  }
  equalization done = detail::equalizing_factors(magnitudes, how);
  std::vector<detail::pending_change<std::remove_reference_t<decltype(layer(0))>>> new_weights;
  std::vector<detail::pending_change<std::remove_reference_t<decltype(bias(0))>>> new_biases;
  for (std::size_t l = 0; l < layers; ++l) {
    const bool last = l + 1 == layers;
    index_t r = 0;
    new_weights.emplace_back("equalize: weights", layer(l), true, [&](auto row) {
      if (l > 0) done.factors[l - 1].change_weights(row);
      if (!last)
        for (auto& w : row) w /= done.factors[l].factors()(r);
      ++r;
    });
    if (!last && of_bias > 0 && bias(l).size() > 0)
      new_biases.push_back(
          detail::change_of_vector("equalize: bias", bias(l), layer(l).rows(),
                                   [&](auto values) { done.factors[l].change_input(values); }));
  }
  for (const auto& change : new_weights) change.write();
  for (const auto& change : new_biases) change.write();
  return done;
}
template <std::ranges::random_access_range Weights>
equalization equalize_chain(Weights&& weights, const equalization_options& how = {}) {
  return equalize_chain(weights, std::vector<Eigen::VectorXf>(), how);
}

}  // namespace bitgauge
