#include "progress.hpp"

#include "cells.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <unistd.h>

namespace program {

progress::progress(std::uint64_t total) : total_(total), is_terminal_(isatty(STDERR_FILENO) != 0) {}

progress::~progress() {
  clear();
}

void progress::clear() const {
  if (is_terminal_) fmt::print(stderr, "\r\033[K");
}

void progress::advance(std::uint64_t amount, const std::string& next) {
  done_ += amount;
  if (!is_terminal_) return;
  constexpr int width = 30;
  const double fraction = total_ > 0 ? static_cast<double>(done_) / static_cast<double>(total_) : 1;
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const std::string left =
      fraction > 0 ? fmt::format("{:.0f} s left", elapsed * (1 - fraction) / fraction) : "";
  const auto filled = static_cast<std::size_t>(fraction * width);
  clear();
  fmt::print(stderr, "[{}{}] {:3.0f}% {} {}", std::string(filled, '#'), std::string(width - filled, ' '),
             100 * fraction, left, table_cell(next, 40));
  std::fflush(stderr);
}

}  // namespace program
