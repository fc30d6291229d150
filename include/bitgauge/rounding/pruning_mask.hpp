#pragma once

/// \file
/// Which weights of a matrix are pruned, stored in as few bits as the pattern allows.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/rounding/pruning_pattern.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge {

/// The pruned weights of a matrix W (out x in).
///
///     const pruning_mask m = wanda_mask(W, H, n_of_m{2, 4});
///     m.apply(W);                          // pruned weights become 0
///     m.bits_per_weight();                 // 0.75
///
/// Layout: row after row, each from a byte boundary on, fields one after the other from the lowest bit of the first
/// byte on. An unstructured mask has a bit a weight, 1 where it is pruned. One of n_of_m has a field for every M
/// neighbours: the rank of the pruned places c_1 < ... < c_k among all sets of k, sum of C(c_i, i) (the combinatorial
/// number system; Knuth, The Art of Computer Programming 4A, 7.2.1.3), in log2 C(M, N) bits, rounded up. A shorter
/// last group of a row has a field of the same width.
class pruning_mask {
 public:
  pruning_mask() = default;

  /// From what is stored. Throws shape_error for a negative shape or another number of bytes than it takes,
  /// data_error for a field that no set of pruned weights has.
  pruning_mask(pruning_pattern pattern, index_t rows, index_t cols, std::vector<std::uint8_t> bytes)
      : pattern_(pattern), rows_(rows), cols_(cols), bytes_(std::move(bytes)) {
    require_shape();
    if (static_cast<index_t>(bytes_.size()) != rows_ * row_bytes())
      detail::raise_message<shape_error>(
          {"pruning mask: expected ", rows_ * row_bytes(), " bytes, found ", bytes_.size()});
    for (index_t r = 0; r < rows_; ++r)
      for (index_t i = 0; i < fields_per_row(); ++i)
        if (!pattern_.is_unstructured() && field(r, i) >= sets(i))
          detail::raise_message<data_error>({"pruning mask: row ", r, ", group ", i,
                                             ": expected a field below ", sets(i), ", found ", field(r, i)});
  }

  /// From a matrix whose elements are not 0 where the weight is pruned. Throws data_error where it is not of the
  /// pattern.
  template <class Derived>
  static pruning_mask from_matrix(pruning_pattern pattern, const Eigen::DenseBase<Derived>& pruned) {
    const auto& x = pruned.derived().eval();
    std::vector<std::uint8_t> flags(static_cast<std::size_t>(x.size()));
    for (index_t r = 0; r < x.rows(); ++r)
      for (index_t c = 0; c < x.cols(); ++c)
        flags[static_cast<std::size_t>(r * x.cols() + c)] = x.coeff(r, c) != typename Derived::Scalar(0);
    return from_flags(pattern, x.rows(), x.cols(), flags);
  }
  /// The same from a byte a weight, row after row. Throws shape_error for another number of them.
  static pruning_mask from_flags(pruning_pattern pattern, index_t rows, index_t cols,
                                 std::span<const std::uint8_t> pruned) {
    pruning_mask m;
    m.pattern_ = pattern;
    m.rows_ = rows;
    m.cols_ = cols;
    m.require_shape();
    if (static_cast<index_t>(pruned.size()) != rows * cols)
      detail::raise_message<shape_error>(
          {"pruning mask: expected a flag for each of ", rows * cols, " weights, found ", pruned.size()});
    m.bytes_.resize(static_cast<std::size_t>(rows * m.row_bytes()));
    for (index_t r = 0; r < rows; ++r)
      for (index_t i = 0; i < m.fields_per_row(); ++i) {
        const index_t begin = i * pattern.field_weights(), width = m.width(i);
        const std::uint8_t* flags = pruned.data() + r * cols + begin;
        if (!pattern.is_unstructured()) {
          const auto found = static_cast<index_t>(width - std::count(flags, flags + width, 0));
          if (found != pattern.pruned_of(width))
            detail::raise_message<data_error>({"pruning mask: row ", r, ", columns ", begin, " to ",
                                               begin + width - 1, ": expected ", pattern.pruned_of(width),
                                               " pruned weights, found ", found});
        }
        m.set_field(r, i, pattern.is_unstructured() ? flags[0] != 0 : rank_of(flags, width));
      }
    return m;
  }

  const pruning_pattern& pattern() const noexcept { return pattern_; }
  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }
  index_t size() const noexcept { return rows_ * cols_; }

  /// Row after row, row_bytes() each.
  std::span<const std::uint8_t> bytes() const noexcept { return bytes_; }
  index_t row_bytes() const noexcept { return (fields_per_row() * pattern_.field_bits() + 7) / 8; }
  index_t storage_bytes() const noexcept { return static_cast<index_t>(bytes_.size()); }
  /// Stored bits over weights; 0 of no weights.
  double bits_per_weight() const noexcept {
    return size() == 0 ? 0 : 8 * static_cast<double>(storage_bytes()) / static_cast<double>(size());
  }

  /// Writes a flag for each weight of a row: 1 where it is pruned, else 0. Throws shape_error where there is no such
  /// row.
  void read_row(index_t row, std::uint8_t* pruned) const {
    if (row < 0 || row >= rows_)
      detail::raise_message<shape_error>({"pruning mask: row ", row, " of ", rows_});
    for (index_t i = 0; i < fields_per_row(); ++i) {
      std::uint64_t rank = field(row, i);
      std::uint8_t* flags = pruned + i * pattern_.field_weights();
      if (pattern_.is_unstructured()) {
        flags[0] = static_cast<std::uint8_t>(rank);
        continue;
      }
      index_t left = pattern_.pruned_of(width(i));
      for (index_t c = width(i); c-- > 0;) {
        const std::uint64_t without = detail::binomial(c, left);
        flags[c] = left > 0 && rank >= without;
        if (flags[c] == 0) continue;
        rank -= without;
        --left;
      }
    }
  }
  /// Whether one weight is pruned. Throws shape_error outside the matrix. For inspection: decodes its row.
  bool is_pruned(index_t row, index_t col) const {
    if (row < 0 || row >= rows_ || col < 0 || col >= cols_)
      detail::raise_message<shape_error>(
          {"pruning mask: (", row, ", ", col, ") of a matrix of ", rows_, " x ", cols_});
    return row_flags(row)[static_cast<std::size_t>(col)] != 0;
  }
  /// The number of pruned weights.
  index_t pruned() const {
    index_t all = 0;
    for (index_t r = 0; r < rows_; ++r)
      for (const std::uint8_t flag : row_flags(r)) all += flag;
    return all;
  }
  /// A matrix of 1 where a weight is pruned, else 0.
  template <class Plain = Eigen::Matrix<std::uint8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>
  Plain as_matrix() const {
    Plain all(rows_, cols_);
    for (index_t r = 0; r < rows_; ++r) {
      const std::vector<std::uint8_t> flags = row_flags(r);
      for (index_t c = 0; c < cols_; ++c)
        all(r, c) = static_cast<typename Plain::Scalar>(flags[static_cast<std::size_t>(c)]);
    }
    return all;
  }

  /// Makes pruned weights 0: of a matrix, map or block of its shape; gradients of kept weights alone likewise. Throws
  /// shape_error for another shape.
  template <class Derived>
  void apply(const Eigen::DenseBase<Derived>& weights) const {
    // a temporary block is an output too, as for Eigen's own functions
    auto& out = const_cast<Eigen::DenseBase<Derived>&>(weights).derived();
    if (out.rows() != rows_ || out.cols() != cols_)
      detail::raise_message<shape_error>({"pruning mask: expected weights of ", rows_, " x ", cols_,
                                          ", found ", out.rows(), " x ", out.cols()});
    for (index_t r = 0; r < rows_; ++r) {
      const std::vector<std::uint8_t> flags = row_flags(r);
      for (index_t c = 0; c < cols_; ++c)
        if (flags[static_cast<std::size_t>(c)] != 0) out.coeffRef(r, c) = typename Derived::Scalar(0);
    }
  }

  friend bool operator==(const pruning_mask&, const pruning_mask&) = default;

 private:
  index_t fields_per_row() const noexcept {
    return (cols_ + pattern_.field_weights() - 1) / pattern_.field_weights();
  }
  index_t width(index_t i) const noexcept {
    return std::min(pattern_.field_weights(), cols_ - i * pattern_.field_weights());
  }
  /// The number of sets of pruned weights that group i may have.
  std::uint64_t sets(index_t i) const noexcept {
    return detail::binomial(width(i), pattern_.pruned_of(width(i)));
  }
  void require_shape() const {
    constexpr index_t most = index_t{1} << 60;
    if (rows_ < 0 || cols_ < 0 || (cols_ > 0 && rows_ > most / cols_))
      detail::raise_message<shape_error>(
          {"pruning mask: expected rows and columns from 0 up and at most 2^60 weights, found ", rows_, " x ",
           cols_});
  }
  static std::uint64_t rank_of(const std::uint8_t* flags, index_t width) noexcept {
    std::uint64_t rank = 0;
    index_t before = 0;
    for (index_t c = 0; c < width; ++c)
      if (flags[c] != 0) rank += detail::binomial(c, ++before);
    return rank;
  }
  std::uint64_t field(index_t row, index_t i) const noexcept {
    std::uint64_t found = 0;
    const int bits = pattern_.field_bits();
    for (int b = 0; b < bits; ++b) {
      const index_t at = i * bits + b;
      const unsigned byte = bytes_[static_cast<std::size_t>(row * row_bytes() + at / 8)];
      found |= static_cast<std::uint64_t>(byte >> (at % 8) & 1u) << b;
    }
    return found;
  }
  void set_field(index_t row, index_t i, std::uint64_t value) noexcept {
    const int bits = pattern_.field_bits();
    for (int b = 0; b < bits; ++b) {
      const index_t at = i * bits + b;
      std::uint8_t& byte = bytes_[static_cast<std::size_t>(row * row_bytes() + at / 8)];
      byte = static_cast<std::uint8_t>(byte | (value >> b & 1u) << (at % 8));
    }
  }
  std::vector<std::uint8_t> row_flags(index_t row) const {
    std::vector<std::uint8_t> flags(static_cast<std::size_t>(cols_));
    read_row(row, flags.data());
    return flags;
  }

  pruning_pattern pattern_;
  index_t rows_ = 0, cols_ = 0;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace bitgauge
