#pragma once

/// \file
/// Which weights pruning may remove: a share of all, or some of every few neighbours.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

namespace bitgauge {

/// Any weights, `share` of them: from 0 to below 1.
struct unstructured {
  double share = 0.5;
};

/// `pruned` of every `of` neighbours along a row: n_of_m{2, 4} is the 2:4 of sparse tensor cores. A shorter last
/// group loses as many, all of it where it has no more, as in the published programs.
struct n_of_m {
  index_t pruned = 2, of = 4;
};

/// One of the two, checked.
class pruning_pattern {
 public:
  pruning_pattern() = default;
  /// Throws invalid_scheme for a share that is not from 0 to below 1.
  pruning_pattern(unstructured u) : share_(u.share) {
    if (!(u.share >= 0 && u.share < 1))
      raise(invalid_scheme("pruning: share: expected from 0 to below 1, found " +
                           detail::general_text(u.share, 6)));
  }
  /// Throws invalid_scheme unless 1 <= pruned < of <= 64.
  pruning_pattern(n_of_m p) : pruned_(p.pruned), of_(p.of) {
    if (p.of < 2 || p.of > 64 || p.pruned < 1 || p.pruned >= p.of)
      detail::raise_message<invalid_scheme>(
          {"pruning: expected from 1 of 2 to 63 of 64 neighbours pruned, found ", p.pruned, " of ", p.of});
  }

  bool is_unstructured() const noexcept { return of_ == 0; }
  /// Of all weights, where unstructured; else pruned() / of().
  double share() const noexcept {
    return is_unstructured() ? share_ : static_cast<double>(pruned_) / static_cast<double>(of_);
  }
  /// Neighbours that are decided together, and how many of them are pruned; 0 where unstructured.
  index_t of() const noexcept { return of_; }
  index_t pruned() const noexcept { return pruned_; }
  /// How many of a group of `width` are pruned: all groups have of(), but for the last of a row.
  index_t pruned_of(index_t width) const noexcept { return std::min(pruned_, width); }

  /// Weights whose choice is stored as one field: of(), or 1.
  index_t field_weights() const noexcept { return is_unstructured() ? 1 : of_; }
  /// Bits of that field: log2 C(of, pruned), rounded up, such as 3 for 2:4 and 7 for 4:8; or 1.
  int field_bits() const noexcept;

  friend bool operator==(const pruning_pattern&, const pruning_pattern&) = default;

 private:
  double share_ = 0;
  index_t pruned_ = 0, of_ = 0;
};

namespace detail {

/// C(n, k) for n and k up to 64, by Pascal's triangle: the largest of them is below 2^61.
inline constexpr auto binomials = [] {
  std::array<std::array<std::uint64_t, 65>, 65> c{};
  for (std::size_t n = 0; n < c.size(); ++n) {
    c[n][0] = 1;
    for (std::size_t k = 1; k <= n; ++k) c[n][k] = c[n - 1][k - 1] + c[n - 1][k];
  }
  return c;
}();
constexpr std::uint64_t binomial(index_t n, index_t k) noexcept {
  return binomials[static_cast<std::size_t>(n)][static_cast<std::size_t>(k)];
}

}  // namespace detail

inline int pruning_pattern::field_bits() const noexcept {
  return is_unstructured() ? 1 : static_cast<int>(std::bit_width(detail::binomial(of_, pruned_) - 1));
}

}  // namespace bitgauge
