#pragma once

/// \file
/// A folder that one process at a time works in.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/system_failure.hpp>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace bitgauge::io::detail {

/// Makes a folder and holds flock() on a file in it, which ends with the process, however that ends. Where the
/// system has no flock() nothing is locked.
class folder_lock {
 public:
  /// Raises io_error where the folder cannot be made, and where it is locked already.
  explicit folder_lock(const std::filesystem::path& folder) : file_(folder / "lock") {
#if defined(__unix__) || defined(__APPLE__)
    while (!try_to_lock(folder)) {
    }  // who held it before may have removed it just now
#else
    make(folder);
#endif
  }
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;
  ~folder_lock() {
#if defined(__unix__) || defined(__APPLE__)
    if (descriptor_ >= 0) ::close(descriptor_);
#endif
  }

  /// Removes the file, which stays locked: whoever has opened it sees that it is gone.
  void remove() noexcept {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  }

 private:
  static void make(const std::filesystem::path& folder) {
    std::error_code failure;
    std::filesystem::create_directory(folder, failure);
    if (failure) raise_system_failure(folder, "create", failure.value());
  }

#if defined(__unix__) || defined(__APPLE__)
  bool try_to_lock(const std::filesystem::path& folder) {
    make(folder);
    const int descriptor = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) {
      if (errno == ENOENT) return false;
      raise_system_failure(file_, "create", errno);
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int code = errno;
      ::close(descriptor);
      if (code == EWOULDBLOCK)
        raise(
            io_error(folder.string() +
                     ": expected no other run with this output, found one at work: wait until it has ended"));
      raise_system_failure(file_, "lock", code);
    }
    struct ::stat locked = {}, there = {};
    if (::fstat(descriptor, &locked) == 0 && ::stat(file_.c_str(), &there) == 0 &&
        locked.st_ino == there.st_ino && locked.st_dev == there.st_dev) {
      descriptor_ = descriptor;
      return true;
    }
    ::close(descriptor);
    return false;
  }
#endif

  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace bitgauge::io::detail
