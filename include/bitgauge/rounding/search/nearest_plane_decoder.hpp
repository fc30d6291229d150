#pragma once

/// \file
/// One group of one row decoded with many scales and zero points side by side.

#include <bitgauge/rounding/search/group_system.hpp>
#include <bitgauge/rounding/search/level_lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace bitgauge::detail {

/// How the cost of a group depends on its scale, its choices held: cost - 2 x slope + x^2 curvature at a scale
/// that is larger by x.
struct scale_fit {
  double cost = 0, slope = 0, curvature = 0;
};

/// Up to 32 candidates for one group of one row, each in a lane of its own. Values are what would be best for
/// the columns were there no grid, in the order of the group's system.
class nearest_plane_decoder {
 public:
  static constexpr index_t most = 4 * lane_count;

  explicit nearest_plane_decoder(const level_lanes& levels) : levels_(levels) {}

  /// Decides one column after the other, each to the nearest level (Babai's nearest plane, which is GPTQ),
  /// for each of up to `most` maps. Cost: width^2 / 2 multiplications a candidate.
  void decode(const group_factors& f, const float* values, std::span<const affine_map> maps) {
    vectors_ = static_cast<index_t>(maps.size()) > lane_count ? most / lane_count : 1;
    set_maps(maps);
    difference_.resize(static_cast<std::size_t>(f.width * vectors_));
    choice_.resize(static_cast<std::size_t>(f.width * lanes()));
    factor_.resize(static_cast<std::size_t>(f.stride));
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      vectors_ == 1 ? run<1>(width, f, values) : run<most / lane_count>(width, f, values);
    });
  }

  /// Of the candidate in a lane, what decode() found.
  double cost(index_t lane) const {
    return cost_[static_cast<std::size_t>(lane / lane_count)][lane % lane_count];
  }
  std::uint8_t choice(index_t lane, index_t i) const {
    return choice_[static_cast<std::size_t>(i * lanes() + lane)];
  }

  /// How the costs of up to 8 candidates depend on their scales; choice(lane, i) is what lane chose for i.
  template <class Choice>
  std::array<scale_fit, lane_count> fit_scales(const group_factors& f, const float* values,
                                               std::span<const affine_map> maps, const Choice& choice) {
    vectors_ = 1;
    set_maps(maps);
    const auto count = static_cast<index_t>(maps.size());
    choice_.resize(static_cast<std::size_t>(f.width * lane_count));
    for (index_t i = 0; i < f.width; ++i)
      for (index_t lane = 0; lane < lane_count; ++lane)
        choice_[static_cast<std::size_t>(i * lane_count + lane)] = choice(std::min(lane, count - 1), i);
    difference_.resize(static_cast<std::size_t>(f.width));
    pattern_.resize(static_cast<std::size_t>(f.width));
    factor_.resize(static_cast<std::size_t>(f.stride));
    double_lanes sums[3]{};
    simd::multiversion([&](auto width) __attribute__((always_inline)) { fit(width, f, values, sums); });
    std::array<scale_fit, lane_count> fits;
    for (index_t lane = 0; lane < lane_count; ++lane)
      fits[static_cast<std::size_t>(lane)] = {sums[0][lane], sums[1][lane], sums[2][lane]};
    return fits;
  }

 private:
  index_t lanes() const { return vectors_ * lane_count; }
  void set_maps(std::span<const affine_map> maps) {
    const auto count = static_cast<index_t>(maps.size());
    for (index_t i = 0; i < lanes(); ++i)
      levels_.set(maps_[static_cast<std::size_t>(i / lane_count)], i % lane_count,
                  maps[static_cast<std::size_t>(std::min(i, count - 1))]);
  }

  /// Row i of the factors, as doubles.
  [[gnu::always_inline]] void widen(const group_factors& f, index_t i) {
    for (index_t j = 0; j < i; j += lane_count) {
      double_lanes wide;
      simd::load_floats(f.into.data() + i * f.stride + j, wide);
      std::memcpy(factor_.data() + j, &wide, sizeof wide);
    }
  }

  /// What the columns decided before i, whose cells are given, move its value by. Several sums are taken at
  /// once: additions to one need not wait for those to another.
  template <index_t Vectors, int Bytes>
  [[gnu::always_inline]] void feed(std::integral_constant<int, Bytes> width, const simd::double_cell* cell,
                                   index_t i, double_lanes* moved) const {
    constexpr index_t sums = Vectors == 1 ? 4 : 2;
    double_lanes sum[static_cast<std::size_t>(sums * Vectors)]{};
    index_t j = 0;
    for (; j + sums <= i; j += sums, cell += sums * Vectors) {
      const double* factor = factor_.data() + j;
      simd::repeat<sums * Vectors>(
          width, [&](auto k) __attribute__((always_inline)) {
            double_lanes other;
            cell[k].read(other);
            sum[k] += other * factor[k / Vectors];
          });
    }
    for (; j < i; ++j, cell += Vectors)
      simd::repeat<Vectors>(
          width, [&](auto v) __attribute__((always_inline)) {
            double_lanes other;
            cell[v].read(other);
            sum[v] += other * factor_[static_cast<std::size_t>(j)];
          });
    simd::repeat<Vectors>(
        width, [&](auto v) __attribute__((always_inline)) {
          moved[v] = sum[v];
          simd::repeat<sums - 1>(
              width, [&](auto s) __attribute__((always_inline)) { moved[v] += sum[(s + 1) * Vectors + v]; });
        });
  }

  template <index_t Vectors, int Bytes>
  [[gnu::always_inline]] void run(std::integral_constant<int, Bytes> width, const group_factors& f,
                                  const float* values) {
    double_lanes cost[static_cast<std::size_t>(Vectors)]{};
    for (index_t i = 0; i < f.width; ++i) {
      widen(f, i);
      double_lanes value[static_cast<std::size_t>(Vectors)];
      feed<Vectors>(width, difference_.data(), i, value);
      const auto pivot = static_cast<double>(f.pivot[static_cast<std::size_t>(i)]);
      simd::repeat<Vectors>(
          width, [&](auto v) __attribute__((always_inline)) {
            value[v] += static_cast<double>(values[i]);
            integer_lanes choice;
            float_lanes real;
            const group_lanes& own = maps_[static_cast<std::size_t>(v)];
            levels_.nearest(value[v], own, choice);
            levels_.real(choice, own, real);
            const float_lanes moved = values[i] - real;
            difference_[static_cast<std::size_t>(i * Vectors + v)].write(
                __builtin_convertvector(moved, double_lanes));
            double_lanes error = (value[v] - __builtin_convertvector(real, double_lanes)) * pivot;
            simd::round_to_float(error);
            cost[v] += error * error;
            const simd::byte_lanes bytes = __builtin_convertvector(choice, simd::byte_lanes);
            std::memcpy(choice_.data() + (i * Vectors + v) * lane_count, &bytes, sizeof bytes);
          });
    }
    simd::repeat<Vectors>(
        width, [&](auto v) __attribute__((always_inline)) { cost_[static_cast<std::size_t>(v)] = cost[v]; });
  }

  template <int Bytes>
  [[gnu::always_inline]] void fit(std::integral_constant<int, Bytes> width, const group_factors& f,
                                  const float* values, double_lanes* sums) {
    for (index_t i = 0; i < f.width; ++i) {
      simd::byte_lanes bytes;
      std::memcpy(&bytes, choice_.data() + i * lane_count, sizeof bytes);
      const integer_lanes choice = __builtin_convertvector(bytes, integer_lanes);
      float_lanes real, pattern;
      levels_.real(choice, maps_[0], real);
      levels_.pattern(choice, maps_[0], pattern);
      const float_lanes moved = values[i] - real;
      const double_lanes own_error = __builtin_convertvector(moved, double_lanes),
                         own_effect = __builtin_convertvector(pattern, double_lanes);
      const auto at = static_cast<std::size_t>(i);
      difference_[at].write(own_error);
      pattern_[at].write(own_effect);
      widen(f, i);
      double_lanes error, effect;
      feed<1>(width, difference_.data(), i, &error);
      feed<1>(width, pattern_.data(), i, &effect);
      const auto pivot = static_cast<double>(f.pivot[at]);
      double_lanes e = (error + own_error) * pivot, a = (effect + own_effect) * pivot;
      simd::round_to_float(e);
      simd::round_to_float(a);
      sums[0] += e * e;
      sums[1] += a * e;
      sums[2] += a * a;
    }
  }

  const level_lanes& levels_;
  index_t vectors_ = 1;
  std::array<group_lanes, most / lane_count> maps_;
  std::array<double_lanes, most / lane_count> cost_;
  std::vector<simd::double_cell> difference_,
      pattern_;                       ///< values - real and levels off the zero point, by column
  std::vector<double> factor_;        ///< how much each column before moves the one that is decided
  std::vector<std::uint8_t> choice_;  ///< lanes() for each column
};

}  // namespace bitgauge::detail
