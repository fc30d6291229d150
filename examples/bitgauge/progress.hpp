#pragma once

// A bar with an estimate of what is left, on a terminal only.

#include <bitgauge/model/plan/model_options.hpp>

#include <chrono>
#include <cstddef>
#include <string>

namespace program {

/// The bar's one line in `width` columns: "[####    ]  42% 12 s left NAME". As the terminal gets narrower the
/// name is shortened and then left out, then the bar, then the estimate.
std::string progress_line(double fraction, double elapsed_seconds, const std::string& name,
                          std::size_t width);

class progress {
 public:
  /// A quiet bar is never shown.
  explicit progress(bool quiet = false);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Shows how far the work has come; within a tensor not more often than one can read.
  void show(const bitgauge::model_progress& now);

 private:
  void clear() const;

  std::size_t width_;  ///< 0: not shown
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now(), shown_{};
};

}  // namespace program
