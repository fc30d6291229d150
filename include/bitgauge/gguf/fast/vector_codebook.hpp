#pragma once

/// \file
/// effort::normal of the formats with vector codebooks: IQ1, IQ2 and IQ3. All sub-blocks of a block are tried
/// together, each at a few scales of its own; for given codes the best scale is known in closed form.

#include <bitgauge/gguf/fast/codeword_groups.hpp>
#include <bitgauge/gguf/fast/encoder.hpp>
#include <bitgauge/gguf/search/stored_half.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::fast {

/// Three scales for each sub-block, the best of which is refitted to its codes; then the codes under a super-scale, and
/// once more under the one that suits them.
template <class Format>
class vector_codebook_search {
  using levels = typename Format::levels;
  using storage = typename Format::scale;
  using groups = codeword_groups<Format>;
  using scales = typename groups::scales;
  static constexpr std::size_t sub_blocks = groups::sub_blocks;
  static constexpr int most_code = storage::code_count - 1;
  static constexpr bool is_shifted = requires { levels::shift_run; };
  static constexpr int greatest_level = levels::book.levels.back() + (is_shifted ? 1 : 0);

  groups block_;
  typename groups::choice trial_;
  scales wanted_{}, gain_{};  ///< of each sub-block alone

 public:
  vector_codebook_search(const float* x, const float* importance) noexcept : block_(x, importance) {}

  template <class Lanes>
  [[gnu::always_inline]] void run(block_codes<Format>& codes) noexcept {
    for (std::size_t trial = 0; trial <= starts.size(); ++trial) {
      const bool refits = trial == starts.size();
      scales scale = wanted_;
      for (std::size_t s = 0; s < sub_blocks && !refits; ++s)
        scale[s] = block_.greatest[s] * starts[trial] / static_cast<float>(greatest_level);
      consider<Lanes>(scale, trial == 0);
    }
    float super = nearest_half(*std::max_element(wanted_.begin(), wanted_.end()) * block_.unit /
                               (unit * static_cast<float>(storage::rule.factor(most_code))));
    float best = 0.0f;
    for (int pass = 0; pass < 2 && super > 0.0f; ++pass) super = store<Lanes>(super, best, codes);
  }

 private:
  static constexpr float unit = storage::rule.unit();
  /// The first scales, in those that put the greatest element at the greatest level: more where there are more levels.
  static constexpr auto starts = [] {
    if constexpr (levels::book.levels.size() > 3)
      return std::array{0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.92f, 1.05f};
    else
      return std::array{0.6f, 0.75f, 0.95f};
  }();

  /// Tries a scale for each sub-block: what counts is the best scale for the codes that it leads to.
  template <class Lanes>
  [[gnu::always_inline]] void consider(const scales& scale, bool choose_shifts) noexcept {
    block_.template choose<Lanes>(scale, choose_shifts, trial_);
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      const projection<float>& sums = trial_.sums[s];
      if (!(sums.with_x > 0.0f)) continue;
      const float solved = sums.scale(), gain = solved * sums.with_x;
      if (gain > gain_[s]) {
        gain_[s] = gain;
        wanted_[s] = solved;
      }
    }
  }

  /// Takes the scale codes nearest to what the sub-blocks want under `super`, the elements' codes for these, and the
  /// super-scale of least error for both, which is returned. All of it goes to `codes` where it gains more than `best`;
  /// then the sub-blocks want what suits their codes now.
  template <class Lanes>
  [[gnu::always_inline]] float store(float super, float& best, block_codes<Format>& codes) noexcept {
    std::array<std::uint8_t, sub_blocks> sub;
    scales factor, scale;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      const float steps =
          wanted_[s] * block_.unit / (super * unit) - static_cast<float>(storage::rule.origin);
      const float code = steps / static_cast<float>(storage::rule.step);
      const float rounded_up = std::clamp(code, 0.0f, static_cast<float>(most_code)) + 0.5f;
      sub[s] = static_cast<std::uint8_t>(rounded_up);
      factor[s] = static_cast<float>(storage::rule.factor(sub[s])) * unit;
      scale[s] = super / block_.unit * factor[s];
    }
    block_.template choose<Lanes>(scale, true, trial_);
    projection<float> total;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      total.with_x += product(factor[s], trial_.sums[s].with_x);
      total.squares += product(product(factor[s], factor[s]), trial_.sums[s].squares);
      wanted_[s] = trial_.sums[s].scale();
    }
    const float suited = nearest_half(total.scale() * block_.unit), gain = total.gain(suited / block_.unit);
    if (!(gain > best)) return 0.0f;
    best = gain;
    codes.scale.super = suited;
    codes.scale.sub = sub;
    codes.elements = trial_.codes;
    return suited;
  }
};

template <class Format>
requires(Format::family == block_family::vector_codebook)
struct encoder<Format> {
  static constexpr index_t together = 1;

  static void encode(const float* x, index_t, const block_context& context,
                     std::array<block_codes<Format>, 1>& codes) noexcept {
    vector_codebook_search<Format> search(x, context.importance);
    codes[0] = {};
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      search.template run<simd::lanes<width()>>(codes[0]);
    });
  }
};

}  // namespace bitgauge::gguf::fast
