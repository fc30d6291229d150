#pragma once

/// \file
/// A matrix in blocks of a ggml type.

#include <bitgauge/base/buffer.hpp>
#include <bitgauge/base/reset_on_move.hpp>
#include <bitgauge/base/uninitialized_memory.hpp>
#include <bitgauge/gguf/rows/row.hpp>
#include <bitgauge/matrix/rows/row_sink.hpp>

#include <cstddef>
#include <limits>
#include <ostream>
#include <string>
#include <utility>

namespace bitgauge::gguf {

/// A matrix W (out x in) whose rows are blocks of one type, one row after another without gaps: the bytes of
/// a tensor in a GGUF file. Owns its bytes; what has been moved from is empty: 0 x 0.
class block_matrix {
 public:
  block_matrix() = default;
  /// Takes over `blocks`, a buffer or a std::vector of bytes. Raises shape_error where they are not rows *
  /// row_bytes(type, cols) bytes, or a row is no whole number of blocks.
  block_matrix(tensor_type type, index_t rows, index_t cols, buffer<std::byte> blocks)
      : type_(type), rows_(rows), cols_(cols), blocks_(std::move(blocks)) {
    const auto bytes = static_cast<index_t>(gguf::row_bytes(type, cols));
    if (rows < 0 || (bytes > 0 && rows > std::numeric_limits<index_t>::max() / bytes))
      refuse("expected rows from 0 up whose bytes fit 63 bits");
    const index_t expected = rows * bytes;
    if (static_cast<index_t>(blocks_.size()) != expected) refuse_bytes(expected);
  }

  tensor_type type() const noexcept { return type_; }
  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }
  index_t size() const noexcept { return rows_ * cols_; }
  index_t row_bytes() const noexcept { return rows_ == 0 ? 0 : storage_bytes() / rows_; }
  /// All bytes; converts to `std::span<const std::byte>`.
  const buffer<std::byte>& blocks() const noexcept { return blocks_; }
  index_t storage_bytes() const noexcept { return static_cast<index_t>(blocks_.size()); }
  double bits_per_weight() const noexcept {
    return size() == 0 ? 0 : 8.0 * static_cast<double>(storage_bytes()) / static_cast<double>(size());
  }

  /// Writes row `row` as cols() floats, bit for bit as ggml decodes it. Raises shape_error where there is no
  /// such row.
  BITGAUGE_DECLARE void dequantize_row(index_t row, float* out) const;
  /// The matrix of real values: MatrixXf, or any plain float type named.
  template <class Plain = Eigen::MatrixXf>
  Plain dequantize(int threads = 0) const {
    Plain out;
    out.resize(rows_, cols_);
    bitgauge::detail::advise_huge_pages(out);
    dequantize_into(out, threads);
    return out;
  }
  /// Writes the real values into an existing matrix, map or block of float. Raises shape_error.
  template <class Derived>
  void dequantize_into(const Eigen::DenseBase<Derived>& target, int threads = 0) const {
    bitgauge::detail::fill_rows(target, rows_, cols_, false, threads, [this] {
      return [this](index_t row, float* out) { dequantize_row(row, out); };
    });
  }

  friend bool operator==(const block_matrix&, const block_matrix&) = default;
  /// Prints one line without its end: "block_matrix 512 x 512: q4_K, 4.5 bits per weight".
  friend std::ostream& operator<<(std::ostream& out, const block_matrix& q) {
    std::string bits = std::to_string(q.bits_per_weight());  // at most 6 digits, by the nature of blocks
    bits.erase(bits.find_last_not_of('0') + 1);
    if (bits.back() == '.' || bits.back() == ',') bits.pop_back();
    return out << "block_matrix " + std::to_string(q.rows()) + " x " + std::to_string(q.cols()) + ": " +
                      std::string(traits_of(q.type()).name) + ", " + bits + " bits per weight";
  }

 private:
  [[noreturn, gnu::cold]] void refuse(const std::string& problem) const {
    raise(shape_error(std::string(traits_of(type_).name) + " matrix of " + std::to_string(rows()) + " x " +
                      std::to_string(cols()) + ": " + problem));
  }
  [[noreturn, gnu::cold]] void refuse_bytes(index_t expected) const {
    refuse("expected " + std::to_string(expected) + " bytes, found " + std::to_string(blocks_.size()));
  }

  tensor_type type_ = tensor_type::f32;
  bitgauge::detail::reset_on_move<index_t> rows_, cols_;
  buffer<std::byte> blocks_;
};

}  // namespace bitgauge::gguf

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/gguf/block_matrix_definitions.hpp>
#endif
