#pragma once

/// \file
/// What the operating system refused, as one sentence that ends with its reason.

#include <bitgauge/error.hpp>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

namespace bitgauge::io::detail {

/// Raises io_error "PATH: cannot ACTION: REASON", where `code` is a value of errno.
[[noreturn]] inline void raise_system_failure(const std::filesystem::path& path, const char* action,
                                              int code) {
  // A library call that failed without setting errno still failed.
  const int reason = code != 0 ? code : EIO;
  raise(io_error(path.string() + ": cannot " + action + ": " + std::generic_category().message(reason)));
}

}  // namespace bitgauge::io::detail
