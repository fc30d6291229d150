#pragma once

/// \file
/// Activations in rows, for instructions that multiply tiles of the memory as it lies.
///
/// The columns of a segment (or of some units, of floats) are cut into steps of as many columns as a tile has,
/// filled up with zeros. Values of a chunk lie chunk after chunk; in one, 16 samples after 16 samples; of these,
/// step after step; of a step, sample after sample: [16 samples][step][sample][column].

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/pack/segments.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bitgauge::kernel {

/// Samples of a tile of the processor, and those that are laid out and multiplied together.
inline constexpr index_t sample_rows = 16, row_tile_samples = 64;

/// Columns of a step of bfloat16.
inline constexpr index_t bfloat16_step = 32;

/// Units that are multiplied with values in rows together: both stay in the first-level cache, where tiles
/// come from twice as fast as from the second.
inline constexpr index_t row_units = 64;

/// Where the values of a sample lie: those of step i from first + i * stride on.
struct row_place {
  index_t first, stride;
};

/// Of sample `sample` of a tile of `width` that begins with sample `begin` of `samples`, in a chunk; a step has
/// `size` columns.
inline row_place place_in_rows(index_t first_step, index_t steps, index_t size, index_t samples,
                               index_t begin, index_t width, index_t sample) noexcept {
  const index_t before = sample / sample_rows * sample_rows;
  return {(first_step * samples + steps * (begin + before) + sample - before) * size,
          std::min(sample_rows, width - before) * size};
}

/// Cuts segments into steps of four times the returned number of columns: at most 16, and such that the first
/// segment, which most are like, wastes little.
inline index_t cut_steps(std::vector<segment>& segments, std::vector<chunk>& chunks) {
  if (segments.empty()) return sample_rows;
  const index_t wanted = 2 * segments[0].units, steps = (wanted + sample_rows - 1) / sample_rows;
  const index_t fours = (wanted + steps - 1) / steps;
  index_t step = 0;
  for (chunk& part : chunks) {
    part.first_step = step;
    for (index_t i = part.first_segment; i < part.first_segment + part.segments; ++i) {
      segment& s = segments[static_cast<std::size_t>(i)];
      s.first_step = static_cast<std::int32_t>(step);
      s.steps = static_cast<std::int32_t>((2 * s.units + fours - 1) / fours);
      step += s.steps;
    }
    part.steps = step - part.first_step;
  }
  return fours;
}

/// The steps of a row.
inline index_t steps_of(const std::vector<chunk>& chunks) noexcept {
  return chunks.empty() ? 0 : chunks.back().first_step + chunks.back().steps;
}

/// The codes of a sample in a segment, to be laid out in rows: as signed bytes, code ^ flip.
struct code_row {
  const std::uint8_t* codes;
  index_t columns, filled;  ///< of the segment, and with what fills up its units; behind these come zeros
  std::uint8_t flip;        ///< 0x80 where codes are unsigned, 0 where they are signed bytes already
  std::uint8_t fill;        ///< the signed byte of the activations' zero point
  index_t steps, fours;
  std::uint8_t* to;  ///< step i to to + i * stride
  index_t stride;
};

}  // namespace bitgauge::kernel
