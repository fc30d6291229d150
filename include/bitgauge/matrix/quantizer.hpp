#pragma once

/// \file
/// The pipeline: rows of floats -> range -> parameters -> codes -> packed. Groups within a row are fitted and
/// encoded while the row is in cache; groups that span rows are fitted first.

#include <bitgauge/buffer.hpp>
#include <bitgauge/lender.hpp>
#include <bitgauge/matrix/group_fitter.hpp>
#include <bitgauge/matrix/layout.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/recipe.hpp>
#include <bitgauge/matrix/row_source.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace bitgauge::detail {

class quantizer {
 public:
  quantizer(const row_source& source, const recipe& how, bool is_column_vector)
      : source_(source),
        how_(how),
        is_column_vector_(is_column_vector),
        fitter_(source, how, is_column_vector),
        groups_(fitter_.groups()),
        row_bytes_(packing::dense_bytes(groups_.cols(), how.grid->bits())) {
    if (how.rounding) levels_ = std::make_shared<sorted_levels>(*how.grid);
  }

  quantized_matrix run() {
    codes_ = buffer<std::uint8_t>(static_cast<std::size_t>(groups_.rows() * row_bytes_));
    if (groups_.count() > 0) {
      fitter_.start();
      fitter_.for_each_panel([&](index_t first, index_t count) { encode_panel(first, count); });
    }
    return {groups_,
            meaning_of(*how_.grid),
            std::move(codes_),
            fitter_.take_scales(),
            fitter_.packed_zero_points(),
            is_column_vector_,
            own_codes()};
  }

 private:
  struct scratch : row_scratch {
    std::vector<std::uint8_t> fields;
  };

  void encode_panel(index_t first, index_t count) {
    const auto borrowed = scratches_.borrow();
    scratch& s = *borrowed;
    s.fields.resize(static_cast<std::size_t>(groups_.cols()));
    fitter_.ready(s);
    const auto panel = source_.read(first, count, s.panel);
    for (index_t r = 0; r < count; ++r) {
      const finite_row x = fitter_.finite(panel.row(r), groups_.cols(), groups_.run(), first + r, 0, s);
      if (groups_.within_rows()) fitter_.fit_row(first + r, x.for_range, s);
      encode_row(x.for_codes, first + r, s);
    }
    simd::finish_stores();
  }

  /// True where the codes are more than a cache keeps until they are read.
  bool past_caches() const noexcept { return codes_.size() >= std::size_t{4} << 20; }

  void encode_row(const float* x, index_t row, scratch& s) {
    const index_t cols = groups_.cols(), run = groups_.run();
    std::uint8_t* out = codes_.data() + row * row_bytes_;
    const integer_grid* integer = how_.grid->integer();
    const int bits = how_.grid->bits();
    std::uint8_t* fields = bits == 8 ? out : s.fields.data();
    if (!how_.rounding && integer != nullptr && !integer->is_sign_only()) {
      simd::rows().encode(x, cols, run, s.inverse.data(), s.zero_point.data(), integer->lowest,
                          integer->highest, fields,
                          {.next = source_.in_place(row + 1), .past_caches = bits == 8 && past_caches()});
    } else {
      for (index_t begin = 0, i = 0; begin < cols; begin += run, ++i) {
        const auto at = static_cast<std::size_t>(i);
        const parameters p{s.scale[at], s.zero_point[at]};
        const index_t count = std::min(run, cols - begin);
        if (how_.rounding) {
          how_.rounding->encode(x + begin, count, p, *levels_, row, begin, fields + begin);
        } else {
          how_.grid->encode(x + begin, count, p, fields + begin);
        }
      }
    }
    if (bits != 8) simd::rows().pack(fields, cols, bits, out);
  }

  const row_source& source_;
  const recipe& how_;
  bool is_column_vector_;
  group_fitter fitter_;
  const grouping& groups_;
  index_t row_bytes_;
  std::shared_ptr<const sorted_levels> levels_;
  buffer<std::uint8_t> codes_;
  lender<scratch> scratches_;
};

}  // namespace bitgauge::detail
