#pragma once

/// \file
/// The encoder of the formats with vector codebooks: IQ1, IQ2 and IQ3. It searches the levels that are
/// decoded.

#include <bitgauge/gguf/best/encoder.hpp>
#include <bitgauge/gguf/search/codebook_fit.hpp>
#include <bitgauge/gguf/search/stored_half.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// For every sub-block the scales of least error are sought first; then the scale codes under a super-scale,
/// which is refitted by least squares until nothing improves.
template <class Format>
class vector_codebook_search {
  using levels = typename Format::levels;
  using storage = typename Format::scale;
  using fits = codebook_fit<Format>;
  using sub_codes = typename fits::sub_codes;
  static constexpr auto sub_blocks = static_cast<std::size_t>(Format::sub_blocks);
  static constexpr std::size_t groups = fits::groups, runs = fits::runs, sign_run = fits::sign_run;
  static constexpr bool is_shifted = requires { levels::shift_run; };
  static constexpr int most_code = storage::code_count - 1;

  struct solution {
    float super = 0.0f;
    std::array<int, sub_blocks> code{};
    std::array<sub_codes, sub_blocks> codes{};
    double error = HUGE_VAL;
  };

  fits block_;

 public:
  vector_codebook_search(const float* x, const float* importance) noexcept : block_(x, importance) {}

  void run(block_codes<Format>& codes) noexcept {
    std::array<double, sub_blocks> wanted;
    double largest = 0.0;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      wanted[s] = block_.best_scale(s);
      largest = std::max(largest, wanted[s]);
    }
    solution best;
    best.error = block_.energy();  // of zeros
    const double unit = static_cast<double>(storage::rule.unit()) * storage::rule.factor(most_code);
    for (const double headroom : {1.0, 0.9, 1.12})
      consider(nearest_half(headroom * largest / unit), wanted, best);
    for (const int units : few_halves(static_cast<float>(largest / unit), 0)) {
      consider(std::scalbn(static_cast<float>(units), -24), wanted, best);
    }
    consider_one_magnitude(best);
    write(best, codes);
  }

 private:
  /// Tries a super-scale, and refits it until nothing improves.
  void consider(float super, const std::array<double, sub_blocks>& wanted, solution& best) const noexcept {
    solution trial;
    trial.super = super;
    for (int pass = 0; pass < 4 && trial.super != 0.0f; ++pass) {
      const double before = trial.error;
      choose_codes(trial, wanted, pass > 0);
      if (trial.error < best.error) best = trial;
      if (trial.error >= before) break;
      trial.super = refitted(trial);
    }
  }

  /// Where all elements have one magnitude, tries to make it each of the levels, under every scale code:
  /// often one of the products is exact, far from any scale that suits uneven elements.
  void consider_one_magnitude(solution& best) const noexcept {
    const double magnitude = block_.one_magnitude();
    if (magnitude == 0.0) return;
    solution found;
    sub_codes least;
    for (const int entry : levels::book.levels) {
      for (const int level : {entry + (is_shifted ? 1 : 0), entry - (is_shifted ? 1 : 0)}) {
        for (int code = 0; code <= most_code && level > 0; ++code) {
          const double factor = scale_of(1.0f, code) * level;
          const float super = nearest_half(magnitude / factor);
          const sub_codes first = block_.fit(0, scale_of(super, code));
          if (!(first.error < least.error)) continue;
          least = first;
          found.super = super;
          found.code.fill(code);
        }
      }
    }
    found.error = 0.0;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      found.codes[s] = block_.fit(s, scale_of(found.super, found.code[s]));
      found.error += found.codes[s].error;
    }
    if (found.error < best.error) best = found;
  }

  /// The scale code of every sub-block for trial.super: next to the wanted scale, or to the present code
  /// where `nearby`.
  void choose_codes(solution& trial, const std::array<double, sub_blocks>& wanted,
                    bool nearby) const noexcept {
    trial.error = 0.0;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      int first = trial.code[s] - 1;
      if (!nearby) {
        const double factor =
            wanted[s] / (static_cast<double>(trial.super) * static_cast<double>(storage::rule.unit()));
        first = static_cast<int>((factor - storage::rule.origin) / storage::rule.step + 16.0) - 16;
      }
      trial.codes[s].error = HUGE_VAL;
      for (int code = first; code <= first + (nearby ? 2 : 1); ++code) {
        const int allowed = std::clamp(code, 0, most_code);
        if (allowed != code && code != first) continue;
        const sub_codes found = block_.fit(s, scale_of(trial.super, allowed));
        if (found.error < trial.codes[s].error) {
          trial.codes[s] = found;
          trial.code[s] = allowed;
        }
      }
      trial.error += trial.codes[s].error;
    }
  }

  static double scale_of(float super, int code) noexcept {
    return static_cast<double>(super *
                               static_cast<float>(storage::rule.factor(static_cast<std::uint8_t>(code))) *
                               storage::rule.unit());
  }

  static float refitted(const solution& trial) noexcept {
    projection<double> sums;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      const double factor = static_cast<double>(storage::rule.unit()) *
                            storage::rule.factor(static_cast<std::uint8_t>(trial.code[s]));
      sums.with_x += product(factor, trial.codes[s].sums.with_x);
      sums.squares += product(product(factor, factor), trial.codes[s].sums.squares);
    }
    return nearest_half(sums.scale());
  }

  static void write(const solution& found, block_codes<Format>& codes) noexcept {
    codes.scale.super = found.super;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      codes.scale.sub[s] = static_cast<std::uint8_t>(found.code[s]);
      for (std::size_t g = 0; g < groups; ++g) codes.elements.index[s * groups + g] = found.codes[s].index[g];
      for (std::size_t r = 0; r < runs; ++r) {
        codes.elements.sign[(s * runs + r) * 8 / sign_run] = found.codes[s].sign[r];
      }
    }
  }
};

template <class Format>
requires(Format::family == block_family::vector_codebook)
struct encoder<Format> {
  static constexpr index_t together = 1;

  static void encode(const float* x, index_t, const block_context& context,
                     std::array<block_codes<Format>, 1>& codes) noexcept {
    vector_codebook_search<Format> search(x, context.importance);
    search.run(codes[0]);
  }
};

}  // namespace bitgauge::gguf::best
