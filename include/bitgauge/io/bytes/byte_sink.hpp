#pragma once

/// \file
/// Where a writer's bytes go: a file, a stream, memory.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/atomic_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// Takes bytes in order, then commit().
class byte_sink {
 public:
  virtual ~byte_sink() = default;
  /// Appends. Raises io_error where they cannot be taken.
  virtual void write(std::span<const std::byte> bytes) = 0;
  /// Says that all is written. Raises io_error where it cannot be kept.
  virtual void commit() = 0;
  void write_zeros(std::uint64_t count) {
    constexpr std::byte zeros[64] = {};
    for (; count > 0; count -= std::min<std::uint64_t>(count, sizeof zeros))
      write({zeros, static_cast<std::size_t>(std::min<std::uint64_t>(count, sizeof zeros))});
  }
};

/// A file that appears whole on commit() or not at all.
class file_sink final : public byte_sink {
 public:
  explicit file_sink(const std::filesystem::path& path) : file_(path) {}
  void write(std::span<const std::byte> bytes) override { file_.write(bytes); }
  void commit() override { file_.commit(); }

 private:
  atomic_file file_;
};

/// A stream of the caller's, open for bytes; it is flushed on commit().
class stream_sink final : public byte_sink {
 public:
  stream_sink(std::ostream& stream, std::string name) : stream_(stream), name_(std::move(name)) {}
  void write(std::span<const std::byte> bytes) override {
    stream_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    check();
  }
  void commit() override {
    stream_.flush();
    check();
  }

 private:
  void check() const {
    if (!stream_) raise(io_error(name_ + ": cannot write: the stream has failed"));
  }
  std::ostream& stream_;
  std::string name_;
};

/// Bytes of the caller's, to whose end all is appended.
class memory_sink final : public byte_sink {
 public:
  explicit memory_sink(std::vector<std::byte>& bytes) : bytes_(bytes) {}
  void write(std::span<const std::byte> bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void commit() override {}

 private:
  std::vector<std::byte>& bytes_;
};

}  // namespace bitgauge::io
