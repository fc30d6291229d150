// Products of few samples with codes as they are packed, with one instruction set of Arm. The multiply_packed_codes.hpp of
// its folder includes this in the namespace of the set, where BITGAUGE_TIER is the attribute that names the target, with the
// words of neon/vectors.hpp and neon/unpack.hpp and
//   packed_products<Samples, Bits, Levels>  as `products` of multiply_codes_body.hpp, but that codes of activations are signed and
//   add(unit, table, four, next)            takes the fields of a unit, or, where they are numbers of levels, a table of these
//   fields_less                             what the products subtract from fields
#if defined(BITGAUGE_TIER)

/// Panel number `number` of a tile by `Samples` samples from `first` on.
template <int Bits, bool Levels, unsigned Samples>
[[BITGAUGE_TIER]] void multiply_packed_samples(const packed_tile& tile, index_t number, index_t first) {
  using sums_of_products = packed_products<Samples, Bits, Levels>;
  const weights_view& w = *tile.weights.weights;
  const activation_codes& x = tile.x;
  const index_t width = x.samples, panel = tile.weights.first_panel + number;
  const auto* const table = reinterpret_cast<const std::uint8_t*>(w.codes.data());
  const std::uint8_t *fields = w.unit(panel, 0), *four = x.codes + 4 * first;
  for (index_t i = 0; i < tile.count; ++i) {
    const segment& s = tile.segments[i];
    const index_t of_block = s.block * width + first, of_segment = i * width + first;
    sums_of_products sums;
    for (std::int32_t u = s.units; u > 0; --u, fields += unit_bytes(Bits), four += 8 * width)
      sums.add(unpack_unit<Bits>(fields), table, four, four + 4 * width);
    const index_t parameter = w.parameter(panel, s.group);
#pragma GCC unroll 4
    for (unsigned q = 0; q < vectors_of_panel; ++q) {
      const index_t row = q * lanes;
      std::int32_t zeros[lanes];
      for (index_t r = 0; r < lanes; ++r)
        zeros[r] = (w.zero_points != nullptr ? w.zero_points[parameter + row + r] : w.center) -
                   sums_of_products::fields_less;
      float* const y = tile.y + number * panel_rows + row;
#pragma GCC unroll 6
      for (unsigned j = 0; j < Samples; ++j) {
        const int32x4_t sum =
            Levels ? sums.of(j, q) : vmlsq_n_s32(sums.of(j, q), vld1q_s32(zeros), x.sums[of_segment + j]);
        float* const to = y + (first + j) * tile.y_stride;
        add_scaled(sum, to, scales_at(w, parameter + row), x.scales[of_block + j]);
        if (w.has_stored_offsets())
          subtract_offsets(to, offsets_at(w, parameter + row), x.scaled_sums[of_segment + j]);
      }
    }
  }
}

/// Calls multiply_packed_samples with a number of samples known at compile time, 1..samples_together.
template <int Bits, bool Levels, unsigned Samples = samples_together>
[[BITGAUGE_TIER]] void multiply_packed_few(const packed_tile& tile, index_t number, index_t first,
                                           index_t samples) {
  if (samples >= Samples) return multiply_packed_samples<Bits, Levels, Samples>(tile, number, first);
  if constexpr (Samples > 1) multiply_packed_few<Bits, Levels, Samples - 1>(tile, number, first, samples);
}

[[BITGAUGE_TIER]] inline void multiply_packed_codes(const packed_tile& tile) {
  const weights_view& w = *tile.weights.weights;
  const auto few = w.bits == 8    ? multiply_packed_few<8, false>
                   : w.has_levels ? multiply_packed_few<4, true>
                                  : multiply_packed_few<4, false>;
  for (index_t number = 0; number < tile.weights.panels; ++number)
    for (index_t first = 0; first < tile.x.samples; first += samples_together)
      few(tile, number, first, tile.x.samples - first);
}

#endif  // BITGAUGE_TIER
