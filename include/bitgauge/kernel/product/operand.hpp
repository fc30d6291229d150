#pragma once

/// \file
/// Products that do not exist, and what to write instead.

#include <bitgauge/matrix/answers/input_kind.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>

#include <concepts>

namespace bitgauge {
namespace gguf {
class block_matrix;
}
namespace detail {

/// Numbers that a product takes; other kinds are refused by name.
template <class Scalar>
constexpr bool is_real_operand() {
  constexpr bool real = std::convertible_to<Scalar, double> || requires(Scalar x) { static_cast<float>(x); };
  static_assert(real, "bitgauge: q * x takes real numbers: multiply x.real() and x.imag() one by one");
  return real;
}

/// Says why q * x is no product.
template <class X>
void refuse_right_operand() {
  constexpr bool array = dense_input<X>, other = other_eigen_input<X>, sequence = sequence_input<X>,
                 weights = quantized_input<X> && !array && !other;
  static_assert(!array, "bitgauge: q * x takes a matrix or vector, found an array: write q * x.matrix()");
  static_assert(!other,
                "bitgauge: q * x takes a dense matrix or vector, found a sparse or structured one: write q * "
                "Eigen::MatrixXf(x)");
  static_assert(!sequence,
                "bitgauge: q * x takes a vector of Eigen's: write q * Eigen::Map<const "
                "Eigen::VectorXf>(x.data(), x.size())");
  static_assert(!weights, "bitgauge: q * x takes floats, found quantized weights: write q * x.dequantize()");
  static_assert(array || other || sequence || weights || sizeof(X) == 0,
                "bitgauge: q * x takes a matrix or vector of Eigen's");
}
/// Says why x * q is no product.
template <class X>
void refuse_left_operand() {
  static_assert(sizeof(X) == 0,
                "bitgauge: the quantized matrix stands on the left: y = q * x. Where it has to stand on the "
                "right, write x * q.dequantize()");
}

/// What may stand on the wrong side of a quantized matrix: another of its kind is refused as right operand.
template <class X>
concept left_operand = !quantized_input<X> || dense_input<X> || other_eigen_input<X>;

}  // namespace detail

template <class X>
requires(!detail::matrix_input<X>)
Eigen::MatrixXf operator*(const quantized_matrix&, const X&) {
  detail::refuse_right_operand<X>();
  return {};
}
template <detail::left_operand X>
Eigen::MatrixXf operator*(const X&, const quantized_matrix&) {
  detail::refuse_left_operand<X>();
  return {};
}

namespace gguf {

template <class X>
requires(!bitgauge::detail::matrix_input<X>)
Eigen::MatrixXf operator*(const block_matrix&, const X&) {
  bitgauge::detail::refuse_right_operand<X>();
  return {};
}
template <bitgauge::detail::left_operand X>
Eigen::MatrixXf operator*(const X&, const block_matrix&) {
  bitgauge::detail::refuse_left_operand<X>();
  return {};
}

}  // namespace gguf
}  // namespace bitgauge
