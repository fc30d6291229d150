#pragma once

/// \file
/// Weights of integer layers: packed codes, and what zero points on both sides take from their sums.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/kernel/pack/pack.hpp>
#include <bitgauge/kernel/product/integer_sums.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

namespace bitgauge::detail {

/// Codes of 8 bits, x and w, as signed bytes x' and w', unsigned ones less 128, and their zero points likewise:
///
///     sum (x - x0) (w - w0) = sum x' w' - w0' sum x' - x0' sum (w' - w0')
///
/// where the last sum is known beforehand.
class integer_weights {
 public:
  integer_weights() = default;
  /// One zero point a row. A byte a weight, and 16 a row.
  integer_weights(const quantized_matrix& q, std::span<const std::int32_t> zero_points, int threads) {
    const bool is_signed = q.encoding().is_signed || q.encoding().is_sign_only;
    const std::int32_t turned_by = is_signed ? 0 : 128;
    auto data = std::make_shared<kernel::packed_data>();
    data->view.rows = q.rows();
    data->view.cols = data->view.group = q.cols();
    data->view.center = 128;
    rows_.resize(zero_points.size());
    const index_t parts = (q.cols() + kernel::exact_columns - 1) / kernel::exact_columns;
    // of each row, the magnitudes of each exact_columns codes
    std::vector<std::int32_t> magnitudes(static_cast<std::size_t>(q.rows() * parts));
    const auto codes = q.codes_as<by_rows<std::int16_t>>();
    kernel::pack_rows(*data, {}, threads, [&](index_t r, const kernel::unpacked_row& to) {
      row& own = rows_[static_cast<std::size_t>(r)];
      own.zero_point = zero_points[static_cast<std::size_t>(r)] - turned_by;
      for (index_t c = 0; c < codes.cols(); ++c) {
        const std::int32_t code = codes(r, c) - turned_by, value = code - own.zero_point;
        to.fields[c] = static_cast<std::uint8_t>(code + 128);
        own.sum += value;
        own.magnitude += std::abs(value);
        magnitudes[static_cast<std::size_t>(r * parts + c / kernel::exact_columns)] += std::abs(code);
      }
      std::fill_n(to.scales, data->view.groups, 1.0f);
    });
    data_ = std::move(data);
    has_zero_points_ =
        std::any_of(rows_.begin(), rows_.end(), [](const row& r) { return r.zero_point != 0; });
    while (together_ < parts && are_exact(magnitudes, parts, together_ + 1)) ++together_;
  }

  index_t rows() const noexcept { return data_->view.rows; }
  index_t cols() const noexcept { return data_->view.cols; }
  index_t bytes() const noexcept { return data_->bytes() + static_cast<index_t>(rows_.size() * sizeof(row)); }

  /// sum over c of |w(r, c) - w0(r)|.
  double magnitude_of_row(index_t r) const {
    return static_cast<double>(rows_[static_cast<std::size_t>(r)].magnitude);
  }

  /// y(s, r) = sum over c of (x(s, c) - x_zero_point) * (w(r, c) - w0(r)), samples being rows of x and of y. The
  /// sums of magnitudes must fit int32. Cost: an integer product.
  template <class X>
  void accumulate(const Eigen::MatrixBase<X>& x, std::int32_t x_zero_point, std::int32_t* y,
                  int threads) const {
    constexpr index_t together = 512;
    constexpr std::int32_t turned_by = std::is_signed_v<typename X::Scalar> ? 0 : 128;
    const auto scratch = scratches().borrow();
    for (index_t first = 0; first < x.rows(); first += together) {
      const index_t samples = std::min(together, x.rows() - first);
      scratch->resize(static_cast<std::size_t>(samples * cols()));
      parallel_for(samples, threads, [&](index_t s) {
        Eigen::Map<Eigen::RowVectorXf> codes(scratch->data() + s * cols(), cols());
        codes = x.row(first + s).template cast<float>();
        if constexpr (turned_by != 0) codes.array() -= static_cast<float>(turned_by);
        std::int32_t* const sums = y + (first + s) * rows();
        if (has_zero_points_ || x_zero_point != turned_by) {
          subtract_zero_points(codes.template cast<std::int32_t>().sum(), x_zero_point - turned_by, sums);
        } else {
          std::fill_n(sums, rows(), 0);
        }
      });
      kernel::add_code_products(data_->view, scratch->data(), samples, y + first * rows(),
                                together_ * kernel::exact_columns, threads);
    }
  }

 private:
  template <class Number>
  using by_rows = Eigen::Matrix<Number, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  struct row {
    std::int32_t zero_point = 0, sum = 0;
    std::int64_t magnitude = 0;
  };

  /// Whether products with `together` of the `parts` of a row have sums within 2^24.
  static bool are_exact(const std::vector<std::int32_t>& magnitudes, index_t parts, index_t together) {
    for (auto row = magnitudes.begin(); row < magnitudes.end(); row += parts)
      for (index_t first = 0; first < parts; first += together)
        if (std::accumulate(row + first, row + std::min(parts, first + together), std::int64_t{0}) * 128 >
            1 << 24)
          return false;
    return true;
  }

  /// What zero points take from the products of a sample. Modulo 2^32: the whole fits.
  void subtract_zero_points(std::int32_t x_sum, std::int32_t x_zero_point, std::int32_t* y) const {
    const auto bits = [](std::int32_t i) { return static_cast<std::uint32_t>(i); };
    for (index_t r = 0; r < rows(); ++r) {
      const row& own = rows_[static_cast<std::size_t>(r)];
      const std::uint32_t taken = bits(own.zero_point) * bits(x_sum) + bits(x_zero_point) * bits(own.sum);
      y[r] = static_cast<std::int32_t>(0 - taken);
    }
  }

  static scratch_pool<std::vector<float>>& scratches() {
    static scratch_pool<std::vector<float>> pool;
    return pool;
  }

  std::shared_ptr<const kernel::packed_data> data_ = std::make_shared<kernel::packed_data>();
  std::vector<row> rows_;
  bool has_zero_points_ = false;
  index_t together_ = 1;  ///< parts of exact_columns that are multiplied together
};

}  // namespace bitgauge::detail
