#pragma once

/// \file
/// Where the tensors of a model come from: a list that is known before anything is read.

#include <bitgauge/base/config.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>
#include <bitgauge/model/quantized_entry.hpp>
#include <bitgauge/model/tensors/matrix_shape.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bitgauge {

/// What a source says of a tensor before it is read.
struct tensor_info {
  enum class storage : std::uint8_t { numbers, codes, blocks };

  std::string name;
  std::vector<std::uint64_t> shape;  ///< outermost first
  std::string format;       ///< F32, I64 ..., a ggml type such as q4_K, or the scheme of a quantized tensor
  std::uint64_t bytes = 0;  ///< all that is stored for it
  storage stored_as = storage::numbers;
  std::string original = "F32";  ///< the type of its elements before it was quantized, as .safetensors has it
  row_dimensions rows = row_dimensions::all_but_last;  ///< where nobody says otherwise
  bool is_floating = true;    ///< numbers that are floats; what is quantized always is
  bool is_scaled = false;     ///< numbers that are to be multiplied by scales beside them
  bool lies_as_rows = false;  ///< read where it lies: its values take no memory of their own
  std::string owner{};        ///< the tensor that this holds scales or other parameters of, if any
  std::string remark{};       ///< what to know before its values are used, if anything
  std::string problem{};      ///< why its values cannot be restored, where they cannot

  bool is_quantized() const noexcept { return stored_as != storage::numbers; }
  /// True where its values are other numbers than the elements that are stored.
  bool is_encoded() const noexcept { return is_quantized() || is_scaled; }
  /// True where its values are floats without a change of their meaning.
  bool is_real() const noexcept { return is_quantized() || is_floating; }
  /// The product of the shape, which fits 64 bits.
  std::uint64_t element_count() const noexcept {
    std::uint64_t count = 1;
    for (const std::uint64_t extent : shape) count *= extent;
    return count;
  }
  /// Stored bits over elements; 0 for an empty tensor.
  double bits_per_weight() const noexcept {
    const auto size = static_cast<double>(element_count());
    return size > 0 ? 8.0 * static_cast<double>(bytes) / size : 0;
  }
};

/// One tensor of plain numbers as it is stored, at any alignment, little-endian.
struct stored_numbers {
  std::string name;
  std::string_view type;  ///< by its name in .safetensors: F32, BF16, I64 ...
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> bytes;
};
/// A tensor of ggml's blocks as it is stored.
struct stored_blocks {
  gguf::tensor_type type;
  std::span<const std::byte> bytes;
};
/// A tensor of codes and scales as it is stored.
struct stored_codes {
  quantized_entry entry;
  std::function<quantized_matrix()> read;
};
/// A tensor of levels of a trellis as it is stored.
struct stored_trellis {
  quantized_entry entry;
  std::function<trellis_matrix()> read;
};
/// A tensor as it is stored, to be copied: numbers (with the tensor of their scales, where there is one),
/// blocks, codes or levels of a trellis. Valid as long as the source.
using stored_tensor_data =
    std::variant<std::vector<stored_numbers>, stored_blocks, stored_codes, stored_trellis>;

/// The tensors of a model in their order: a file (io::tensor_file), or one's own. See memory_source for a
/// small one.
class tensor_source {
 public:
  virtual ~tensor_source() = default;

  /// What messages call it, such as its path.
  virtual const std::string& source_name() const = 0;
  virtual std::size_t tensor_count() const = 0;
  virtual const tensor_info& info(std::size_t i) const = 0;
  /// The values of tensor `i` as rows of float, in the order in which they lie; `dimensions` says where rows
  /// end. What is not read in place is restored into `whole`, which must live as long as the rows are used.
  /// Raises data_error where values are not finite that should be, or no numbers.
  virtual row_source rows(std::size_t i, row_dimensions dimensions, row_matrix& whole) const = 0;
  /// Tensor `i` as it is stored.
  virtual stored_tensor_data stored(std::size_t i) const = 0;
  /// Says that tensor `i` will not be read for a while, so that memory which its values take may be given back; it can
  /// be read again at any time.
  virtual void forget(std::size_t) const {}

 protected:
  tensor_source() = default;
  tensor_source(const tensor_source&) = default;
  tensor_source(tensor_source&&) = default;
  tensor_source& operator=(const tensor_source&) = default;
  tensor_source& operator=(tensor_source&&) = default;
};

/// The values of tensor `i` as rows that own their memory; raises what rows() raises.
inline row_matrix floats_of(const tensor_source& source, std::size_t i, row_dimensions dimensions) {
  row_matrix whole;
  const row_source rows = source.rows(i, dimensions, whole);
  if (whole.size() > 0) return whole;
  row_matrix values(rows.rows(), rows.cols());
  std::vector<float> scratch;
  for (index_t r = 0; r < rows.rows(); ++r)
    values.row(r) = Eigen::Map<const Eigen::RowVectorXf>(rows.read(r, 1, scratch).row(0), rows.cols());
  return values;
}

/// Rows and columns of a tensor: matrix_shape().
inline std::pair<index_t, index_t> matrix_shape(const tensor_source& source, const tensor_info& tensor,
                                                row_dimensions dimensions) {
  return matrix_shape(source.source_name() + ": tensor " + excerpt(tensor.name), tensor.shape, dimensions);
}

}  // namespace bitgauge
