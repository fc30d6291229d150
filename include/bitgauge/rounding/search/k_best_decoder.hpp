#pragma once

/// \file
/// One group of one row decoded with several beginnings kept.

#include <bitgauge/rounding/search/group_system.hpp>
#include <bitgauge/rounding/search/level_lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// Decodes with the nearest level and both its neighbours tried for every column and the eight cheapest
/// beginnings kept (K-best decoding: Guo and Nilsson, IEEE JSAC 24, 2006).
class k_best_decoder {
 public:
  explicit k_best_decoder(const level_lanes& levels) : levels_(levels) {}

  /// Decodes a group and writes its choices; returns their cost. Cost: 4 width^2 multiplications.
  double decode(const group_factors& f, const float* values, const affine_map& map, std::uint8_t* choice) {
    for (index_t b = 0; b < lane_count; ++b) levels_.set(maps_, b, map);
    const auto size = static_cast<std::size_t>(f.stride);  // lane_count rows of stride
    value_.resize(size);
    next_value_.resize(size);
    from_.resize(static_cast<std::size_t>(f.width * lane_count));
    choice_.resize(from_.size());
    for (index_t b = 0; b < lane_count; ++b)
      for (index_t i = 0; i < f.width; ++i) value_of(b, i, f) = values[i];
    simd::multiversion([&](auto width) __attribute__((always_inline)) { run(width, f, values); });
    std::size_t b = 0;
    for (index_t i = f.width; i-- > 0;) {
      const std::size_t at = static_cast<std::size_t>(i * lane_count) + b;
      choice[i] = choice_[at];
      b = from_[at];
    }
    return cost_[0];
  }

 private:
  static constexpr int ways = 3;  ///< to decide a column after each beginning
  static constexpr int steps = ways * static_cast<int>(lane_count);
  static constexpr double none = 1e300;  ///< the cost of a beginning that there is not

  /// What would be best for column i after beginning b.
  [[gnu::always_inline]] double& value_of(index_t b, index_t i, const group_factors& f) {
    return value_[static_cast<std::size_t>((b * f.stride + i) / lane_count)].values[i % lane_count];
  }

  template <int Bytes>
  [[gnu::always_inline]] void run(std::integral_constant<int, Bytes> width, const group_factors& f,
                                  const float* values) {
    double_lanes costs = double_lanes{} + none;
    costs[0] = 0;
    for (index_t i = 0; i < f.width; ++i) {
      double_lanes value;
      for (index_t b = 0; b < lane_count; ++b) value[b] = value_of(b, i, f);
      integer_lanes choice[ways];
      double_lanes cost[ways], difference[ways];
      levels_.nearest(value, maps_, choice[0]);
      choice[1] = choice[0] - 1;
      choice[2] = choice[0] + 1;
      const auto pivot = static_cast<double>(f.pivot[static_cast<std::size_t>(i)]);
      simd::repeat<ways>(
          width, [&](auto w) __attribute__((always_inline)) {
            const integer_lanes wanted = choice[w];
            choice[w] = wanted < 0 ? integer_lanes{} : wanted;
            choice[w] = choice[w] > levels_.last() ? integer_lanes{} + levels_.last() : choice[w];
            float_lanes real;
            levels_.real(choice[w], maps_, real);
            double_lanes error = (value - __builtin_convertvector(real, double_lanes)) * pivot;
            simd::round_to_float(error);
            cost[w] = costs + error * error;
            const word_lanes clamped = __builtin_convertvector(wanted != choice[w], word_lanes);
            cost[w] = clamped != 0 ? double_lanes{} + none : cost[w];
            const float_lanes moved = values[i] - real;
            difference[w] = __builtin_convertvector(moved, double_lanes);
          });
      std::uint8_t cheapest[steps];
      sort(width, cost, cheapest);
      double moves[lane_count];
      for (index_t k = 0; k < lane_count; ++k) {
        const int step = cheapest[k], from = step % lane_count, way = step / lane_count;
        costs[k] = cost[way][from];
        moves[k] = difference[way][from];
        from_[static_cast<std::size_t>(i * lane_count + k)] = static_cast<std::uint8_t>(from);
        choice_[static_cast<std::size_t>(i * lane_count + k)] = static_cast<std::uint8_t>(choice[way][from]);
      }
      advance(width, f, i, moves);
    }
    cost_ = costs;
  }

  /// The values of the columns to come, after each of the beginnings now kept.
  template <int Bytes>
  [[gnu::always_inline]] void advance(std::integral_constant<int, Bytes> width, const group_factors& f,
                                      index_t i, const double* moves) {
    const index_t cells = f.stride / lane_count;
    const float* along = f.along.data() + i * f.stride;
    const simd::double_cell* before[lane_count];
    for (index_t k = 0; k < lane_count; ++k)
      before[k] = value_.data() + from_[static_cast<std::size_t>(i * lane_count + k)] * cells;
    for (index_t cell = (i + 1) / lane_count; cell < cells; ++cell) {
      double_lanes factor;
      simd::load_floats(along + cell * lane_count, factor);
      simd::double_cell* after = next_value_.data() + cell;
      simd::repeat<lane_count>(
          width, [&](auto k) __attribute__((always_inline)) {
            double_lanes value;
            before[k][cell].read(value);
            value += factor * moves[k];
            after[k * cells].write(value);
          });
    }
    std::swap(value_, next_value_);
  }

  /// Numbers of steps by rising cost: each step's place is the number of those that are cheaper. The bits of
  /// positive doubles are ordered as they are; the last few are taken for the step's number, so that no two
  /// are equal.
  template <int Bytes>
  [[gnu::always_inline]] static void sort(std::integral_constant<int, Bytes> width, const double_lanes* cost,
                                          std::uint8_t* numbers) {
    word_lanes key[ways], place[ways]{};
    std::int64_t keys[steps], places[steps];
    simd::repeat<ways>(
        width, [&](auto w) __attribute__((always_inline)) {
          constexpr word_lanes numbers_of_lanes{0, 1, 2, 3, 4, 5, 6, 7};
          std::memcpy(&key[w], &cost[w], sizeof key[w]);
          key[w] = (key[w] & ~std::int64_t{31}) + w * lane_count + numbers_of_lanes;
          std::memcpy(keys + w * lane_count, &key[w], sizeof key[w]);
        });
    for (const std::int64_t other : keys)
      simd::repeat<ways>(
          width, [&](auto w) __attribute__((always_inline)) { place[w] -= key[w] > other; });
    simd::repeat<ways>(
        width, [&](auto w) __attribute__((always_inline)) {
          std::memcpy(places + w * lane_count, &place[w], sizeof place[w]);
        });
    for (int a = 0; a < steps; ++a) numbers[places[a]] = static_cast<std::uint8_t>(a);
  }

  const level_lanes& levels_;
  group_lanes maps_;
  double_lanes cost_;
  std::vector<simd::double_cell> value_, next_value_;  ///< of the columns to come, a row for each beginning
  std::vector<std::uint8_t> from_, choice_;  ///< of each column, which beginning was taken on and how
};

}  // namespace bitgauge::detail
