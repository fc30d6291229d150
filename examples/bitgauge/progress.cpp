#include "progress.hpp"

#include "cells.hpp"
#include "terminal.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>

namespace program {

std::string progress_line(double fraction, double elapsed_seconds, const std::string& name,
                          std::size_t width) {
  fraction = std::clamp(fraction, 0.0, 1.0);
  const std::string percent = fmt::format("{:3.0f}%", 100 * fraction);
  const std::string left =
      fraction > 0 ? fmt::format(" {:.0f} s left", elapsed_seconds * (1 - fraction) / fraction) : "";
  const std::size_t room = width > 0 ? width - 1 : 0;  // a full last column would wrap on some terminals
  const std::size_t figures = percent.size() + left.size();
  if (room < figures) return percent.substr(0, room);
  constexpr std::size_t longest_bar = 30, shortest_bar = 8, shortest_name = 10;
  std::string line;
  std::size_t rest = room - figures;
  if (rest >= shortest_bar + 3) {
    const std::size_t wanted = rest >= longest_bar + 4 + shortest_name ? longest_bar : rest / 2;
    const std::size_t bar = std::clamp(wanted, shortest_bar, longest_bar);
    const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(bar));
    line = "[" + std::string(filled, '#') + std::string(bar - filled, ' ') + "] ";
    rest -= bar + 3;
  }
  line += percent + left;
  return rest > shortest_name ? line + " " + shortened(table_cell(name), rest - 1) : line;
}

progress::progress(bool quiet) : width_(quiet ? 0 : terminal_width(stderr)) {}

progress::~progress() {
  clear();
}

void progress::clear() const {
  if (width_ > 0) fmt::print(stderr, "\r\033[K");
}

void progress::show(const bitgauge::model_progress& now) {
  if (width_ == 0) return;
  const auto time = std::chrono::steady_clock::now();
  constexpr auto pause = std::chrono::milliseconds(100);  // more often than that nobody can read
  if (!now.between_tensors && time - shown_ < pause) return;
  shown_ = time;
  const double elapsed = std::chrono::duration<double>(shown_ - start_).count();
  clear();
  fmt::print(stderr, "{}", progress_line(now.fraction(), elapsed, std::string(now.tensor), width_));
  std::fflush(stderr);
}

}  // namespace program
