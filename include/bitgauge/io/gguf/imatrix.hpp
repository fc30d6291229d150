#pragma once

/// \file
/// The importance matrices that llama.cpp measures: how much each input column of a weight matrix matters.
/// Source: llama.cpp, tools/imatrix and common/imatrix-loader.cpp (both file forms, and the division by
/// counts).

#include <bitgauge/base/config.hpp>
#include <bitgauge/io/gguf/reader.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// The importance of the columns of one tensor: the mean of x_j^2 over the calibration text, x being the
/// tensor's input. Finite and not negative; 0 where an input was never active.
struct importance_entry {
  std::string name;            ///< of the tensor, such as "blk.0.ffn_down.weight"
  index_t matrices = 1;        ///< the tensor's experts as the file counts them; 1 in the old form
  std::vector<float> weights;  ///< one a column, matrix after matrix
  /// The matrices that no token reached, ascending: their weights are all 1, which says nothing of them.
  std::vector<index_t> untouched{};

  /// Columns of each matrix.
  index_t columns() const noexcept { return static_cast<index_t>(weights.size()) / matrices; }

  /// How many matrices of `columns` columns the weights are for: 1 where all share them. The old form does
  /// not say, so that the tensor's columns must. Raises shape_error where the weights are no multiple.
  index_t matrices_of(index_t columns) const {
    const auto size = static_cast<index_t>(weights.size());
    if (columns < 1 || size % columns != 0 || (matrices > 1 && size / columns != matrices))
      raise(shape_error("importance of " + name + ": expected weights for matrices of " +
                        std::to_string(columns) + " columns, found " + std::to_string(size) +
                        (matrices > 1 ? " for " + std::to_string(matrices) + " matrices" : std::string())));
    return size / columns;
  }

  /// The weights of one of the matrices_of(columns) matrices, or none where no token reached it or all of
  /// them are 0: plain squared error is all that can be said there.
  std::span<const float> of_matrix(index_t matrix, index_t columns) const noexcept {
    if (std::ranges::binary_search(untouched, matrices > 1 ? matrix : 0)) return {};
    const auto found = std::span(weights).subspan(static_cast<std::size_t>(matrix * columns),
                                                  static_cast<std::size_t>(columns));
    const bool all_zero = std::ranges::all_of(found, [](float weight) { return weight == 0; });
    return all_zero ? std::span<const float>() : found;
  }
  /// The same, the columns being those that the file says.
  std::span<const float> of_matrix(index_t matrix) const noexcept { return of_matrix(matrix, columns()); }
};

/// A file of llama-imatrix in either form, told apart by its first bytes:
/// - GGUF: tensors `NAME.in_sum2` (float32, columns x matrices: sums of squares) and `NAME.counts` (float32,
/// one for each
///   matrix); weight = in_sum2 / counts, and 1 for a matrix that no token reached, which is listed as
///   untouched;
/// - the old .dat: 32-bit count of entries; each with a 32-bit length and name, 32-bit calls, 32-bit count of
/// values and as many
///   float32 sums; weight = sum / calls, or the sum where calls is 0. The values of a tensor of experts stand
///   expert after expert, and how many there are is not said. The calibration text's name may follow.
class imatrix_file {
 public:
  /// Raises io_error where the file cannot be opened and parse_error where it is not what the format says.
  explicit imatrix_file(const std::filesystem::path& path) : imatrix_file(byte_source(path)) {}
  /// The same from memory; `name` is for messages. Nothing of the memory is kept.
  imatrix_file(std::span<const std::byte> bytes, std::string name)
      : imatrix_file(byte_source(bytes, std::move(name))) {}

  /// The tensors in the order of the file.
  const std::vector<importance_entry>& entries() const noexcept { return entries_.items(); }
  /// The weights of the tensor called `name`, or null.
  const importance_entry* find(std::string_view name) const { return entries_.find(name); }
  /// The weights of the tensor called `name`. Raises data_error where there are none.
  const importance_entry& at(std::string_view name) const { return entries_.at(name, name_); }
  /// The calibration texts, where the file names them.
  const std::vector<std::string>& datasets() const noexcept { return datasets_; }

 private:
  explicit imatrix_file(const byte_source& source) : name_(source.name()) {
    byte_reader reader(source.bytes(), name_);
    constexpr std::string_view magic = "GGUF";
    byte_reader ahead = reader;
    if (ahead.remaining() >= magic.size() && ahead.text(magic.size(), "magic") == magic) {
      read_gguf(source.bytes());
    } else {
      read_legacy(reader);
    }
  }

  void read_gguf(std::span<const std::byte> bytes) {
    constexpr std::string_view sums_ending = ".in_sum2", counts_ending = ".counts";
    const gguf_file file(bytes, name_);
    for (const gguf_tensor& tensor : file.tensors()) {
      const std::string_view full = tensor.name;
      const bool is_counts = full.ends_with(counts_ending);
      if (!is_counts && !full.ends_with(sums_ending)) continue;
      const std::string base(full.substr(0, full.size() - (is_counts ? counts_ending : sums_ending).size()));
      const std::string partner_name = base + std::string(is_counts ? sums_ending : counts_ending);
      const gguf_tensor* partner = file.find(partner_name);
      if (partner == nullptr) fail(file, tensor, "expected a tensor " + partner_name + " beside it");
      if (!is_counts) entries_.add(divided(file, base, tensor, *partner));
    }
    if (entries().empty()) raise(parse_error(name_, 0, "tensors", "expected one ending in .in_sum2"));
    if (const gguf_value* value = file.find_metadata("imatrix.datasets")) {
      const auto* array = std::get_if<gguf_array>(value);
      const auto* texts =
          array == nullptr ? nullptr : std::get_if<std::vector<std::string>>(&array->elements);
      if (texts != nullptr) datasets_ = *texts;
    }
  }

  importance_entry divided(const gguf_file& file, const std::string& name, const gguf_tensor& sums,
                           const gguf_tensor& counts) const {
    importance_entry entry{name, 1, floats_of(file, sums)};
    const std::vector<float> tokens = floats_of(file, counts);
    if (tokens.empty() || entry.weights.empty() || entry.weights.size() % tokens.size() != 0) {
      fail(file, sums,
           std::to_string(entry.weights.size()) + " sums cannot belong to " + std::to_string(tokens.size()) +
               " counts");
    }
    entry.matrices = static_cast<index_t>(tokens.size());
    const auto columns = static_cast<std::size_t>(entry.columns());
    for (std::size_t matrix = 0; matrix < tokens.size(); ++matrix) {
      const float count = std::round(tokens[matrix]);
      if (!(count > 0)) entry.untouched.push_back(static_cast<index_t>(matrix));
      for (float& weight : std::span(entry.weights).subspan(matrix * columns, columns))
        weight = count > 0 ? weight / count : 1.0f;
    }
    return entry;
  }

  std::vector<float> floats_of(const gguf_file& file, const gguf_tensor& tensor) const {
    if (tensor.type != gguf::tensor_type::f32) {
      fail(file, tensor, "expected type f32, found " + std::string(gguf::traits_of(tensor.type).name));
    }
    std::vector<float> values(tensor.data.size() / sizeof(float));
    convert_to(dtype::f32, tensor.data.data(), values.size(), values.data());
    for (const float value : values) {
      if (!is_weight(value)) fail(file, tensor, "expected finite numbers, none negative");
    }
    return values;
  }

  void read_legacy(byte_reader& reader) {
    const std::uint64_t count = read_count(reader, "entry count");
    reader.require_room(count, 4 + 4 + 4 + 4, 0, "entry count");
    for (std::uint64_t i = 0; i < count; ++i) {
      std::string field = "entry " + std::to_string(i);
      const std::uint64_t place = reader.offset();
      importance_entry entry;
      entry.name = reader.text(reader.number<std::uint32_t>(field + ": name"), field + ": name");
      field += " (" + entry.name + ")";
      const auto calls = reader.number<std::int32_t>(field + ": calls");
      const std::uint64_t size = read_count(reader, field + ": value count");
      const std::uint64_t values_place = reader.offset();
      const auto values = reader.take(size * sizeof(float), field + ": values");
      entry.weights.resize(static_cast<std::size_t>(size));
      convert_to(dtype::f32, values.data(), entry.weights.size(), entry.weights.data());
      for (float& weight : entry.weights) {
        if (!is_weight(weight)) {
          reader.fail_at(values_place, field + ": values", "expected finite numbers, none negative");
        }
        if (calls > 0) weight /= static_cast<float>(calls);
      }
      if (!entries_.add(std::move(entry))) reader.fail_at(place, field, "the name appears twice");
    }
    read_legacy_ending(reader);
  }

  /// The number of the last call and the name of the calibration text: newer files have both.
  void read_legacy_ending(byte_reader& reader) {
    if (reader.remaining() < 8) return;
    reader.take(4, "last call");
    const auto length = reader.number<std::uint32_t>("dataset");
    if (length > 0) datasets_.emplace_back(reader.text(length, "dataset"));
  }

  static std::uint64_t read_count(byte_reader& reader, const std::string& field) {
    const std::uint64_t place = reader.offset();
    const auto count = reader.number<std::int32_t>(field);
    if (count < 1) reader.fail_at(place, field, "expected at least 1, found " + std::to_string(count));
    return static_cast<std::uint64_t>(count);
  }

  static bool is_weight(float value) noexcept {
    return numeric::is_finite(value) && (value == 0 || !numeric::is_negative(value));
  }

  [[noreturn]] void fail(const gguf_file& file, const gguf_tensor& tensor, const std::string& problem) const {
    raise(parse_error(name_, file.data_offset() + tensor.offset, "tensor " + tensor.name, problem));
  }

  std::string name_;
  named_list<importance_entry> entries_;
  std::vector<std::string> datasets_;
};

}  // namespace bitgauge::io
