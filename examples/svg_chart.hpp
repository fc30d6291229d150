#pragma once

/// \file
/// A chart as an SVG text: axes with ticks, curves, bars and marked positions. Enough for the plots of the
/// examples.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

/// One chart at a place on the page. Values are drawn on a linear x axis and a logarithmic y axis.
class svg_chart {
 public:
  struct axis {
    std::string label;
    double from, to;
  };
  using points = std::vector<std::pair<double, double>>;

  svg_chart(double left, double top, std::string title, axis x, axis y)
      : left_(left), top_(top), x_(std::move(x)), y_(std::move(y)) {
    text(left_ + width_ / 2, top_ - 14, title, "middle", 15);
    text(left_ + width_ / 2, top_ + height_ + 38, x_.label, "middle");
    body_ += fmt::format(
        "<text transform='translate({:.1f},{:.1f}) rotate(-90)' text-anchor='middle' "
        "font-size='12'>{}</text>\n",
        left_ - 48, top_ + height_ / 2, y_.label);
    body_ += fmt::format("<rect x='{}' y='{}' width='{}' height='{}' fill='none' stroke='#888'/>\n", left_,
                         top_, width_, height_);
    ticks();
  }

  void curve(const points& values, const std::string& color, const std::string& name) {
    std::string path;
    for (const auto& [x, y] : values)
      if (y > 0) path += fmt::format("{}{:.2f},{:.2f}", path.empty() ? "M" : " L", at_x(x), at_y(y));
    body_ += fmt::format("<path d='{}' fill='none' stroke='{}' stroke-width='1.8'/>\n", path, color);
    legend(color, name);
  }

  /// Bars `width` wide, in units of x, from the bottom of the chart.
  void bars(const points& values, double width, const std::string& color, const std::string& name) {
    for (const auto& [x, y] : values) {
      if (y < y_.from) continue;
      body_ += fmt::format(
          "<rect x='{:.2f}' y='{:.2f}' width='{:.2f}' height='{:.2f}' fill='{}' fill-opacity='0.45'/>\n",
          at_x(x - width / 2), at_y(y), std::max(at_x(x + width / 2) - at_x(x - width / 2), 0.5),
          top_ + height_ - at_y(y), color);
    }
    legend(color, name);
  }

  /// A dashed line at `x` with its name beside it.
  void mark(double x, const std::string& color, const std::string& name) {
    const double at = at_x(x), label = top_ + 14 + 15 * marks_++;
    body_ += fmt::format("<path d='M{0:.2f},{1} V{2}' stroke='{3}' stroke-dasharray='5 3'/>\n", at, top_,
                         top_ + height_, color);
    const bool leftwards = at > left_ + 0.75 * width_;
    text(leftwards ? at - 4 : at + 4, label, name, leftwards ? "end" : "start");
  }

  /// The page of some charts.
  static std::string page(double width, double height, const std::vector<svg_chart>& charts) {
    std::string svg = fmt::format(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' viewBox='0 0 {0} {1}' "
        "font-family='sans-serif'>\n"
        "<rect width='100%' height='100%' fill='white'/>\n",
        width, height);
    for (const svg_chart& chart : charts) svg += chart.body_;
    return svg + "</svg>\n";
  }

 private:
  static constexpr double width_ = 430, height_ = 300;

  double at_x(double x) const {
    return left_ + width_ * std::clamp((x - x_.from) / (x_.to - x_.from), 0.0, 1.0);
  }
  double at_y(double y) const {
    const double part = std::log(y / y_.from) / std::log(y_.to / y_.from);
    return top_ + height_ * (1 - std::clamp(part, 0.0, 1.0));
  }

  void ticks() {
    const double step = round_step((x_.to - x_.from) / 6);
    for (double x = std::ceil(x_.from / step) * step; x <= x_.to + 1e-9 * step; x += step)
      text(at_x(x), top_ + height_ + 18, fmt::format("{:.3g}", std::fabs(x) < step / 2 ? 0 : x), "middle");
    for (double power = std::ceil(std::log10(y_.from) - 1e-9); power <= std::log10(y_.to) + 1e-9; ++power) {
      const double y = std::pow(10, power);
      body_ += fmt::format("<path d='M{},{:.2f} h{}' stroke='#ddd'/>\n", left_, at_y(y), width_);
      text(left_ - 6, at_y(y) + 4, fmt::format("1e{}", std::lround(power)), "end");
    }
  }

  /// 1, 2 or 5 times a power of ten, not below `least`.
  static double round_step(double least) {
    const double power = std::pow(10, std::floor(std::log10(least)));
    for (const double factor : {1.0, 2.0, 5.0})
      if (factor * power >= least) return factor * power;
    return 10 * power;
  }

  /// Names stand in a row under the chart, where nothing is drawn.
  void legend(const std::string& color, const std::string& name) {
    const double x = left_ + 10 + 200 * entries_++, y = top_ + height_ + 60;
    body_ += fmt::format("<rect x='{}' y='{}' width='12' height='8' fill='{}'/>\n", x, y - 8, color);
    text(x + 18, y, name, "start");
  }

  /// Names come from files: what XML would read as its own is written out.
  static std::string escaped(const std::string& what) {
    std::string safe;
    for (const char c : what)
      safe += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
    return safe;
  }

  void text(double x, double y, const std::string& what, const char* anchor, int size = 12) {
    body_ += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='{}' font-size='{}'>{}</text>\n", x, y,
                         anchor, size, escaped(what));
  }

  double left_, top_;
  axis x_, y_;
  int marks_ = 0, entries_ = 0;
  std::string body_;
};
