#pragma once

/// \file
/// The encoder of the formats with vector codebooks: IQ1, IQ2 and IQ3. It searches the levels that are
/// decoded.

#include <bitgauge/gguf/codebook_search.hpp>
#include <bitgauge/gguf/formats.hpp>
#include <bitgauge/gguf/optimal_scale.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <tuple>

namespace bitgauge::gguf::best {

template <class Format>
concept coded_in_vectors = requires {
  Format::levels::book;
};

/// For every sub-block the scales of least error are sought first; then the scale codes under a super-scale,
/// which is refitted by least squares until nothing improves.
template <coded_in_vectors Format>
class codebook_encoder {
  using levels = typename Format::levels;
  using storage = typename Format::scale;
  static constexpr auto count = static_cast<std::size_t>(Format::sub_block);
  static constexpr auto sub_blocks = static_cast<std::size_t>(Format::sub_blocks);
  static constexpr auto dimension = static_cast<std::size_t>(levels::dimension);
  static constexpr std::size_t groups = count / dimension;
  static constexpr bool is_shifted = requires { levels::shift_run; };
  static constexpr std::size_t runs = count / 8;  ///< each of a sign pattern
  /// Elements that share a stored sign pattern or shift.
  static constexpr std::size_t sign_run =
      static_cast<std::size_t>(Format::elements) / std::tuple_size_v<decltype(levels::codes::sign)>;
  static constexpr int most_code = storage::code_count - 1;
  static constexpr int greatest_level = levels::book.levels.back() + (is_shifted ? 1 : 0);

  /// The codes of a sub-block at some scale.
  struct sub_codes {
    std::array<std::uint16_t, groups> index{};
    std::array<std::uint8_t, runs> sign{};  ///< a pattern, or for IQ1 the shift, of each run of eight
    double error = HUGE_VAL;
    projection sums{};
  };
  struct solution {
    float super = 0.0f;
    std::array<int, sub_blocks> code{};
    std::array<sub_codes, sub_blocks> codes{};
    double error = HUGE_VAL;
  };

  std::array<double, static_cast<std::size_t>(Format::elements)> x_, weight_;

 public:
  codebook_encoder(const float* x, const float* importance) noexcept {
    for (std::size_t j = 0; j < x_.size(); ++j) {
      x_[j] = static_cast<double>(x[j]);
      weight_[j] = weight_of(importance, static_cast<int>(j));
    }
  }

  void run(block_codes<Format>& codes) noexcept {
    std::array<double, sub_blocks> wanted;
    double largest = 0.0;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      wanted[s] = best_scale(s);
      largest = std::max(largest, wanted[s]);
    }
    solution best;
    best.error = energy();  // of zeros
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
  double energy() const noexcept {
    double sum = 0.0;
    for (std::size_t j = 0; j < x_.size(); ++j) sum += product(weight_[j], product(x_[j], x_[j]));
    return sum;
  }

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
    const double magnitude = std::abs(x_[0]);
    if (magnitude == 0.0 ||
        std::any_of(x_.begin(), x_.end(), [&](double x) { return std::abs(x) != magnitude; }))
      return;
    solution found;
    sub_codes least;
    for (const int entry : levels::book.levels) {
      for (const int level : {entry + (is_shifted ? 1 : 0), entry - (is_shifted ? 1 : 0)}) {
        for (int code = 0; code <= most_code && level > 0; ++code) {
          const double factor = scale_of(1.0f, code) * level;
          const float super = nearest_half(magnitude / factor);
          const sub_codes first = fit(0, scale_of(super, code));
          if (!(first.error < least.error)) continue;
          least = first;
          found.super = super;
          found.code.fill(code);
        }
      }
    }
    found.error = 0.0;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      found.codes[s] = fit(s, scale_of(found.super, found.code[s]));
      found.error += found.codes[s].error;
    }
    if (found.error < best.error) best = found;
  }

  /// The codes of sub-block s for `scale`.
  sub_codes fit(std::size_t s, double scale) const noexcept {
    sub_codes found;
    found.error = 0.0;
    if constexpr (!is_shifted) {
      for (std::size_t r = 0; r < runs; ++r) fit_signed_run(s, r, scale, found);
    } else if constexpr (sign_run == 8) {
      for (std::size_t r = 0; r < runs; ++r) {
        const nearest_entry up = search_run(s, r, scale, 1), down = search_run(s, r, scale, -1);
        found.sign[r] = down.error < up.error ? 1 : 0;
        found.index[r] = (down.error < up.error ? down : up).index;
      }
    } else {
      std::array<nearest_entry, runs> up, down;
      double of_up = 0.0, of_down = 0.0;
      for (std::size_t r = 0; r < runs; ++r) {
        up[r] = search_run(s, r, scale, 1);
        down[r] = search_run(s, r, scale, -1);
        of_up += up[r].error;
        of_down += down[r].error;
      }
      for (std::size_t r = 0; r < runs; ++r) {
        found.sign[r] = of_down < of_up ? 1 : 0;
        found.index[r] = (of_down < of_up ? down : up)[r].index;
      }
    }
    add_sums(s, scale, found);
    return found;
  }

  nearest_entry search_run(std::size_t s, std::size_t r, double scale, int shift) const noexcept {
    const std::size_t at = s * count + 8 * r;
    return search_codebook<levels::book>(&x_[at], &weight_[at], scale, shift);
  }

  /// Signs and indices of eight elements. Where the number of minus signs must be even and is not, the signs
  /// of the elements that cost least to turn are turned, one at a time, and the best is kept.
  void fit_signed_run(std::size_t s, std::size_t r, double scale, sub_codes& found) const noexcept {
    const std::size_t at = s * count + 8 * r;
    std::array<double, 8> magnitude;
    unsigned pattern = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      magnitude[i] = std::abs(x_[at + i]);
      if (x_[at + i] < 0.0) pattern |= 1u << i;
    }
    std::array<nearest_entry, 8 / dimension> best;
    const auto search = [&](const std::array<double, 8>& y) {
      std::array<nearest_entry, 8 / dimension> entries;
      for (std::size_t g = 0; g < entries.size(); ++g) {
        entries[g] = search_codebook<levels::book>(&y[g * dimension], &weight_[at + g * dimension], scale, 0);
      }
      return entries;
    };
    const auto total = [](const auto& entries) {
      double sum = 0.0;
      for (const nearest_entry& entry : entries) sum += entry.error;
      return sum;
    };
    if (!levels::parity::is_even || std::popcount(pattern) % 2 == 0) {
      best = search(magnitude);
    } else {
      std::array<std::size_t, 8> order{0, 1, 2, 3, 4, 5, 6, 7};
      std::partial_sort(order.begin(), order.begin() + 2, order.end(), [&](std::size_t a, std::size_t b) {
        return weight_[at + a] * magnitude[a] < weight_[at + b] * magnitude[b];
      });
      double least = HUGE_VAL;
      unsigned turned = 0;
      for (std::size_t k = 0; k < 2; ++k) {
        auto y = magnitude;
        y[order[k]] = -y[order[k]];
        const auto entries = search(y);
        if (total(entries) < least) {
          least = total(entries);
          best = entries;
          turned = 1u << order[k];
        }
      }
      pattern ^= turned;
    }
    found.sign[r] = static_cast<std::uint8_t>(pattern);
    for (std::size_t g = 0; g < best.size(); ++g) found.index[r * best.size() + g] = best[g].index;
  }

  /// Level of element j of a sub-block.
  static int level_of(const sub_codes& found, std::size_t j) noexcept {
    const int level = codebook_vectors<levels::book>[found.index[j / dimension]][j % dimension];
    const std::uint8_t sign = found.sign[j / 8];
    if constexpr (is_shifted) {
      return sign != 0 ? level - 1 : level + 1;
    } else {
      return (sign >> (j % 8) & 1) != 0 ? -level : level;
    }
  }

  void add_sums(std::size_t s, double scale, sub_codes& found) const noexcept {
    double energy = 0.0;
    for (std::size_t j = 0; j < count; ++j) {
      const double level = level_of(found, j), x = x_[s * count + j];
      const double weighted_x = shortened(weight_[s * count + j] * x);
      found.sums.with_x += weighted_x * level;
      found.sums.squares += weight_[s * count + j] * level * level;
      energy += product(weighted_x, x);
    }
    found.error = energy - found.sums.gain(scale);
  }

  /// A scale of sub-block s with the least error that a few starts and least squares lead to.
  double best_scale(std::size_t s) const noexcept {
    double largest = 0.0;
    for (std::size_t j = 0; j < count; ++j) largest = std::max(largest, std::abs(x_[s * count + j]));
    double best = 0.0, least = HUGE_VAL;
    if (largest == 0.0) return 0.0;
    for (int start = 0; start < 8; ++start) {
      double scale = largest / greatest_level * (0.55 + 0.1 * start);
      const sub_codes found = fit(s, static_cast<float>(scale));
      const double solved = found.sums.scale();
      if (!(solved > 0.0)) continue;
      const double error = found.error + found.sums.gain(static_cast<float>(scale)) - found.sums.gain(solved);
      if (error < least) {
        least = error;
        best = solved;
      }
    }
    return best;
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
        const sub_codes found = fit(s, scale_of(trial.super, allowed));
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
    projection sums;
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

template <coded_in_vectors Format>
void encode(const float* x, const float* importance, block_codes<Format>& codes) noexcept {
  codebook_encoder<Format> encoder(x, importance);
  encoder.run(codes);
}

}  // namespace bitgauge::gguf::best
