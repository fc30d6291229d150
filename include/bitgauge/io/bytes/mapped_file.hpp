#pragma once

/// \file
/// The bytes of a file, read only when touched.

#include <bitgauge/io/bytes/system_failure.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#define BITGAUGE_HAS_MMAP 1
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#define BITGAUGE_HAS_MMAP 0
#endif

namespace bitgauge::io {

/// A file mapped into memory for reading: pages come from the disk when first touched, and the system takes
/// them back when memory is short, so that a file larger than memory can be open. What cannot be mapped (a
/// pipe, a system without mmap) is read whole. Another program that shortens the file while it is mapped ends
/// this one with SIGBUS, as with every mapping.
class mapped_file {
 public:
  /// Maps `path`. Raises io_error naming the path and the system's reason.
  explicit mapped_file(const std::filesystem::path& path) {
#if BITGAUGE_HAS_MMAP
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) detail::raise_system_failure(path, "open", errno);
    const int failure = map(descriptor);
    ::close(descriptor);
#else
    std::FILE* stream = std::fopen(path.string().c_str(), "rb");
    if (stream == nullptr) detail::raise_system_failure(path, "open", errno);
    const int failure = read_all([&](void* to, std::size_t size) {
      const std::size_t count = std::fread(to, 1, size, stream);
      return std::ferror(stream) != 0 ? -1L : static_cast<long>(count);
    });
    std::fclose(stream);
#endif
    if (failure != 0) detail::raise_system_failure(path, "read", failure);
  }

  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;
  mapped_file(mapped_file&& other) noexcept
      : owned_(std::move(other.owned_)),
        bytes_(std::exchange(other.bytes_, {})),
        mapped_(std::exchange(other.mapped_, false)) {}
  mapped_file& operator=(mapped_file&& other) noexcept {
    std::swap(owned_, other.owned_);
    std::swap(bytes_, other.bytes_);
    std::swap(mapped_, other.mapped_);
    return *this;
  }

  ~mapped_file() {
#if BITGAUGE_HAS_MMAP
    // munmap takes a mutable pointer to what was mapped read-only.
    if (mapped_) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
#endif
  }

  /// The whole file. Valid as long as this object lives, and for what it is moved into.
  std::span<const std::byte> bytes() const noexcept { return bytes_; }

  /// Gives memory back that some bytes of this file take, as far as they are whole pages: when they are read again
  /// they come from the file again. Does nothing to bytes of anything else, or of a file that was read whole.
  void forget([[maybe_unused]] std::span<const std::byte> some) const noexcept {
#if BITGAUGE_HAS_MMAP
    const auto address = [](const std::byte* p) { return reinterpret_cast<std::uintptr_t>(p); };
    const std::uintptr_t begin = address(some.data()), end = begin + some.size();
    if (!mapped_ || begin < address(bytes_.data()) || end > address(bytes_.data()) + bytes_.size()) return;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
    if (first < last)
      ::madvise(const_cast<std::byte*>(some.data()) + (first - begin), last - first, MADV_DONTNEED);
#endif
  }

 private:
#if BITGAUGE_HAS_MMAP
  /// Fills `bytes_`; returns 0 or the errno of the failure.
  int map(int descriptor) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) return errno;
    if (!S_ISREG(status.st_mode)) {
      return read_all([&](void* to, std::size_t size) { return ::read(descriptor, to, size); });
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0) return 0;  // an empty mapping is an error to mmap
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (start == MAP_FAILED) return errno;
    bytes_ = {static_cast<const std::byte*>(start), size};
    mapped_ = true;
    return 0;
  }
#endif

  /// Reads until `read(to, size)` gives 0; returns 0 or the errno of the failure.
  template <class Read>
  int read_all(Read read) {
    constexpr std::size_t step = 1 << 16;
    for (std::size_t filled = 0;;) {
      owned_.resize(filled + step);
      const long count = read(owned_.data() + filled, step);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno;
      filled += static_cast<std::size_t>(count);
      owned_.resize(filled);
      if (count == 0) break;
    }
    bytes_ = owned_;
    return 0;
  }

  std::vector<std::byte> owned_;
  std::span<const std::byte> bytes_;
  bool mapped_ = false;
};

}  // namespace bitgauge::io
