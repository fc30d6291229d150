#pragma once

/// \file
/// What a grid must offer, and the one interface through which the library sees every grid.

#include <bitgauge/grid/codebook.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/grid/level_table.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/grid/stored_levels.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge {

/// A grid: up to 256 numbers, the levels, that codes stand for at scale 1; real = scale * level(field).
///
///     struct powers_of_two {                                  // 0 and +-2^-6 .. +-1 in 4 bits
///       int bits() const { return 4; }
///       float level(int field) const;                         // field 0 .. 2^bits-1
///       int nearest(float value) const;                       // the field whose level is nearest
///       float scale_for(interval range) const { return range.magnitude(); }   // the scale that covers
///       `range`
///     };
///
/// Where it has members row_levels() and fit_row(), as lookup_grid has, every row gets levels of its own; level()
/// and nearest() are then those by which ranges choose scales.
/// Where it has a member with_positive_scales() const, the same grid but for that scale_for() is never below 0,
/// scale_for() may be, and such scales are stored as f32, f16 or bf16.
/// Where it has a member encode(const float* x, index count, float inverse_scale, std::uint8_t* fields)
/// const, many elements are encoded by that; it must give what nearest(x[i] * inverse_scale) gives.
template <class G>
concept plain_grid =
    std::copy_constructible<G> && requires(const G& g, interval range, float value, int field) {
      { g.bits() } -> std::convertible_to<int>;
      { g.level(field) } -> std::convertible_to<float>;
      { g.nearest(value) } -> std::convertible_to<int>;
      { g.scale_for(range) } -> std::convertible_to<float>;
    };

/// The library's own integer grids, and what converts to them.
template <class G>
concept integer_grid_like = std::convertible_to<G, integer_grid>;

/// Any answer to "which numbers can a code stand for?".
template <class G>
concept grid = plain_grid<G> || integer_grid_like<G>;

/// A grid whose type is no longer known: what ranges that fit parameters themselves see of a grid. Calls are made per group or per row, never per element in a hot
/// loop.
class any_grid {
 public:
  virtual ~any_grid() = default;
  virtual int bits() const = 0;
  /// The integer grid behind this one, or nullptr.
  virtual const integer_grid* integer() const { return nullptr; }
  virtual float level(int field) const = 0;
  virtual float scale_for(interval range) const = 0;
  /// scale[i] = scale_for({low[i], high[i]}), many at once.
  virtual void scales_for(const float* low, const float* high, index_t count, float* scale) const = 0;
  virtual int zero_point_for(interval, float /*scale*/) const { return 0; }
  virtual int nearest(float value, int zero_point) const = 0;
  /// fields[i] = nearest(x[i] * (1 / scale)).
  virtual void encode(const float* x, index_t count, parameters p, std::uint8_t* fields) const = 0;

  bool has_zero_point() const { return integer() != nullptr && integer()->has_zero_point; }
  int constant_zero_point() const { return integer() != nullptr ? integer()->center : 0; }

  /// True where something is rounded to the level of a field of a grid that is not an integer grid: not to
  /// NaN and infinity, nor to MXINT8's -2, nor to one of two equal levels.
  bool is_used(int field) const {
    return numeric::is_finite(level(field)) && level(nearest(level(field), 0)) == level(field);
  }

  /// The levels in use of a grid that is not an integer grid, prepared at the first call from any thread. A
  /// template, so that only who asks for them compiles it.
  template <int = 0>
  const detail::level_table& levels() const {
    std::call_once(prepared_, [this] {
      std::vector<float> used;
      for (int field = 0; field < 1 << bits(); ++field)
        if (is_used(field)) used.push_back(level(field));
      levels_ = std::make_unique<detail::level_table>(std::move(used));
    });
    return *levels_;
  }

  /// The largest distance of a code from zero, in units of the scale.
  virtual double reach(int zero_point) const = 0;

  /// Where scales may be below 0: the same levels below scales that are not, for ranges that search these; else
  /// null.
  virtual const any_grid* with_positive_scales() const { return nullptr; }
  bool has_signed_scales() const { return with_positive_scales() != nullptr; }

  /// Whether every row has levels of its own, and how these are stored and fitted: values are over their scales,
  /// weights as many or none, levels 2^bits.
  virtual bool fits_rows() const { return false; }
  virtual level_type row_levels() const { return level_type::f32; }
  virtual void fit_row(std::span<const float>, std::span<const float>, std::span<float>) const {}
  /// The grid of levels that belong to one row; null where none do.
  virtual std::unique_ptr<const any_grid> grid_of_row(std::span<const float>) const { return nullptr; }

 private:
  mutable std::once_flag prepared_;
  mutable std::unique_ptr<const detail::level_table> levels_;
};

namespace detail {

/// What a grid has beside itself: nothing, or, where its scales have a sign, itself with others.
template <class G>
struct positive_grid {
  explicit positive_grid(const G&) {}
  const any_grid* get() const { return nullptr; }
};

template <class G>
class any_grid_of final : public any_grid {
 public:
  explicit any_grid_of(const G& g) : grid_(g), positive_(g) { require_bits(grid_.bits()); }
  int bits() const override { return grid_.bits(); }
  float level(int field) const override { return grid_.level(field); }
  float scale_for(interval range) const override { return grid_.scale_for(range); }
  void scales_for(const float* low, const float* high, index_t count, float* scale) const override {
    for (index_t i = 0; i < count; ++i) scale[i] = grid_.scale_for({low[i], high[i]});
  }
  int nearest(float value, int) const override { return grid_.nearest(value); }
  void encode(const float* x, index_t count, parameters p, std::uint8_t* fields) const override {
    const float inverse = inverse_scale(p.scale);
    if constexpr (requires { grid_.encode(x, count, inverse, fields); }) {
      grid_.encode(x, count, inverse, fields);
    } else {
      for (index_t i = 0; i < count; ++i)
        fields[i] = static_cast<std::uint8_t>(grid_.nearest(x[i] * inverse));
    }
  }
  double reach(int) const override {
    return std::max(std::fabs(levels().levels().front()), std::fabs(levels().levels().back()));
  }
  const any_grid* with_positive_scales() const override { return positive_.get(); }
  bool fits_rows() const override { return row_fitting; }
  level_type row_levels() const override {
    if constexpr (row_fitting) return grid_.row_levels();
    return level_type::f32;
  }
  void fit_row([[maybe_unused]] std::span<const float> values,
               [[maybe_unused]] std::span<const float> weights,
               [[maybe_unused]] std::span<float> levels) const override {
    if constexpr (row_fitting) grid_.fit_row(values, weights, levels);
  }
  std::unique_ptr<const any_grid> grid_of_row([[maybe_unused]] std::span<const float> levels) const override {
    if constexpr (row_fitting) {
      using of_levels = std::conditional_t<row_fitting, codebook_grid, G>;  // compiled only where it is used
      return std::make_unique<any_grid_of<of_levels>>(of_levels(levels));
    }
    return nullptr;
  }

 private:
  static constexpr bool row_fitting =
      requires(const G& g, std::span<const float> x, std::span<float> levels) { g.fit_row(x, x, levels); };
  G grid_;
  positive_grid<G> positive_;
};

template <class G>
requires requires(const G& g) { g.with_positive_scales(); }
struct positive_grid<G> {
  explicit positive_grid(const G& g) : grid(g.with_positive_scales()) {}
  const any_grid* get() const { return &grid; }
  any_grid_of<std::remove_cvref_t<decltype(std::declval<const G&>().with_positive_scales())>> grid;
};

template <>
class any_grid_of<integer_grid> final : public any_grid {
 public:
  explicit any_grid_of(const integer_grid& g) : grid_(g) { require_bits(g.bits()); }
  int bits() const override { return grid_.bits(); }
  const integer_grid* integer() const override { return &grid_; }
  float level(int field) const override { return grid_.level(field); }
  float scale_for(interval range) const override { return grid_.scale_for(range); }
  void scales_for(const float* low, const float* high, index_t count, float* scale) const override {
    for (index_t i = 0; i < count; ++i) scale[i] = grid_.scale_for({low[i], high[i]});
  }
  int zero_point_for(interval range, float scale) const override {
    return grid_.zero_point_for(range, scale);
  }
  int nearest(float value, int zero_point) const override { return grid_.nearest(value, zero_point); }
  void encode(const float* x, index_t count, parameters p, std::uint8_t* fields) const override {
    const float inverse = inverse_scale(p.scale);
    for (index_t i = 0; i < count; ++i)
      fields[i] = static_cast<std::uint8_t>(grid_.nearest(x[i] * inverse, p.zero_point));
  }
  double reach(int zero_point) const override {
    return std::max(grid_.highest - zero_point, zero_point - grid_.lowest);
  }

 private:
  integer_grid grid_;
};

}  // namespace detail
}  // namespace bitgauge
