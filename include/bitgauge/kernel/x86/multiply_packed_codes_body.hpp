// Products of few samples with codes as they are packed, with one instruction set of x86. The multiply_packed_codes.hpp of its
// folder includes this in the namespace of the set, where BITGAUGE_TIER is the attribute that names the target, with the
// words of vectors.hpp and unpack.hpp there and, for the products of a unit of a vector of rows,
//   packed_products<Bits, Levels>::weights_of(first, second)        unsigned bytes: four columns, the next four
//   packed_products<Bits, Levels>::activations_at(from, stride)     of a sample, signed bytes
//   packed_products<Bits, Levels>::add(sum, weights, activations)
#if defined(BITGAUGE_TIER)

/// Sums of some panels and samples.
template <unsigned Panels, unsigned Samples>
using packed_sums = integers[Panels][vectors_of_panel][Samples];

/// Minus what the zero points of a group, from `parameter` on, add to the products.
template <unsigned Samples>
[[BITGAUGE_TIER, gnu::always_inline]] inline void start_packed_sums(integers (&sums)[Samples],
                                                                    const weights_view& w, index_t parameter,
                                                                    int center, const std::int32_t* x_sums) {
  const integers zero = w.zero_points == nullptr ? all(center) : zero_points_at(w, parameter);
#pragma GCC unroll 4
  for (unsigned j = 0; j < Samples; ++j) sums[j] = product(zero, all(-x_sums[j]));
}

/// sums += the products of the next unit of each panel.
template <int Bits, bool Levels, unsigned Panels, unsigned Samples>
[[BITGAUGE_TIER, gnu::always_inline]] inline void add_packed_unit(const std::uint8_t* (&fields)[Panels],
                                                                  const std::uint8_t* four, index_t width,
                                                                  integers table,
                                                                  packed_sums<Panels, Samples>& sums) {
  using own = packed_products<Bits, Levels>;
  decltype(own::activations_at(four, width)) activations[Samples];
#pragma GCC unroll 4
  for (unsigned j = 0; j < Samples; ++j) activations[j] = own::activations_at(four + 4 * j, 4 * width);
#pragma GCC unroll 4
  for (unsigned p = 0; p < Panels; ++p) {
    _mm_prefetch(fields[p] + fetched_ahead, _MM_HINT_T0);
    if constexpr (Bits == 8) _mm_prefetch(fields[p] + fetched_ahead + 64, _MM_HINT_T0);
    const unit_vectors unit = unpack_unit<Bits>(fields[p]);
    fields[p] += unit_bytes(Bits);
#pragma GCC unroll 2
    for (index_t h = 0; h < vectors_of_panel; ++h) {
      integers first = unit.part[0][h], second = unit.part[1][h];
      if constexpr (Levels) {
        first = look_up(first, table);
        second = look_up(second, table);
      }
      const auto weights = own::weights_of(first, second);
#pragma GCC unroll 4
      for (unsigned j = 0; j < Samples; ++j) own::add(sums[p][h][j], weights, activations[j]);
    }
  }
}

/// The panels number `first_panel`, `first_panel` + `distance`, .. of a tile by `Samples` samples from `first` on.
template <int Bits, bool Levels, unsigned Panels, unsigned Samples>
[[BITGAUGE_TIER]] void multiply_packed_codes_of(const packed_tile& tile, index_t first_panel,
                                                index_t distance, index_t first) {
  const weights_view& w = *tile.weights.weights;
  const activation_codes& x = tile.x;
  const index_t width = x.samples;
  // code + 128, unsigned
  const integers table = exclusive_or(table_of_16(w.codes.data()), all_bytes(-128));
  const int center = Levels ? 128 : w.center;
  const std::uint8_t* fields[Panels];
  index_t parameter[Panels];
  for (unsigned p = 0; p < Panels; ++p) {
    const index_t panel = tile.weights.first_panel + first_panel + p * distance;
    fields[p] = w.unit(panel, 0);
    parameter[p] = w.parameter(panel, 0);
  }
  const std::uint8_t* four = x.codes + 4 * first;
  for (index_t i = 0; i < tile.count; ++i) {
    const segment& s = tile.segments[i];
    const index_t group = s.group * panel_rows, of_block = s.block * width + first,
                  of_segment = i * width + first;
    packed_sums<Panels, Samples> sums;
#pragma GCC unroll 4
    for (unsigned p = 0; p < Panels; ++p)
#pragma GCC unroll 2
      for (index_t h = 0; h < vectors_of_panel; ++h)
        start_packed_sums<Samples>(sums[p][h], w, parameter[p] + group + h * lanes, center,
                                   x.sums + of_segment);
    for (std::int32_t u = s.units; u > 0; --u, four += 2 * 4 * width)
      add_packed_unit<Bits, Levels, Panels, Samples>(fields, four, width, table, sums);
#pragma GCC unroll 4
    for (unsigned p = 0; p < Panels; ++p)
#pragma GCC unroll 2
      for (index_t h = 0; h < vectors_of_panel; ++h) {
        const index_t at = parameter[p] + group + h * lanes;
        const floats scales = scales_at(w, at);
#pragma GCC unroll 4
        for (unsigned j = 0; j < Samples; ++j) {
          float* const y =
              tile.y + (first + j) * tile.y_stride + (first_panel + p * distance) * panel_rows + h * lanes;
          floats total = product_plus(to_floats(sums[p][h][j]), product(scales, all(x.scales[of_block + j])),
                                      load_floats(y));
          if (w.has_stored_offsets())
            total = less_product(offsets_at(w, at), all(x.scaled_sums[of_segment + j]), total);
          store(y, total);
        }
      }
  }
}

/// The panels of a tile from number `first_panel` of it on: as many together as the registers hold, so far from each
/// other that each goes on in memory where it was.
template <int Bits, bool Levels, unsigned Samples,
          unsigned Panels = Samples == 1   ? 4
                            : Samples == 2 ? 2
                                           : 1>
[[BITGAUGE_TIER]] void multiply_packed_panels(const packed_tile& tile, index_t first_panel, index_t first) {
  const index_t each = (tile.weights.panels - first_panel) / Panels;
  for (index_t i = 0; i < each; ++i)
    multiply_packed_codes_of<Bits, Levels, Panels, Samples>(tile, first_panel + i, each, first);
  if constexpr (Panels > 1)
    multiply_packed_panels<Bits, Levels, Samples, Panels / 2>(tile, first_panel + each * Panels, first);
}

template <int Bits, bool Levels>
[[BITGAUGE_TIER]] void multiply_packed_codes_by(const packed_tile& tile) {
  for (index_t first = 0; first < tile.x.samples; first += 4) {
    const index_t samples = tile.x.samples - first;
    if (samples == 1) {
      multiply_packed_panels<Bits, Levels, 1>(tile, 0, first);
    } else if (samples == 2) {
      multiply_packed_panels<Bits, Levels, 2>(tile, 0, first);
    } else if (samples == 3) {
      multiply_packed_panels<Bits, Levels, 3>(tile, 0, first);
    } else {
      multiply_packed_panels<Bits, Levels, 4>(tile, 0, first);
    }
  }
}

[[BITGAUGE_TIER]] inline void multiply_packed_codes(const packed_tile& tile) {
  if (tile.weights.weights->bits == 8) return multiply_packed_codes_by<8, false>(tile);
  if (tile.weights.weights->has_levels) return multiply_packed_codes_by<4, true>(tile);
  multiply_packed_codes_by<4, false>(tile);
}

#endif  // BITGAUGE_TIER
