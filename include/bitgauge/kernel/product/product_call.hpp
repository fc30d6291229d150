#pragma once

/// \file
/// One call of a product: its pieces, and which steps each takes.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/kernel/activations/activation_plan.hpp>
#include <bitgauge/kernel/activations/activations.hpp>
#include <bitgauge/kernel/activations/bfloat16_activations.hpp>
#include <bitgauge/kernel/activations/float_activations.hpp>
#include <bitgauge/kernel/dispatch.hpp>
#include <bitgauge/kernel/product/product.hpp>
#include <bitgauge/kernel/product/product_scratch.hpp>
#include <bitgauge/kernel/product/product_sums.hpp>
#include <bitgauge/kernel/product/value_products.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace bitgauge::kernel::detail {

/// One call: what all its threads read.
class product {
 public:
  product(const weights_view& w, const row_source& x, const product_target& y, const product_options& options,
          call_scratch& scratch)
      : w_(w), x_(x), y_(y), options_(options), scratch_(scratch), steps_(product_table.in_use()) {}

  void run() {
    const bool integer = is_integer();
    if (integer) plan_ = plan_activations(w_, options_);
    const index_t few = few_samples();
    const bool has_rows = x_.rows() > few && takes_rows();
    const index_t fours = integer ? cut_rows(has_rows) : 0;
    const index_t share =
        has_rows ? share_of(x_.rows(), most_row_samples, row_tile_samples)
                 : share_of(x_.rows(), integer ? most_samples : most_float_samples, tile_samples);
    packed_activations& x = scratch_.x;
    for (first_ = 0; first_ < x_.rows(); first_ += share) {
      samples_ = std::min(share, x_.rows() - first_);
      const bool packed = samples_ <= few;
      x.in_rows = has_rows && !packed;
      in_place_ = integer && !packed && !x.in_rows && multiplies_in_place();
      x.less_128 = packed || in_place_;
      x.unscaled = integer && plan_.blocks == 1 && w_.level_step == 1;
      x.fours = fours;
      if (integer) {
        const index_t columns = x.in_rows ? 4 * fours * steps_of(scratch_.chunks) : w_.units * unit_columns;
        reserve_codes(columns, samples_, plan_.blocks, static_cast<index_t>(scratch_.segments.size()), x);
      } else if (x.in_rows) {
        reserve_bfloat16(w_, samples_, x);
      } else {
        reserve_floats(w_, samples_, x);
      }
      shares_ = x.shares();
      parallel_for(shares_.count(), options_.threads, [&](index_t tile) {
        const auto own = thread_scratches().borrow();
        if (integer) {
          pack_codes(w_, x_, first_, tile, plan_.rule, scratch_.segments, scratch_.chunks, steps_, x,
                     own->tile);
        } else if (x.in_rows) {
          pack_bfloat16(w_, x_, first_, tile, steps_, x, own->tile);
        } else {
          pack_floats(w_, x_, first_, tile, rounds(), x, own->tile);
        }
      });
      const index_t together = packed ? packed_together() : panels_together();
      const index_t items = (w_.panels + together - 1) / together;
      parallel_for(items, options_.threads, [&](index_t item) {
        const auto own = thread_scratches().borrow();
        const index_t first = item * together, panels = std::min(together, w_.panels - first);
        if (packed) {
          multiply_packed(first, panels, *own);
        } else {
          multiply_unpacked(first, panels, *own);
        }
      });
    }
  }

 private:
  bool is_integer() const noexcept { return options_.precision == product_precision::integer; }
  bool rounds() const noexcept { return options_.precision == product_precision::bfloat16; }

  /// True where the product has a step that says `takes` of the weights, and activations that it takes.
  bool packs(bool (*takes)(const weights_view&)) const {
    return takes != nullptr && !(is_integer() && plan_.has_zero_points) && takes(w_);
  }

  /// The samples that are multiplied at most with weights as they are packed.
  index_t few_samples() const {
    if (is_integer())
      return packs(steps_.multiplies_packed) || packs(steps_.multiplies_few_packed) ? packed_samples : 0;
    return packs(steps_.multiplies_packed) ? packed_float_samples : 0;
  }

  /// Whether tiles are multiplied with weights as they are packed: unpacking is not worth its while for bytes of long
  /// groups, nor for other codes of such and few tiles.
  bool multiplies_in_place() const {
    constexpr index_t most_tiles = 8, long_segment = 16;
    return packs(steps_.multiplies_packed) && steps_.packed_code_samples == tile_samples &&
           w_.group_units >= long_segment && (w_.bits == 8 || samples_ <= most_tiles * tile_samples);
  }

  /// Whether the steps take activations in rows.
  bool takes_rows() const noexcept {
    if (is_integer()) return steps_.pack_code_row != nullptr;
    return rounds() && steps_.multiply_bfloat16 != nullptr;
  }

  /// Cuts the rows into segments and chunks, and where codes lie in rows into steps: a fourth of a step's columns.
  index_t cut_rows(bool has_steps) {
    cut(w_, plan_.block_units, plan_.groups_per_block,
        has_steps ? row_units : units_together(w_, plan_.block_units), scratch_.segments, scratch_.chunks);
    return has_steps ? cut_steps(scratch_.segments, scratch_.chunks) : 0;
  }

  /// The samples that are multiplied, as floats before they are written.
  product_sums sums() const noexcept { return {w_, options_, scratch_.x, y_, first_, samples_}; }

  /// Many where the activations are too, but enough pieces for all threads.
  index_t panels_together() const noexcept {
    index_t together = samples_ < 4 * tile_samples ? tile_panels : most_panels;
    while (together > tile_panels && w_.panels / together < 16) together /= 2;
    return together;
  }

  /// Panels as they are packed: all but a few pieces, of which every thread gets some.
  index_t packed_together() const noexcept {
    return std::clamp<index_t>(w_.panels / 16, tile_panels, packed_panels);
  }

  /// The codes of a tile from a chunk on. Number by number, as steps read them: copies have to wait for the cache.
  void set_codes(index_t tile, const chunk& part, activation_codes& to) const {
    const packed_activations& x = scratch_.x;
    const index_t width = shares_.width(tile), begin = shares_.begin(tile);
    const index_t sums = begin * static_cast<index_t>(scratch_.segments.size()) + part.first_segment * width;
    to.samples = width;
    to.codes = x.codes.data() + (x.in_rows ? (part.first_step * samples_ + part.steps * begin) * 4 * x.fours
                                           : place_of_tile(part.first_unit, part.units, samples_, begin));
    to.scales = x.scales.data() + begin * plan_.blocks;
    to.zero_points = plan_.has_zero_points ? x.zero_points.data() + begin * plan_.blocks : nullptr;
    to.sums = x.sums.data() + sums;
    to.scaled_sums = x.scaled_sums.data() + sums;
    to.unscaled = x.unscaled;
    to.fours = x.fours;
    to.steps = part.steps;
  }

  void multiply_packed(index_t first_panel, index_t panels, thread_scratch& own) const {
    const index_t y_stride = rows_of(panels);
    float* const y = resized(own.y, y_stride * samples_);
    sums().start(first_panel, panels, y);
    const packed_range weights{&w_, first_panel, panels};
    if (is_integer()) {
      const chunk all{0, static_cast<index_t>(scratch_.segments.size()), 0, w_.units, 0, 0};
      packed_tile tile{weights, scratch_.segments.data(), all.segments, {}, y, y_stride};
      set_codes(0, all, tile.x);
      steps_.multiply_packed_codes(tile);
    } else {
      steps_.multiply_packed_floats(
          {weights, samples_, scratch_.x.floats.data(), scratch_.x.group_sums.data(), y, y_stride});
    }
    sums().store(first_panel, panels, y);
  }

  void multiply_unpacked(index_t first_panel, index_t panels, thread_scratch& own) const {
    float* const y = resized(own.y, rows_of(panels) * samples_);
    sums().start(first_panel, panels, y);
    if (in_place_) {
      multiply_codes_in_place(first_panel, panels, own);
    } else if (is_integer()) {
      multiply_codes(first_panel, panels, own);
    } else if (scratch_.x.in_rows) {
      multiply_bfloat16(first_panel, panels, own);
    } else {
      multiply_floats(first_panel, panels, own);
    }
    sums().store(first_panel, panels, y);
  }

  void multiply_codes_in_place(index_t first_panel, index_t panels, thread_scratch& own) const {
    for (const chunk& part : scratch_.chunks) {
      const segment* const segments = scratch_.segments.data() + part.first_segment;
      packed_tile tile{{&w_, 0, tile_panels}, segments, part.segments, {}, nullptr, rows_of(panels)};
      for_each_tile(panels, shares_, after(part, first_panel, panels), [&](index_t p, index_t t, auto next) {
        tile.upcoming = next;
        tile.weights.first_panel = first_panel + p;
        set_codes(t, part, tile.x);
        tile.y = own.y.data() + shares_.begin(t) * rows_of(panels) + p * panel_rows;
        steps_.multiply_packed_codes(tile);
      });
    }
  }

  /// What follows a chunk of some panels: the next one, or the next panels' first.
  upcoming_fields after(const chunk& part, index_t first_panel, index_t panels) const {
    const bool last = &part == &scratch_.chunks.back();
    const chunk& next = last ? scratch_.chunks.front() : *(&part + 1);
    const index_t tiles = shares_.count() * panels / tile_panels,
                  panel = last ? first_panel + panels : first_panel;
    return {w_, panel, panels, next.first_unit, next.units, tiles, part.units, !steps_.fetches_upcoming};
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
      tile.has_small_codes = has_small_codes(w_);
      tile.shares_scales =
          plan_.block_units == 0 && plan_.blocks < w_.groups && !(tile.has_offsets && w_.level_step != 1);
      tile.y_stride = rows_of(panels);
      for (index_t p = 0; p < panels; ++p) {
        unpacked[p] = {codes + p * most * unit_fields, parameters + p * most};
        steps_.unpack_codes(w_, first_panel + p, tile.segments, tile.count, unpacked[p]);
      }
      for_each_tile(panels, shares_, after(part, first_panel, panels), [&](index_t p, index_t t, auto next) {
        tile.upcoming = next;
        for (index_t i = 0; i < tile_panels; ++i) tile.weights[i] = unpacked[p + i];
        set_codes(t, part, tile.x);
        tile.y = own.y.data() + shares_.begin(t) * tile.y_stride + p * panel_rows;
        steps_.multiply_codes(tile);
      });
    }
  }

  void multiply_floats(index_t first_panel, index_t panels, thread_scratch& own) const {
    const auto unpack = [this](index_t panel, index_t unit, index_t units, float* out) {
      steps_.unpack_floats(w_, panel, unit, units, out);
      if (rounds()) std::transform(out, out + units * unit_fields, out, rounded_to_bfloat16);
    };
    const value_job<float> job{w_, first_panel, panels, shares_, scratch_.x.floats.data(), own.y.data()};
    multiply_values(job, exact_units, 1, own.weights, unpack, steps_.multiply_floats);
  }

  void multiply_bfloat16(index_t first_panel, index_t panels, thread_scratch& own) const {
    const auto unpack = [this](index_t panel, index_t unit, index_t units, std::uint16_t* out) {
      steps_.unpack_bfloat16(w_, panel, unit, units, out);
    };
    const value_job<std::uint16_t> job{w_,          first_panel, panels, shares_, scratch_.x.bfloats.data(),
                                       own.y.data()};
    multiply_values(job, row_units, bfloat16_step, own.bfloat16_weights, unpack, steps_.multiply_bfloat16);
  }

  const weights_view& w_;
  const row_source& x_;
  const product_target& y_;
  const product_options& options_;
  call_scratch& scratch_;
  const product_operations& steps_;
  activation_plan plan_{};
  index_t first_ = 0, samples_ = 0;
  tile_shares shares_;
  bool in_place_ = false;
};

}  // namespace bitgauge::kernel::detail
