#pragma once

/// \file
/// Where a reader takes its bytes from: a file or memory, under a name for messages.

#include <bitgauge/io/bytes/mapped_file.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace bitgauge::io {

/// Bytes and what to call them. Copies share one mapping, which lives until the last of them is gone.
class byte_source {
 public:
  /// Maps a file. Raises io_error where the system refuses.
  explicit byte_source(const std::filesystem::path& path)
      : name_(path.string()), mapping_(std::make_shared<mapped_file>(path)), bytes_(mapping_->bytes()) {}

  /// Borrows memory, which must outlive every reader of it.
  byte_source(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)), bytes_(bytes) {}

  const std::string& name() const noexcept { return name_; }
  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// Gives memory back that some bytes of a mapped file take, see mapped_file.
  void forget(std::span<const std::byte> some) const noexcept {
    if (mapping_ != nullptr) mapping_->forget(some);
  }

 private:
  std::string name_;
  std::shared_ptr<const mapped_file> mapping_;
  std::span<const std::byte> bytes_;
};

}  // namespace bitgauge::io
