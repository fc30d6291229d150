#pragma once

/// \file
/// What reader.hpp declares.

#include <bitgauge/io/gguf/reader.hpp>
#include <bitgauge/io/gguf/value_bytes.hpp>

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>

namespace bitgauge::io {

BITGAUGE_DEFINE gguf_file::gguf_file(byte_source source, const gguf_options& options)
    : source_(std::move(source)) {
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

BITGAUGE_DEFINE void gguf_file::read_magic(byte_reader& reader) {
  const std::uint64_t place = reader.offset();
  if (reader.text(4, "magic") != "GGUF") reader.fail_at(place, "magic", "expected GGUF");
  version_ = reader.number<std::uint32_t>("version");
  if (version_ == 2 || version_ == 3) return;
  const bool swapped = (version_ & 0xffffu) == 0 && version_ != 0;
  reader.fail_at(
      place + 4, "version",
      "expected 2 or 3, found " + std::to_string(version_) + (swapped ? " (a big-endian file?)" : ""));
}

BITGAUGE_DEFINE std::uint64_t gguf_file::read_count(byte_reader& reader, const char* field) {
  const std::uint64_t place = reader.offset();
  const auto count = reader.number<std::int64_t>(field);
  if (count < 0) reader.fail_at(place, field, "expected no negative number, found " + std::to_string(count));
  return static_cast<std::uint64_t>(count);
}

BITGAUGE_DEFINE void gguf_file::read_entry(byte_reader& reader, std::uint64_t number, int array_depth) {
  const std::string field = "key " + std::to_string(number);
  const std::uint64_t place = reader.offset();
  std::string key = detail::read_gguf_string(reader, field);
  if (key.empty()) reader.fail_at(place, field, "is empty");
  const std::uint64_t value_place = reader.offset();
  gguf_value value = detail::read_typed_gguf_value(reader, field + " (" + key + ")", array_depth);
  if (key == detail::gguf_alignment_key) set_alignment(reader, value_place, value);
  if (!metadata_.add({key, std::move(value)})) reader.fail_at(place, field, "'" + key + "' appears twice");
}

BITGAUGE_DEFINE void gguf_file::set_alignment(const byte_reader& reader, std::uint64_t place,
                                              const gguf_value& value) {
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

BITGAUGE_DEFINE void gguf_file::read_tensor(byte_reader& reader, std::uint64_t number,
                                            std::uint64_t& data_size) {
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

BITGAUGE_DEFINE void gguf_file::map_data(byte_reader& reader, std::uint64_t start, std::uint64_t data_size) {
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

}  // namespace bitgauge::io
