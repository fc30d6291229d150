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

  /// Says what is worked on now.
  void begin(const std::string& name);
  /// Says that `done` elements of it are done, growing from call to call. From one thread at a time.
  void reach(std::uint64_t done);
  /// Says that it is done, all of its `count` elements.
  void finish(std::uint64_t count);

 private:
  void clear() const;
  void show(std::uint64_t done);

  std::uint64_t total_, before_ = 0;  ///< elements: of all tensors, of those that are finished
  std::string name_;
  std::size_t width_;  ///< 0: not shown
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now(), shown_{};
};

}  // namespace program
