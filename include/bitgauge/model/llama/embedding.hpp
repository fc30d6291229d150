#pragma once

/// \file
/// The vectors that tokens start from.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/any_quantized.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>

namespace bitgauge::llama {

using token = std::int32_t;

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
  /// The hidden states that tokens start from, a row each. Throws data_error for one that is not there.
  row_matrix embed(std::span<const token> tokens) const {
    row_matrix x(static_cast<index_t>(tokens.size()), width());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i] < 0 || tokens[i] >= count())
        bitgauge::detail::raise_message<data_error>(
            {"token ", i, ": expected 0 to ", count() - 1, ", found ", tokens[i]});
      read(tokens[i], x.data() + static_cast<index_t>(i) * width());
    }
    return x;
  }

 private:
  void read(index_t row, float* out) const {
    if (const auto* floats = std::get_if<row_matrix>(&rows_)) {
      std::copy_n(floats->data() + row * floats->cols(), floats->cols(), out);
    } else {
      std::get<any_quantized>(rows_).dequantize_row(row, out);
    }
  }

  std::variant<row_matrix, any_quantized> rows_;
};

}  // namespace bitgauge::llama
