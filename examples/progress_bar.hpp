#pragma once

/// \file
/// A bar on a terminal, and nothing anywhere else.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <unistd.h>

/// "[#####     ]  42 %, 12 s left: NAME" while work lasts, gone when it ends. What is measured should not wait
/// for a terminal: it is drawn ten times a second at most.
class progress_bar {
 public:
  explicit progress_bar(double work) : work_(work), shown_(isatty(fileno(stderr)) != 0) {}
  ~progress_bar() {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  void advance(double work, const std::string& name) {
    done_ += work;
    const auto now = clock::now();
    if (!shown_ || now - drawn_ < std::chrono::milliseconds(100)) return;
    drawn_ = now;
    const double share = std::clamp(done_ / work_, 1e-9, 1.0);
    const double left = std::chrono::duration<double>(now - start_).count() * (1 - share) / share;
    const auto filled = static_cast<std::size_t>(30 * share);
    fmt::print(stderr, "\r[{}{}] {:3.0f} %, {:.0f} s left: {}\033[K", std::string(filled, '#'),
               std::string(30 - filled, ' '), 100 * share, left, name);
    std::fflush(stderr);
  }

 private:
  using clock = std::chrono::steady_clock;
  double work_, done_ = 0;
  bool shown_;
  clock::time_point start_ = clock::now(), drawn_{};
};
