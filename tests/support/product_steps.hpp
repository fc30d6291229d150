#pragma once

/// \file
/// The steps of products on random weights against what they mean, in integers and in double. Without a test
/// framework, so that a program for another processor can be made of it.

#include <bitgauge/kernel/activations/rows.hpp>
#include <bitgauge/kernel/dispatch.hpp>
#include <bitgauge/kernel/pack/segments.hpp>
#include <bitgauge/kernel/portable/product.hpp>
#include <bitgauge/numeric/half.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <new>
#include <random>
#include <string>
#include <vector>

namespace test {

using bitgauge::index_t;
namespace kernel = bitgauge::kernel;

/// Half a unit in the last place of 1.
inline constexpr double rounding = 0x1p-24;

/// Memory as products have it: aligned to cache lines.
template <class T>
struct cache_line_allocator {
  using value_type = T;
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{64}));
  }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, std::align_val_t{64}); }
  bool operator==(const cache_line_allocator&) const = default;
};
template <class T>
using aligned_vector = std::vector<T, cache_line_allocator<T>>;

struct random_source {
  std::mt19937 engine;
  index_t between(index_t low, index_t high) {
    return low + static_cast<index_t>(engine() % static_cast<std::uint32_t>(high - low + 1));
  }
  bool one_in(index_t n) { return between(1, n) == 1; }
  float real() { return static_cast<float>(between(-(1 << 23), 1 << 23)) * 0x1p-23f; }
  /// A number whose products with others of its kind are exact.
  float power_of_two() { return std::ldexp(1.0f, static_cast<int>(between(-3, 3))); }
  /// All lowest, all highest, or anything.
  std::vector<std::uint8_t> bytes(index_t count) {
    const index_t kind = between(0, 4);
    std::vector<std::uint8_t> values(static_cast<std::size_t>(count), kind == 0 ? 0 : 255);
    if (kind >= 2)
      for (auto& value : values) value = static_cast<std::uint8_t>(engine());
    return values;
  }
  std::vector<float> reals(index_t count, bool powers_of_two) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (auto& value : values) value = powers_of_two ? power_of_two() : real();
    return values;
  }
};

/// Weights of any shape and kind; what was filled up is as random as the rest.
struct random_weights {
  kernel::weights_view view;
  std::vector<std::uint8_t> fields, zero_points;
  struct parameter_numbers {
    std::vector<float> numbers;
    std::vector<std::uint16_t> halves;
    std::vector<std::int8_t> factors;
  };
  parameter_numbers scales, offsets;
  std::vector<kernel::segment> segments;
  std::vector<kernel::chunk> chunks;
  bool exact_scales = false;  ///< powers of two

  explicit random_weights(random_source& random) {
    kernel::weights_view& w = view;
    w.rows = random.between(1, 70);
    w.cols = random.one_in(8) ? random.between(1, 2500) : random.between(1, 70);
    w.group = random.one_in(3) ? w.cols : random.between(1, random.one_in(2) ? 32 : 256);
    w.bits = static_cast<int>(random.one_in(2) ? random.between(1, 8) : random.one_in(2) ? 8 : 4);
    w.has_levels = random.one_in(4);
    exact_scales = random.one_in(2);
    w.panels = (w.rows + 31) / 32 * 2;
    w.groups = (w.cols + w.group - 1) / w.group;
    w.group_units = (std::min(w.group, w.cols) + 7) / 8;
    w.units = (w.groups - 1) * w.group_units + (w.columns_of(w.groups - 1) + 7) / 8;
    fields = random.bytes(w.panels * w.units * kernel::unit_bytes(w.bits));
    w.fields = fields.data();
    // k-quants: as many groups to a super-group as divide those of a row
    const bool has_factors = random.one_in(4);
    while (has_factors && w.super_shift < 3 && (w.groups >> w.super_shift) % 2 == 0) ++w.super_shift;
    const index_t parameters = w.panels * w.groups * kernel::panel_rows;
    const auto make = [&](parameter_numbers& made, const float*& numbers, const std::uint16_t*& halves,
                          const std::int8_t*& factors) {
      made.numbers = random.reals(parameters >> w.super_shift, exact_scales);
      if (random.one_in(2)) {
        for (const float number : made.numbers)
          made.halves.push_back(bitgauge::numeric::half_from_float(number));
        halves = made.halves.data();
      } else {
        numbers = made.numbers.data();
      }
      if (!has_factors) return;
      for (index_t i = 0; i < parameters; ++i)
        made.factors.push_back(
            static_cast<std::int8_t>(exact_scales ? 1 << random.between(0, 6) : random.between(-128, 127)));
      factors = made.factors.data();
    };
    make(scales, w.scales, w.half_scales, w.scale_factors);
    const int highest = (1 << w.bits) - 1;
    w.center = w.bits == 8 || random.one_in(2) ? 1 << (w.bits - 1) : 0;
    if (w.has_levels) {
      w.center = 0;
      for (auto& level : w.levels) level = random.real();
      for (auto& code : w.codes)
        code = static_cast<std::int8_t>(random.one_in(2)   ? random.between(-127, 127)
                                        : random.one_in(2) ? 127
                                                           : -127);
    } else if (random.one_in(2)) {
      zero_points = random.bytes(parameters);
      for (auto& zero : zero_points) zero = static_cast<std::uint8_t>(zero & highest);
      w.zero_points = zero_points.data();
    }
    if (w.zero_points == nullptr && random.one_in(3))
      make(offsets, w.offsets, w.half_offsets, w.offset_factors);
    kernel::cut(w, random.one_in(3) ? random.between(1, 8) : 0, random.one_in(2) ? random.between(1, 3) : 0,
                random.one_in(2) ? kernel::row_units : kernel::longest_segment, segments, chunks);
  }
};

/// What a tier's steps are compared with, and where they differ.
class steps_check {
 public:
  steps_check(const kernel::product_operations& steps, const char* name, const random_weights& weights,
              random_source& random)
      : steps_(steps), name_(name), weights_(weights), w_(weights.view), random_(random) {
    samples_ = random.between(1, kernel::tile_samples);
  }

  /// The first fault, or nothing.
  std::string run() {
    unpack();
    multiply_codes();
    multiply_floats();
    if (steps_.multiplies_packed != nullptr && steps_.multiplies_packed(w_)) {
      multiply_packed_codes();
      multiply_packed_floats();
    }
    return fault_;
  }

 private:
  static std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

  void expect(bool holds, const char* step, index_t place, double found, double expected) {
    if (holds || !fault_.empty()) return;
    fault_ = std::string(name_) + " " + step + " at " + std::to_string(place) + ": expected " +
             std::to_string(expected) + ", found " + std::to_string(found) + "; rows " +
             std::to_string(w_.rows) + ", cols " + std::to_string(w_.cols) + ", group " +
             std::to_string(w_.group) + ", bits " + std::to_string(w_.bits) + ", samples " +
             std::to_string(samples_) + ", levels " + std::to_string(w_.has_levels) + ", zero points " +
             std::to_string(w_.zero_points != nullptr) + ", offsets " +
             std::to_string(w_.has_stored_offsets());
  }

  struct codes {
    aligned_vector<std::int8_t> of;
    std::vector<kernel::segment_parameters> parameters;
  };
  codes unpack(const kernel::product_operations& steps, index_t panel) const {
    codes found;
    const kernel::segment_parameters filled{};
    // steps of tiles may read behind the last segment, see rows.hpp
    found.of.resize(at(w_.units * kernel::unit_fields + kernel::sample_rows * 64));
    found.parameters.resize(weights_.segments.size(), filled);
    steps.unpack_codes(w_, panel, weights_.segments.data(), std::ssize(weights_.segments),
                       {found.of.data(), found.parameters.data()});
    return found;
  }

  /// Codes that the portable step unpacked, in the order of these steps.
  codes as_steps_have_them(codes own) const {
    if (!steps_.unpacks_codes_by_row) return own;
    const aligned_vector<std::int8_t> from = own.of;
    for (index_t unit = 0; unit < w_.units; ++unit)
      for (index_t r = 0; r < kernel::panel_rows; ++r)
        for (index_t c = 0; c < kernel::unit_columns; ++c)
          own.of[at(unit * kernel::unit_fields + r * kernel::unit_columns + c)] =
              from[at(unit * kernel::unit_fields + kernel::place_in_unit(r, c))];
    return own;
  }

  void unpack() {
    for (index_t panel = 0; panel < w_.panels; ++panel) {
      codes_.push_back(unpack({}, panel));
      const codes found = unpack(steps_, panel), expected = as_steps_have_them(codes_.back());
      for (std::size_t i = 0; i < found.of.size(); ++i)
        expect(found.of[i] == expected.of[i], "unpack_codes", static_cast<index_t>(i), found.of[i],
               expected.of[i]);
      for (std::size_t i = 0; i < found.parameters.size(); ++i)
        for (index_t r = 0; r < kernel::panel_rows; ++r) {
          const kernel::segment_parameters &f = found.parameters[i], &e = expected.parameters[i];
          expect(f.scales[r] == e.scales[r] && f.offsets[r] == e.offsets[r], "scales", r, f.scales[r],
                 e.scales[r]);
          expect(f.code_sums[r] == e.code_sums[r], "code_sums", r, f.code_sums[r], e.code_sums[r]);
        }
      // some units: from the middle of a group to that of another
      const index_t first = random_.between(0, w_.units - 1), units = random_.between(1, w_.units - first);
      aligned_vector<float> values(at(units * kernel::unit_fields)), wanted = values;
      steps_.unpack_floats(w_, panel, first, units, values.data());
      kernel::portable::unpack_floats(w_, panel, first, units, wanted.data());
      for (std::size_t i = 0; i < values.size(); ++i) {
        const index_t group = (first + static_cast<index_t>(i) / kernel::unit_fields) / w_.group_units;
        const index_t parameter = w_.parameter(panel, group) + static_cast<index_t>(i) % kernel::panel_rows;
        const double offset =
            w_.has_stored_offsets() ? std::abs(double{kernel::portable::offset_at(w_, parameter)}) : 0;
        const double bound = 2 * rounding * (std::abs(double{wanted[i]}) + 2 * offset);
        expect(std::abs(double{values[i]} - double{wanted[i]}) <= bound, "unpack_floats",
               static_cast<index_t>(i), values[i], wanted[i]);
      }
    }
  }

  /// Activations of some units as codes; `turned`: less 128 and of zero points 128, as packed products want them.
  struct activations {
    std::vector<std::uint8_t> of;
    std::vector<float> scales, scaled_sums;
    std::vector<std::int32_t> zero_points, sums;
    kernel::activation_codes view;
  };
  activations make_activations(const kernel::segment* segments, index_t count, index_t units, bool turned) {
    activations x;
    const index_t blocks = segments[count - 1].block + 1;
    x.of = random_.bytes(units * kernel::unit_columns * samples_);
    x.scales = random_.reals(blocks * samples_, weights_.exact_scales);
    const bool unscaled = random_.one_in(4);
    if (unscaled) std::fill(x.scales.begin(), x.scales.end(), 1.0f);
    const bool has_zero_points = !turned && random_.one_in(2);
    for (index_t i = 0; i < blocks * samples_; ++i)
      x.zero_points.push_back(has_zero_points ? static_cast<std::int32_t>(random_.between(0, 255)) : 128);
    const std::uint8_t* four = x.of.data();
    for (index_t i = 0; i < count; ++i) {
      std::vector<std::int32_t> sums(at(samples_));
      for (index_t step = 0; step < 2 * segments[i].units; ++step)
        for (index_t j = 0; j < samples_; ++j)
          for (index_t c = 0; c < 4; ++c)
            sums[at(j)] += *four++ - x.zero_points[at(segments[i].block * samples_ + j)];
      for (index_t j = 0; j < samples_; ++j) {
        x.sums.push_back(sums[at(j)]);
        // any number would do: a small one has exact products
        x.scaled_sums.push_back(turned ? x.scales[at(segments[i].block * samples_ + j)] *
                                             static_cast<float>(sums[at(j)])
                                       : static_cast<float>(random_.between(-100, 100)));
      }
    }
    x.view = {samples_,        x.of.data(),
              x.scales.data(), has_zero_points ? x.zero_points.data() : nullptr,
              x.sums.data(),   x.scaled_sums.data()};
    x.view.unscaled = unscaled;
    return x;
  }

  /// A sum in double and the sum of what may be rounded, for some outputs.
  struct oracle {
    double value = 0, magnitude = 0;
    void add(double term) {
      value += term;
      magnitude += std::abs(term);
    }
  };

  /// Row `r` of unpacked codes times sample `j`.
  oracle product_of(const codes& w, index_t first_unit, const kernel::segment* segments, index_t count,
                    const activations& x, index_t j, index_t r, std::size_t first_segment) const {
    oracle sum;
    for (index_t i = 0; i < count; ++i) {
      const kernel::segment& s = segments[i];
      const kernel::segment_parameters& own = w.parameters[first_segment + at(i)];
      const index_t of_block = s.block * samples_ + j;
      std::int64_t dot = 0;
      for (index_t c = 0; c < s.units * kernel::unit_columns; ++c) {
        const index_t unit = s.first_unit + c / 8, step = 2 * (s.first_unit - first_unit) + c / 4;
        dot += std::int64_t{w.of[at(unit * kernel::unit_fields + kernel::place_in_unit(r, c % 8))]} *
               (x.of[at((step * samples_ + j) * 4 + c % 4)] - x.zero_points[at(of_block)]);
      }
      sum.add(static_cast<double>(dot) * double{own.scales[r]} * double{x.scales[at(of_block)]});
      if (kernel::has_offsets(w_))
        sum.add(-double{own.offsets[r]} * double{x.scaled_sums[at(i * samples_ + j)]});
    }
    return sum;
  }

  /// The same tile with codes in rows, where the steps take them so, see rows.hpp.
  struct tile_in_rows {
    std::vector<kernel::segment> segments;
    std::vector<std::uint8_t> codes;
  };
  tile_in_rows lay_out_rows(kernel::integer_tile& tile, activations& x) {
    tile_in_rows own{{tile.segments, tile.segments + tile.count}, {}};
    std::vector<kernel::chunk> chunks{{0, tile.count, 0, 0, 0, 0}};
    const index_t fours = kernel::cut_steps(own.segments, chunks), steps = chunks[0].steps;
    own.codes = random_.bytes(steps * 4 * fours * samples_);
    for (index_t j = 0; j < samples_; ++j) {
      const kernel::row_place place = kernel::place_in_rows(0, steps, 4 * fours, samples_, 0, samples_, j);
      std::uint8_t* four = x.of.data() + 4 * j;
      for (const kernel::segment& s : own.segments) {
        const index_t columns = s.units * kernel::unit_columns;
        std::vector<std::uint8_t> row;
        std::int32_t sum = 0;
        for (index_t c = 0; c < columns; c += 4, four += 4 * samples_) row.insert(row.end(), four, four + 4);
        const std::int32_t zero = x.zero_points[at(s.block * samples_ + j)];
        const index_t there = columns - random_.between(0, 7);  // of which the last are filled up
        std::fill(row.begin() + there, row.end(), std::uint8_t{77});
        for (index_t c = 0; c < there; ++c) sum += row[at(c)] - 128;
        const std::int32_t found = steps_.pack_code_row(
            {row.data(), there, columns, 0x80, static_cast<std::uint8_t>(zero ^ 0x80), s.steps, fours,
             own.codes.data() + place.first + s.first_step * place.stride, place.stride});
        expect(found == sum, "pack_code_row", j, found, sum);
        // what was filled up counts as nothing
        std::uint8_t* const interleaved = four - columns * samples_;
        for (index_t c = there; c < columns; ++c)
          interleaved[c / 4 * 4 * samples_ + c % 4] = static_cast<std::uint8_t>(zero);
      }
    }
    tile.segments = own.segments.data();
    tile.x.codes = own.codes.data();
    tile.x.fours = fours;
    tile.x.steps = steps;
    return own;
  }

  /// Integers are exact: bits as portable ones have them where scales are powers of two.
  void multiply_codes() {
    const kernel::chunk& part = weights_.chunks[at(random_.between(0, std::ssize(weights_.chunks) - 1))];
    const kernel::segment* const segments = weights_.segments.data() + part.first_segment;
    activations x = make_activations(segments, part.segments, part.units, false);
    const index_t first_panel = random_.between(0, w_.panels / 2 - 1) * 2,
                  stride = 32 + random_.between(0, 9);
    std::vector<float> y(at(samples_ * stride), 99.0f);
    for (index_t j = 0; j < samples_; ++j) std::fill_n(y.data() + j * stride, 32, 0.0f);
    std::vector<float> wanted = y;
    kernel::integer_tile tile{
        segments, part.segments, {},    kernel::has_offsets(w_), kernel::has_small_codes(w_), false,
        x.view,   y.data(),      stride};
    std::vector<codes> own(codes_.begin() + first_panel, codes_.begin() + first_panel + 2), of_steps;
    for (const codes& panel : own) of_steps.push_back(as_steps_have_them(panel));
    const auto take = [&](std::vector<codes>& panels) {
      for (std::size_t p = 0; p < 2; ++p)
        tile.weights[p] = {panels[p].of.data() + part.first_unit * kernel::unit_fields,
                           panels[p].parameters.data() + part.first_segment};
    };
    take(of_steps);
    if (steps_.pack_code_row != nullptr) {
      kernel::integer_tile rows = tile;
      const tile_in_rows memory = lay_out_rows(rows, x);
      steps_.multiply_codes(rows);
    } else {
      steps_.multiply_codes(tile);
    }
    take(own);
    tile.y = wanted.data();
    kernel::portable::multiply_codes(tile);
    for (index_t j = 0; j < samples_; ++j)
      for (index_t r = 0; r < stride; ++r) {
        const float found = y[at(j * stride + r)], portable = wanted[at(j * stride + r)];
        if (r >= 32 || weights_.exact_scales) {
          expect(found == portable, "multiply_codes: bits", r, found, portable);
          continue;
        }
        const oracle expected = product_of(own[at(r / 16)], part.first_unit, segments, part.segments, x, j,
                                           r % 16, at(part.first_segment));
        const double bound = static_cast<double>(2 * part.segments + 4) * rounding * expected.magnitude;
        expect(std::abs(double{found} - expected.value) <= bound, "multiply_codes", r, found, expected.value);
        expect(std::abs(double{portable} - expected.value) <= bound, "portable multiply_codes", r, portable,
               expected.value);
      }
  }

  void multiply_floats() {
    const index_t columns = w_.cols, stride = 32 + random_.between(0, 9);
    const std::vector<float> values = random_.reals(2 * columns * 16, false);
    const aligned_vector<float> w[2] = {{values.begin(), values.begin() + columns * 16},
                                        {values.begin() + columns * 16, values.end()}};
    const std::vector<float> x = random_.reals(columns * samples_, false);
    const std::vector<float> before = random_.reals(samples_ * stride, false);
    std::vector<float> y = before;
    steps_.multiply_floats({columns, {w[0].data(), w[1].data()}, samples_, x.data(), y.data(), stride});
    for (index_t j = 0; j < samples_; ++j)
      for (index_t r = 0; r < stride; ++r) {
        oracle expected;
        expected.add(before[at(j * stride + r)]);
        for (index_t c = 0; c < columns && r < 32; ++c)
          expected.add(double{w[at(r / 16)][at(c * 16 + r % 16)]} * double{x[at(c * samples_ + j)]});
        const double bound = r < 32 ? static_cast<double>(columns + 1) * rounding * expected.magnitude : 0;
        const float found = y[at(j * stride + r)];
        expect(std::abs(double{found} - expected.value) <= bound, "multiply_floats", r, found,
               expected.value);
      }
  }

  /// Panels that follow each other, and a number of samples that packed products take.
  kernel::packed_range choose_panels(index_t most_samples) {
    samples_ = random_.between(1, most_samples);
    const index_t first = random_.between(0, w_.panels - 1);
    return {&w_, first, random_.between(1, std::min(w_.panels - first, kernel::packed_panels))};
  }

  void multiply_packed_codes() {
    const kernel::packed_range panels = choose_panels(kernel::packed_samples);
    const index_t count = std::ssize(weights_.segments), stride = panels.panels * 16 + random_.between(0, 5);
    activations x = make_activations(weights_.segments.data(), count, w_.units, true);
    std::vector<std::uint8_t> turned = x.of;
    for (auto& code : turned) code ^= 0x80;
    x.view.codes = turned.data();
    std::vector<float> y(at(samples_ * stride), 1.0f);
    steps_.multiply_packed_codes({panels, weights_.segments.data(), count, x.view, y.data(), stride});
    for (index_t j = 0; j < samples_; ++j)
      for (index_t r = 0; r < stride; ++r) {
        oracle expected;
        const float found = y[at(j * stride + r)];
        if (r < panels.panels * 16)
          expected = product_of(codes_[at(panels.first_panel + r / 16)], 0, weights_.segments.data(), count,
                                x, j, r % 16, 0);
        expected.add(1);
        const double bound = static_cast<double>(2 * count + 4) * rounding * expected.magnitude;
        expect(std::abs(double{found} - expected.value) <= bound, "multiply_packed_codes", r, found,
               expected.value);
      }
  }

  void multiply_packed_floats() {
    const kernel::packed_range panels = choose_panels(kernel::packed_float_samples);
    const index_t columns = w_.units * 8, stride = panels.panels * 16 + random_.between(0, 5);
    const std::vector<float> x = random_.reals(columns * samples_, false);
    std::vector<double> sums(at(w_.groups * samples_));
    for (index_t c = 0; c < columns; ++c)
      for (index_t j = 0; j < samples_; ++j)
        sums[at(c / 8 / w_.group_units * samples_ + j)] += double{x[at(c * samples_ + j)]};
    const std::vector<float> x_sums(sums.begin(), sums.end());
    std::vector<float> y(at(samples_ * stride), 1.0f);
    aligned_vector<float> w(at(columns * 16));
    steps_.multiply_packed_floats({panels, samples_, x.data(), x_sums.data(), y.data(), stride});
    const int middle = w_.has_levels ? 0 : 1 << (w_.bits - 1);  // from where packed steps may count
    for (index_t p = 0; p < panels.panels; ++p) {
      const index_t panel = panels.first_panel + p;
      kernel::portable::unpack_floats(w_, panel, 0, w_.units, w.data());
      for (index_t j = 0; j < samples_; ++j)
        for (index_t r = 0; r < 16; ++r) {
          oracle expected;
          expected.add(1);
          for (index_t c = 0; c < columns; ++c) {
            const index_t parameter = w_.parameter(panel, c / 8 / w_.group_units) + r;
            const double one = double{x[at(c * samples_ + j)]}, weight = double{w[at(c * 16 + r)]};
            const double scale = std::abs(double{kernel::portable::scale_at(w_, parameter)});
            const int zero = w_.zero_points != nullptr ? w_.zero_points[parameter] : w_.center;
            const double offset =
                w_.has_stored_offsets() ? std::abs(double{kernel::portable::offset_at(w_, parameter)}) : 0;
            expected.value += weight * one;
            expected.magnitude +=
                (std::abs(weight) + 2 * offset + scale * 2 * (zero + middle)) * std::abs(one);
          }
          const double bound = static_cast<double>(columns + 16) * rounding * expected.magnitude;
          const float found = y[at(j * stride + p * 16 + r)];
          expect(std::abs(double{found} - expected.value) <= bound, "multiply_packed_floats", r, found,
                 expected.value);
        }
    }
    for (index_t j = 0; j < samples_; ++j)
      for (index_t r = panels.panels * 16; r < stride; ++r)
        expect(y[at(j * stride + r)] == 1.0f, "multiply_packed_floats: behind", r, y[at(j * stride + r)], 1);
  }

  const kernel::product_operations& steps_;
  const char* name_;
  const random_weights& weights_;
  const kernel::weights_view& w_;
  random_source& random_;
  index_t samples_ = 1;
  std::vector<codes> codes_;  ///< of each panel, by the portable step
  std::string fault_;
};

/// The first fault of the steps of an instruction set on `shapes` random weights, or nothing.
inline std::string fault_of_steps(bitgauge::simd::instruction_set set, int shapes) {
  random_source random{std::mt19937(1)};
  for (int i = 0; i < shapes; ++i) {
    const random_weights weights(random);
    std::string fault = steps_check(kernel::product_table.of(set), name_of(set), weights, random).run();
    if (!fault.empty()) return "shape " + std::to_string(i) + ": " + fault;
  }
  return {};
}

}  // namespace test
