#pragma once

/// \file
/// A chart as an SVG text: axes with ticks, curves with or without markers, named dots, bars and marked positions. Enough
/// for the plots of the examples.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

/// One chart in a box of the page. Values are drawn on a linear x axis and a logarithmic y axis.
class svg_chart {
 public:
  /// The area between the axes, in pixels of the page; what is written around it takes about 60 to the left,
  /// 30 above and 70 below.
  struct box {
    double left, top, width, height;
  };
  struct axis {
    std::string label;
    double from, to;
    bool whole = false;  ///< ticks at whole numbers alone, with half a step of room on either side
  };
  using points = std::vector<std::pair<double, double>>;

  svg_chart(box area, const std::string& title, axis x, axis y)
      : area_(area), x_(std::move(x)), y_(std::move(y)), legend_at_(area.left) {
    if (x_.whole) {
      x_.from -= 0.25;
      x_.to += 0.25;
    }
    text(area_.left + area_.width / 2, area_.top - 12, title, "middle", 14);
    text(area_.left + area_.width / 2, bottom() + 36, x_.label, "middle");
    body_ += fmt::format(
        "<text transform='translate({:.1f},{:.1f}) rotate(-90)' text-anchor='middle' "
        "font-size='12'>{}</text>\n",
        area_.left - 46, area_.top + area_.height / 2, escaped(y_.label));
    ticks();
    body_ += fmt::format("<rect x='{}' y='{}' width='{}' height='{}' fill='none' stroke='#888'/>\n",
                         area_.left, area_.top, area_.width, area_.height);
  }

  /// A line through `values`; with `markers` a dot stands on each of them.
  void curve(const points& values, const std::string& color, const std::string& name, bool markers = false) {
    std::string path, dots;
    for (const auto& [x, y] : values) {
      if (!(y > 0)) continue;
      path += fmt::format("{}{:.2f},{:.2f}", path.empty() ? "M" : " L", at_x(x), at_y(y));
      if (!markers) continue;
      dots += fmt::format("<circle cx='{:.2f}' cy='{:.2f}' r='4' fill='{}'/>\n", at_x(x), at_y(y), color);
      taken_.push_back({at_x(x) - 4, at_y(y) - 4, 8, 8});
    }
    body_ += fmt::format("<path d='{}' fill='none' stroke='{}' stroke-width='1.8'/>\n{}", path, color, dots);
    legend(color, name);
  }

  /// Dots, each with a name beside it, on the first side where it covers no dot and no name drawn before: so
  /// all dots of a chart are to be given before the first names.
  void dots(const points& values, const std::string& color, const std::string& name) {
    for (const auto& [x, y] : values) {
      body_ += fmt::format("<circle cx='{:.2f}' cy='{:.2f}' r='4' fill='{}'/>\n", at_x(x), at_y(y), color);
      taken_.push_back({at_x(x) - 4, at_y(y) - 4, 8, 8});
    }
    legend(color, name);
  }
  void name_dot(double x, double y, const std::string& color, const std::string& name) {
    constexpr double height = 11;
    const double width = 6.4 * static_cast<double>(name.size()), middle = at_y(y) - height / 2;
    for (const double gap : {6.0, 12.0, 20.0, 30.0, 42.0})
      for (const auto& [left, top] : {std::pair{gap, 0.0},
                                      {-gap - width, 0.0},
                                      {gap, -gap},
                                      {gap, gap},
                                      {-gap - width, -gap},
                                      {-gap - width, gap},
                                      {-width / 2, -gap - 3}}) {
        const box place{at_x(x) + left, middle + top, width, height};
        const bool inside = place.left > area_.left && place.left + width < area_.left + area_.width &&
                            place.top > area_.top && place.top + height < bottom();
        if (!inside || std::any_of(taken_.begin(), taken_.end(),
                                   [&](const box& other) { return overlaps(place, other); }))
          continue;
        taken_.push_back(place);
        if (gap > 6)
          body_ += fmt::format("<path d='M{:.2f},{:.2f} L{:.2f},{:.2f}' stroke='{}' stroke-width='0.6'/>\n",
                               at_x(x), at_y(y), left > 0 ? place.left - 1 : place.left + width + 1,
                               place.top + height / 2, color);
        body_ += fmt::format(
            "<text x='{:.2f}' y='{:.2f}' font-size='10.5' fill='{}' stroke='white' stroke-width='2.5' "
            "paint-order='stroke'>{}</text>\n",
            place.left, place.top + height - 2, color, escaped(name));
        return;
      }
  }

  /// Bars `width` wide, in units of x, from the bottom of the chart.
  void bars(const points& values, double width, const std::string& color, const std::string& name) {
    for (const auto& [x, y] : values) {
      if (y < y_.from) continue;
      body_ += fmt::format(
          "<rect x='{:.2f}' y='{:.2f}' width='{:.2f}' height='{:.2f}' fill='{}' fill-opacity='0.45'/>\n",
          at_x(x - width / 2), at_y(y), std::max(at_x(x + width / 2) - at_x(x - width / 2), 0.5),
          bottom() - at_y(y), color);
    }
    legend(color, name);
  }

  /// A dashed line at `x` with its name beside it.
  void mark(double x, const std::string& color, const std::string& name) {
    const double at = at_x(x), label = area_.top + 14 + 15 * marks_++;
    body_ += fmt::format("<path d='M{0:.2f},{1} V{2}' stroke='{3}' stroke-dasharray='5 3'/>\n", at, area_.top,
                         bottom(), color);
    const bool leftwards = at > area_.left + 0.6 * area_.width;
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
  static bool overlaps(const box& a, const box& b) {
    return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height &&
           b.top < a.top + a.height;
  }
  double bottom() const { return area_.top + area_.height; }
  double at_x(double x) const {
    return area_.left + area_.width * std::clamp((x - x_.from) / (x_.to - x_.from), 0.0, 1.0);
  }
  double at_y(double y) const {
    const double part = std::log(y / y_.from) / std::log(y_.to / y_.from);
    return area_.top + area_.height * (1 - std::clamp(part, 0.0, 1.0));
  }

  void ticks() {
    const double wanted = round_step((x_.to - x_.from) / (area_.width / 70));
    const double step = x_.whole ? std::max(1.0, wanted) : wanted;
    for (double x = std::ceil(x_.from / step) * step; x <= x_.to + 1e-9 * step; x += step) {
      body_ += fmt::format("<path d='M{:.2f},{} v4' stroke='#888'/>\n", at_x(x), bottom());
      text(at_x(x), bottom() + 18, fmt::format("{:.3g}", std::fabs(x) < step / 2 ? 0 : x), "middle");
    }
    const auto tick = [&](double y, const std::string& name) {
      body_ += fmt::format("<path d='M{},{:.2f} h{}' stroke='#ddd'/>\n", area_.left, at_y(y), area_.width);
      text(area_.left - 6, at_y(y) + 4, name, "end");
    };
    if (y_.to < 10 * y_.from) {  // powers of ten would be one tick, or none
      const double between = round_step((y_.to - y_.from) / (area_.height / 50));
      for (double y = std::ceil(y_.from / between - 1e-9) * between; y <= y_.to + 1e-9 * between;
           y += between)
        tick(y, fmt::format("{:.3g}", y));
      return;
    }
    for (double power = std::ceil(std::log10(y_.from) - 1e-9); power <= std::log10(y_.to) + 1e-9; ++power)
      tick(std::pow(10, power), fmt::format("1e{}", std::lround(power)));
  }

  /// 1, 2 or 5 times a power of ten, not below `least`.
  static double round_step(double least) {
    const double power = std::pow(10, std::floor(std::log10(least)));
    for (const double factor : {1.0, 2.0, 5.0})
      if (factor * power >= least) return factor * power;
    return 10 * power;
  }

  /// Names stand in a row under the chart, where nothing is drawn, each after the one before; a letter of
  /// this size is seldom wider than 7 pixels.
  void legend(const std::string& color, const std::string& name) {
    const double y = bottom() + 58;
    body_ +=
        fmt::format("<rect x='{:.1f}' y='{}' width='12' height='8' fill='{}'/>\n", legend_at_, y - 8, color);
    text(legend_at_ + 18, y, name, "start");
    legend_at_ += 36 + 7 * static_cast<double>(name.size());
  }

  /// Names come from files: what XML would read as its own is written out.
  static std::string escaped(const std::string& what) {
    std::string safe;
    for (const char c : what)
      safe += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
    return safe;
  }

  /// With a white rim, so that lines below it do not cross the letters.
  void text(double x, double y, const std::string& what, const char* anchor, int size = 12) {
    body_ += fmt::format(
        "<text x='{:.1f}' y='{:.1f}' text-anchor='{}' font-size='{}' stroke='white' stroke-width='3' "
        "paint-order='stroke'>{}</text>\n",
        x, y, anchor, size, escaped(what));
  }

  box area_;
  axis x_, y_;
  double legend_at_;
  int marks_ = 0;
  std::vector<box> taken_;  ///< by dots and their names
  std::string body_;
};
