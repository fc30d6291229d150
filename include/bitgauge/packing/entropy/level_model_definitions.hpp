#pragma once

/// \file
/// What level_model.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/packing/entropy/fixed_point.hpp>
#include <bitgauge/packing/entropy/level_model.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace bitgauge::packing {

namespace detail {

/// (16 + m) * 2^e of a byte e * 16 + m.
constexpr std::uint64_t small_number(int byte) noexcept {
  return static_cast<std::uint64_t>(16 + (byte & 15)) << (byte >> 4);
}

/// The weight of level k, up to a factor.
inline std::uint64_t weight_of(const level_model& m, int k) {
  const std::uint64_t square = static_cast<std::uint64_t>(k) * static_cast<std::uint64_t>(k);
  const std::uint64_t number = small_number(m.parameter);
  switch (m.shape) {
    case level_shape::gaussian:
      return power_of_half(number * square >> 1);
    case level_shape::laplace:
      return power_of_half(number * static_cast<std::uint64_t>(std::abs(k)) >> 1);
    case level_shape::student1:
    case level_shape::student3:
    case level_shape::student7: {
      const std::uint64_t ratio = (number << 32) / (number + (square << 8));
      if (m.shape == level_shape::student1) return ratio;
      const std::uint64_t second = ratio * ratio >> 32;
      return m.shape == level_shape::student3 ? second : second * second >> 32;
    }
    case level_shape::mirrored:
    case level_shape::listed:
      break;
  }
  const int byte =
      m.weights[static_cast<std::size_t>(m.shape == level_shape::mirrored ? std::abs(k) : k - m.low)];
  return byte == 0 ? 0 : small_number(byte);
}

/// Weights to frequencies of at least 1 with the sum `total`: rounded, and what is over or missing is taken from or
/// given to the largest.
inline void normalize(std::span<const std::uint64_t> weights, int total, std::uint16_t* frequencies) {
  const std::size_t n = weights.size();
  std::uint64_t sum = 0;
  for (const std::uint64_t w : weights) sum += w;
  int rest = total;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t share =
        sum == 0 ? 1 : (weights[i] * static_cast<std::uint64_t>(total) + sum / 2) / sum;
    frequencies[i] = static_cast<std::uint16_t>(std::max<std::uint64_t>(share, 1));
    rest -= frequencies[i];
  }
  while (rest != 0) {
    std::uint16_t& largest = *std::max_element(frequencies, frequencies + n);
    const int change = rest > 0 ? rest : std::max(rest, -std::max(1, largest / 64));
    largest = static_cast<std::uint16_t>(largest + change);
    rest -= change;
  }
}

}  // namespace detail

BITGAUGE_DEFINE symbol_frequencies level_model::frequencies(bool is_trellis, int parity) const {
  symbol_frequencies all{};
  const detail::symbol_range symbols(*this, is_trellis, parity);
  int total = 4096;
  for (const int each : {-128, -127, 126, 127}) {
    all[static_cast<std::size_t>(each + 128)] = static_cast<std::uint16_t>(escape);
    total -= escape;
  }
  std::vector<std::uint64_t> of_symbols;
  for (int s = symbols.first; s <= symbols.last; ++s)
    of_symbols.push_back(detail::weight_of(*this, is_trellis ? 2 * s + parity : s));
  if (of_symbols.empty()) {  // nothing is expected: what takes no bits, or the escapes alone
    all[128] = static_cast<std::uint16_t>(total);
  } else {
    detail::normalize(of_symbols, total, &all[static_cast<std::size_t>(symbols.first + 128)]);
  }
  return all;
}

BITGAUGE_DEFINE void level_model::write(std::vector<std::uint8_t>& bytes) const {
  bytes.push_back(static_cast<std::uint8_t>(shape));
  bytes.push_back(static_cast<std::uint8_t>(high));
  if (shape == level_shape::listed) bytes.push_back(static_cast<std::uint8_t>(-low));
  bytes.push_back(static_cast<std::uint8_t>(escape));
  if (shape < level_shape::mirrored) bytes.push_back(static_cast<std::uint8_t>(parameter));
  bytes.insert(bytes.end(), weights.begin(), weights.end());
}

BITGAUGE_DEFINE level_model level_model::read(std::span<const std::uint8_t>& bytes, bool is_trellis) {
  const auto next = [&]() -> int {
    if (bytes.empty())
      raise(data_error("entropy-coded levels: distributions: expected more bytes, found the end"));
    const int byte = bytes.front();
    bytes = bytes.subspan(1);
    return byte;
  };
  const auto checked = [&](const char* what, int most) {
    const int found = next();
    if (found > most)
      bitgauge::detail::raise_message<data_error>(
          {"entropy-coded levels: distributions: ", what, ": expected 0 to ", most, ", found ", found});
    return found;
  };
  level_model m;
  m.shape = static_cast<level_shape>(checked("shape", static_cast<int>(level_shape::listed)));
  m.high = checked("highest level", most_range(is_trellis));
  m.low = m.shape == level_shape::listed ? -checked("lowest level", most_range(is_trellis)) : -m.high;
  m.escape = next();
  if (m.shape < level_shape::mirrored) {
    m.parameter = next();
  } else {
    const int count = m.shape == level_shape::mirrored ? m.high + 1 : m.high - m.low + 1;
    for (int i = 0; i < count; ++i) m.weights.push_back(static_cast<std::uint8_t>(next()));
  }
  return m;
}

}  // namespace bitgauge::packing
