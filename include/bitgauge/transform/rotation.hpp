#pragma once

/// \file
/// Random rotations: outliers of a few inputs are spread over all.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/simd/sign_product.hpp>
#include <bitgauge/transform/hadamard.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge {

/// How a rotation is drawn.
struct rotation_options {
  std::uint64_t seed = 0;  ///< of the signs
  /// Inputs that are mixed with each other: a size of which hadamard::exists(). 0: all, where there is a
  /// matrix of that size, else the largest size that divides their number: rotation::block() tells.
  index_t block = 0;
};

/// The randomised Hadamard transform T x = H D x / sqrt(n): D are random signs, H is that of hadamard. T is
/// orthogonal, so that W T^-1 = W T^T: samples and rows of weights are changed alike, and products stay.
///
///     const transformed r(W, rotation(W.cols(), {.seed = 7}));
///     const auto q = quantize(r.weights(), symmetric<4>{});
///     const auto Y = linear(q)(r.inputs(X));
///     r.restore(q.dequantize());                                     // in the original basis
///     rotation(W.cols(), {.block = 128})                             // inputs 0..127, 128..255, ... apart
///     rotation(W.cols(), {.block = W.cols()})                        // all, or shape_error
///
/// Blocks: T is block-diagonal. Inputs that the last whole block leaves are mixed in blocks of the largest sizes
/// that exist and still fit, one after the other; the smallest is 1, a sign alone.
///
/// Signs: bit i mod 64 of word i / 64 is set where that of input i is -1; words are the outputs of splitmix64
/// (Steele et al., OOPSLA 2014) from the seed, the same on every platform.
///
/// Each sample is changed apart: NaN stays in its sample. Cost: that of hadamard, and n products.
/// Sources: Ashkboos et al., QuaRot, arXiv 2404.00456; Tseng et al., QuIP#, arXiv 2402.04396.
class rotation {
 public:
  /// Throws shape_error for no input, and for a block that has no Hadamard matrix.
  explicit rotation(index_t inputs, const rotation_options& how = {})
      : rotation(random_signs(inputs, how.seed), how.block) {}

  /// With signs of one's own: such as those of another system's Q = D H^T / sqrt(n), samples x Q. Throws
  /// data_error for a sign that is not 1 or -1, else as above.
  explicit rotation(Eigen::VectorXf signs, index_t block = 0)
      : signs_(std::move(signs)), blocks_(block == 0 ? block_for(signs_.size()) : block) {
    require_inputs(inputs());
    for (index_t i = 0; i < inputs(); ++i)
      if (!(signs_(i) == 1.0f || signs_(i) == -1.0f))
        detail::raise_message<data_error>({"rotation: sign of input ", i, ": expected 1 or -1, found ",
                                           detail::general_text(static_cast<double>(signs_(i)), 6)});
    whole_ = inputs() / this->block() * this->block();
    for (index_t left = inputs() - whole_; left > 0; left -= rest_.back().size())
      rest_.emplace_back(hadamard::largest_within(left));
  }

  index_t inputs() const noexcept { return signs_.size(); }
  /// How many inputs are mixed with each other: inputs() where all are. 1: none, and the rotation is useless.
  index_t block() const noexcept { return blocks_.size(); }
  const Eigen::VectorXf& signs() const noexcept { return signs_; }

  template <class Scalar>
  void change_input(std::span<Scalar> x) const noexcept {
    const std::span<const float> signs(signs_.data(), x.size());
    for_each_block([&](const hadamard& h, std::size_t first, std::size_t count) {
      h.transform(x.subspan(first, count), signs.subspan(first, count));
    });
  }
  template <class Scalar>
  void change_weights(std::span<Scalar> w) const noexcept {
    change_input(w);
  }
  template <class Scalar>
  void restore_weights(std::span<Scalar> w) const noexcept {
    for_each_block(
        [&](const hadamard& h, std::size_t first, std::size_t count) { h.inverse(w.subspan(first, count)); });
    simd::multiply_by_signs(w.data(), signs_.data(), inputs());
  }

 private:
  static void require_inputs(index_t inputs) {
    if (inputs < 1)
      detail::raise_message<shape_error>({"rotation: expected at least 1 input, found ", inputs});
  }

  static index_t block_for(index_t inputs) {
    require_inputs(inputs);
    return hadamard::largest_divisor(inputs);
  }

  static Eigen::VectorXf random_signs(index_t inputs, std::uint64_t seed) {
    require_inputs(inputs);
    Eigen::VectorXf signs(inputs);
    for (index_t i = 0; i < inputs; i += 64) {
      std::uint64_t word = seed += 0x9e3779b97f4a7c15u;
      word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
      word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
      word ^= word >> 31;
      for (index_t j = i; j < std::min(i + 64, inputs); ++j, word >>= 1)
        signs(j) = (word & 1u) != 0 ? -1.0f : 1.0f;
    }
    return signs;
  }

  /// Calls action(hadamard, first, count) for the whole blocks together, and for each of the rest.
  template <class Action>
  void for_each_block(const Action& action) const noexcept {
    std::size_t first = detail::as_size(whole_);
    action(blocks_, std::size_t{0}, first);
    for (const hadamard& h : rest_) {
      action(h, first, detail::as_size(h.size()));
      first += detail::as_size(h.size());
    }
  }

  Eigen::VectorXf signs_;
  hadamard blocks_;
  index_t whole_ = 0;  // inputs in blocks of block()
  std::vector<hadamard> rest_;
};

}  // namespace bitgauge
