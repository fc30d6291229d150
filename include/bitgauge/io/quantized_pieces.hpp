#pragma once

/// \file
/// Quantized tensors that are written some rows at a time: their codes never are in memory together.

#include <bitgauge/io/safetensors_writer.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace bitgauge::io {

/// Writes the parts of one tensor after another, as declared by quantized_writer. Codes go out at once;
/// scales and zero points follow them in the file and are kept until the last rows.
class quantized_pieces {
 public:
  /// Writes the next rows. Every piece but the last has a multiple of 8 rows, so that zero points end at a
  /// byte, groups within rows and scales without a second level. Raises shape_error where the pieces are not
  /// what was declared.
  void write(safetensors_writer& writer, const std::string& name, const quantized_matrix& rows,
             bool is_last) {
    writer.write(name + ".codes", std::as_bytes(std::span(rows.codes())));
    scales_.insert(scales_.end(), rows.scales().bytes().begin(), rows.scales().bytes().end());
    zero_points_.insert(zero_points_.end(), rows.zero_points().begin(), rows.zero_points().end());
    if (!is_last) return;
    writer.write(name + ".scales", std::as_bytes(std::span(scales_)));
    if (rows.meaning().has_zero_points)
      writer.write(name + ".zero_points", std::as_bytes(std::span(zero_points_)));
    if (!rows.meaning().levels.empty())
      writer.write(name + ".levels", std::as_bytes(std::span(rows.meaning().levels)));
    scales_.clear();
    zero_points_.clear();
  }

 private:
  std::vector<std::uint8_t> scales_, zero_points_;
};

}  // namespace bitgauge::io
