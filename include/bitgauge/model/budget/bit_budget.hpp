#pragma once

/// \file
/// How large a quantized model may be: in bits a weight, or in bytes.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bitgauge {

/// How large the tensors of a model that are quantized may be together.
class bit_budget {
 public:
  /// So many bits a weight, on average.
  explicit bit_budget(double bits_per_weight) : bits_(bits_per_weight) {
    if (!numeric::binary64::is_finite(bits_) || bits_ <= 0 || bits_ > 64)
      detail::raise_message<invalid_scheme>(
          {"budget: expected more than 0 and at most 64 bits a weight, found ", bits_});
  }
  static bit_budget of_bytes(std::uint64_t bytes) {
    bit_budget b(1);
    b.bytes_ = bytes;
    return b;
  }

  /// The limit of so many weights, in bytes.
  std::uint64_t bytes_for(std::uint64_t weights) const {
    return bytes_ ? *bytes_ : static_cast<std::uint64_t>(bits_ * static_cast<double>(weights) / 8);
  }

 private:
  double bits_;
  std::optional<std::uint64_t> bytes_{};
};

/// Reads "3.5", bits a weight, or bytes: "2.0MB", "350KB", "1.5GB", "4096B" (powers of 1000). Raises invalid_scheme for
/// anything else.
inline bit_budget parse_bit_budget(std::string_view text) {
  constexpr std::pair<std::string_view, double> units[] = {{"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}};
  double unit = 0;
  std::string_view digits = text;
  for (const auto& [name, size] : units)
    if (unit == 0 && digits.ends_with(name)) {
      unit = size;
      digits.remove_suffix(name.size());
    }
  double value = 0;
  const bool is_number = detail::read_number(digits, value) && numeric::binary64::is_finite(value) &&
                         value > 0 && value * unit < 1e18;
  if (!is_number)
    raise(invalid_scheme(
        "budget: expected bits a weight such as 3.5, or bytes such as 2.0MB, 350KB or 4096B, found \"" +
        excerpt(text) + "\""));
  return unit > 0 ? bit_budget::of_bytes(static_cast<std::uint64_t>(value * unit)) : bit_budget(value);
}

}  // namespace bitgauge
