#pragma once

/// \file
/// What a format known at run time alone gives: codes and scales, ggml blocks, or levels of a trellis.

#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/kernel/reference.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/summary.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>

#include <ostream>
#include <type_traits>
#include <utility>
#include <variant>

namespace bitgauge {

/// A quantized_matrix, a gguf::block_matrix or a trellis_matrix, with what all can do.
///
///     any_quantized q = quantize(W, "q4_k:effort=best");
///     q.dequantize();  q * x;  q.bits_per_weight();
///     if (const auto* blocks = q.get_if<gguf::block_matrix>()) write(blocks->blocks());
///     q.visit([](const auto& held) { ... });
class any_quantized {
 public:
  any_quantized() = default;
  any_quantized(quantized_matrix matrix) noexcept : held_(std::move(matrix)) {}
  any_quantized(gguf::block_matrix matrix) noexcept : held_(std::move(matrix)) {}
  any_quantized(trellis_matrix matrix) noexcept : held_(std::move(matrix)) {}

  /// Calls visitor(held), which gives one type for all.
  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return std::visit(std::forward<Visitor>(visitor), held_);
  }
  /// The matrix held where it is a Matrix, else null.
  template <class Matrix>
  const Matrix* get_if() const noexcept {
    return std::get_if<Matrix>(&held_);
  }

  index_t rows() const noexcept {
    return visit([](const auto& q) { return q.rows(); });
  }
  index_t cols() const noexcept {
    return visit([](const auto& q) { return q.cols(); });
  }
  index_t size() const noexcept {
    return visit([](const auto& q) { return q.size(); });
  }
  bool is_column_vector() const noexcept {
    const auto* codes = get_if<quantized_matrix>();
    return codes != nullptr && codes->is_column_vector();
  }
  index_t storage_bytes() const noexcept {
    return visit([](const auto& q) { return q.storage_bytes(); });
  }
  double bits_per_weight() const noexcept {
    return visit([](const auto& q) { return q.bits_per_weight(); });
  }
  /// As of the matrix held.
  void dequantize_row(index_t row, float* out) const {
    visit([&](const auto& q) { q.dequantize_row(row, out); });
  }
  template <class Plain = Eigen::MatrixXf>
  Plain dequantize(int threads = 0) const {
    return visit([&](const auto& q) { return q.template dequantize<Plain>(threads); });
  }
  template <class Derived>
  void dequantize_into(const Eigen::DenseBase<Derived>& target, int threads = 0) const {
    visit([&](const auto& q) { q.dequantize_into(target, threads); });
  }

  friend bool operator==(const any_quantized&, const any_quantized&) = default;
  friend std::ostream& operator<<(std::ostream& out, const any_quantized& q) {
    return q.visit([&](const auto& held) -> std::ostream& { return out << held; });
  }
  /// y = W x, as of the matrix held.
  template <class Derived>
  friend detail::product_of<Derived> operator*(const any_quantized& w, const Eigen::MatrixBase<Derived>& x) {
    return w.visit([&](const auto& held) -> detail::product_of<Derived> { return held * x; });
  }

 private:
  std::variant<quantized_matrix, gguf::block_matrix, trellis_matrix> held_;
};

}  // namespace bitgauge
