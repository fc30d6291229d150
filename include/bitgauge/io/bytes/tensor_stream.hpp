#pragma once

/// \file
/// Tensors that are declared first and then written one after another: what the containers' writers share.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/byte_sink.hpp>
#include <bitgauge/io/bytes/little_endian.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io::detail {

/// A header and then the data of each declared tensor, padded to `alignment`. Data
/// may come in pieces; nothing but the current piece need be in memory. Raises data_error where the order is
/// broken and shape_error where a tensor gets more or fewer bytes than declared.
class tensor_stream {
 public:
  /// `name` is for messages.
  tensor_stream(std::unique_ptr<byte_sink> sink, std::string name)
      : sink_(std::move(sink)), shown_(std::move(name)) {}
  explicit tensor_stream(const std::filesystem::path& path)
      : tensor_stream(std::make_unique<file_sink>(path), path.string()) {}

  /// Adds a tensor of `size` bytes at the end of the list. Raises data_error for a name that is taken.
  void declare(const std::string& name, std::uint64_t size) {
    if (started_) fail(name, "is declared after the first data was written");
    if (!names_.insert(name).second) fail(name, "is declared twice");
    tensors_.push_back({name, size});
  }

  bool started() const noexcept { return started_; }

  /// Writes what precedes the data; its size must be a multiple of `alignment`.
  void start(std::span<const std::byte> header, std::uint64_t alignment) {
    alignment_ = alignment;
    sink_->write(header);
    started_ = true;
    skip_complete();
  }

  /// Appends a piece of the tensor `name`, the first in the order of declaration that is not complete.
  void write(std::string_view name, std::span<const std::byte> piece) {
    if (piece.empty()) return;  // also a tensor without elements
    if (current_ == tensors_.size()) fail(name, "is written, but every declared tensor is complete");
    const declared& tensor = tensors_[current_];
    if (tensor.name != name) fail(name, "is written where '" + excerpt(tensor.name) + "' is to follow");
    if (piece.size() > tensor.size - written_) {
      raise(shape_error(subject(name) + "expected " + std::to_string(tensor.size) + " bytes, found more"));
    }
    sink_->write(piece);
    written_ += piece.size();
    skip_complete();
  }

  /// Makes the file appear. Raises shape_error where a tensor is not complete.
  void commit() {
    if (current_ < tensors_.size()) {
      raise(shape_error(subject(tensors_[current_].name) + "expected " +
                        std::to_string(tensors_[current_].size) + " bytes, found " +
                        std::to_string(written_)));
    }
    sink_->commit();
  }

  /// The path, as given, for messages.
  const std::string& shown() const noexcept { return shown_; }

 private:
  struct declared {
    std::string name;
    std::uint64_t size;
  };

  void skip_complete() {
    for (; current_ < tensors_.size() && written_ == tensors_[current_].size; ++current_) {
      sink_->write_zeros((alignment_ - written_ % alignment_) % alignment_);
      written_ = 0;
    }
  }

  std::string subject(std::string_view name) const { return shown_ + ": tensor " + excerpt(name) + ": "; }
  [[noreturn]] void fail(std::string_view name, const std::string& problem) const {
    raise(data_error(subject(name) + problem));
  }

  std::unique_ptr<byte_sink> sink_;
  std::string shown_;
  std::vector<declared> tensors_;
  std::set<std::string, std::less<>> names_;
  std::size_t current_ = 0;    // the tensor that is being written
  std::uint64_t written_ = 0;  // bytes of it so far
  std::uint64_t alignment_ = 1;
  bool started_ = false;
};

}  // namespace bitgauge::io::detail
