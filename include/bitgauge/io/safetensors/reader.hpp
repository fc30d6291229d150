#pragma once

/// \file
/// Reads a .safetensors file: named tensors of plain numbers.
/// Source: the format's description in github.com/huggingface/safetensors, "Format".

#include <bitgauge/io/bytes/byte_source.hpp>
#include <bitgauge/io/bytes/tensor_view.hpp>
#include <bitgauge/io/safetensors/header.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// A .safetensors file: an 8-byte little-endian header length, a JSON header, the data. The file is mapped
/// and a tensor is a view into it. Checked at once: the header length (at most 100 MB and within the file),
/// every description (known dtype, offsets within the data, their length equal to shape times element size),
/// no name twice, no two tensors that overlap and no hole between them. Bytes after the last tensor are
/// tolerated.
class safetensors_file {
 public:
  /// Raises io_error where the file cannot be opened and parse_error where it is not what the format says.
  explicit safetensors_file(const std::filesystem::path& path) : safetensors_file(byte_source(path)) {}
  /// The same from memory, which must outlive this object; `name` is for messages.
  safetensors_file(std::span<const std::byte> bytes, std::string name)
      : safetensors_file(byte_source(bytes, std::move(name))) {}

  /// The tensors in the order of the header.
  const std::vector<tensor_view>& tensors() const noexcept { return tensors_.items(); }
  /// The tensor called `name`, or null.
  const tensor_view* find(std::string_view name) const { return tensors_.find(name); }
  /// The tensor called `name`. Raises data_error where there is none.
  const tensor_view& at(std::string_view name) const { return tensors_.at(name, source_.name()); }
  /// The path, or the name given with the bytes.
  const std::string& name() const noexcept { return source_.name(); }
  /// Where a tensor's data begin in the file.
  std::uint64_t offset_of(const tensor_view& tensor) const noexcept {
    return tensor.data.empty() ? 8 : static_cast<std::uint64_t>(tensor.data.data() - source_.bytes().data());
  }
  /// Gives memory back that some bytes of the file take, see mapped_file.
  void forget(std::span<const std::byte> some) const noexcept { source_.forget(some); }
  /// The texts of `__metadata__` in their order.
  const std::vector<metadata_entry>& metadata() const noexcept { return metadata_.items(); }
  /// The text of `__metadata__` under `name`, or null.
  const std::string* find_metadata(std::string_view name) const {
    const metadata_entry* entry = metadata_.find(name);
    return entry == nullptr ? nullptr : &entry->value;
  }

 private:
  explicit safetensors_file(byte_source source) : source_(std::move(source)) {
    byte_reader reader(source_.bytes(), source_.name());
    const auto length = reader.number<std::uint64_t>("header length");
    if (length > detail::safetensors_header_limit) {
      reader.fail_at(0, "header length",
                     "expected at most " + std::to_string(detail::safetensors_header_limit) +
                         " bytes, found " + std::to_string(length));
    }
    const std::uint64_t start = reader.offset();
    const std::string_view text = reader.text(length, "header");
    if (!text.starts_with('{')) reader.fail_at(start, "header", "expected '{'");
    detail::safetensors_header_visitor header(source_.name(), start);
    header.visit(text);
    const auto data = reader.take(reader.remaining(), "data");
    for (const detail::safetensors_entry& entry : header.tensors.items()) check_extent(entry, data.size());
    check_layout(header.tensors.items());
    for (const detail::safetensors_entry& entry : header.tensors.items()) {
      const auto begin = static_cast<std::size_t>(entry.data_offsets[0]);
      const auto end = static_cast<std::size_t>(entry.data_offsets[1]);
      tensors_.add({entry.name, entry.type, entry.shape, data.subspan(begin, end - begin)});
    }
    metadata_ = std::move(header.metadata);
  }

  [[noreturn]] void fail(const detail::safetensors_entry& entry, const std::string& problem) const {
    raise(parse_error(source_.name(), entry.place, "tensor " + entry.name + ": data_offsets", problem));
  }
  static std::string range_of(const detail::safetensors_entry& entry) {
    return std::to_string(entry.data_offsets[0]) + ".." + std::to_string(entry.data_offsets[1]);
  }

  /// One tensor on its own: inside the data, and as long as its shape says.
  void check_extent(const detail::safetensors_entry& entry, std::uint64_t available) const {
    const std::uint64_t begin = entry.data_offsets[0], end = entry.data_offsets[1];
    if (begin > end || end > available) {
      fail(entry, "expected a range within the " + std::to_string(available) + " bytes of data, found " +
                      range_of(entry));
    }
    const std::optional<std::uint64_t> size = byte_size(entry.type, entry.shape);
    if (!size) {
      const bool is_packed = size_of(entry.type) == 0;
      fail(entry, is_packed ? "the shape's bits are no whole number of bytes, or exceed 64 bits"
                            : "the bytes of the shape exceed 64 bits");
    }
    if (*size != end - begin) {
      fail(entry, "expected " + std::to_string(*size) + " bytes for dtype and shape, found " +
                      std::to_string(end - begin));
    }
  }

  /// All tensors together: one after another, as the format demands, so that no byte belongs to two or to
  /// none.
  void check_layout(const std::vector<detail::safetensors_entry>& entries) const {
    std::vector<const detail::safetensors_entry*> sorted;
    sorted.reserve(entries.size());
    for (const detail::safetensors_entry& entry : entries) sorted.push_back(&entry);
    std::ranges::stable_sort(sorted, {}, [](const auto* entry) { return entry->data_offsets; });
    std::uint64_t end = 0;
    for (const detail::safetensors_entry* entry : sorted) {
      if (entry->data_offsets[0] != end) {
        fail(*entry, std::string(entry->data_offsets[0] < end ? "overlaps another tensor" : "leaves a hole") +
                         ": expected to begin at " + std::to_string(end) + ", found " + range_of(*entry));
      }
      end = entry->data_offsets[1];
    }
  }

  byte_source source_;
  named_list<tensor_view> tensors_;
  named_list<metadata_entry> metadata_;
};

}  // namespace bitgauge::io
