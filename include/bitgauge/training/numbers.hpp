#pragma once

/// \file
/// What training reads of a matrix of Eigen's: numbers at two strides, and gradients that are refused where they
/// do not fit or are no numbers.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <concepts>
#include <type_traits>

namespace bitgauge {

/// What training computes in.
template <class Scalar>
concept training_scalar = std::same_as<Scalar, float> || std::same_as<Scalar, double>;

namespace detail {

/// A matrix where it lies: element (r, c) is at data + r * row_step + c * col_step.
template <class Scalar>
struct number_view {
  const Scalar* data = nullptr;
  index_t rows = 0, cols = 0, row_step = 0, col_step = 0;

  const Scalar& operator()(index_t r, index_t c) const noexcept { return data[r * row_step + c * col_step]; }
  /// True where the next element of a row is the next in memory, as far as there is a choice.
  bool by_rows() const noexcept { return col_step <= row_step || rows <= 1; }
  number_view transposed() const noexcept { return {data, cols, rows, col_step, row_step}; }
};

/// Calls action(number_view<Scalar>) on `x`, read in place where its numbers are Scalar and have an address;
/// else evaluated once.
template <training_scalar Scalar, class X, class Action>
decltype(auto) with_numbers(const Eigen::DenseBase<X>& x, const Action& action) {
  static_assert(
      real_scalar<typename X::Scalar>,
      "bitgauge: training takes float, double, Eigen::half or Eigen::bfloat16: write x.cast<float>()");
  if constexpr (is_addressable<X> && std::same_as<typename X::Scalar, Scalar>) {
    const X& m = x.derived();
    const index_t inner = m.innerStride(), outer = m.outerStride();
    return action(X::IsRowMajor ? number_view<Scalar>{m.data(), m.rows(), m.cols(), outer, inner}
                                : number_view<Scalar>{m.data(), m.rows(), m.cols(), inner, outer});
  } else {
    using plain = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
    const plain evaluated = x.derived().matrix().template cast<Scalar>();
    return with_numbers<Scalar>(evaluated, action);
  }
}

/// A matrix of Scalar in the shape and storage order of X.
template <class Scalar, class X>
using plain_like = Eigen::Matrix<Scalar, X::RowsAtCompileTime, X::ColsAtCompileTime,
                                 X::IsRowMajor ? Eigen::RowMajor : Eigen::ColMajor>;

/// Float, but for matrices of double.
template <class X>
using scalar_of = std::conditional_t<std::same_as<typename X::Scalar, double>, double, float>;

constexpr bool is_number(float x) noexcept {
  return numeric::is_finite(x);
}
constexpr bool is_number(double x) noexcept {
  return numeric::binary64::is_finite(x);
}
constexpr bool is_nan(float x) noexcept {
  return numeric::is_nan(x);
}
constexpr bool is_nan(double x) noexcept {
  return numeric::binary64::is_nan(x);
}

/// Raises shape_error unless `found` is rows x cols.
[[gnu::noinline]] inline void require_shape(const char* what, const char* of, index_t rows, index_t cols,
                                            index_t found_rows, index_t found_cols) {
  if (found_rows != rows || found_cols != cols)
    raise_message<shape_error>(
        {what, ": ", of, ": expected ", rows, " x ", cols, ", found ", found_rows, " x ", found_cols});
}

/// Raises data_error for the first number that is NaN or infinite.
template <class Scalar>
[[gnu::noinline]] void require_numbers(const char* what, const char* of, const number_view<Scalar>& x) {
  const bool by_rows = x.by_rows();
  const index_t outer = by_rows ? x.rows : x.cols, inner = by_rows ? x.cols : x.rows;
  for (index_t i = 0; i < outer; ++i)
    for (index_t j = 0; j < inner; ++j) {
      const index_t r = by_rows ? i : j, c = by_rows ? j : i;
      if (!is_number(x(r, c)))
        raise_message<data_error>({what, ": ", of, ": row ", r, ", column ", c,
                                   ": expected a finite value, found ",
                                   is_nan(x(r, c)) ? "NaN" : "infinity"});
    }
}

/// A gradient: of this shape, and of finite numbers.
template <class Scalar>
void require_gradient(const char* what, const number_view<Scalar>& dy, index_t rows, index_t cols) {
  require_shape(what, "gradient", rows, cols, dy.rows, dy.cols);
  require_numbers(what, "gradient", dy);
}

}  // namespace detail
}  // namespace bitgauge
