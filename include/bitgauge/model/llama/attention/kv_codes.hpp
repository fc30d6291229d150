#pragma once

/// \file
/// Keys or values in 8 or 4 bits, a scale for every token and head.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/numeric/half.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bitgauge::llama {

/// What keys and values are kept in.
enum class kv_format : std::uint8_t {
  floats,
  q8,  ///< symmetric, 8 bits: head_size + 2 bytes a token and head
  q4   ///< affine, 4 bits: head_size / 2 + 4 bytes
};

namespace detail {

/// Runs of so many numbers: value = scale * code + least, both binary16; codes from -127 to 127 without a least value,
/// or from 0 to 15.
class kv_runs {
 public:
  kv_runs(index_t count, index_t size, kv_format format) : size_(size), is_small_(format == kv_format::q4) {
    codes_.resize(static_cast<std::size_t>(count) * code_bytes());
    scales_.resize(static_cast<std::size_t>(count));
    if (is_small_) least_.resize(static_cast<std::size_t>(count));
  }

  index_t bytes() const noexcept {
    return static_cast<index_t>(codes_.size() + sizeof(std::uint16_t) * (scales_.size() + least_.size()));
  }

  void write(index_t run, const float* x) {
    const auto at = static_cast<std::size_t>(run);
    const auto [low, high] = std::minmax_element(x, x + size_);
    std::uint8_t* const out = codes_.data() + at * code_bytes();
    if (!is_small_) {
      const float largest = std::max(-*low, *high);
      scales_[at] = numeric::half_from_float(largest / 127);
      const float scale = numeric::half_to_float(scales_[at]), inverse = scale > 0 ? 1 / scale : 0;
      for (index_t i = 0; i < size_; ++i)
        out[i] = static_cast<std::uint8_t>(
            static_cast<std::int8_t>(std::clamp(std::nearbyint(x[i] * inverse), -127.0f, 127.0f)));
      return;
    }
    least_[at] = numeric::half_from_float(*low);
    const float least = numeric::half_to_float(least_[at]);
    scales_[at] = numeric::half_from_float((*high - least) / 15);
    const float scale = numeric::half_to_float(scales_[at]), inverse = scale > 0 ? 1 / scale : 0;
    std::fill_n(out, code_bytes(), std::uint8_t{0});
    for (index_t i = 0; i < size_; ++i) {
      const auto code =
          static_cast<unsigned>(std::clamp(std::nearbyint((x[i] - least) * inverse), 0.0f, 15.0f));
      out[i / 2] = static_cast<std::uint8_t>(out[i / 2] | code << (i % 2 * 4));
    }
  }

  /// Number i of the run goes to out[i * step].
  void read(index_t run, float* out, index_t step) const {
    const auto at = static_cast<std::size_t>(run);
    const std::uint8_t* const from = codes_.data() + at * code_bytes();
    const float scale = numeric::half_to_float(scales_[at]);
    if (is_small_) {
      const float least = numeric::half_to_float(least_[at]);
      for (index_t i = 0; i < size_; ++i)
        out[i * step] = scale * static_cast<float>(from[i / 2] >> (i % 2 * 4) & 15) + least;
    } else {
      for (index_t i = 0; i < size_; ++i)
        out[i * step] = scale * static_cast<float>(static_cast<std::int8_t>(from[i]));
    }
  }

 private:
  std::size_t code_bytes() const { return static_cast<std::size_t>(is_small_ ? (size_ + 1) / 2 : size_); }

  index_t size_;
  bool is_small_;
  std::vector<std::uint8_t> codes_;
  std::vector<std::uint16_t> scales_, least_;
};

}  // namespace detail

/// Heads of tokens, a scale for each.
class kv_codes {
 public:
  kv_codes(const config& c, index_t capacity, kv_format format)
      : heads_(c.key_heads), runs_(capacity * c.key_heads, c.head_size, format) {}

  index_t bytes() const noexcept { return runs_.bytes(); }

  void write(index_t position, index_t head, const float* x) { runs_.write(position * heads_ + head, x); }

  /// Element i of token t goes to out[t * token_step + i * element_step].
  void read(index_t head, index_t tokens, float* out, index_t token_step, index_t element_step) const {
    for (index_t t = 0; t < tokens; ++t) runs_.read(t * heads_ + head, out + t * token_step, element_step);
  }

 private:
  index_t heads_;
  detail::kv_runs runs_;
};

}  // namespace bitgauge::llama
