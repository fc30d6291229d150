#pragma once

/// \file
/// The memory of products, kept from call to call.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/kernel/activations.hpp>
#include <bitgauge/kernel/segments.hpp>
#include <bitgauge/kernel/tiles.hpp>

#include <cstdint>
#include <vector>

namespace bitgauge::kernel::detail {

/// What a call needs, and each of its threads; kept from call to call.
struct call_scratch {
  packed_activations x;
  std::vector<segment> segments;
  std::vector<chunk> chunks;
};
struct thread_scratch {
  tile_scratch tile;
  bitgauge::detail::aligned_buffer<float> y, weights;
  bitgauge::detail::aligned_buffer<std::uint16_t> bfloat16_weights;
  bitgauge::detail::aligned_buffer<std::int8_t> codes;
  bitgauge::detail::aligned_buffer<segment_parameters> parameters;
};
inline bitgauge::detail::scratch_pool<call_scratch>& call_scratches() {
  static bitgauge::detail::scratch_pool<call_scratch> pool;
  return pool;
}
inline bitgauge::detail::scratch_pool<thread_scratch>& thread_scratches() {
  static bitgauge::detail::scratch_pool<thread_scratch> pool;
  return pool;
}

}  // namespace bitgauge::kernel::detail
