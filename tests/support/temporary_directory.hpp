#pragma once

/// \file
/// A folder for the files of one test.

#include <atomic>
#include <filesystem>
#include <random>
#include <string>

namespace test {

/// A fresh folder, removed with all that is in it at the end of the scope.
class temporary_directory {
 public:
  temporary_directory() {
    static std::atomic<unsigned> serial{std::random_device{}()};
    do {
      path_ = std::filesystem::temp_directory_path() / ("bitgauge_test_" + std::to_string(serial++));
    } while (!std::filesystem::create_directory(path_));
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  /// The number of entries in the folder: catches files left behind.
  std::size_t entries() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) ++count;
    return count;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace test
