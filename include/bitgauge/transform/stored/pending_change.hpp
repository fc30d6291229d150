#pragma once

/// \file
/// Matrices changed in place, all together or none.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/answers/input_kind.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <Eigen/Core>

#include <cstddef>
#include <span>
#include <type_traits>

namespace bitgauge {

/// What can be changed in place: a matrix, vector, array, map, block or reference of float, double, half or
/// bfloat16 that is not const.
template <class Dense>
concept writable_dense =
    !std::is_const_v<std::remove_reference_t<Dense>> && detail::dense_input<std::remove_cvref_t<Dense>> &&
    (static_cast<unsigned>(std::remove_cvref_t<Dense>::Flags) & static_cast<unsigned>(Eigen::LvalueBit)) !=
        0 &&
    real_scalar<typename std::remove_cvref_t<Dense>::Scalar>;

namespace detail {

/// What a matrix is going to be: computed and checked first, so that an error leaves everything as it was.
template <writable_dense Dense>
class pending_change {
 public:
  using scalar = typename Dense::Scalar;
  /// Doubles are changed as such, all else as floats.
  using wide = std::conditional_t<std::is_same_v<scalar, double>, double, float>;

  /// change(span) of each row, or of each column. Raises data_error for what is not finite once rounded to the
  /// matrix's type; `what` begins the message.
  template <class Change>
  pending_change(const char* what, Dense& target, bool by_rows, const Change& change)
      : target_(target), by_rows_(by_rows) {
    if (by_rows)
      values_ = target.matrix().transpose().template cast<wide>();
    else
      values_ = target.matrix().template cast<wide>();
    for (index_t c = 0; c < values_.cols(); ++c) {
      change(std::span<wide>(values_.data() + c * values_.rows(), static_cast<std::size_t>(values_.rows())));
      for (index_t r = 0; r < values_.rows(); ++r)
        if (!is_finite(static_cast<wide>(static_cast<scalar>(values_(r, c)))))
          raise_message<data_error>({what, ": row ", by_rows ? c : r, ", column ", by_rows ? r : c,
                                     ": expected a finite value once changed, found NaN or infinity"});
    }
  }

  void write() const {
    for (index_t c = 0; c < values_.cols(); ++c)
      for (index_t r = 0; r < values_.rows(); ++r)
        target_.coeffRef(by_rows_ ? c : r, by_rows_ ? r : c) = static_cast<scalar>(values_(r, c));
  }

 private:
  static bool is_finite(float x) noexcept { return numeric::is_finite(x); }
  static bool is_finite(double x) noexcept { return numeric::binary64::is_finite(x); }

  Dense& target_;
  Eigen::Matrix<wide, Eigen::Dynamic, Eigen::Dynamic> values_;
  bool by_rows_;
};

/// Raises shape_error unless `vector` has one row or one column and `size` elements.
template <class Dense>
void require_vector(const char* what, const Dense& vector, index_t size) {
  if (vector.size() != size || (vector.rows() != 1 && vector.cols() != 1))
    raise_message<shape_error>(
        {what, ": expected a vector of ", size, ", found ", vector.rows(), " x ", vector.cols()});
}

/// A change of a vector of either orientation, which may be empty.
template <class Dense, class Change>
pending_change<Dense> change_of_vector(const char* what, Dense& vector, index_t size, const Change& change) {
  require_vector(what, vector, size);
  return {what, vector, vector.cols() != 1, change};
}

}  // namespace detail
}  // namespace bitgauge
