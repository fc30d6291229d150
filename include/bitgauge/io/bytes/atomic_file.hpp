#pragma once

/// \file
/// A file that appears whole or not at all.

#include <bitgauge/io/bytes/partial_files.hpp>
#include <bitgauge/io/bytes/system_failure.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <climits>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace bitgauge::io {

/// Writes under a temporary name in the target's folder; commit() flushes to the disk and renames. Until then
/// the target is as it was. Any failure (a full disk on write, flush or close) and destruction without
/// commit() remove the temporary file, and so does remove_partial_files() in a signal handler. A new file has
/// the permissions that the umask leaves; one that is replaced gives its own, and its owner and group where
/// the system allows that. A target that is a symbolic link is followed, and refused where it leads nowhere;
/// one that is neither a file nor absent (a pipe, a device) is written directly, since it cannot be replaced.
class atomic_file {
 public:
  /// Opens the temporary file. Raises io_error, for instance where the folder is missing or may not be
  /// written.
  explicit atomic_file(const std::filesystem::path& path) : target_(path), shown_(path) {
    std::error_code ignored;
    if (std::filesystem::is_symlink(path, ignored)) {
      target_ = std::filesystem::canonical(path, ignored);
      if (ignored)
        raise(io_error(shown_.string() + ": cannot write: it is a symbolic link to " +
                       excerpt(std::filesystem::read_symlink(path, ignored).string()) +
                       ", which leads to no file"));
    }
    std::error_code failure;
    const auto status = std::filesystem::status(target_, failure);
    // such as a name that is too long: to be told now, not when the finished file is renamed
    if (status.type() == std::filesystem::file_type::none)
      detail::raise_system_failure(shown_, "create", failure.value());
    if (std::filesystem::is_directory(status)) detail::raise_system_failure(shown_, "write", EISDIR);
    direct_ = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
    open();
    if (stream_ == nullptr) detail::raise_system_failure(shown_, "create", errno);
    // Many small writes reach the system as few large ones.
    std::setvbuf(stream_, nullptr, _IOFBF, std::size_t{1} << 18);
  }

  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;
  atomic_file(atomic_file&& other) noexcept
      : target_(std::move(other.target_)),
        shown_(std::move(other.shown_)),
        temporary_(std::exchange(other.temporary_, {})),
        listed_(std::exchange(other.listed_, nullptr)),
        stream_(std::exchange(other.stream_, nullptr)),
        size_(other.size_),
        direct_(other.direct_) {}
  atomic_file& operator=(atomic_file&&) = delete;
  ~atomic_file() { discard(); }

  /// Appends `bytes`. Raises io_error where the system cannot take them; the temporary file is gone then.
  void write(std::span<const std::byte> bytes) {
    require_open();
    errno = 0;
    if (std::fwrite(bytes.data(), 1, bytes.size(), stream_) != bytes.size()) fail("write");
    size_ += bytes.size();
  }

  /// Appends `count` zero bytes.
  void write_zeros(std::uint64_t count) {
    constexpr std::byte zeros[64] = {};
    for (; count > 0; count -= std::min<std::uint64_t>(count, sizeof zeros)) {
      write({zeros, static_cast<std::size_t>(std::min<std::uint64_t>(count, sizeof zeros))});
    }
  }

  /// Bytes written so far.
  std::uint64_t size() const noexcept { return size_; }

  /// Makes the file appear under its name, its bytes on the disk. Nothing can be written after it. Raises
  /// io_error; the target is then as it was before and the temporary file is gone.
  void commit() {
    require_open();
    errno = 0;
    if (std::fflush(stream_) != 0) fail("write");
#if defined(__unix__) || defined(__APPLE__)
    // EINVAL: a pipe or a device, which has nothing to flush.
    if (::fsync(::fileno(stream_)) != 0 && errno != EINVAL) fail("write");
#endif
    if (std::fclose(std::exchange(stream_, nullptr)) != 0) fail("write");
    if (direct_) return;
    std::error_code failure;
    std::filesystem::rename(temporary_, target_, failure);
    if (failure) {
      errno = failure.value();
      fail("rename the finished file to");
    }
    forget();
    flush_folder();
  }

 private:
  void open() {
    errno = 0;
    if (direct_) {
      stream_ = std::fopen(target_.string().c_str(), "wb");
      return;
    }
    // Exclusive creation under a fresh name: two writers of one target never share a temporary file.
    static std::atomic<unsigned> serial{std::random_device{}()};
    do {
      const std::string ending = "." + std::to_string(serial++) + ".partial";
      temporary_ = target_.parent_path() / (short_name(ending.size()) + ending);
    } while (!create() && errno == EEXIST);
    if (stream_ == nullptr) temporary_.clear();
  }

  /// The target's name, cut where `more` bytes behind it would be more than a name or a path may have.
  std::string short_name(std::size_t more) const {
    std::string name = target_.filename().string();
#if defined(__unix__) || defined(__APPLE__)
    const std::string folder = target_.parent_path().string();
    const long most = ::pathconf(folder.empty() ? "." : folder.c_str(), _PC_NAME_MAX);
    const std::size_t in_path = PATH_MAX - std::min<std::size_t>(folder.size() + 2, PATH_MAX);
    const std::size_t room = std::min(most > 0 ? static_cast<std::size_t>(most) : 255, in_path);
    std::size_t kept = room > more ? room - more : 0;
    if (kept < name.size()) {
      while (kept > 0 && (static_cast<unsigned char>(name[kept]) & 0xc0u) == 0x80)
        --kept;  // within a character
      name.resize(kept);
    }
#endif
    return name;
  }

#if defined(__unix__) || defined(__APPLE__)
  /// Creates the temporary file, with the permissions of the file that it will replace, and lists it, while
  /// no signal can come between.
  bool create() {
    struct ::stat old = {};
    const bool replaces = ::stat(target_.c_str(), &old) == 0;
    const ::mode_t mode = replaces ? old.st_mode & 0777u : 0666u;
    ::sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const int descriptor = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    int code = errno;
    if (descriptor >= 0) listed_ = detail::list_partial_file(temporary_.string());
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = code;
    if (descriptor < 0) return false;
    // the owner first, as changing it may take permissions away; only the latter must succeed
    if (replaces && (old.st_uid != ::geteuid() || old.st_gid != ::getegid()))
      static_cast<void>(!::fchown(descriptor, old.st_uid, old.st_gid));
    if (!replaces || ::fchmod(descriptor, mode) == 0) stream_ = ::fdopen(descriptor, "wb");
    if (stream_ != nullptr) return true;
    code = errno;
    ::close(descriptor);
    discard();
    errno = code;
    return false;
  }
#else
  bool create() {
    stream_ = std::fopen(temporary_.string().c_str(), "wbx");
    return stream_ != nullptr;
  }
#endif

  void require_open() const {
    if (stream_ == nullptr) raise(io_error(shown_.string() + ": is written after it was finished"));
  }

  void discard() noexcept {
    if (stream_ != nullptr) std::fclose(std::exchange(stream_, nullptr));
    std::error_code ignored;
    if (!temporary_.empty()) std::filesystem::remove(temporary_, ignored);
    forget();
  }

  void forget() noexcept {
    detail::forget_partial_file(std::exchange(listed_, nullptr));
    temporary_.clear();
  }

  [[noreturn]] void fail(const char* action) {
    const int code = errno;
    discard();  // before raising: without exceptions no destructor runs
    detail::raise_system_failure(shown_, action, code);
  }

  /// The new name itself reaches the disk. Some file systems refuse this, and the bytes are safe either way.
  void flush_folder() const noexcept {
#if defined(__unix__) || defined(__APPLE__)
    const auto folder = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
#endif
  }

  std::filesystem::path target_;     // after following a symbolic link
  std::filesystem::path shown_;      // as the caller named it
  std::filesystem::path temporary_;  // empty once there is none to remove
  detail::partial_file* listed_ = nullptr;
  std::FILE* stream_ = nullptr;
  std::uint64_t size_ = 0;
  bool direct_ = false;
};

}  // namespace bitgauge::io
