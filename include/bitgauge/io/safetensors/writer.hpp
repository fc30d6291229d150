#pragma once

/// \file
/// Writes a .safetensors file whose tensors need not be in memory together.
/// Source: the format's description in github.com/huggingface/safetensors, "Format".

#include <bitgauge/io/bytes/tensor_stream.hpp>
#include <bitgauge/io/bytes/tensor_view.hpp>
#include <bitgauge/io/json/text.hpp>
#include <bitgauge/io/safetensors/header.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// Declares tensors, then takes their data in the same order, then commits:
///
///     safetensors_writer writer("model.safetensors");
///     writer.set_metadata("format", "pt");
///     writer.declare("w", dtype::f32, {64, 32});
///     writer.write("w", matrix);   // or bytes, whole or in pieces
///     writer.commit();
///
/// The file appears whole on commit() or not at all. Equal calls give equal bytes: names stand in the order
/// given, and the header is padded with spaces so that the data begins at a multiple of 8 bytes.
class safetensors_writer {
 public:
  /// Raises io_error where no file can be created there.
  explicit safetensors_writer(const std::filesystem::path& path) : stream_(path) {}
  /// The same into a stream or memory; `name` is for messages.
  safetensors_writer(std::unique_ptr<byte_sink> sink, std::string name)
      : stream_(std::move(sink), std::move(name)) {}

  /// Adds a text to `__metadata__`. Raises data_error for a name that is taken or text that is not UTF-8, as
  /// does declare().
  void set_metadata(const std::string& name, const std::string& value) {
    if (stream_.started())
      raise(data_error(stream_.shown() + ": metadata is set after the first data was written"));
    if (!metadata_.add({name, value}))
      raise(data_error(stream_.shown() + ": metadata '" + excerpt(name) + "' is set twice"));
    const std::optional<std::string> text = detail::json_text(value);
    if (!text)
      raise(data_error(stream_.shown() + ": metadata '" + excerpt(name) + "': the text is not UTF-8"));
    metadata_text_ += (metadata_text_.empty() ? "" : ",") + quoted(name) + ":" + *text;
  }

  /// Declares the next tensor; `shape` is outermost first. Raises shape_error where its bytes exceed 64 bits
  /// or are no whole number.
  void declare(const std::string& name, dtype type, const std::vector<std::uint64_t>& shape) {
    if (name == detail::safetensors_metadata_key)
      raise(data_error(stream_.shown() + ": '" + name + "' cannot name a tensor"));
    const std::optional<std::uint64_t> size = byte_size(type, shape);
    if (!size && size_of(type) == 0)
      raise(shape_error(stream_.shown() + ": tensor " + excerpt(name) +
                        ": its bits are no whole number of bytes, or exceed 64 bits"));
    const std::uint64_t end = end_ + size.value_or(0);
    if (!size || end < end_)
      raise(shape_error(stream_.shown() + ": tensor " + excerpt(name) + ": its bytes exceed 64 bits"));
    std::string extents;
    for (const std::uint64_t extent : shape) extents += (extents.empty() ? "" : ",") + std::to_string(extent);
    const std::string json_name = quoted(name);
    stream_.declare(name, *size);
    tensors_.add({name, type, shape, {}, storage_order::row_major});
    text_ += "," + json_name + R"(:{"dtype":")" + std::string(name_of(type)) + R"(","shape":[)" + extents +
             R"(],"data_offsets":[)" + std::to_string(end_) + "," + std::to_string(end) + "]}";
    end_ = end;
  }

  /// Appends little-endian bytes of the tensor `name`: the first declared one that is not complete. Raises
  /// data_error for another name and shape_error for too many bytes.
  void write(std::string_view name, std::span<const std::byte> piece) {
    start();
    stream_.write(name, piece);
  }

  /// Appends a matrix or expression row by row, as a whole tensor or some rows of it. Raises data_error where
  /// its scalar is not of the declared dtype.
  template <class Derived>
  void write(std::string_view name, const Eigen::DenseBase<Derived>& matrix) {
    const dtype expected = tensors_.at(name, stream_.shown()).type;
    constexpr dtype found = dtype_of<typename Derived::Scalar>;
    if (found != expected) {
      raise(data_error(stream_.shown() + ": tensor " + excerpt(name) + ": expected elements of type " +
                       std::string(name_of(expected)) + ", found " + std::string(name_of(found))));
    }
    write_elements(matrix, [&](std::span<const std::byte> piece) { write(name, piece); });
  }

  /// Makes the file appear. Raises shape_error where a tensor is not complete and io_error where the system
  /// refuses.
  void commit() {
    start();
    stream_.commit();
  }

 private:
  void start() {
    if (stream_.started()) return;
    std::string header = "{";
    if (!metadata_text_.empty()) header += R"("__metadata__":{)" + metadata_text_ + "}" + text_;
    if (metadata_text_.empty() && !text_.empty()) header += text_.substr(1);
    header += "}";
    header.append((8 - header.size() % 8) % 8, ' ');
    if (header.size() > detail::safetensors_header_limit) {
      raise(data_error(stream_.shown() + ": the header exceeds " +
                       std::to_string(detail::safetensors_header_limit) + " bytes"));
    }
    byte_writer bytes;
    bytes.number<std::uint64_t>(header.size());
    bytes.text(header);
    stream_.start(bytes.bytes(), 1);
  }

  /// `text` as JSON.
  std::string quoted(const std::string& text) const {
    std::optional<std::string> json = detail::json_text(text);
    if (!json) raise(data_error(stream_.shown() + ": '" + excerpt(text) + "' is not UTF-8"));
    return *std::move(json);
  }

  detail::tensor_stream stream_;
  named_list<tensor_view> tensors_;
  named_list<metadata_entry> metadata_;
  std::string metadata_text_, text_;  // JSON members
  std::uint64_t end_ = 0;             // of the data declared so far
};

}  // namespace bitgauge::io
