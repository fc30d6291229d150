#pragma once

/// \file
/// Quantizing by a scheme chosen at run time or compile time: the same recipe as with typed answers, hence
/// the same bytes.

#include <bitgauge/matrix/named_grids.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/scheme.hpp>
#include <bitgauge/matrix/scheme_text.hpp>

#include <string>

namespace bitgauge {
namespace detail {

inline void set_range(recipe& how, const scheme& s) {
  switch (s.range) {
    case range_kind::minmax:
      how.set(minmax_range{});
      return;
    default:
      raise(invalid_scheme("scheme: range=" + std::string(word_of(words<range_kind>(range_words), s.range)) +
                           " is unknown"));
  }
}

inline void set_rounding(recipe& how, const scheme& s) {
  switch (s.rounding) {
    case rounding_kind::nearest:
      how.set(nearest_rounding{});
      return;
    case rounding_kind::stochastic:
      how.set(stochastic_rounding{s.seed});
      return;
    default:
      raise(invalid_scheme("scheme: rounding=gptq needs calibration data"));
  }
}

/// The recipe of a scheme. Throws invalid_scheme for an unknown grid.
inline recipe recipe_of(const scheme& s) {
  recipe how;
  how.grid = grid_of(s);
  how.groups = s.groups;
  how.scales = s.stored_scales();
  set_range(how, s);
  set_rounding(how, s);
  return how;
}

}  // namespace detail

/// Quantizes by a scheme; see quantize(matrix, answers...) for the rules. `extras` may hold options and an
/// importance.
///
///     auto q = quantize(W, parse_scheme("affine:bits=4,group=128"));
template <class Derived, class... Extras>
quantized_matrix quantize(const Eigen::DenseBase<Derived>& matrix, const scheme& s, const Extras&... extras) {
  detail::recipe how = detail::recipe_of(s);
  (how.set(extras), ...);
  return detail::quantize_by(matrix, std::move(how));
}

/// Quantizes by a scheme known at compile time, which is then checked there.
template <scheme S, class Derived, class... Extras>
quantized_matrix quantize(const Eigen::DenseBase<Derived>& matrix, const Extras&... extras) {
  static_assert(S.bits >= 1 && S.bits <= 8, "scheme: bits must be 1 to 8");
  static_assert(S.groups.what != granularity::kind::group || S.groups.size >= 1,
                "scheme: a group has at least 1 element");
  return quantize(matrix, S, extras...);
}

}  // namespace bitgauge
