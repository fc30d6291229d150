#pragma once

/// \file
/// What load.hpp declares.

#include <bitgauge/base/closest_word.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/io/gguf/reader.hpp>
#include <bitgauge/io/load.hpp>
#include <bitgauge/io/safetensors/quantized.hpp>
#include <bitgauge/io/safetensors/shards.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <istream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge::io {
namespace detail {

/// The quantized matrices of a .safetensors, or of all shards of an index, of whatever kind.
class stored_codes {
 public:
  explicit stored_codes(const std::filesystem::path& path) : model_(path), reader_(model_) {}
  stored_codes(std::span<const std::byte> bytes, const std::string& name)
      : model_(bytes, name), reader_(model_) {}

  const std::vector<quantized_entry>& entries() const noexcept { return reader_.entries(); }
  void read(const quantized_entry& entry, quantized_matrix& to) const { to = reader_.read(entry); }
  void read(const quantized_entry& entry, trellis_matrix& to) const { to = reader_.read_trellis(entry); }
  std::optional<stored_transform> transform(const quantized_entry& entry) const {
    return reader_.transform(entry);
  }

 private:
  safetensors_model model_;
  quantized_reader reader_;
};

/// The block matrices of a .gguf; tensors of plain numbers are none.
class stored_blocks {
 public:
  explicit stored_blocks(const std::filesystem::path& path) : file_(path) { list(); }
  stored_blocks(std::span<const std::byte> bytes, const std::string& name) : file_(bytes, name) { list(); }

  const std::vector<gguf_tensor>& entries() const noexcept { return entries_; }
  void read(const gguf_tensor& tensor, gguf::block_matrix& to) const {
    to = {tensor.type, static_cast<index_t>(tensor.rows()), static_cast<index_t>(tensor.columns()),
          std::vector<std::byte>(tensor.data.begin(), tensor.data.end())};
  }

 private:
  void list() {
    for (const gguf_tensor& tensor : file_.tensors())
      if (gguf::traits_of(tensor.type).is_quantized()) entries_.push_back(tensor);
  }
  gguf_file file_;
  std::vector<gguf_tensor> entries_;
};

template <class Matrix>
using stored_of = std::conditional_t<std::same_as<Matrix, gguf::block_matrix>, stored_blocks, stored_codes>;

/// Raises data_error for a matrix that means nothing without its transform.
inline void refuse_rewritten(const std::string& where, const quantized_entry& entry) {
  if (entry.transform)
    raise(
        data_error(where + ": \"" + excerpt(entry.name) +
                   "\": its weights were rewritten by a transform, which a matrix alone does not tell: write "
                   "load_layers(...), which gives both"));
}
inline void refuse_rewritten(const std::string&, const gguf_tensor&) {}

template <class Matrix>
bool is_held_as(const quantized_entry& entry) {
  return entry.trellis_bytes.has_value() == std::same_as<Matrix, trellis_matrix>;
}
template <class Matrix>
bool is_held_as(const gguf_tensor&) {
  return true;
}
template <class Matrix, class Entry>
Matrix read_as(const stored_of<Matrix>& from, const std::string& where, const Entry& entry) {
  refuse_rewritten(where, entry);
  if (!is_held_as<Matrix>(entry))
    raise(data_error(
        where + ": \"" + excerpt(entry.name) + "\": " +
        (std::same_as<Matrix, trellis_matrix>
             ? "expected levels of a trellis, found codes and scales: write load(...)"
             : "expected codes and scales, found levels of a trellis: write load<trellis_matrix>(...)")));
  Matrix matrix;
  from.read(entry, matrix);
  return matrix;
}

template <class Matrix>
std::vector<loaded<Matrix>> load_all(const stored_of<Matrix>& from, const std::string& where) {
  std::vector<loaded<Matrix>> all;
  for (const auto& entry : from.entries()) {
    if (is_held_as<Matrix>(entry)) all.push_back({entry.name, read_as<Matrix>(from, where, entry)});
  }
  return all;
}

template <class Matrix>
Matrix load_one(const stored_of<Matrix>& from, const std::string& where, std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& entry : from.entries()) {
    if (entry.name == name) return read_as<Matrix>(from, where, entry);
    names.push_back(entry.name);
  }
  raise(data_error(where + ": expected a quantized matrix \"" + excerpt(name) + "\", found " +
                   std::to_string(names.size()) + " of other names" +
                   excerpt(bitgauge::detail::did_you_mean(bitgauge::detail::closest_word(name, names)))));
}

/// All that is left of a stream. Raises io_error where it fails.
inline std::vector<std::byte> remaining_bytes(std::istream& stream) {
  constexpr std::size_t step = std::size_t{1} << 20;
  std::vector<std::byte> bytes;
  while (stream) {
    const std::size_t before = bytes.size();
    bytes.resize(before + step);
    stream.read(reinterpret_cast<char*>(bytes.data() + before), static_cast<std::streamsize>(step));
    bytes.resize(before + static_cast<std::size_t>(stream.gcount()));
  }
  if (stream.bad() || !stream.eof()) raise(io_error("stream: cannot read: the stream has failed"));
  return bytes;
}

/// Raises invalid_scheme where the ending is that of the other container, or of one that holds floats alone.
template <class Matrix>
void check_ending(const std::filesystem::path& path) {
  if (path.extension() == ".npy")
    raise(invalid_scheme(
        path.string() + ": an .npy holds floats, no quantized matrix: write read_npy<Eigen::MatrixXf>(...)"));
  constexpr bool blocks = std::same_as<Matrix, gguf::block_matrix>;
  if (blocks == (path.extension() == ".gguf")) return;
  raise(invalid_scheme(path.string() +
                       (blocks ? ": ggml blocks are in a .gguf: write load<quantized_matrix>(...)"
                               : ": a .gguf holds ggml blocks: write "
                                 "load<gguf::block_matrix>(...)")));
}

}  // namespace detail

template <loadable Matrix>
Matrix load(const std::filesystem::path& path, std::string_view name) {
  detail::check_ending<Matrix>(path);
  return detail::load_one<Matrix>(detail::stored_of<Matrix>(path), path.string(), name);
}

template <loadable Matrix>
Matrix load(std::span<const std::byte> bytes, std::string_view name) {
  return detail::load_one<Matrix>(detail::stored_of<Matrix>(bytes, "memory"), "memory", name);
}

template <loadable Matrix>
Matrix load(std::istream& stream, std::string_view name) {
  const std::vector<std::byte> bytes = detail::remaining_bytes(stream);
  return detail::load_one<Matrix>(detail::stored_of<Matrix>(bytes, "stream"), "stream", name);
}

template <loadable Matrix>
std::vector<loaded<Matrix>> load(const std::filesystem::path& path) {
  detail::check_ending<Matrix>(path);
  return detail::load_all<Matrix>(detail::stored_of<Matrix>(path), path.string());
}

template <loadable Matrix>
std::vector<loaded<Matrix>> load(std::span<const std::byte> bytes) {
  return detail::load_all<Matrix>(detail::stored_of<Matrix>(bytes, "memory"), "memory");
}

template <loadable Matrix>
std::vector<loaded<Matrix>> load(std::istream& stream) {
  const std::vector<std::byte> bytes = detail::remaining_bytes(stream);
  return detail::load_all<Matrix>(detail::stored_of<Matrix>(bytes, "stream"), "stream");
}

BITGAUGE_DEFINE std::vector<loaded_layer> load_layers(const std::filesystem::path& path) {
  detail::check_ending<quantized_matrix>(path);
  const detail::stored_codes from(path);
  std::vector<loaded_layer> all;
  for (const quantized_entry& entry : from.entries()) {
    loaded_layer layer{entry.name, {}, from.transform(entry)};
    if (entry.trellis_bytes) {
      trellis_matrix levels;
      from.read(entry, levels);
      layer.matrix = expand(levels);
    } else {
      from.read(entry, layer.matrix);
    }
    all.push_back(std::move(layer));
  }
  return all;
}

}  // namespace bitgauge::io
