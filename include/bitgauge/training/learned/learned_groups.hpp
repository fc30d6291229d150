#pragma once

/// \file
/// What learned parameters have in common: one of each a group, and gradients summed over the elements that
/// share them.

#include <bitgauge/error.hpp>
#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/training/numbers.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace bitgauge::detail {

template <class Scalar>
using parameter_vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

/// Well-formed where numbers like those of X lose nothing as `Scalar`: a condition of constructors that deduction heeds.
template <class Scalar, class X>
using holds = std::enable_if_t<sizeof(scalar_of<X>) <= sizeof(Scalar), int>;

/// The smallest and the largest code, counted from that of zero: -Q_N and Q_P of the papers.
struct code_bounds_from_zero {
  int lowest = 0, highest = 0;
};

/// Raises invalid_scheme for a grid whose steps cannot be learned: of signs, or without a positive code.
[[gnu::noinline]] inline code_bounds_from_zero learnable_bounds(const char* what, const integer_grid& grid) {
  const code_bounds_from_zero b{grid.lowest - grid.center, grid.highest - grid.center};
  if (grid.is_sign_only() || b.highest < 1)
    raise_message<invalid_scheme>({what, ": expected a grid of integers with a positive code, found one of ",
                                   grid.lowest, " to ", grid.highest});
  return b;
}

/// Numbers as groups see them: a column vector is one row, as quantize() has it.
template <class Scalar, class X, class Action>
decltype(auto) with_grouped(const Eigen::DenseBase<X>& x, const Action& action) {
  return with_numbers<Scalar>(
      x, [&](const number_view<Scalar>& v) { return action(is_column_vector<X> ? v.transposed() : v); });
}

/// Calls action(x, dy) with both as groups see them. Raises shape_error unless dy has the shape of x, data_error for a
/// gradient that is not finite.
template <class Scalar, class X, class DY, class Action>
void with_gradient(const char* what, const Eigen::DenseBase<X>& x, const Eigen::DenseBase<DY>& dy,
                   const Action& action) {
  require_shape(what, "gradient", x.rows(), x.cols(), dy.rows(), dy.cols());
  with_grouped<Scalar>(x, [&](const auto& v) {
    with_grouped<Scalar>(dy, [&](const auto& d) {
      require_gradient(what, d, v.rows, v.cols);
      action(v, d);
    });
  });
}

/// The element of y, shaped as X, at what groups see as (r, c).
template <class X, class Y>
auto& element_of(Y& y, index_t r, index_t c) {
  return is_column_vector<X> ? y(c, r) : y(r, c);
}

/// Calls body(row, col, group) for every element, in the order of memory of `x`.
template <class Scalar, class Body>
void for_each_element(const grouping& groups, const number_view<Scalar>& x, const Body& body) {
  const index_t run = groups.run();
  if (x.by_rows()) {
    for (index_t r = 0; r < x.rows; ++r)
      for (index_t begin = 0, i = 0; begin < x.cols; begin += run, ++i) {
        const index_t group = groups.group_of_run(r, i), end = std::min(x.cols, begin + run);
        for (index_t c = begin; c < end; ++c) body(r, c, group);
      }
  } else {
    for (index_t c = 0; c < x.cols; ++c)
      for (index_t r = 0; r < x.rows; ++r) body(r, c, groups.group_of_run(r, c / run));
  }
}

/// The elements of each group.
inline std::vector<index_t> group_sizes(const grouping& groups) {
  std::vector<index_t> sizes(as_size(groups.count()));
  const index_t spanned = groups.within_rows() ? 1 : groups.rows(), run = groups.run();
  for (index_t g = 0; g < groups.count(); ++g) {
    const index_t i = groups.within_rows() ? g % groups.runs_per_row() : g;
    sizes[as_size(g)] = spanned * std::min(run, groups.cols() - i * run);
  }
  return sizes;
}

/// Raises shape_error unless there is one parameter a group, data_error for one that is not finite, or with
/// `positive` not above zero.
template <class Scalar>
[[gnu::noinline]] void require_parameters(const char* what, const char* of, const grouping& groups,
                                          const parameter_vector<Scalar>& values, bool positive) {
  if (values.size() != groups.count())
    raise_message<shape_error>({what, ": ", of, ": expected ", groups.count(), " for the groups of ",
                                groups.rows(), " x ", groups.cols(), ", found ", values.size()});
  for (index_t g = 0; g < values.size(); ++g)
    if (!is_number(values(g)) || (positive && !(values(g) > 0)))
      raise_message<data_error>({what, ": ", of, " of group ", g, ": expected a ",
                                 positive ? "positive" : "finite", " number, found ",
                                 static_cast<double>(values(g))});
}

/// 1 / sqrt(N Q_P), by which LSQ scales the gradients of what N elements share, times the sums.
template <class Scalar>
parameter_vector<Scalar> balanced(const grouping& groups, int highest, const std::vector<double>& sums) {
  const std::vector<index_t> sizes = group_sizes(groups);
  parameter_vector<Scalar> gradient(groups.count());
  for (index_t g = 0; g < groups.count(); ++g)
    gradient(g) = static_cast<Scalar>(
        sums[as_size(g)] / std::sqrt(static_cast<double>(sizes[as_size(g)]) * static_cast<double>(highest)));
  return gradient;
}

}  // namespace bitgauge::detail
