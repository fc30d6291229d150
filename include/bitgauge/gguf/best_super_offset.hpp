#pragma once

/// \file
/// The `best` encoder of super-blocks whose sub-blocks have a scale and an offset: Q2_K, Q4_K and Q5_K.

#include <bitgauge/gguf/formats.hpp>
#include <bitgauge/gguf/optimal_scale.hpp>
#include <bitgauge/gguf/scale_offset_fit.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace bitgauge::gguf::best {

/// Formats with stored sub-scales and sub-offsets.
template <class Format>
concept super_offset = Format::has_offset && requires {
  Format::offset::code_count;
};

/// Chooses scale and offset of every sub-block as stored, jointly, for given super-scales; refits both
/// super-scales by least squares; repeats to a fixed point, from several starts.
template <class Format>
class super_offset_search {
  static constexpr int count = Format::sub_block;
  static constexpr int most = Format::levels::most;
  static constexpr std::size_t sub_blocks = static_cast<std::size_t>(Format::sub_blocks);
  static constexpr int most_code = Format::scale::code_count - 1;
  static constexpr std::size_t candidates = 4;  ///< a sub-block
  using level_set = uniform_levels<0, most>;

  struct sub_codes {
    int scale = 0, offset = 0;
  };
  /// The normal equations of the two super-scales.
  struct refit_sums {
    double scale_scale = 0.0, scale_offset = 0.0, offset_offset = 0.0, scale_x = 0.0, offset_x = 0.0;
  };
  struct solution {
    float super_scale = 0.0f, super_offset = 0.0f;  ///< the latter is subtracted
    std::array<sub_codes, sub_blocks> codes{};
    double gain = 0.0;
    refit_sums refit{};
  };

  std::array<weighted_elements<count>, sub_blocks> blocks_;
  std::array<std::array<scale_and_offset, candidates>, sub_blocks> fits_;

 public:
  super_offset_search(const float* x, const float* importance) noexcept
      : super_offset_search(x, importance, std::make_index_sequence<sub_blocks>()) {}

  [[gnu::always_inline]] void run(block_codes<Format>& codes) noexcept {
    float scale = 0.0f, depth = 0.0f;
    double energy = 0.0;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      scale_offset_fit<count, most, candidates> fit;
      fit.run(blocks_[s], blocks_[s].low, blocks_[s].high, true);
      fits_[s] = fit.fits();
      scale = std::max(scale, fits_[s][0].scale);
      depth = std::max(depth, -fits_[s][0].offset);
      energy += blocks_[s].energy;
    }
    solution best;
    for (const auto& [of_scale, of_depth] : headrooms) {
      solution trial;
      trial.super_scale = nearest_half(of_scale * scale / static_cast<float>(most_code));
      trial.super_offset = nearest_half(of_depth * depth / static_cast<float>(most_code));
      for (int pass = 0; pass < 5 && trial.super_scale != 0.0f; ++pass) {
        const double before = trial.gain;
        choose_codes(trial, pass > 0);
        const bool hopeless = energy - trial.gain > 1.05 * (energy - best.gain);
        if (trial.gain > best.gain) best = trial;
        if (hopeless || (pass > 0 && trial.gain <= before)) break;
        refit(trial);
      }
    }
    write(best, codes);
  }

 private:
  /// Where the greatest sub-scale and sub-offset come to lie within the range of their codes.
  static constexpr std::array<std::pair<float, float>, 6> headrooms{
      {{1.0f, 1.0f}, {1.1f, 1.05f}, {0.95f, 1.0f}, {1.05f, 1.15f}, {0.9f, 0.95f}, {1.2f, 1.1f}}};

  template <std::size_t... S>
  super_offset_search(const float* x, const float* importance, std::index_sequence<S...>) noexcept
      : blocks_{weighted_elements<count>(
            x + static_cast<int>(S) * count,
            importance == nullptr ? nullptr : importance + static_cast<int>(S) * count)...},
        fits_{} {}

  /// Eight pairs of codes for sub-block s; the best so far is kept in `chosen`.
  [[gnu::always_inline]] void try_codes(const solution& trial, std::size_t s,
                                        const std::array<sub_codes, 8>& tried, sub_codes& chosen,
                                        level_sums& levels, double& gain) const noexcept {
    trial_batch batch;
    for (std::size_t lane = 0; lane < 8; ++lane) {
      batch.scale[lane] = trial.super_scale * static_cast<float>(tried[lane].scale);
      batch.offset[lane] = -(trial.super_offset * static_cast<float>(tried[lane].offset));
    }
    fit_batch<level_set>(blocks_[s], batch);
    for (std::size_t lane = 0; lane < 8; ++lane) {
      const level_sums sums = batch.sums(lane);
      const double lane_gain = gain_with_offset(blocks_[s], sums, static_cast<double>(batch.scale[lane]),
                                                static_cast<double>(batch.offset[lane]));
      if (lane_gain > gain) {
        gain = lane_gain;
        chosen = tried[lane];
        levels = sums;
      }
    }
  }

  static int place(float value, float unit) noexcept {
    return unit != 0.0f ? static_cast<int>(std::clamp(value / unit, 0.0f, 256.0f)) : 0;
  }
  static sub_codes clamped(int scale, int offset) noexcept {
    return {std::clamp(scale, 0, most_code), std::clamp(offset, 0, most_code)};
  }

  /// The codes of every sub-block for the super-scales of `trial`: next to each candidate, or to the present
  /// codes where `nearby`, then downhill among neighbours.
  [[gnu::always_inline]] void choose_codes(solution& trial, bool nearby) const noexcept {
    trial.gain = 0.0;
    trial.refit = {};
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      sub_codes chosen{};
      level_sums levels{};
      double gain = 0.0;
      std::array<sub_codes, 8> tried;
      if (nearby) {
        tried.fill(trial.codes[s]);
        try_codes(trial, s, tried, chosen, levels, gain);
      }
      for (std::size_t first = 0; first < candidates && fits_[s][first].scale != 0.0f; first += 2) {
        for (std::size_t lane = 0; lane < 8; ++lane) {
          const scale_and_offset& fit = fits_[s][first + lane / 4];
          tried[lane] = clamped(place(fit.scale, trial.super_scale) + static_cast<int>(lane & 1),
                                place(-fit.offset, trial.super_offset) + static_cast<int>(lane >> 1 & 1));
        }
        try_codes(trial, s, tried, chosen, levels, gain);
      }
      for (int move = 0; move < 4 && gain > 0.0; ++move) {
        constexpr std::array<sub_codes, 8> ways{
            {{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}, {0, 1}, {1, -1}, {1, 0}, {1, 1}}};
        const double before = gain;
        for (std::size_t lane = 0; lane < 8; ++lane) {
          tried[lane] = clamped(chosen.scale + ways[lane].scale, chosen.offset + ways[lane].offset);
        }
        try_codes(trial, s, tried, chosen, levels, gain);
        if (gain <= before) break;
      }
      trial.codes[s] = chosen;
      trial.gain += gain;
      const double scale = chosen.scale, offset = -chosen.offset;
      refit_sums& sums = trial.refit;
      sums.scale_scale += product(product(scale, scale), levels.squares);
      sums.scale_offset += product(product(scale, offset), levels.levels);
      sums.offset_offset += product(product(offset, offset), blocks_[s].sum_weight);
      sums.scale_x += product(scale, levels.with_x);
      sums.offset_x += product(offset, blocks_[s].sum_x);
    }
  }

  /// Both super-scales by least squares, one after the other as stored.
  static void refit(solution& trial) noexcept {
    const refit_sums& sums = trial.refit;
    const double determinant =
        product(sums.scale_scale, sums.offset_offset) - product(sums.scale_offset, sums.scale_offset);
    if (determinant > 0.0) {
      trial.super_scale = nearest_half(
          (product(sums.scale_x, sums.offset_offset) - product(sums.scale_offset, sums.offset_x)) /
          determinant);
    }
    if (sums.offset_offset > 0.0) {
      trial.super_offset =
          nearest_half((sums.offset_x - product(sums.scale_offset, static_cast<double>(trial.super_scale))) /
                       sums.offset_offset);
    } else if (sums.scale_scale > 0.0) {
      trial.super_scale = nearest_half(sums.scale_x / sums.scale_scale);
    }
  }

  [[gnu::always_inline]] void write(const solution& found, block_codes<Format>& codes) const noexcept {
    codes.scale.super = found.super_scale;
    codes.offset.super = found.super_offset;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      codes.scale.sub[s] = static_cast<std::uint8_t>(found.codes[s].scale);
      codes.offset.sub[s] = static_cast<std::uint8_t>(found.codes[s].offset);
      std::array<std::int8_t, static_cast<std::size_t>(count)> levels{};
      if (codes.scale.sub[s] != 0) {
        write_levels<level_set>(blocks_[s], codes.scale_of(static_cast<int>(s)),
                                codes.offset_of(static_cast<int>(s)), levels.data());
      }
      for (std::size_t j = 0; j < levels.size(); ++j) {
        codes.elements[s * static_cast<std::size_t>(count) + j] = static_cast<std::uint8_t>(levels[j]);
      }
    }
  }
};

template <super_offset Format>
[[gnu::always_inline]] inline void encode(const float* x, const float* importance,
                                          block_codes<Format>& codes) noexcept {
  super_offset_search<Format> search(x, importance);
  search.run(codes);
}

/// Q4_1 and Q5_1: the best fits, scale and offset rounded to binary16 one after the other and refitted.
template <class Format>
requires(Format::has_offset&& Format::sub_blocks == 1)
    [[gnu::always_inline]] inline void encode(const float* x, const float* importance,
                                              block_codes<Format>& codes) noexcept {
  constexpr int most = Format::levels::most;
  using level_set = uniform_levels<0, most>;
  const weighted_elements<Format::elements> block(x, importance);
  const auto [low, high] = std::minmax_element(x, x + Format::elements);
  scale_offset_fit<Format::elements, most, 8> fit;
  fit.run(block, *low, *high, false);

  codes = {};
  codes.offset.super = nearest_half(block.sum_weight > 0.0 ? block.sum_x / block.sum_weight : 0.0);
  double best_gain = gain_with_offset(block, {}, 0.0, static_cast<double>(codes.offset.super));
  trial_batch batch;
  for (std::size_t lane = 0; lane < 8; ++lane) {
    batch.scale[lane] = nearest_half(static_cast<double>(fit.fits()[lane].scale));
    batch.offset[lane] = nearest_half(static_cast<double>(fit.fits()[lane].offset));
  }
  for (int pass = 0; pass < 5; ++pass) {
    fit_batch<level_set>(block, batch);
    for (std::size_t lane = 0; lane < 8; ++lane) {
      if (batch.scale[lane] == 0.0f) continue;
      const level_sums sums = batch.sums(lane);
      const double gain = gain_with_offset(block, sums, static_cast<double>(batch.scale[lane]),
                                           static_cast<double>(batch.offset[lane]));
      if (gain > best_gain) {
        best_gain = gain;
        codes.scale.super = batch.scale[lane];
        codes.offset.super = batch.offset[lane];
      }
      const scale_and_offset solved = solve(block, sums, HUGE_VAL);
      if (!(solved.scale > 0.0f)) continue;
      batch.scale[lane] = nearest_half(static_cast<double>(solved.scale));
      const double rest = block.sum_x - product(static_cast<double>(batch.scale[lane]), sums.levels);
      batch.offset[lane] = nearest_half(rest / block.sum_weight);
    }
  }
  if (codes.scale.super == 0.0f) return;
  std::array<std::int8_t, static_cast<std::size_t>(Format::elements)> levels;
  write_levels<level_set>(block, codes.scale.super, codes.offset.super, levels.data());
  std::copy(levels.begin(), levels.end(), codes.elements.begin());
}

}  // namespace bitgauge::gguf::best
