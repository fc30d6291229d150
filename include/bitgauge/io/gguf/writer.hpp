#pragma once

/// \file
/// Writes GGUF files of version 3 whose tensors need not be in memory together.
/// Source: docs/gguf.md of ggml.

#include <bitgauge/io/bytes/tensor_stream.hpp>
#include <bitgauge/io/gguf/tensor.hpp>
#include <bitgauge/io/gguf/value_bytes.hpp>
#include <bitgauge/io/named_list.hpp>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// Takes metadata and the declarations of tensors, then the data in the same order, then commits:
///
///     gguf_writer writer("model.gguf");
///     writer.set("general.architecture", std::string("llama"));
///     writer.declare("w", gguf::tensor_type::q4_k, {4096, 4096});
///     writer.write("w", blocks);   // whole or in pieces
///     writer.commit();
///
/// The file appears whole on commit() or not at all. Equal calls give equal bytes: those that ggml writes.
class gguf_writer {
 public:
  /// Raises io_error where no file can be created there.
  explicit gguf_writer(const std::filesystem::path& path) : stream_(path) {}
  /// The same into a stream or memory; `name` is for messages.
  gguf_writer(std::unique_ptr<byte_sink> sink, std::string name)
      : stream_(std::move(sink), std::move(name)) {}

  /// Sets a metadata value: at its place where the key is set already, else at the end. `general.alignment`
  /// sets the alignment of the data. Raises data_error for an empty key or an alignment that is no power of
  /// two of type u32.
  void set(const std::string& key, gguf_value value) {
    if (stream_.started())
      raise(data_error(stream_.shown() + ": metadata is set after the first data was written"));
    if (key.empty()) raise(data_error(stream_.shown() + ": a metadata key is empty"));
    if (key == detail::gguf_alignment_key) {
      const auto* alignment = std::get_if<std::uint32_t>(&value);
      if (alignment == nullptr || !std::has_single_bit(*alignment)) {
        raise(data_error(stream_.shown() + ": " + key + ": expected a power of two of type u32"));
      }
      alignment_ = *alignment;
    }
    if (gguf_entry* entry = metadata_.find(key)) {
      entry->value = std::move(value);
    } else {
      metadata_.add({key, std::move(value)});
    }
  }

  /// Declares the next tensor; `dimensions` are fastest first. Raises data_error for a name of 64 bytes or
  /// more or one that is taken, and shape_error for more than 4 dimensions, rows that are not whole blocks,
  /// or too many elements.
  void declare(const std::string& name, gguf::tensor_type type,
               const std::vector<std::uint64_t>& dimensions) {
    if (name.size() > gguf_max_name_length) {
      raise(data_error(subject(name) + "a name has at most 63 bytes, found " + std::to_string(name.size())));
    }
    std::string problem;
    if (dimensions.size() > gguf_max_dimensions) {
      problem = "expected at most 4 dimensions, found " + std::to_string(dimensions.size());
    }
    const std::uint64_t size = detail::gguf_tensor_bytes(type, dimensions, problem);
    if (!problem.empty()) raise(shape_error(subject(name) + problem));
    stream_.declare(name, size);
    tensors_.add({name, type, dimensions, {}, 0});
  }

  /// Appends blocks of the tensor `name`: the first declared one that is not complete. Raises data_error for
  /// another name and shape_error for too many bytes.
  void write(std::string_view name, std::span<const std::byte> piece) {
    start();
    stream_.write(name, piece);
  }

  /// Appends a matrix or expression of plain numbers row by row. Raises data_error where its scalar is not of
  /// the declared type.
  template <class Derived>
  void write(std::string_view name, const Eigen::DenseBase<Derived>& matrix) {
    const gguf::tensor_type expected = tensors_.at(name, stream_.shown()).type;
    constexpr dtype found = dtype_of<typename Derived::Scalar>;
    if (plain_dtype(expected) != found) {
      raise(data_error(subject(name) + "expected elements of type " +
                       std::string(gguf::traits_of(expected).name) + ", found " +
                       std::string(name_of(found))));
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
    byte_writer header;
    header.text("GGUF");
    header.number<std::uint32_t>(3);
    header.number<std::uint64_t>(tensors_.items().size());
    header.number<std::uint64_t>(metadata_.items().size());
    for (const gguf_entry& entry : metadata_.items()) {
      detail::write_gguf_string(header, entry.name);
      detail::write_typed_gguf_value(header, entry.value);
    }
    std::uint64_t offset = 0;
    std::string no_problem;
    for (const gguf_tensor& tensor : tensors_.items()) {
      detail::write_gguf_string(header, tensor.name);
      header.number(static_cast<std::uint32_t>(tensor.dimensions.size()));
      for (const std::uint64_t extent : tensor.dimensions) header.number(extent);
      header.number(static_cast<std::uint32_t>(tensor.type));
      header.number(offset);
      offset +=
          detail::padded(detail::gguf_tensor_bytes(tensor.type, tensor.dimensions, no_problem), alignment_);
    }
    header.zeros(detail::padded(header.bytes().size(), alignment_) - header.bytes().size());
    stream_.start(header.bytes(), alignment_);
  }

  std::string subject(std::string_view name) const {
    return stream_.shown() + ": tensor " + excerpt(name) + ": ";
  }

  detail::tensor_stream stream_;
  named_list<gguf_entry> metadata_;
  named_list<gguf_tensor> tensors_;
  std::uint32_t alignment_ = gguf_default_alignment;
};

}  // namespace bitgauge::io
