#pragma once

/// \file
/// The fast normalised Hadamard transform.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/simd/sign_product.hpp>
#include <bitgauge/simd/walsh_hadamard.hpp>
#include <bitgauge/transform/hadamard_matrix.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace bitgauge {

/// y = (H_K kron H_2^m) x / sqrt(n) for n = K 2^m, in place: an orthogonal map that spreads every value over
/// all. K is 1 or of hadamard_matrix_sizes, H_K the matrix of QuaRot's of that size, H_2^m Sylvester's in
/// natural order; value k 2^m + j of x is in row k, column j.
///
///     const hadamard h(11008);         // 172 * 64
///     h.transform(std::span(x));       // float or double
///     h.inverse(std::span(x));         // x again, but for rounding
///
/// Floats: the same bits on every instruction set; each value is rounded log2(2^m) + K times for K > 1, else
/// log2 n times, and once for the factor. Cost: n (m + K) sums, without K for powers of two; construction K^2.
/// Sources: Ashkboos et al., QuaRot, arXiv 2404.00456; Tseng et al., QuIP#, arXiv 2402.04396.
class hadamard {
 public:
  /// Throws shape_error for a size that has no matrix: see exists().
  explicit hadamard(index_t size) : size_(size), factor_(factor_of(size)) {
    if (factor_ == 0)
      detail::raise_message<shape_error>(
          {"hadamard: expected a power of two, or one times 12, 20, 28, 36, 40, "
           "44, 52, 60, 108, 140, 156 or 172, found a size of ",
           size});
    if (factor_ > 1) signs_ = std::make_shared<const sign_tables>(factor_);
  }

  /// Is `size` a power of two, or one times a size of hadamard_matrix_sizes?
  static constexpr bool exists(index_t size) noexcept { return factor_of(size) != 0; }

  /// The largest size that exists and is at most `limit`, which is at least 1.
  static constexpr index_t largest_within(index_t limit) noexcept {
    index_t largest = 1;
    const auto consider = [&](index_t size) {
      if (size > limit) return;
      while (size <= limit / 2) size *= 2;
      if (size > largest) largest = size;
    };
    consider(1);
    for (const index_t size : hadamard_matrix_sizes) consider(size);
    return largest;
  }

  /// The largest size that exists and divides `count`, which is at least 1.
  static constexpr index_t largest_divisor(index_t count) noexcept {
    index_t largest = 1;
    const auto consider = [&](index_t size) {
      if (count % size != 0) return;
      while (count / size % 2 == 0) size *= 2;
      if (size > largest) largest = size;
    };
    consider(1);
    for (const index_t size : hadamard_matrix_sizes) consider(size);
    return largest;
  }

  index_t size() const noexcept { return size_; }
  /// K, or 1 for powers of two.
  index_t factor() const noexcept { return factor_; }

  /// x <- H x / sqrt(size()) for each of the vectors of size() values that x holds one behind the other.
  template <class Scalar>
  void transform(std::span<Scalar> x) const noexcept {
    apply(x, signs_ ? signs_->transposed.data() : nullptr);
  }
  /// x <- H^T x / sqrt(size()), which undoes transform().
  template <class Scalar>
  void inverse(std::span<Scalar> x) const noexcept {
    apply(x, signs_ ? signs_->direct.data() : nullptr);
  }

 private:
  /// H_K and its transpose, as simd::sign_product() reads them.
  struct sign_tables {
    explicit sign_tables(index_t size) {
      const index_t stride = (size + simd::sign_alignment - 1) / simd::sign_alignment * simd::sign_alignment;
      direct.resize(detail::as_size(size * stride));
      transposed.resize(detail::as_size(size * stride));
      for (index_t i = 0; i < size; ++i)
        for (index_t j = 0; j < size; ++j) {
          const auto entry = static_cast<float>(hadamard_matrix_entry(size, i, j));
          direct[detail::as_size(i * stride + j)] = transposed[detail::as_size(j * stride + i)] = entry;
        }
    }

    std::vector<float> direct, transposed;
  };

  static constexpr bool is_power_of_two(index_t n) noexcept {
    return n > 0 && std::has_single_bit(static_cast<std::uint64_t>(n));
  }
  /// K, or 0 where there is no matrix.
  static constexpr index_t factor_of(index_t size) noexcept {
    if (is_power_of_two(size)) return 1;
    for (const index_t factor : hadamard_matrix_sizes)
      if (size % factor == 0 && is_power_of_two(size / factor)) return factor;
    return 0;
  }

  template <class Scalar>
  void apply(std::span<Scalar> x, const float* signs) const noexcept {
    static_assert(std::is_same_v<Scalar, float> || std::is_same_v<Scalar, double>,
                  "hadamard: transforms float or double: convert first");
    const auto scale = static_cast<Scalar>(1 / std::sqrt(static_cast<double>(size_)));
    const index_t vectors = static_cast<index_t>(x.size()) / size_;
    if (factor_ == 1) return simd::walsh_hadamard(x.data(), size_, vectors, scale);
    const index_t columns = size_ / factor_;
    for (index_t i = 0; i < vectors; ++i) {
      Scalar* const vector = x.data() + i * size_;
      simd::walsh_hadamard(vector, columns, factor_, Scalar{1});
      simd::sign_product(vector, signs, factor_, columns, scale);
    }
  }

  index_t size_, factor_;
  std::shared_ptr<const sign_tables> signs_;  // none for powers of two
};

}  // namespace bitgauge
