#pragma once

// --importance: one positive weight per column, or per column of each expert, from whatever file holds it.

#include <bitgauge/error.hpp>
#include <bitgauge/io/gguf/imatrix.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/matrix/recipe.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace program {

/// The weights of one tensor; a matrix of zeros is quantized without.
struct tensor_importance {
  bitgauge::importance weights{};
  std::vector<std::string> notes{};
};

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

  bool given() const { return !path_.empty(); }

  /// The weights of the tensor called `name`, `matrices` of `cols` columns one below the other: one a column
  /// for all of them, or for each. None, with a note, where the file does not have the tensor. Throws
  /// shape_error, naming the file, for another number of weights, data_error for one that is negative or not
  /// finite.
  tensor_importance of(const std::string& name, bitgauge::index_t matrices, bitgauge::index_t cols) const {
    tensor_importance result;
    if (!given()) return result;
    std::vector<float>& weights = result.weights.weights;
    if (!(imatrix_ ? read_imatrix(name, weights) : read_tensor(name, cols, weights))) {
      result.notes.push_back("no importance in " + path_ + ": quantized without");
      return result;
    }
    const auto found = static_cast<bitgauge::index_t>(weights.size());
    if (found != cols && found != matrices * cols)
      bitgauge::raise(bitgauge::shape_error(
          "importance in " + path_ + ": expected " + std::to_string(cols) + " weights, one a column" +
          (matrices > 1 ? ", or as many for each of " + std::to_string(matrices) + " experts" : "") +
          ", found " + std::to_string(found)));
    result.weights.matrices = found == cols ? 1 : matrices;
    for (const float weight : weights)
      if (!bitgauge::numeric::is_finite(weight) || weight < 0)
        bitgauge::raise(bitgauge::data_error("importance in " + path_ +
                                             ": expected finite weights from 0 up, found " +
                                             std::to_string(weight)));
    note_zeros(result);
    return result;
  }

 private:
  /// False where the file has no such tensor.
  bool read_imatrix(const std::string& name, std::vector<float>& weights) const {
    const bitgauge::io::importance_entry* entry = imatrix_->find(name);
    if (entry == nullptr) return false;
    weights = entry->weights;
    for (const bitgauge::index_t matrix : entry->untouched)
      std::fill_n(weights.begin() + matrix * entry->columns(), entry->columns(), 0.0f);
    return true;
  }
  bool read_tensor(const std::string& name, bitgauge::index_t cols, std::vector<float>& weights) const {
    const bool single = path_.ends_with(".npy");
    const bitgauge::io::stored_tensor* found = single ? &file_->tensors().front() : file_->find(name);
    if (found == nullptr) return false;
    if (!found->is_real())
      bitgauge::raise(
          bitgauge::data_error("importance in " + path_ + ": expected floats, found " + found->format));
    const auto values = file_->matrix(*found);
    const bool is_list = values.rows() == 1 || values.cols() == 1;
    if (!is_list && found->shape.back() != static_cast<std::uint64_t>(cols))
      bitgauge::raise(bitgauge::shape_error(
          "importance in " + path_ + ": expected experts x " + std::to_string(cols) + " columns, found " +
          std::to_string(values.rows()) + " x " + std::to_string(values.cols())));
    weights.assign(values.data(), values.data() + values.size());  // in C order: expert after expert
    return true;
  }

  static void note_zeros(tensor_importance& result) {
    const bitgauge::importance& all = result.weights;
    std::vector<bitgauge::index_t> zeros;
    for (bitgauge::index_t m = 0; m < all.matrices; ++m) {
      const auto weights = all.of_row(m, all.matrices);
      if (std::all_of(weights.begin(), weights.end(), [](float w) { return w == 0; })) zeros.push_back(m);
    }
    if (zeros.empty() || all.weights.empty()) return;
    if (static_cast<bitgauge::index_t>(zeros.size()) == all.matrices) {
      result.notes.push_back("importance 0 in every column: quantized without");
      result.weights = {};
      return;
    }
    std::string list;
    constexpr std::size_t shown = 8;
    for (std::size_t i = 0; i < std::min(shown, zeros.size()); ++i)
      list += (i > 0 ? ", " : "") + std::to_string(zeros[i]);
    result.notes.push_back("no importance for " + std::to_string(zeros.size()) + " of " +
                           std::to_string(all.matrices) + " experts (" + list +
                           (zeros.size() > shown ? ", ..." : "") + "): quantized without");
  }

  std::string path_;
  std::optional<bitgauge::io::imatrix_file> imatrix_;
  std::optional<bitgauge::io::tensor_file> file_;
};

}  // namespace program
