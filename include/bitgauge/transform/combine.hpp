#pragma once

/// \file
/// Transforms one after the other.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/transform/transform.hpp>

#include <cstddef>
#include <span>
#include <tuple>
#include <utility>

namespace bitgauge {

/// T = T_k ... T_1: inputs are changed by the first, then by the second, and so on. An input_transform itself,
/// so that combined transforms combine, too.
template <input_transform... Ts>
class combined {
  static_assert(sizeof...(Ts) > 0, "combined: at least one transform");

 public:
  /// Throws shape_error where the transforms differ in their number of inputs.
  explicit combined(Ts... transforms) : transforms_(std::move(transforms)...) {
    int position = 0;
    const auto check = [&](const auto& t) {
      ++position;
      if (t.inputs() != inputs())
        detail::raise_message<shape_error>({"combine: transform ", position, ": expected ", inputs(),
                                            " inputs as the first has, found ", t.inputs()});
    };
    std::apply([&](const Ts&... t) { (check(t), ...); }, transforms_);
  }

  index_t inputs() const { return std::get<0>(transforms_).inputs(); }
  const std::tuple<Ts...>& transforms() const noexcept { return transforms_; }

  template <class Scalar>
  void change_input(std::span<Scalar> x) const {
    std::apply([&](const Ts&... t) { (t.change_input(x), ...); }, transforms_);
  }
  /// W T^-1 = W T_1^-1 ... T_k^-1.
  template <class Scalar>
  void change_weights(std::span<Scalar> w) const {
    std::apply([&](const Ts&... t) { (t.change_weights(w), ...); }, transforms_);
  }
  /// W T_k ... T_1: the last is undone first.
  template <class Scalar>
  void restore_weights(std::span<Scalar> w) const {
    restore<sizeof...(Ts)>(w);
  }

 private:
  template <std::size_t Left, class Scalar>
  void restore(std::span<Scalar> w) const {
    if constexpr (Left > 0) {
      std::get<Left - 1>(transforms_).restore_weights(w);
      restore<Left - 1>(w);
    }
  }

  std::tuple<Ts...> transforms_;
};

/// Transforms as one. GPTQ after them takes the Hessian of the changed inputs:
///
///     const transformed t(W, combine(channel_scaling(s), rotation(W.cols(), {.seed = 7})));
///     const hessian changed = t.hessian_of(H);
///     quantize(t.weights(), symmetric<4>{}, gptq{changed});
///
/// Scale before a rotation, as here, to make inputs alike before they are mixed; after it to balance what it
/// made of them. Throws shape_error where the transforms differ in their number of inputs. Cost: the sum.
template <input_transform... Ts>
combined<Ts...> combine(Ts... transforms) {
  return combined<Ts...>(std::move(transforms)...);
}

}  // namespace bitgauge
