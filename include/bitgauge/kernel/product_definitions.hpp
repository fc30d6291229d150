#pragma once

/// \file
/// What product.hpp declares.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/kernel/activations.hpp>
#include <bitgauge/kernel/dispatch.hpp>
#include <bitgauge/kernel/product.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <vector>

namespace bitgauge::kernel {
namespace detail {

/// Samples that are laid out together: whole tiles, of which a chunk stays in the second-level cache.
inline constexpr index_t most_samples = 44 * tile_samples;

/// The samples of each of as few shares as can be, even ones but for the last.
inline index_t share_of(index_t samples) noexcept {
  const index_t shares = std::max<index_t>((samples + most_samples - 1) / most_samples, 1);
  return ((samples + shares - 1) / shares + tile_samples - 1) / tile_samples * tile_samples;
}

/// Panels that are multiplied with the activations of a chunk while these are in the second-level cache.
inline constexpr index_t most_panels = 8;

/// What a call needs, and each of its threads; kept from call to call.
struct call_scratch {
  packed_activations x;
  std::vector<segment> segments;
  std::vector<chunk> chunks;
};
struct thread_scratch {
  tile_scratch tile;
  bitgauge::detail::aligned_buffer<float> y, weights;
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

/// The packed fields that are unpacked next, to be fetched while others are multiplied.
class upcoming_fields {
 public:
  /// Units first_unit .. of `panels` panels, over `steps` steps; nothing of panels that are not there.
  upcoming_fields(const weights_view& w, index_t first_panel, index_t panels, index_t first_unit,
                  index_t units, index_t steps)
      : at_(w.unit(first_panel, first_unit)),
        panel_bytes_(w.units * unit_bytes(w.bits)),
        bytes_(units * unit_bytes(w.bits)),
        panels_(std::min(panels, w.panels - first_panel)) {
    each_ = steps > 0 ? (panels * bytes_ / line + steps - 1) / steps : 0;
  }

  void fetch_some() {
    for (index_t i = 0; i < each_ && panels_ > 0; ++i) {
      __builtin_prefetch(at_ + done_, 0, 2);
      done_ += line;
      if (done_ < bytes_) continue;
      done_ = 0;
      at_ += panel_bytes_;
      --panels_;
    }
  }

 private:
  static constexpr index_t line = 64;
  const std::uint8_t* at_;
  index_t panel_bytes_, bytes_, panels_, each_ = 0, done_ = 0;
};

/// One call: what all its threads read.
class product {
 public:
  product(const weights_view& w, const row_source& x, const product_target& y, const product_options& options,
          call_scratch& scratch)
      : w_(w), x_(x), y_(y), options_(options), scratch_(scratch), steps_(product_table.in_use()) {}

  void run() {
    const bool exact = options_.precision == product_precision::exact;
    if (!exact) plan_blocks();
    const index_t share = share_of(x_.rows());
    for (first_ = 0; first_ < x_.rows(); first_ += share) {
      samples_ = std::min(share, x_.rows() - first_);
      const bool packed = samples_ <= (exact ? packed_float_samples : packed_samples) &&
                          (exact || !has_zero_points_) && steps_.multiplies_packed != nullptr &&
                          steps_.multiplies_packed(w_);
      const index_t tiles = tile_shares{samples_}.count();
      if (exact) {
        reserve_floats(w_, samples_, scratch_.x);
      } else {
        reserve_codes(w_, samples_, blocks_, static_cast<index_t>(scratch_.segments.size()), scratch_.x);
        scratch_.x.less_128 = packed;
      }
      parallel_for(tiles, options_.threads, [&](index_t tile) {
        const auto own = thread_scratches().borrow();
        if (exact) {
          pack_floats(w_, x_, first_, tile, scratch_.x, own->tile);
        } else {
          pack_codes(w_, x_, first_, tile, rule_, scratch_.segments, scratch_.chunks, scratch_.x, own->tile);
        }
      });
      const index_t together = packed ? packed_panels : panels_together();
      const index_t items = (w_.panels + together - 1) / together;
      parallel_for(items, options_.threads, [&](index_t item) {
        const auto own = thread_scratches().borrow();
        if (packed) {
          multiply_packed(item, items, exact, *own);
        } else {
          multiply_unpacked(item * together, std::min(together, w_.panels - item * together), exact, *own);
        }
      });
    }
  }

 private:
  /// Cuts the rows into blocks of activations and segments.
  void plan_blocks() {
    const index_t wanted = options_.activation_block > 0 ? options_.activation_block : w_.group;
    rule_ = {options_.activations, options_.frozen ? &*options_.frozen : nullptr,
             std::max<index_t>(std::min(wanted, w_.cols), 1)};
    index_t block_units = 0, groups_per_block = 0;
    if (options_.frozen || wanted >= w_.cols) {
      rule_.block = std::max<index_t>(w_.cols, 1);
    } else if (wanted % w_.group == 0) {
      groups_per_block = wanted / w_.group;
    } else if (w_.group >= w_.cols ? wanted % unit_columns == 0
                                   : w_.group % wanted == 0 && wanted % unit_columns == 0) {
      block_units = wanted / unit_columns;
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
    cut(w_, block_units, groups_per_block, scratch_.segments, scratch_.chunks);
  }

  static index_t rows_of(index_t panels) noexcept { return panels * panel_rows; }

  /// Biases, and what zero points of columns take, of `panels` panels from the one at `y` on.
  void start(index_t first_panel, index_t panels, float* y, index_t stride) const {
    const index_t first_row = first_panel * panel_rows, rows = rows_of(panels);
    const index_t biases = std::clamp<index_t>(std::ssize(options_.bias) - first_row, 0, rows);
    for (index_t s = 0; s < samples_; ++s, y += stride) {
      if (biases > 0)
        std::memcpy(y, options_.bias.data() + first_row, static_cast<std::size_t>(biases) * sizeof *y);
      std::memset(y + biases, 0, static_cast<std::size_t>(rows - biases) * sizeof *y);
      if (w_.column_zeros == nullptr) continue;
      for (index_t r = 0; r < rows; ++r) y[r] += scratch_.x.column_terms[static_cast<std::size_t>(s)];
    }
  }

  /// Writes `panels` panels from the one at `y` on.
  void store(index_t first_panel, index_t panels, const float* y, index_t stride) const {
    const index_t first_row = first_panel * panel_rows;
    const index_t count = std::min(rows_of(panels), w_.rows - first_row);
    if (count <= 0) return;  // filled up
    for (index_t s = 0; s < samples_; ++s) y_.store(y_, first_row, first_ + s, y + s * stride, count);
  }

  /// Many where the activations are too, but enough pieces for all threads.
  index_t panels_together() const noexcept {
    index_t together = samples_ < 4 * tile_samples ? tile_panels : most_panels;
    while (together > tile_panels && w_.panels / together < 16) together /= 2;
    return together;
  }

  /// The codes of a tile from a chunk on.
  activation_codes codes_of(index_t tile, const chunk& part) const {
    const packed_activations& x = scratch_.x;
    const tile_shares shares{samples_};
    const index_t width = shares.width(tile), begin = shares.begin(tile);
    const index_t sums = begin * static_cast<index_t>(scratch_.segments.size()) + part.first_segment * width;
    return {width,
            x.codes.data() + place_of_tile(part.first_unit, part.units, samples_, begin),
            x.scales.data() + begin * blocks_,
            has_zero_points_ ? x.zero_points.data() + begin * blocks_ : nullptr,
            x.sums.data() + sums,
            x.scaled_sums.data() + sums};
  }

  /// The panels `item`, `item` + `step`, ..: each thread's neighbouring items are streams of memory.
  void multiply_packed(index_t item, index_t step, bool exact, thread_scratch& own) const {
    const packed_streams panels{&w_, item, step, (w_.panels - item + step - 1) / step};
    const index_t y_stride = rows_of(panels.panels);
    float* const y = resized(own.y, y_stride * samples_);
    for (index_t p = 0; p < panels.panels; ++p) start(item + p * step, 1, y + rows_of(p), y_stride);
    if (exact) {
      steps_.multiply_packed_floats(
          {panels, samples_, scratch_.x.floats.data(), scratch_.x.group_sums.data(), y, y_stride});
    } else {
      const chunk all{0, static_cast<index_t>(scratch_.segments.size()), 0, w_.units};
      steps_.multiply_packed_codes(
          {panels, scratch_.segments.data(), all.segments, codes_of(0, all), y, y_stride});
    }
    for (index_t p = 0; p < panels.panels; ++p) store(item + p * step, 1, y + rows_of(p), y_stride);
  }

  void multiply_unpacked(index_t first_panel, index_t panels, bool exact, thread_scratch& own) const {
    float* const y = resized(own.y, rows_of(panels) * samples_);
    start(first_panel, panels, y, rows_of(panels));
    if (exact) {
      multiply_floats(first_panel, panels, own);
    } else {
      multiply_codes(first_panel, panels, own);
    }
    store(first_panel, panels, y, rows_of(panels));
  }

  void multiply_codes(index_t first_panel, index_t panels, thread_scratch& own) const {
    // every segment has at least one unit
    constexpr index_t most = longest_segment;
    std::int8_t* const codes = resized(own.codes, most_panels * most * unit_fields);
    segment_parameters* const parameters = resized(own.parameters, most_panels * most);
    unpacked_codes unpacked[most_panels];
    const tile_shares shares{samples_};
    for (const chunk& part : scratch_.chunks) {
      integer_tile tile{};
      tile.segments = scratch_.segments.data() + part.first_segment;
      tile.count = part.segments;
      tile.has_offsets = has_offsets(w_);
      tile.has_small_codes = has_small_codes(w_);
      tile.y_stride = rows_of(panels);
      for (index_t p = 0; p < panels; ++p) {
        unpacked[p] = {codes + p * most * unit_fields, parameters + p * most};
        steps_.unpack_codes(w_, first_panel + p, tile.segments, tile.count, unpacked[p]);
      }
      const bool last = &part == &scratch_.chunks.back();
      const chunk& next = last ? scratch_.chunks.front() : *(&part + 1);
      upcoming_fields upcoming(w_, last ? first_panel + panels : first_panel, panels, next.first_unit,
                               next.units, shares.count() * panels / tile_panels);
      for (index_t p = 0; p < panels; p += tile_panels) {
        std::copy_n(unpacked + p, tile_panels, tile.weights);
        for (index_t t = 0; t < shares.count(); ++t) {
          upcoming.fetch_some();
          tile.x = codes_of(t, part);
          tile.y = own.y.data() + shares.begin(t) * tile.y_stride + p * panel_rows;
          steps_.multiply_codes(tile);
        }
      }
    }
  }

  void multiply_floats(index_t first_panel, index_t panels, thread_scratch& own) const {
    constexpr index_t most = exact_units * unit_fields;
    float* const weights = resized(own.weights, most_panels * most);
    const tile_shares shares{samples_};
    for (index_t unit = 0; unit < w_.units; unit += exact_units) {
      const index_t units = std::min(exact_units, w_.units - unit);
      exact_tile tile{};
      tile.columns = units * unit_columns;
      tile.y_stride = rows_of(panels);
      for (index_t p = 0; p < panels; ++p)
        steps_.unpack_floats(w_, first_panel + p, unit, units, weights + p * most);
      const index_t end = unit + units;
      const bool last = end == w_.units;
      upcoming_fields upcoming(w_, last ? first_panel + panels : first_panel, panels, last ? 0 : end,
                               std::min(exact_units, w_.units - (last ? 0 : end)),
                               shares.count() * panels / tile_panels);
      for (index_t p = 0; p < panels; p += tile_panels) {
        for (index_t i = 0; i < tile_panels; ++i) tile.weights[i] = weights + (p + i) * most;
        for (index_t t = 0; t < shares.count(); ++t) {
          upcoming.fetch_some();
          const index_t begin = shares.begin(t);
          tile.samples = shares.width(t);
          tile.x = scratch_.x.floats.data() + place_of_tile(unit, units, samples_, begin);
          tile.y = own.y.data() + begin * tile.y_stride + p * panel_rows;
          steps_.multiply_floats(tile);
        }
      }
    }
  }

  const weights_view& w_;
  const row_source& x_;
  const product_target& y_;
  const product_options& options_;
  call_scratch& scratch_;
  const product_operations& steps_;
  code_rule rule_{};
  index_t blocks_ = 1, first_ = 0, samples_ = 0;
  bool has_zero_points_ = false;
};

}  // namespace detail

BITGAUGE_DEFINE void multiply(const weights_view& w, const row_source& x, const product_target& y,
                              const product_options& options) {
  const auto scratch = detail::call_scratches().borrow();
  detail::product(w, x, y, options, *scratch).run();
}

}  // namespace bitgauge::kernel
