#pragma once

/// \file
/// Writes a .safetensors file whose tensors need not be in memory together.
/// Source: the format's description in github.com/huggingface/safetensors, "Format".

#include <bitgauge/io/bytes/byte_sink.hpp>
#include <bitgauge/io/bytes/container_writer.hpp>
#include <bitgauge/io/bytes/dtype.hpp>
#include <bitgauge/io/bytes/little_endian.hpp>
#include <bitgauge/io/json/text.hpp>
#include <bitgauge/io/safetensors/header.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
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
class safetensors_writer final : public detail::container_writer {
 public:
  /// Raises io_error where no file can be created there.
  explicit safetensors_writer(const std::filesystem::path& path) : container_writer(path) {}
  /// The same into a stream or memory; `name` is for messages.
  safetensors_writer(std::unique_ptr<byte_sink> sink, std::string name)
      : container_writer(std::move(sink), std::move(name)) {}

  /// Adds a text to `__metadata__`. Raises data_error for a name that is taken or text that is not UTF-8, as
  /// does declare().
  void set_metadata(const std::string& name, const std::string& value) {
    require_unwritten();
    if (!metadata_.add({name, value}))
      raise(data_error(shown() + ": metadata '" + excerpt(name) + "' is set twice"));
    const std::optional<std::string> text = detail::json_text(value);
    if (!text) raise(data_error(shown() + ": metadata '" + excerpt(name) + "': the text is not UTF-8"));
    metadata_text_ += (metadata_text_.empty() ? "" : ",") + quoted(name) + ":" + *text;
  }

  /// Declares the next tensor; `shape` is outermost first. Raises shape_error where its bytes exceed 64 bits
  /// or are no whole number.
  void declare(const std::string& name, dtype type, const std::vector<std::uint64_t>& shape) {
    if (name == detail::safetensors_metadata_key)
      raise(data_error(shown() + ": '" + name + "' cannot name a tensor"));
    const std::optional<std::uint64_t> size = byte_size(type, shape);
    if (!size && size_of(type) == 0)
      raise(shape_error(subject(name) + "its bits are no whole number of bytes, or exceed 64 bits"));
    const std::uint64_t end = end_ + size.value_or(0);
    if (!size || end < end_) raise(shape_error(subject(name) + "its bytes exceed 64 bits"));
    std::string extents;
    for (const std::uint64_t extent : shape) extents += (extents.empty() ? "" : ",") + std::to_string(extent);
    const std::string json_name = quoted(name);
    declare_tensor(name, *size, type, name_of(type));
    text_ += "," + json_name + R"(:{"dtype":")" + std::string(name_of(type)) + R"(","shape":[)" + extents +
             R"(],"data_offsets":[)" + std::to_string(end_) + "," + std::to_string(end) + "]}";
    end_ = end;
  }

 private:
  header_bytes header() const override {
    std::string text = "{";
    if (!metadata_text_.empty()) text += R"("__metadata__":{)" + metadata_text_ + "}" + text_;
    if (metadata_text_.empty() && !text_.empty()) text += text_.substr(1);
    text += "}";
    text.append((8 - text.size() % 8) % 8, ' ');
    if (text.size() > detail::safetensors_header_limit) {
      raise(data_error(shown() + ": the header exceeds " + std::to_string(detail::safetensors_header_limit) +
                       " bytes"));
    }
    byte_writer bytes;
    bytes.number<std::uint64_t>(text.size());
    bytes.text(text);
    return {bytes.take(), 1};
  }

  /// `text` as JSON.
  std::string quoted(const std::string& text) const {
    std::optional<std::string> json = detail::json_text(text);
    if (!json) raise(data_error(shown() + ": '" + excerpt(text) + "' is not UTF-8"));
    return *std::move(json);
  }

  named_list<metadata_entry> metadata_;
  std::string metadata_text_, text_;  // JSON members
  std::uint64_t end_ = 0;             // of the data declared so far
};

}  // namespace bitgauge::io
