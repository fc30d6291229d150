#pragma once

/// \file
/// What was passed where a matrix of Eigen's is expected.

#include <bitgauge/base/config.hpp>

#include <type_traits>
#include <utility>

namespace bitgauge::detail {

template <class Derived>
std::true_type is_dense_test(const Eigen::DenseBase<Derived>&);
std::false_type is_dense_test(...);
template <class Derived>
std::true_type is_matrix_test(const Eigen::MatrixBase<Derived>&);
std::false_type is_matrix_test(...);
template <class Derived>
std::true_type is_eigen_test(const Eigen::EigenBase<Derived>&);
std::false_type is_eigen_test(...);

/// A matrix, vector, array, map, block or expression of Eigen's, or a class of one's own that is derived from
/// one.
template <class T>
concept dense_input = decltype(is_dense_test(std::declval<const T&>()))::value;
/// One of linear algebra, not an array.
template <class T>
concept matrix_input = decltype(is_matrix_test(std::declval<const T&>()))::value;
/// Another kind of Eigen's: sparse, diagonal, triangular, a permutation.
template <class T>
concept other_eigen_input = !dense_input<T> && decltype(is_eigen_test(std::declval<const T&>()))::value;
/// Values of any kind that know the way back to floats.
template <class T>
concept quantized_input = requires(const T& q) {
  q.rows();
  q.cols();
  q.dequantize(0);
};
/// A std::vector and its like.
template <class T>
concept sequence_input = !dense_input<T> && requires(const T& values) {
  values.data();
  values.size();
};

}  // namespace bitgauge::detail
