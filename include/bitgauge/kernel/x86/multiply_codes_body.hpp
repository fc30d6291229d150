// Products of codes with one instruction set of x86. The multiply_codes.hpp of its folder includes this in the namespace
// of the set, where BITGAUGE_TIER is the attribute that names the target, with the words that vectors.hpp there defines
// and, for what is multiplied at once:
//   products<Small>::steps           how many groups of four columns: 1 or 2
//   products<Small>::weights         a vector of rows of those, products<Small>::activations: those of a sample, in every lane
//   products<Small>::weights_at(from), activations_at(from, stride), add(sum, activations, weights)
//   samples_together                 samples of which the sums of two vectors of rows stay in registers
// `Small`: no code of the weights is above 32 in magnitude.
#if defined(BITGAUGE_TIER)

/// Two vectors of rows: those of a panel, or a panel each.
struct row_vectors {
  const std::int8_t* codes[2];  ///< 64 bytes a step
  const segment_parameters* parameters[2];
  index_t first_row[2];  ///< in the parameters
  float* y[2];
};

/// The sums before the first product: - zero point of the activations * sum of codes.
template <unsigned Samples>
[[BITGAUGE_TIER, gnu::always_inline]] inline void start_sums(integers (&sums)[Samples],
                                                             const std::int32_t* code_sums,
                                                             const std::int32_t* zero_points) {
  const integers of_codes = load(code_sums);
  if (zero_points == nullptr) {
    const integers start = product(of_codes, all(-128));
#pragma GCC unroll 12
    for (unsigned j = 0; j < Samples; ++j) sums[j] = start;
  } else {
#pragma GCC unroll 12
    for (unsigned j = 0; j < Samples; ++j) sums[j] = product(of_codes, all(-zero_points[j]));
  }
}

/// y += scale * sum - offset * sum of activations.
template <unsigned Samples>
[[BITGAUGE_TIER, gnu::always_inline]] inline void add_scaled(const integers (&sums)[Samples], float* y,
                                                             index_t y_stride, const float* scales,
                                                             const float* offsets, const float* x_scales,
                                                             const float* scaled_sums) {
  const floats scale = load_floats(scales);
#pragma GCC unroll 12
  for (unsigned j = 0; j < Samples; ++j) {
    float* const to = y + j * y_stride;
    floats total = product_plus(to_floats(sums[j]), product(scale, all(x_scales[j])), load_floats(to));
    if (offsets != nullptr) total = less_product(load_floats(offsets), all(scaled_sums[j]), total);
    store(to, total);
  }
}

/// `Samples` samples of a tile from `first` on.
template <unsigned Samples, bool Small>
[[BITGAUGE_TIER]] void multiply_samples(const integer_tile& tile, const row_vectors& rows, index_t first) {
  using own = products<Small>;
  const activation_codes& x = tile.x;
  const index_t width = x.samples;
  const std::uint8_t* four = x.codes + 4 * first;
  const std::int8_t *w0 = rows.codes[0], *w1 = rows.codes[1];
  for (index_t i = 0; i < tile.count; ++i) {
    const segment& s = tile.segments[i];
    const index_t of_block = s.block * width + first;
    const std::int32_t* const zero_points = x.zero_points != nullptr ? x.zero_points + of_block : nullptr;
    const segment_parameters &parameters0 = rows.parameters[0][i], &parameters1 = rows.parameters[1][i];
    integers sums0[Samples], sums1[Samples];
    start_sums<Samples>(sums0, parameters0.code_sums + rows.first_row[0], zero_points);
    start_sums<Samples>(sums1, parameters1.code_sums + rows.first_row[1], zero_points);
    for (std::int32_t step = 2 * s.units; step > 0; step -= own::steps) {
      const auto weights0 = own::weights_at(w0), weights1 = own::weights_at(w1);
#pragma GCC unroll 12
      for (unsigned j = 0; j < Samples; ++j) {
        const auto activations = own::activations_at(four + 4 * j, 4 * width);
        own::add(sums0[j], activations, weights0);
        own::add(sums1[j], activations, weights1);
      }
      w0 += 64 * own::steps;
      w1 += 64 * own::steps;
      four += 4 * width * own::steps;
    }
    float* const y0 = rows.y[0] + first * tile.y_stride;
    float* const y1 = rows.y[1] + first * tile.y_stride;
    const float* const scaled_sums = x.scaled_sums + i * width + first;
    const bool has_offsets = tile.has_offsets;
    add_scaled<Samples>(sums0, y0, tile.y_stride, parameters0.scales + rows.first_row[0],
                        has_offsets ? parameters0.offsets + rows.first_row[0] : nullptr, x.scales + of_block,
                        scaled_sums);
    add_scaled<Samples>(sums1, y1, tile.y_stride, parameters1.scales + rows.first_row[1],
                        has_offsets ? parameters1.offsets + rows.first_row[1] : nullptr, x.scales + of_block,
                        scaled_sums);
  }
}

/// Calls multiply_samples with a number of samples known at compile time, 1..samples_together.
template <bool Small, unsigned Samples = samples_together>
[[BITGAUGE_TIER]] void multiply_few(const integer_tile& tile, const row_vectors& rows, index_t first,
                                    index_t samples) {
  if (samples >= Samples) return multiply_samples<Samples, Small>(tile, rows, first);
  if constexpr (Samples > 1) multiply_few<Small, Samples - 1>(tile, rows, first, samples);
}

template <bool Small>
[[BITGAUGE_TIER]] void multiply_tile(const integer_tile& tile) {
  static_assert(vectors_of_panel * tile_panels % 2 == 0);
  for (index_t v = 0; v < vectors_of_panel * tile_panels; v += 2) {
    row_vectors rows;
    for (index_t i = 0; i < 2; ++i) {
      const index_t panel = (v + i) / vectors_of_panel, first_row = (v + i) % vectors_of_panel * lanes;
      const unpacked_codes& w = tile.weights[panel];
      rows.codes[i] = w.codes + 4 * first_row;
      rows.parameters[i] = w.parameters;
      rows.first_row[i] = first_row;
      rows.y[i] = tile.y + panel * panel_rows + first_row;
    }
    for (index_t first = 0; first < tile.x.samples; first += samples_together)
      multiply_few<Small>(tile, rows, first, tile.x.samples - first);
  }
}

#endif  // BITGAUGE_TIER
