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

namespace bitgauge {

/// y = (H_K kron H_2^m) x / sqrt(n) for n = K 2^m, in place: an orthogonal map that spreads every value over
/// all. K is 1 or of hadamard_matrix_sizes, H_K the matrix of QuaRot's of that size, H_2^m Sylvester's in
/// natural order; value k 2^m + j of x is in row k, column j.
///
///     const hadamard h(11008);         // 172 * 64
///     h.transform(std::span(x));       // float or double
///     h.inverse(std::span(x));         // x again, but for rounding
///
/// Floats: the same bits on every instruction set. Cost: n (m + K / 4) sums, n m for powers of two; construction
/// K^2.
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
    if (factor_ > 1) matrices_ = std::make_shared<const matrices>(factor_);
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

  /// x <- H x / sqrt(size()) for each of the vectors of size() values that x holds one behind the other. With
  /// signs, 1 or -1, as many as values: each value is multiplied by its sign first.
  template <class Scalar>
  void transform(std::span<Scalar> x, std::span<const float> signs = {}) const noexcept {
    apply(x, signs.data(), matrices_ ? &matrices_->direct : nullptr);
  }
  /// x <- H^T x / sqrt(size()), which undoes transform() without signs.
  template <class Scalar>
  void inverse(std::span<Scalar> x) const noexcept {
    apply(x, nullptr, matrices_ ? &matrices_->transposed : nullptr);
  }

 private:
  struct matrices {
    explicit matrices(index_t size)
        : direct(size, [size](index_t i, index_t j) { return hadamard_matrix_entry(size, i, j); }),
          transposed(size, [size](index_t i, index_t j) { return hadamard_matrix_entry(size, j, i); }) {}

    simd::sign_matrix direct, transposed;
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
  void apply(std::span<Scalar> x, const float* signs, const simd::sign_matrix* matrix) const noexcept {
    static_assert(std::is_same_v<Scalar, float> || std::is_same_v<Scalar, double>,
                  "hadamard: transforms float or double: convert first");
    const auto scale = static_cast<Scalar>(1 / std::sqrt(static_cast<double>(size_)));
    const index_t count = static_cast<index_t>(x.size()) / size_, columns = size_ / factor_;
    if (matrix == nullptr) return simd::walsh_hadamard(x.data(), signs, size_, count, scale);
    for (index_t i = 0; i < count; ++i) {
      Scalar* const vector = x.data() + i * size_;
      simd::walsh_hadamard(vector, signs == nullptr ? signs : signs + i * size_, columns, factor_, Scalar{1});
      simd::sign_product(vector, *matrix, columns, scale);
    }
  }

  index_t size_, factor_;
  std::shared_ptr<const matrices> matrices_;  // none for powers of two
};

}  // namespace bitgauge
