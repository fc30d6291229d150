#pragma once

/// \file
/// The activations that tensors' columns are multiplied by, from whatever file holds them.

#include <bitgauge/error.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/tensors/calibration_source.hpp>
#include <bitgauge/model/tensors/locate_failures.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace bitgauge::io {

/// Activations, samples x in: the one array of an .npy, or the tensors of a .safetensors or .gguf by the name
/// of the weights.
class calibration_file final : public calibration_source {
 public:
  /// Raises what reading the file raises.
  explicit calibration_file(const std::filesystem::path& path) : file_(path) {}

  const std::string& source_name() const override { return file_.path(); }
  std::optional<index_t> columns(const std::string& tensor) const override {
    const stored_tensor* found = find(tensor);
    if (found == nullptr) return std::nullopt;
    return file_.shape_of(*found).second;
  }
  /// Raises data_error, naming the file, for NaN and infinity.
  std::optional<row_matrix> samples(const std::string& tensor) const override {
    const stored_tensor* found = find(tensor);
    if (found == nullptr) return std::nullopt;
    return locate_failures(file_.path(), found->name, [&] {
      row_matrix values = file_.matrix(*found);
      for (index_t i = 0; i < values.size(); ++i)
        if (!numeric::is_finite(values.data()[i])) reject(values, i, tensor);
      return values;
    });
  }

 private:
  [[noreturn]] static void reject(const row_matrix& values, index_t at, const std::string& tensor) {
    raise(data_error("row " + std::to_string(at / values.cols()) + ", column " +
                     std::to_string(at % values.cols()) + ": expected finite activations for tensor " +
                     excerpt(tensor) + ", found " +
                     (numeric::is_nan(values.data()[at]) ? "NaN" : "infinity")));
  }
  const stored_tensor* find(const std::string& tensor) const {
    const bool single = file_.path().ends_with(".npy");
    const stored_tensor* found = single ? &file_.tensors().front() : file_.find(tensor);
    if (found == nullptr) return nullptr;
    const std::string where = file_.path() + ": activations of " + excerpt(tensor);
    if (!found->is_real() || found->shape.size() != 2)
      raise(shape_error(where + ": expected a matrix of floats, samples x in"));
    if (found->shape.front() == 0) raise(data_error(where + ": expected at least 1 sample"));
    return found;
  }

  tensor_file file_;
};

}  // namespace bitgauge::io
