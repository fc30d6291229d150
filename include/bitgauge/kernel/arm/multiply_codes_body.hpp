// Products of codes with one instruction set of Arm: a panel by some samples. The multiply_codes.hpp of its folder
// includes this in the namespace of the set, where BITGAUGE_TIER is the attribute that names the target, with the words
// of neon/vectors.hpp and
//   products<Samples>        the sums of a panel by some samples: starts at 0, and
//   add(codes, four, next)   adds those of an unpacked unit, with the activations that its first four columns meet at `four`, and
//                            the others at `next`
//   of(sample, vector)       are the sums of four rows
//   activations_less         what the products subtract from the activations
//   samples_together         samples of which the sums stay in registers
#if defined(BITGAUGE_TIER)

/// `Samples` samples of a tile from `first` on. Scales are read once for all samples, before y is written: what the compiler
/// cannot tell from y it would read again and again.
template <unsigned Samples, bool HasZeroPoints>
[[BITGAUGE_TIER]] void multiply_samples(const integer_tile& tile, index_t panel, index_t first) {
  const activation_codes& x = tile.x;
  const index_t width = x.samples, y_stride = tile.y_stride;
  const bool has_offsets = tile.has_offsets;
  const std::int8_t* codes = tile.weights[panel].codes;
  const std::uint8_t* four = x.codes + 4 * first;
  for (index_t i = 0; i < tile.count; ++i) {
    const segment& s = tile.segments[i];
    const segment_parameters& own = tile.weights[panel].parameters[i];
    const index_t of_block = s.block * width + first, of_segment = i * width + first;
    products<Samples> sums;
    for (std::int32_t u = s.units; u > 0; --u, codes += unit_fields, four += 8 * width)
      sums.add(codes, four, four + 4 * width);
    float x_scales[Samples];
#pragma GCC unroll 6
    for (unsigned j = 0; j < Samples; ++j) x_scales[j] = x.scales[of_block + j];
#pragma GCC unroll 4
    for (unsigned q = 0; q < vectors_of_panel; ++q) {
      const unsigned row = q * lanes;
      float* const y = tile.y + first * y_stride + panel * panel_rows + row;
      const int32x4_t code_sums = vld1q_s32(own.code_sums + row);
      const int32x4_t less_128 = vmulq_n_s32(code_sums, activations_less - 128);
      const float32x4_t scales = vld1q_f32(own.scales + row);
#pragma GCC unroll 6
      for (unsigned j = 0; j < Samples; ++j) {
        int32x4_t sum = sums.of(j, q);
        if constexpr (HasZeroPoints)
          sum = vmlaq_n_s32(sum, code_sums, activations_less - x.zero_points[of_block + j]);
        else
          sum = vaddq_s32(sum, less_128);
        add_scaled(sum, y + j * y_stride, scales, x_scales[j]);
      }
      if (!has_offsets) continue;
      const float32x4_t offsets = vld1q_f32(own.offsets + row);
#pragma GCC unroll 6
      for (unsigned j = 0; j < Samples; ++j)
        subtract_offsets(y + j * y_stride, offsets, x.scaled_sums[of_segment + j]);
    }
  }
}

/// Calls multiply_samples with a number of samples known at compile time, 1..samples_together.
template <bool HasZeroPoints, unsigned Samples = samples_together>
[[BITGAUGE_TIER]] void multiply_few(const integer_tile& tile, index_t panel, index_t first, index_t samples) {
  if (samples >= Samples) return multiply_samples<Samples, HasZeroPoints>(tile, panel, first);
  if constexpr (Samples > 1) multiply_few<HasZeroPoints, Samples - 1>(tile, panel, first, samples);
}

[[BITGAUGE_TIER]] inline void multiply_codes(const integer_tile& tile) {
  const auto few = tile.x.zero_points != nullptr ? multiply_few<true> : multiply_few<false>;
  for (index_t panel = 0; panel < tile_panels; ++panel)
    for (index_t first = 0; first < tile.x.samples; first += samples_together)
      few(tile, panel, first, tile.x.samples - first);
}

#endif  // BITGAUGE_TIER
