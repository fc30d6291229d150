#pragma once

/// \file
/// What is to become of a model, as data: decided before anything is read or written.

#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/matrix/answers/importance.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/quantized_entry.hpp>
#include <bitgauge/model/tensors/matrix_shape.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bitgauge {

/// What is to become of one tensor.
struct planned_tensor {
  std::string name;
  std::vector<std::uint64_t> shape;  ///< outermost first
  std::size_t place = 0;             ///< among the tensors of the source
  std::string from;                  ///< how it is stored there
  tensor_format to;
  std::string why;  ///< the rule that decided, or why it is copied
  std::uint64_t bytes_before = 0, bytes_after = 0;
  std::uint64_t peak_bytes = 0;  ///< about what the work on it holds, beside what the source has mapped
  row_dimensions how_rows = row_dimensions::all_but_last;  ///< which dimensions are rows
  index_t rows = 0, cols = 0;
  std::optional<quantized_entry> entry{};  ///< of codes: how they are stored
  importance weights{};
  std::vector<std::string> notes{};  ///< what the user should know of it

  bool is_copied() const noexcept { return to.what() == tensor_format::kind::copy; }
  /// Stored bits over elements, tables of levels left out; 0 for a tensor without elements.
  double bits_per_weight() const {
    const double elements = static_cast<double>(rows) * static_cast<double>(cols);
    if (entry) return entry->bits_per_weight();
    return elements > 0 ? 8.0 * static_cast<double>(bytes_after) / elements : 0;
  }
};

/// What is to become of a model.
struct quantization_plan {
  std::vector<planned_tensor> tensors;
  std::vector<std::string> remarks;  ///< of no tensor in particular, such as a rule that matches nothing
  /// The ggml type that most elements were to get, where fallbacks may stand in for it.
  std::optional<gguf::tensor_type> main_type{};

  std::uint64_t bytes_before() const noexcept { return sum(&planned_tensor::bytes_before); }
  std::uint64_t bytes_after() const noexcept { return sum(&planned_tensor::bytes_after); }
  /// The greatest peak_bytes: tensors are worked on one after the other.
  std::uint64_t peak_bytes() const noexcept {
    std::uint64_t most = 0;
    for (const planned_tensor& t : tensors) most = most < t.peak_bytes ? t.peak_bytes : most;
    return most;
  }

 private:
  std::uint64_t sum(std::uint64_t planned_tensor::*bytes) const noexcept {
    std::uint64_t all = 0;
    for (const planned_tensor& t : tensors) all += t.*bytes;
    return all;
  }
};

}  // namespace bitgauge
