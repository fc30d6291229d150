#pragma once

/// \file
/// Scales that are codes of 8 bits under parameters of their own.

#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/numeric/small_float.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/scale/codec.hpp>
#include <bitgauge/scale/type.hpp>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// What the codes of one block of scales stand for. Codes 0..highest stand for values in ascending order, as
/// every type is a monotone map of its codes.
struct nested_codes {
  scale_type type;
  float factor;  ///< the divisor of e4m3_divided
  float offset;

  int highest() const noexcept {
    const bool e4m3 = type == scale_type::e4m3 || type == scale_type::e4m3_divided;
    return e4m3 ? static_cast<int>(numeric::e4m3::max_code) : 255;
  }

  /// The scale a code stands for: product and sum are rounded one after the other.
  [[gnu::always_inline]] float value(int code) const noexcept {
    const auto at = static_cast<std::size_t>(code);
    if (type == scale_type::e4m3) return numeric::value_table<numeric::e4m3>[at] * factor;
    if (type == scale_type::e4m3_divided)
      return factor > 0 ? numeric::value_table<numeric::e4m3>[at] / factor : 0.0f;
    const float level = type == scale_type::dynamic8 ? dynamic_signed_levels[at] : static_cast<float>(code);
    return numeric::uncontracted(level * factor) + offset;
  }

  /// The first code whose value is above `bound`, or highest() + 1: a guess by division, then steps to the
  /// truth.
  int first_above(double bound) const noexcept {
    if (!(factor > 0)) return static_cast<double>(value(0)) > bound ? 0 : highest() + 1;  // all stand for one
    int code = guess(static_cast<float>(bound));
    while (code <= highest() && static_cast<double>(value(code)) <= bound) ++code;
    while (code > 0 && static_cast<double>(value(code - 1)) > bound) --code;
    return code;
  }

  /// The code of the value nearest to `scale`, a tie to the lower code. A positive scale gets a positive
  /// value whose inverse is finite (FLT_MIN and above), where there is one.
  int nearest(float scale) const noexcept {
    const auto distance = [&](int code) {
      return std::fabs(static_cast<double>(value(code)) - static_cast<double>(scale));
    };
    int code = guess(scale);
    while (code < highest() && distance(code + 1) < distance(code)) ++code;
    while (code > 0 && distance(code - 1) <= distance(code)) --code;
    if (scale > 0 && !(value(code) >= FLT_MIN)) return smallest_usable();
    if (value(code) > 0 && !(value(code) >= FLT_MIN)) {  // asked for zero
      const int zero = first_above(0) - 1;
      return zero >= 0 && value(zero) > -FLT_MIN ? zero : smallest_usable();
    }
    if (value(code) <= -FLT_MIN) return std::min(first_above(-FLT_MIN), highest());
    return code;
  }

  /// See scale_codec::following.
  std::size_t following(float from, bool up, std::span<float> found) const noexcept {
    std::size_t count = 0;
    for (int code = nearest(from); count < found.size() && (up ? code < highest() : code > 0);) {
      const float next = value(up ? ++code : --code);
      if (!up && !(next >= FLT_MIN)) break;
      if (next == from) continue;
      found[count++] = from = next;
    }
    return count;
  }

  /// The stored values around `scale` > 0.
  scale_codec::neighbours around(double scale) const noexcept {
    const int smallest = smallest_usable();
    const int above = std::max(first_above(scale), smallest);
    const int below = std::max(above - 1, smallest);
    if (static_cast<double>(value(below)) == scale) return {value(below), value(below)};
    return {value(below), value(std::min(above, highest()))};
  }

 private:
  /// The first code whose value is FLT_MIN or more, or the highest.
  int smallest_usable() const noexcept {
    constexpr double below = static_cast<double>(FLT_MIN) * (1 - 0x1p-24);
    return std::min(first_above(below), highest());
  }

  /// dynamic8{}.nearest(units), without the tables that make many at once fast and take long to compile.
  static int nearest_dynamic_level(float units) noexcept {
    const auto& levels = dynamic_signed_levels;
    const auto above =
        static_cast<std::size_t>(std::lower_bound(levels.begin(), levels.end(), units) - levels.begin());
    if (above == 0) return 0;
    const bool is_last = above == levels.size();
    return static_cast<int>(is_last || !((levels[above - 1] + levels[above]) / 2 < units) ? above - 1
                                                                                          : above);
  }

  /// A code near the one whose value is `scale`.
  [[gnu::always_inline]] int guess(float scale) const noexcept {
    if (!(factor > 0)) return 0;
    if (type == scale_type::e4m3 || type == scale_type::e4m3_divided) {
      const float units = type == scale_type::e4m3 ? scale / factor : scale * factor;
      return units > 0 ? numeric::e4m3::from_float(units).code : 0;
    }
    const float units = (scale - offset) / factor;
    if (type == scale_type::dynamic8) return nearest_dynamic_level(units);
    return static_cast<int>(std::clamp(units, 0.0f, 255.0f));
  }
};

/// The parameters of the second level that suit the scales wanted, in the order in which they are stored:
/// e4m3 its factor; dynamic8 the offset and then the factors; affine8 each block's factor and offset.
inline std::vector<float> second_level_for(scale_storage storage, std::span<const float> wanted) {
  std::vector<float> found;
  if (wanted.empty()) return found;
  if (storage.type == scale_type::e4m3 || storage.type == scale_type::e4m3_divided) {
    const float largest = *std::max_element(wanted.begin(), wanted.end());
    // factors that are normal numbers, which no processor flushes to zero and whose inverse is finite
    if (largest > 0 && storage.type == scale_type::e4m3)
      return {std::max(largest / numeric::e4m3::max(), FLT_MIN)};
    if (storage.type == scale_type::e4m3) return {0.0f};
    return {largest > numeric::e4m3::max() / FLT_MAX ? numeric::e4m3::max() / largest
            : largest > 0                            ? FLT_MAX
                                                     : 0.0f};
  }
  const bool dynamic = storage.type == scale_type::dynamic8;
  float mean = 0;
  if (dynamic) {
    double sum = 0;
    for (const float scale : wanted) sum += static_cast<double>(scale);
    mean = static_cast<float>(sum / static_cast<double>(wanted.size()));
    found.push_back(mean);
  }
  const auto size = static_cast<std::size_t>(storage.block);
  for (std::size_t first = 0; first < wanted.size(); first += size) {
    const auto block = wanted.subspan(first, std::min(size, wanted.size() - first));
    const auto [low, high] = std::minmax_element(block.begin(), block.end());
    if (dynamic) {
      found.push_back(std::max(mean - *low, *high - mean));
    } else {
      found.push_back((*high - *low) / 255);
      found.push_back(*low);
    }
  }
  return found;
}

}  // namespace bitgauge::detail
