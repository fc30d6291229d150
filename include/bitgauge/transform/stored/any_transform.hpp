#pragma once

/// \file
/// A transform chosen at run time, such as one that a file tells of.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/rotation.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <cstddef>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace bitgauge {

/// What a layer's inputs go through, of one of the library's kinds.
///
///     const any_transform t(*file.transform(tensor), q.cols());
///     Y = linear(q)(change_inputs(t, X));       // times the output factors, where there are any
class any_transform {
 public:
  any_transform(channel_scaling scaling) : held_(std::move(scaling)) {}
  any_transform(rotation r) : held_(std::move(r)) {}
  /// Of a layer of `inputs`. Throws shape_error where the factors are not as many, data_error for a factor that
  /// is not positive and finite.
  any_transform(const stored_transform& t, index_t inputs) : held_(made_from(t, inputs)) {}

  index_t inputs() const noexcept {
    return std::visit([](const auto& t) { return t.inputs(); }, held_);
  }
  template <class Scalar>
  void change_input(std::span<Scalar> x) const {
    std::visit([&](const auto& t) { t.change_input(x); }, held_);
  }
  template <class Scalar>
  void change_weights(std::span<Scalar> w) const {
    std::visit([&](const auto& t) { t.change_weights(w); }, held_);
  }
  template <class Scalar>
  void restore_weights(std::span<Scalar> w) const {
    std::visit([&](const auto& t) { t.restore_weights(w); }, held_);
  }

 private:
  using held = std::variant<channel_scaling, rotation>;

  static held made_from(const stored_transform& t, index_t inputs) {
    if (!t.has_input_factors()) return rotation(inputs, {.seed = t.scheme.seed, .block = t.scheme.block});
    if (static_cast<index_t>(t.input_factors.size()) != inputs)
      detail::raise_message<shape_error>(
          {"transform: expected a factor for each of ", inputs, " inputs, found ", t.input_factors.size()});
    return channel_scaling(Eigen::Map<const Eigen::VectorXf>(t.input_factors.data(), inputs));
  }

  held held_;
};

/// One row of a matrix that a stored transform has rewritten, back in the original basis.
class restored_rows {
 public:
  restored_rows(const stored_transform& t, index_t inputs) : inputs_(t, inputs), outputs_(t.output_factors) {}

  const any_transform& inputs() const noexcept { return inputs_; }
  void restore(index_t row, float* w) const {
    const std::span<float> values(w, static_cast<std::size_t>(inputs_.inputs()));
    inputs_.restore_weights(values);
    if (outputs_.empty()) return;
    for (float& x : values) x *= outputs_[static_cast<std::size_t>(row)];
  }

 private:
  any_transform inputs_;
  std::vector<float> outputs_;
};

/// Weights that a stored transform has rewritten, in place back to the original basis. Throws shape_error where
/// the factors are not those of a matrix of this shape, data_error for a factor that is not positive and finite.
inline void restore_weights(const stored_transform& t, row_matrix& weights, int threads = 0) {
  const restored_rows rows(t, weights.cols());
  if (t.has_output_factors() && static_cast<index_t>(t.output_factors.size()) != weights.rows())
    detail::raise_message<shape_error>({"transform: expected a factor for each of ", weights.rows(),
                                        " outputs, found ", t.output_factors.size()});
  parallel_for(weights.rows(), threads,
               [&](index_t r) { rows.restore(r, weights.data() + r * weights.cols()); });
}

}  // namespace bitgauge
