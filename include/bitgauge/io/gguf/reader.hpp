#pragma once

/// \file
/// Reads GGUF files, versions 2 and 3, little-endian.
/// Source: docs/gguf.md of ggml; what is refused follows ggml's own reader.

#include <bitgauge/io/bytes/byte_source.hpp>
#include <bitgauge/io/bytes/named_list.hpp>
#include <bitgauge/io/gguf/tensor.hpp>
#include <bitgauge/io/gguf/value_bytes.hpp>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// How to read a GGUF file.
struct gguf_options {
  /// Where the GGUF begins inside a larger file; padding counts from there.
  std::uint64_t start = 0;
  /// How deep metadata arrays may be nested. 1 refuses arrays of arrays, as ggml does; the format itself
  /// allows them.
  int array_depth = 1;
};

/// A GGUF file: metadata of named values, and tensors. The file is mapped and a tensor is a view into it.
/// Everything is checked at once, each count and size against the file before anything is allocated: magic,
/// version, key and name lengths, types, dimensions, the alignment (`general.alignment`, a power of two of
/// type u32, else 32), no name twice, and tensor data one after another, each padded to the alignment, all
/// within the file. What follows is tolerated.
class gguf_file {
 public:
  /// Raises io_error where the file cannot be opened and parse_error, with byte offset and field, where it is
  /// not what the format says.
  explicit gguf_file(const std::filesystem::path& path, const gguf_options& options = {})
      : gguf_file(byte_source(path), options) {}
  /// The same from memory, which must outlive this object; `name` is for messages.
  gguf_file(std::span<const std::byte> bytes, std::string name, const gguf_options& options = {})
      : gguf_file(byte_source(bytes, std::move(name)), options) {}

  /// 2 or 3; both are laid out alike.
  std::uint32_t version() const noexcept { return version_; }
  std::uint32_t alignment() const noexcept { return alignment_; }
  /// Byte offset in the file from which the tensors' offsets count.
  std::uint64_t data_offset() const noexcept { return data_offset_; }

  /// All metadata in the order of the file, known or not.
  const std::vector<gguf_entry>& metadata() const noexcept { return metadata_.items(); }
  /// The metadata value under `name`, or null.
  const gguf_value* find_metadata(std::string_view name) const {
    const gguf_entry* entry = metadata_.find(name);
    return entry == nullptr ? nullptr : &entry->value;
  }

  /// The tensors in the order of the file.
  const std::vector<gguf_tensor>& tensors() const noexcept { return tensors_.items(); }
  /// The tensor called `name`, or null.
  const gguf_tensor* find(std::string_view name) const { return tensors_.find(name); }
  /// The tensor called `name`. Raises data_error where there is none.
  const gguf_tensor& at(std::string_view name) const { return tensors_.at(name, source_.name()); }

 private:
  gguf_file(byte_source source, const gguf_options& options) : source_(std::move(source)) {
    byte_reader reader(source_.bytes(), source_.name(), options.start);
    read_magic(reader);
    const std::uint64_t tensor_count = read_count(reader, "tensor count");
    const std::uint64_t key_count = read_count(reader, "key count");
    reader.require_room(key_count, 8 + 1 + 4 + 1, reader.offset() - 8, "key count");
    for (std::uint64_t i = 0; i < key_count; ++i) read_entry(reader, i, options.array_depth);
    reader.require_room(tensor_count, 8 + 4 + 4 + 8, options.start + 8, "tensor count");
    std::uint64_t data_size = 0;
    for (std::uint64_t i = 0; i < tensor_count; ++i) read_tensor(reader, i, data_size);
    map_data(reader, options.start, data_size);
  }

  void read_magic(byte_reader& reader) {
    const std::uint64_t place = reader.offset();
    if (reader.text(4, "magic") != "GGUF") reader.fail_at(place, "magic", "expected GGUF");
    version_ = reader.number<std::uint32_t>("version");
    if (version_ == 2 || version_ == 3) return;
    const bool swapped = (version_ & 0xffffu) == 0 && version_ != 0;
    reader.fail_at(
        place + 4, "version",
        "expected 2 or 3, found " + std::to_string(version_) + (swapped ? " (a big-endian file?)" : ""));
  }

  /// Counts are signed in the file.
  static std::uint64_t read_count(byte_reader& reader, const char* field) {
    const std::uint64_t place = reader.offset();
    const auto count = reader.number<std::int64_t>(field);
    if (count < 0)
      reader.fail_at(place, field, "expected no negative number, found " + std::to_string(count));
    return static_cast<std::uint64_t>(count);
  }

  void read_entry(byte_reader& reader, std::uint64_t number, int array_depth) {
    const std::string field = "key " + std::to_string(number);
    const std::uint64_t place = reader.offset();
    std::string key = detail::read_gguf_string(reader, field);
    if (key.empty()) reader.fail_at(place, field, "is empty");
    const std::uint64_t value_place = reader.offset();
    gguf_value value = detail::gguf_value_reader(reader, field + " (" + key + ")", array_depth).typed_value();
    if (key == detail::gguf_alignment_key) set_alignment(reader, value_place, value);
    if (!metadata_.add({key, std::move(value)})) reader.fail_at(place, field, "'" + key + "' appears twice");
  }

  void set_alignment(const byte_reader& reader, std::uint64_t place, const gguf_value& value) {
    const auto* alignment = std::get_if<std::uint32_t>(&value);
    if (alignment == nullptr) {
      reader.fail_at(place, detail::gguf_alignment_key,
                     "expected type u32, found " + std::string(type_name_of(value)));
    }
    if (!std::has_single_bit(*alignment)) {
      reader.fail_at(place, detail::gguf_alignment_key,
                     "expected a power of two, found " + std::to_string(*alignment));
    }
    alignment_ = *alignment;
  }

  /// Reads one description. `data_size` is where its data must begin, and then where it ends with its
  /// padding.
  void read_tensor(byte_reader& reader, std::uint64_t number, std::uint64_t& data_size) {
    gguf_tensor tensor;
    std::string field = "tensor " + std::to_string(number);
    std::uint64_t place = reader.offset();
    tensor.name = detail::read_gguf_string(reader, field + ": name");
    if (tensor.name.size() > gguf_max_name_length) {
      reader.fail_at(place, field + ": name",
                     "expected at most 63 bytes, found " + std::to_string(tensor.name.size()));
    }
    field += " (" + tensor.name + ")";
    if (tensors_.find(tensor.name) != nullptr) reader.fail_at(place, field, "the name appears twice");

    place = reader.offset();
    const auto dimension_count = reader.number<std::uint32_t>(field);
    if (dimension_count > gguf_max_dimensions) {
      reader.fail_at(place, field, "expected at most 4 dimensions, found " + std::to_string(dimension_count));
    }
    const std::uint64_t shape_place = reader.offset();
    for (std::uint32_t i = 0; i < dimension_count; ++i) {
      tensor.dimensions.push_back(read_count(reader, (field + ": dimensions").c_str()));
    }
    place = reader.offset();
    const auto type = reader.number<std::uint32_t>(field + ": type");
    if (gguf::find_tensor_type(type) == nullptr) {
      reader.fail_at(place, field + ": type", "no tensor type has the number " + std::to_string(type));
    }
    tensor.type = static_cast<gguf::tensor_type>(type);

    std::string problem;
    const std::uint64_t size = detail::gguf_tensor_bytes(tensor.type, tensor.dimensions, problem);
    if (!problem.empty()) reader.fail_at(shape_place, field + ": dimensions", problem);
    place = reader.offset();
    tensor.offset = reader.number<std::uint64_t>(field + ": offset");
    if (tensor.offset != data_size) {
      reader.fail_at(place, field + ": offset",
                     "expected " + std::to_string(data_size) + ", found " + std::to_string(tensor.offset));
    }
    if (size > std::numeric_limits<std::uint64_t>::max() - alignment_ - data_size) {
      reader.fail_at(shape_place, field, "the bytes of all tensors together exceed 64 bits");
    }
    data_size += detail::padded(size, alignment_);
    tensors_.add(std::move(tensor));
  }

  /// Points the tensors at their data.
  void map_data(byte_reader& reader, std::uint64_t start, std::uint64_t data_size) {
    if (!tensors().empty()) {
      const std::uint64_t header = reader.offset() - start;
      reader.take(detail::padded(header, alignment_) - header, "padding before the data");
    }
    data_offset_ = reader.offset();
    const auto data = reader.take(data_size, "data");
    std::string no_problem;
    for (const gguf_tensor& tensor : tensors()) {
      const std::uint64_t size = detail::gguf_tensor_bytes(tensor.type, tensor.dimensions, no_problem);
      tensors_.find(tensor.name)->data =
          data.subspan(static_cast<std::size_t>(tensor.offset), static_cast<std::size_t>(size));
    }
  }

  byte_source source_;
  std::uint32_t version_ = 3;
  std::uint32_t alignment_ = gguf_default_alignment;
  std::uint64_t data_offset_ = 0;
  named_list<gguf_entry> metadata_;
  named_list<gguf_tensor> tensors_;
};

}  // namespace bitgauge::io
