#pragma once

/// \file
/// Which code an element gets: nearest, stochastic, or a user's own choice between the two neighbouring
/// levels.

#include <bitgauge/base/config.hpp>
#include <bitgauge/grid/grid.hpp>
#include <bitgauge/grid/levels_in_use.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/uncontracted.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <vector>

namespace bitgauge {

/// A user's own rounding: of the two levels around `value` (in units of the scale, lower <= value <= upper),
/// take the upper one? Works with every grid. Must give the same answer whenever it is asked the same.
template <class R>
concept neighbour_rounding = std::copy_constructible<R> && requires(const R& r, float value, float lower,
                                                                    float upper, index_t row, index_t col) {
  { r.up(value, lower, upper, row, col) } -> std::convertible_to<bool>;
};

/// The nearest level, ties to the even code. The default.
struct nearest_rounding {
  friend constexpr bool operator==(const nearest_rounding&, const nearest_rounding&) = default;
};

/// Takes the upper level with probability (value - lower) / (upper - lower): the expected result is the value
/// itself. The random number of an element is a hash of the seed and the element's position (splitmix64,
/// Steele et al., OOPSLA 2014), so codes do not depend on threads or on the order of work.
struct stochastic_rounding {
  std::uint64_t seed = 0;

  bool up(float value, float lower, float upper, index_t row, index_t col) const noexcept {
    std::uint64_t state = seed;
    for (const std::uint64_t part : {static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(col)})
      state = mix(state ^ mix(part + 0x9e3779b97f4a7c15u));
    const double uniform = static_cast<double>(state >> 11) * 0x1p-53;
    const double threshold = uniform * (static_cast<double>(upper) - static_cast<double>(lower));
    return static_cast<double>(value) - static_cast<double>(lower) > threshold;
  }

  friend constexpr bool operator==(const stochastic_rounding&, const stochastic_rounding&) = default;

 private:
  static constexpr std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
};

namespace detail {

/// The levels of a grid in ascending order, with the field of each: where neighbours are looked up.
class sorted_levels {
 public:
  template <int = 0>
  explicit sorted_levels(const any_grid& grid) : entries_(levels_in_use<entry>(grid)) {}

  /// The field that `rounding` chooses for `value`, in units of the scale and with the zero point added.
  template <class Rounding>
  std::uint8_t choose(const Rounding& rounding, float value, index_t row, index_t col) const {
    const auto end = entries_.end();
    const auto above =
        std::lower_bound(entries_.begin(), end, value, [](const entry& e, float v) { return e.value < v; });
    if (above == end) return (end - 1)->field;
    if (above == entries_.begin() || above->value == value) return above->field;
    const auto below = above - 1;
    return rounding.up(value, below->value, above->value, row, col) ? above->field : below->field;
  }

 private:
  struct entry {
    float value = 0;
    std::uint8_t field = 0;
  };
  std::vector<entry> entries_;
};

/// A rounding whose type is no longer known: called once a run of elements that share parameters.
class any_rounding {
 public:
  virtual ~any_rounding() = default;
  /// What encode() chooses among: a virtual function, so that who gives no rounding compiles no sort.
  virtual std::shared_ptr<const sorted_levels> levels_of(const any_grid& grid) const = 0;
  virtual void encode(const float* x, index_t count, parameters p, const sorted_levels& levels, index_t row,
                      index_t col, std::uint8_t* fields) const = 0;
};

template <neighbour_rounding R>
class any_rounding_of final : public any_rounding {
 public:
  explicit any_rounding_of(const R& r) : rounding_(r) {}
  std::shared_ptr<const sorted_levels> levels_of(const any_grid& grid) const override {
    return std::make_shared<sorted_levels>(grid);
  }
  void encode(const float* x, index_t count, parameters p, const sorted_levels& levels, index_t row,
              index_t col, std::uint8_t* fields) const override {
    const float inverse = inverse_scale(p.scale);
    const auto zero_point = static_cast<float>(p.zero_point);
    for (index_t i = 0; i < count; ++i) {
      const float value = numeric::uncontracted(x[i] * inverse) + zero_point;
      fields[i] = levels.choose(rounding_, value, row, col + i);
    }
  }

 private:
  R rounding_;
};

}  // namespace detail
}  // namespace bitgauge
