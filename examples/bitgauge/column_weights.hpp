#pragma once

// --importance: one positive weight per column, from whatever file holds it.

#include <bitgauge/error.hpp>
#include <bitgauge/io/imatrix.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/matrix/recipe.hpp>

#include <optional>
#include <string>

namespace program {

/// The weights of a file: the one array of an .npy, the tensors of a .safetensors by name, or an importance
/// matrix of llama.cpp (.gguf, .dat or .imatrix) by name.
class column_weights {
 public:
  /// An empty path stands for no weights. Throws what reading the file throws.
  explicit column_weights(const std::string& path) : path_(path) {
    if (path.empty()) return;
    if (path.ends_with(".gguf") || path.ends_with(".dat") || path.ends_with(".imatrix")) {
      imatrix_.emplace(path);
    } else {
      file_.emplace(path);
    }
  }

  /// The weights of the tensor called `name`; none where no file was given. Throws data_error where the file
  /// has none.
  bitgauge::importance of(const std::string& name) const {
    if (imatrix_) return bitgauge::importance(imatrix_->at(name).weights);
    if (!file_) return {};
    const bool single = path_.ends_with(".npy");
    const bitgauge::io::stored_tensor* found = single ? &file_->tensors().front() : file_->find(name);
    if (found == nullptr) bitgauge::raise(bitgauge::data_error("no importance of this name in " + path_));
    return bitgauge::importance(file_->matrix(*found).reshaped());
  }

 private:
  std::string path_;
  std::optional<bitgauge::io::imatrix_file> imatrix_;
  std::optional<bitgauge::io::tensor_file> file_;
};

}  // namespace program
