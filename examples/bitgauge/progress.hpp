#pragma once

// A bar with an estimate of what is left, on a terminal only.

#include <chrono>
#include <cstdint>
#include <string>

namespace program {

class progress {
 public:
  /// `total` is the amount of work in any unit, for example bytes.
  explicit progress(std::uint64_t total);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Says that `amount` more is done, and what comes next.
  void advance(std::uint64_t amount, const std::string& next);

 private:
  void clear() const;

  std::uint64_t total_, done_ = 0;
  bool is_terminal_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace program
