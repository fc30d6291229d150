#pragma once

// How keys and values are kept, as an option says it.

#include <bitgauge/model/llama/attention/kv_cache.hpp>

#include <string_view>

namespace program {

/// f32 (or nothing), q8 or q4, with _rotated or _channels behind them: keys with a scale for each channel.
inline bitgauge::llama::kv_options read_kv(std::string_view text) {
  using bitgauge::llama::kv_format;
  return {.format = text.starts_with("q8")   ? kv_format::q8
                    : text.starts_with("q4") ? kv_format::q4
                                             : kv_format::floats,
          .rotated = text.ends_with("_rotated"),
          .keys_per_channel = text.ends_with("_channels")};
}

}  // namespace program
