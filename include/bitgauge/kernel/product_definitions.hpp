#pragma once

/// \file
/// What product.hpp declares.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/kernel/activations.hpp>
#include <bitgauge/kernel/dispatch.hpp>
#include <bitgauge/kernel/product.hpp>
#include <bitgauge/kernel/product_scratch.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <vector>

namespace bitgauge::kernel {
namespace detail {

/// Samples of which the codes are made together: whole tiles, and what they are in a chunk stays in the
/// second-level cache.
inline constexpr index_t most_samples = 42 * tile_samples, most_row_samples = 8 * row_tile_samples;

/// Panels that are multiplied with the activations of a chunk while these are in the second-level cache.
inline constexpr index_t most_panels = 8;

/// One call: what all its threads read.
class product {
 public:
  product(const weights_view& w, const row_source& x, const product_target& y, const product_options& options,
          call_scratch& scratch)
      : w_(w), x_(x), y_(y), options_(options), scratch_(scratch), steps_(product_table.in_use()) {}

  void run() {
    const bool integer = options_.precision == product_precision::integer;
    const bool rounded = options_.precision == product_precision::bfloat16;
    if (integer) plan_blocks();
    const bool packs = (!integer || !has_zero_points_) && steps_.multiplies_packed != nullptr &&
                       steps_.multiplies_packed(w_);
    // values in rows, where the steps want them
    const bool few = packs && x_.rows() <= packed_samples;
    const bool has_rows =
        !few && (integer ? steps_.pack_code_row != nullptr : rounded && steps_.multiply_bfloat16 != nullptr);
    const index_t fours = integer ? cut_rows(has_rows) : 0;
    packed_activations& x = scratch_.x;
    for (first_ = 0; first_ < x_.rows(); first_ += samples_) {
      samples_ = std::min(has_rows ? most_row_samples : most_samples, x_.rows() - first_);
      const bool packed = packs && samples_ <= packed_samples, rows = has_rows && !packed;
      x.tile = rows ? row_tile_samples : tile_samples;
      x.fours = rows ? fours : 0;
      if (integer) {
        const index_t columns = rows ? 4 * fours * steps_of(scratch_.chunks) : w_.units * unit_columns;
        reserve_codes(columns, samples_, blocks_, static_cast<index_t>(scratch_.segments.size()), x);
      } else if (rows) {
        reserve_bfloat16(w_, samples_, x);
      } else {
        reserve_floats(w_, samples_, x);
      }
      parallel_for(x.tiles(), options_.threads, [&](index_t tile) {
        const auto own = thread_scratches().borrow();
        if (integer) {
          pack_codes(w_, x_, first_, tile, rule_, scratch_.segments, scratch_.chunks, steps_, x, own->tile);
        } else if (rows) {
          pack_bfloat16(w_, x_, first_, tile, steps_, x, own->tile);
        } else {
          pack_floats(w_, x_, first_, tile, rounded, x, own->tile);
        }
      });
      const index_t together = packed ? packed_panels : panels_together();
      parallel_for((w_.panels + together - 1) / together, options_.threads, [&](index_t item) {
        const auto own = thread_scratches().borrow();
        const index_t first_panel = item * together, panels = std::min(together, w_.panels - first_panel);
        start(first_panel, panels, *own);
        if (packed && !integer) {
          multiply_packed_floats(first_panel, panels, *own);
        } else if (packed) {
          multiply_packed_codes(first_panel, panels, *own);
        } else if (integer) {
          multiply_codes(first_panel, panels, *own);
        } else if (rows) {
          multiply_bfloat16(first_panel, panels, *own);
        } else {
          multiply_floats(first_panel, panels, rounded, *own);
        }
        store(first_panel, panels, *own);
      });
    }
  }

 private:
  /// Cuts the rows into blocks of activations.
  void plan_blocks() {
    const index_t wanted = options_.activation_block > 0 ? options_.activation_block : w_.group;
    rule_ = {options_.activations, options_.frozen ? &*options_.frozen : nullptr,
             std::max<index_t>(std::min(wanted, w_.cols), 1)};
    block_units_ = groups_per_block_ = 0;
    if (options_.frozen || wanted >= w_.cols) {
      rule_.block = std::max<index_t>(w_.cols, 1);
    } else if (wanted % w_.group == 0) {
      groups_per_block_ = wanted / w_.group;
    } else if (w_.group >= w_.cols ? wanted % unit_columns == 0
                                   : w_.group % wanted == 0 && wanted % unit_columns == 0) {
      block_units_ = wanted / unit_columns;
    } else {
      bitgauge::detail::raise_message<invalid_scheme>({"product: activation_block: expected a multiple of ",
                                                       w_.group, ", the weights' group, or a multiple of ",
                                                       unit_columns, " that divides it, found ", wanted});
    }
    blocks_ = (w_.cols + rule_.block - 1) / rule_.block;
    const integer_grid& grid = rule_.grid;
    const int zero =
        (options_.frozen ? options_.frozen->zero_point : grid.center) + (grid.is_signed() ? 128 : 0);
    has_zero_points_ = options_.frozen ? zero != 128 : grid.has_zero_point || zero != 128;
  }

  /// Cuts the rows into segments and chunks, and these into steps where codes lie in rows: the columns of a step
  /// / 4.
  index_t cut_rows(bool has_steps) {
    cut(w_, block_units_, groups_per_block_, has_steps ? row_units : longest_segment, scratch_.segments,
        scratch_.chunks);
    return has_steps ? cut_steps(scratch_.segments, scratch_.chunks) : 0;
  }

  static index_t rows_of(index_t panels) noexcept { return panels * panel_rows; }

  /// Biases, and what zero points of columns take.
  void start(index_t first_panel, index_t panels, thread_scratch& own) const {
    const index_t rows = rows_of(panels), first_row = first_panel * panel_rows;
    float* const y = resized(own.y, rows * samples_);
    std::memset(y, 0, static_cast<std::size_t>(rows * samples_) * sizeof *y);
    const index_t biases = std::min(std::ssize(options_.bias) - first_row, rows);
    if (biases > 0)
      for (index_t s = 0; s < samples_; ++s)
        std::memcpy(y + s * rows, options_.bias.data() + first_row,
                    static_cast<std::size_t>(biases) * sizeof *y);
    if (w_.column_zeros == nullptr) return;
    for (index_t s = 0; s < samples_; ++s)
      for (index_t r = 0; r < rows; ++r)
        y[s * rows + r] += scratch_.x.column_terms[static_cast<std::size_t>(s)];
  }

  void store(index_t first_panel, index_t panels, const thread_scratch& own) const {
    const index_t first_row = first_panel * panel_rows, rows = rows_of(panels);
    const index_t count = std::min(rows, w_.rows - first_row);
    for (index_t s = 0; s < samples_; ++s)
      y_.store(y_, first_row, first_ + s, own.y.data() + s * rows, count);
  }

  /// Many where the activations are too, but enough pieces for all threads.
  index_t panels_together() const noexcept {
    index_t together = most_panels;
    while (together > tile_panels && w_.panels / together < 16) together /= 2;
    return together;
  }

  /// The codes of a tile from a chunk on.
  activation_codes codes_of(index_t tile, const chunk& part) const {
    const packed_activations& x = scratch_.x;
    const index_t width = x.width(tile), begin = tile * x.tile;
    const index_t sums = begin * static_cast<index_t>(scratch_.segments.size()) + part.first_segment * width;
    return {width,
            x.codes.data() + (x.fours > 0 ? (part.first_step * samples_ + part.steps * begin) * 4 * x.fours
                                          : place_of_tile(part.first_unit, part.units, samples_, begin)),
            x.scales.data() + begin * blocks_,
            has_zero_points_ ? x.zero_points.data() + begin * blocks_ : nullptr,
            x.sums.data() + sums,
            x.scaled_sums.data() + sums,
            x.fours,
            part.steps};
  }

  void multiply_packed_codes(index_t first_panel, index_t panels, thread_scratch& own) const {
    const chunk all{0, static_cast<index_t>(scratch_.segments.size()), 0, w_.units, 0, 0};
    steps_.multiply_packed_codes({&w_, first_panel, panels, scratch_.segments.data(), all.segments,
                                  codes_of(0, all), own.y.data(), rows_of(panels)});
  }

  void multiply_packed_floats(index_t first_panel, index_t panels, thread_scratch& own) const {
    steps_.multiply_packed_floats({&w_, first_panel, panels, samples_, scratch_.x.floats.data(),
                                   scratch_.x.group_sums.data(), own.y.data(), rows_of(panels)});
  }

  void multiply_codes(index_t first_panel, index_t panels, thread_scratch& own) const {
    // every segment has at least one unit
    constexpr index_t most = longest_segment;
    // a step of tiles may read behind the last segment, what it multiplies with 0
    std::int8_t* const codes = resized(own.codes, most_panels * most * unit_fields + sample_rows * 64);
    segment_parameters* const parameters = resized(own.parameters, most_panels * most);
    unpacked_codes unpacked[most_panels];
    for (const chunk& part : scratch_.chunks) {
      integer_tile tile{};
      tile.segments = scratch_.segments.data() + part.first_segment;
      tile.count = part.segments;
      tile.has_offsets = has_offsets(w_);
      tile.y_stride = rows_of(panels);
      for (index_t p = 0; p < panels; ++p) {
        unpacked[p] = {codes + p * most * unit_fields, parameters + p * most};
        steps_.unpack_codes(w_, first_panel + p, tile.segments, tile.count, unpacked[p]);
      }
      for (index_t p = 0; p < panels; p += tile_panels) {
        std::copy_n(unpacked + p, tile_panels, tile.weights);
        for (index_t t = 0; t < scratch_.x.tiles(); ++t) {
          tile.x = codes_of(t, part);
          tile.y = own.y.data() + t * scratch_.x.tile * tile.y_stride + p * panel_rows;
          steps_.multiply_codes(tile);
        }
      }
    }
  }

  /// Panels unpacked to `Value` by `unpack(panel, first unit, units, out)`, `together` units at once, times x.
  /// Steps of `step` columns are whole.
  template <class Value, class Unpack>
  void multiply_values(index_t first_panel, index_t panels, index_t together, index_t step, const Value* x,
                       bitgauge::detail::aligned_buffer<Value>& buffer, thread_scratch& own,
                       const Unpack& unpack, void (*multiply)(const value_tile<Value>&)) const {
    const index_t most = together * unit_fields;
    Value* const weights = resized(buffer, most_panels * most);
    for (index_t unit = 0; unit < w_.units; unit += together) {
      const index_t units = std::min(together, w_.units - unit);
      value_tile<Value> tile{};
      tile.columns = (units * unit_columns + step - 1) / step * step;
      tile.y_stride = rows_of(panels);
      for (index_t p = 0; p < panels; ++p) unpack(first_panel + p, unit, units, weights + p * most);
      for (index_t p = 0; p < panels; p += tile_panels) {
        for (index_t i = 0; i < tile_panels; ++i) tile.weights[i] = weights + (p + i) * most;
        for (index_t t = 0; t < scratch_.x.tiles(); ++t) {
          const index_t begin = t * scratch_.x.tile;
          tile.samples = scratch_.x.width(t);
          tile.x = x + unit * unit_columns * samples_ + tile.columns * begin;
          tile.y = own.y.data() + begin * tile.y_stride + p * panel_rows;
          multiply(tile);
        }
      }
    }
  }

  void multiply_floats(index_t first_panel, index_t panels, bool rounded, thread_scratch& own) const {
    const auto unpack = [&](index_t panel, index_t unit, index_t units, float* out) {
      steps_.unpack_floats(w_, panel, unit, units, out);
      if (rounded) std::transform(out, out + units * unit_fields, out, rounded_to_bfloat16);
    };
    multiply_values(first_panel, panels, exact_units, 1, scratch_.x.floats.data(), own.weights, own, unpack,
                    steps_.multiply_floats);
  }

  void multiply_bfloat16(index_t first_panel, index_t panels, thread_scratch& own) const {
    const auto unpack = [&](index_t panel, index_t unit, index_t units, std::uint16_t* out) {
      steps_.unpack_bfloat16(w_, panel, unit, units, out);
    };
    multiply_values(first_panel, panels, row_units, bfloat16_step, scratch_.x.bfloats.data(),
                    own.bfloat16_weights, own, unpack, steps_.multiply_bfloat16);
  }

  const weights_view& w_;
  const row_source& x_;
  const product_target& y_;
  const product_options& options_;
  call_scratch& scratch_;
  const product_operations& steps_;
  code_rule rule_{};
  index_t blocks_ = 1, block_units_ = 0, groups_per_block_ = 0, first_ = 0, samples_ = 0;
  bool has_zero_points_ = false;
};

}  // namespace detail

BITGAUGE_DEFINE void multiply(const weights_view& w, const row_source& x, const product_target& y,
                              const product_options& options) {
  const auto scratch = detail::call_scratches().borrow();
  detail::product(w, x, y, options, *scratch).run();
}

}  // namespace bitgauge::kernel
