#pragma once

/// \file
/// The vectors that tokens start from.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/any_quantized.hpp>
#include <bitgauge/transform/transform.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace bitgauge::llama {

/// A row a token, in floats or quantized.
class embedding {
 public:
  embedding() = default;
  embedding(row_matrix rows) : rows_(std::move(rows)) {}
  embedding(any_quantized rows) : rows_(std::move(rows)) {}

  index_t count() const noexcept {
    return std::visit([](const auto& rows) { return rows.rows(); }, rows_);
  }
  index_t width() const noexcept {
    return std::visit([](const auto& rows) { return rows.cols(); }, rows_);
  }
  /// Writes the vector of a token.
  void read(index_t token, float* out) const {
    if (const auto* floats = std::get_if<row_matrix>(&rows_)) {
      std::copy_n(floats->data() + token * floats->cols(), floats->cols(), out);
    } else {
      std::get<any_quantized>(rows_).dequantize_row(token, out);
    }
  }

 private:
  std::variant<row_matrix, any_quantized> rows_;
};

}  // namespace bitgauge::llama
