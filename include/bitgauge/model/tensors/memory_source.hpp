#pragma once

/// \file
/// Matrices in memory as the tensors of a model.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <utility>

namespace bitgauge {

/// Named matrices of float, copied as they are added.
///
///     memory_source model("my model");
///     model.add("layers.0.up", W);
///     const quantization_plan p = plan(model, parse_format("q4_k"));
class memory_source final : public tensor_source {
 public:
  explicit memory_source(std::string name = "memory") : name_(std::move(name)) {}

  /// Adds a matrix, or anything of Eigen's that has float elements. Raises data_error for a name that is
  /// taken.
  template <class Derived>
  void add(const std::string& name, const Eigen::DenseBase<Derived>& matrix) {
    add(name, matrix, {static_cast<std::uint64_t>(matrix.rows()), static_cast<std::uint64_t>(matrix.cols())});
  }
  /// The same as a tensor of `shape`, outermost first, whose elements follow row by row. Raises shape_error
  /// where it has another number of elements.
  template <class Derived>
  void add(const std::string& name, const Eigen::DenseBase<Derived>& matrix,
           std::vector<std::uint64_t> shape) {
    for (const entry& other : entries_)
      if (other.info.name == name)
        raise(data_error(name_ + ": tensor " + excerpt(name) + ": is added twice"));
    entry added;
    added.values = matrix.derived();
    added.info.name = name;
    added.info.shape = std::move(shape);
    added.info.format = added.info.original;
    added.info.bytes = static_cast<std::uint64_t>(added.values.size()) * sizeof(float);
    added.info.rows = default_row_dimensions(added.info.shape);
    added.info.lies_as_rows = true;
    if (added.info.element_count() != static_cast<std::uint64_t>(added.values.size()))
      raise(shape_error(name_ + ": tensor " + excerpt(name) + ": expected " +
                        std::to_string(added.info.element_count()) + " elements, found " +
                        std::to_string(added.values.size())));
    entries_.push_back(std::move(added));
  }

  const std::string& source_name() const override { return name_; }
  std::size_t tensor_count() const override { return entries_.size(); }
  const tensor_info& info(std::size_t i) const override { return entries_[i].info; }
  row_source rows(std::size_t i, row_dimensions dimensions, row_matrix&) const override {
    const auto [rows, cols] = matrix_shape(*this, info(i), dimensions);
    return {entries_[i].values.data(), rows, cols, cols, 1};
  }
  stored_tensor_data stored(std::size_t i) const override {
    const entry& e = entries_[i];
    const std::span values(e.values.data(), static_cast<std::size_t>(e.values.size()));
    return std::vector<stored_numbers>{{e.info.name, "F32", e.info.shape, std::as_bytes(values)}};
  }

 private:
  struct entry {
    tensor_info info;
    row_matrix values;
  };

  std::string name_;
  std::deque<entry> entries_;
};

}  // namespace bitgauge
