#pragma once

// A bar with an estimate of what is left, on a terminal only.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace program {

/// The bar's one line in `width` columns: "[####    ]  42% 12 s left NAME". As the terminal gets narrower the
/// name is shortened and then left out, then the bar, then the estimate.
std::string progress_line(double fraction, double elapsed_seconds, const std::string& name,
                          std::size_t width);

class progress {
 public:
  /// `total` is the number of elements that there are. A quiet bar is never shown.
  explicit progress(std::uint64_t total, bool quiet = false);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Says that `amount` more elements are done, and what is worked on.
  void advance(std::uint64_t amount, const std::string& next);

 private:
  void clear() const;

  std::uint64_t total_, done_ = 0;
  std::size_t width_;  ///< 0: not shown
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace program
