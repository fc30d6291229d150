#pragma once

/// \file
/// Reads GGUF files, versions 2 and 3, little-endian.
/// Source: docs/gguf.md of ggml; what is refused follows ggml's own reader.

#include <bitgauge/base/config.hpp>
#include <bitgauge/io/bytes/byte_source.hpp>
#include <bitgauge/io/bytes/little_endian.hpp>
#include <bitgauge/io/bytes/named_list.hpp>
#include <bitgauge/io/gguf/tensor.hpp>
#include <bitgauge/io/gguf/value.hpp>

#include <cstdint>
#include <filesystem>
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
  /// Gives memory back that some bytes of the file take, see mapped_file.
  void forget(std::span<const std::byte> some) const noexcept { source_.forget(some); }

 private:
  BITGAUGE_DECLARE gguf_file(byte_source source, const gguf_options& options);
  BITGAUGE_DECLARE void read_magic(byte_reader& reader);
  /// Counts are signed in the file.
  BITGAUGE_DECLARE static std::uint64_t read_count(byte_reader& reader, const char* field);
  BITGAUGE_DECLARE void read_entry(byte_reader& reader, std::uint64_t number, int array_depth);
  BITGAUGE_DECLARE void set_alignment(const byte_reader& reader, std::uint64_t place,
                                      const gguf_value& value);
  /// Reads one description. `data_size` is where its data must begin, and then where it ends with its
  /// padding.
  BITGAUGE_DECLARE void read_tensor(byte_reader& reader, std::uint64_t number, std::uint64_t& data_size);
  /// Points the tensors at their data.
  BITGAUGE_DECLARE void map_data(byte_reader& reader, std::uint64_t start, std::uint64_t data_size);

  byte_source source_;
  std::uint32_t version_ = 3;
  std::uint32_t alignment_ = gguf_default_alignment;
  std::uint64_t data_offset_ = 0;
  named_list<gguf_entry> metadata_;
  named_list<gguf_tensor> tensors_;
};

}  // namespace bitgauge::io

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/io/gguf/reader_definitions.hpp>
#endif
