#pragma once

/// \file
/// How observers read a batch: any Eigen matrix, as contiguous runs of float that belong to one channel.

#include <bitgauge/error.hpp>
#include <bitgauge/granularity/granularity.hpp>

#include <span>
#include <string>

namespace bitgauge::detail {

/// The channels of a stream of batches.
class channels {
 public:
  /// per_tensor, per_row or per_column; throws invalid_scheme for groups, which a stream does not have.
  explicit channels(granularity groups) : groups_(groups) {
    if (groups.what == granularity::kind::group)
      raise(invalid_scheme("observer: expected per_tensor, per_row or per_column, found per_group"));
  }

  std::size_t count() const {
    return groups_.what == granularity::kind::tensor ? 1 : static_cast<std::size_t>(count_);
  }

  /// Calls action(channel, span of float) until all elements have been passed; rows in place where they are
  /// contiguous floats, else from a copy of the batch. Throws shape_error where a batch has another number of
  /// channels than the first one.
  template <class Derived, class Action>
  void visit(const Eigen::DenseBase<Derived>& batch, const Action& action) {
    if (groups_.what == granularity::kind::column) {
      using columns = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;
      visit_lines<columns>(
          batch.derived().matrix(), action, [](const auto& x) { return x.cols(); },
          [](const auto& x) { return x.rows(); });
    } else {
      using rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
      visit_lines<rows>(
          batch.derived().matrix(), action, [](const auto& x) { return x.rows(); },
          [](const auto& x) { return x.cols(); });
    }
  }

  /// Throws shape_error unless `other` has the same channels, or one of them none yet.
  void match(const channels& other) {
    if (groups_ != other.groups_) raise(shape_error("merge: the observers have channels of different kinds"));
    if (other.count_ >= 0) expect(other.count_);
  }

 private:
  template <class Lines, class Derived, class Action, class Count, class Length>
  void visit_lines(const Derived& batch, const Action& action, const Count& count, const Length& length) {
    if (groups_.what != granularity::kind::tensor) expect(count(batch));
    const Eigen::Ref<const Lines, 0, Eigen::OuterStride<>> lines = batch.template cast<float>();
    for (index_t i = 0; i < count(batch); ++i)
      action(groups_.what == granularity::kind::tensor ? std::size_t{0} : static_cast<std::size_t>(i),
             std::span<const float>(lines.data() + i * lines.outerStride(),
                                    static_cast<std::size_t>(length(batch))));
  }

  void expect(index_t count) {
    if (count_ < 0) count_ = count;
    if (count_ != count)
      raise(shape_error("observer: expected " + std::to_string(count_) + " channels as before, found " +
                        std::to_string(count)));
  }

  granularity groups_;
  index_t count_ = -1;
};

}  // namespace bitgauge::detail
