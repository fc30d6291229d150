#pragma once

/// \file
/// The importance of tensors' columns, from whatever file holds it.

#include <bitgauge/error.hpp>
#include <bitgauge/io/gguf/imatrix.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/tensors/importance_source.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bitgauge::io {

/// The weights of a file: the one array of an .npy, the tensors of a .safetensors by name, or an importance
/// matrix of llama.cpp (.gguf, .dat or .imatrix) by name.
class importance_file final : public importance_source {
 public:
  /// Raises what reading the file raises.
  explicit importance_file(const std::filesystem::path& path) : path_(path.string()) {
    const bool is_imatrix =
        path_.ends_with(".gguf") || path_.ends_with(".dat") || path_.ends_with(".imatrix");
    if (is_imatrix) {
      imatrix_.emplace(path_);
    } else {
      file_.emplace(path_);
    }
  }

  const std::string& source_name() const override { return path_; }
  /// Raises data_error for a tensor that is no floats, shape_error for a table of other columns.
  std::optional<std::vector<float>> weights(const std::string& tensor, index_t cols) const override {
    return imatrix_ ? read_imatrix(tensor) : read_tensor(tensor, cols);
  }

 private:
  std::optional<std::vector<float>> read_imatrix(const std::string& tensor) const {
    const importance_entry* entry = imatrix_->find(tensor);
    if (entry == nullptr) return std::nullopt;
    std::vector<float> weights = entry->weights;
    for (const index_t matrix : entry->untouched)
      std::fill_n(weights.begin() + matrix * entry->columns(), entry->columns(), 0.0f);
    return weights;
  }
  std::optional<std::vector<float>> read_tensor(const std::string& tensor, index_t cols) const {
    const bool single = path_.ends_with(".npy");
    const stored_tensor* found = single ? &file_->tensors().front() : file_->find(tensor);
    if (found == nullptr) return std::nullopt;
    if (!found->is_real())
      raise(data_error("importance in " + path_ + ": expected floats, found " + found->format));
    const row_matrix values = file_->matrix(*found);
    const bool is_list = values.rows() == 1 || values.cols() == 1;
    if (!is_list && found->shape.back() != static_cast<std::uint64_t>(cols))
      raise(shape_error("importance in " + path_ + ": expected experts x " + std::to_string(cols) +
                        " columns, found " + std::to_string(values.rows()) + " x " +
                        std::to_string(values.cols())));
    // in C order: expert after expert
    return std::vector<float>(values.data(), values.data() + values.size());
  }

  std::string path_;
  std::optional<imatrix_file> imatrix_;
  std::optional<tensor_file> file_;
};

}  // namespace bitgauge::io
