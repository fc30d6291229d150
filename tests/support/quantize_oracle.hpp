#pragma once

/// \file
/// Quantizing by the definition: element by element, in double and integers, and with Eigen's 16-bit floats.
/// Shares no arithmetic with the library. A product or quotient of two binary32 numbers that is computed in
/// double and then rounded is the correctly rounded one (53 >= 2 * 24 + 2, Figueroa, ARITH 12, 1995).

#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/scale/storage.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <vector>

namespace test {

using bitgauge::integer_grid;

struct oracle_result {
  Eigen::MatrixXi codes;
  Eigen::MatrixXf values;
  std::vector<double> scales;
  std::vector<int> zero_points;
};

inline double stored_scale(double scale, bitgauge::scale_type type) {
  if (scale <= 0) return 0;
  if (type == bitgauge::scale_type::f16)
    return std::max(0x1p-24, static_cast<double>(static_cast<float>(Eigen::half(static_cast<float>(scale)))));
  const double floored = std::max(0x1p-126, scale);
  if (type == bitgauge::scale_type::f32) return floored;
  return static_cast<double>(static_cast<float>(Eigen::bfloat16(static_cast<float>(floored))));
}

/// rint(low / scale), where a distance of `tie` from a half goes to the even neighbour.
inline int rint_of_quotient(double low, double scale, double tie) {
  const double quotient = low / scale, whole = std::floor(quotient), part = quotient - whole;
  if (std::fabs(part - 0.5) <= tie * std::fabs(quotient))
    return static_cast<int>(std::fmod(whole, 2) == 0 ? whole : whole + 1);
  return static_cast<int>(part < 0.5 ? whole : whole + 1);
}

/// Number of the group of an element, in the order of the groups' first elements.
inline long group_number(bitgauge::granularity how, Eigen::Index cols, Eigen::Index r, Eigen::Index c) {
  using kind = bitgauge::granularity::kind;
  if (how.what == kind::tensor) return 0;
  if (how.what == kind::row) return r;
  if (how.what == kind::column) return c;
  return r * ((cols + how.size - 1) / how.size) + c / how.size;
}

/// Min-max (on symmetric grids absmax; one bit: mean magnitude) and rounding to nearest even.
inline oracle_result quantize_by_definition(const Eigen::MatrixXf& x, const integer_grid& grid,
                                            bitgauge::granularity how, bitgauge::scale_type storage) {
  std::map<long, std::vector<double>> groups;
  for (Eigen::Index r = 0; r < x.rows(); ++r)
    for (Eigen::Index c = 0; c < x.cols(); ++c)
      groups[group_number(how, x.cols(), r, c)].push_back(static_cast<double>(x(r, c)));

  const bool one_bit = grid.width == 1 && !grid.has_zero_point;
  oracle_result result{Eigen::MatrixXi(x.rows(), x.cols()), Eigen::MatrixXf(x.rows(), x.cols()), {}, {}};
  for (const auto& [number, values] : groups) {
    double low = 0, high = 0, magnitudes = 0;
    for (const double v : values) {
      low = std::min(low, v);
      high = std::max(high, v);
      magnitudes += std::fabs(v);
    }
    double scale = std::max(-low, high) / static_cast<double>(grid.steps);
    if (one_bit) scale = magnitudes / static_cast<double>(values.size());
    if (grid.has_zero_point)
      scale = static_cast<double>(static_cast<float>(high - low)) / (grid.highest - grid.lowest);
    scale = static_cast<double>(static_cast<float>(scale));
    const double wanted = scale;
    scale = stored_scale(std::max(scale, static_cast<double>(grid.smallest_scale)), storage);
    if (one_bit && scale > 2 * wanted) scale = 0;  // sum (|v| - scale)^2 > sum v^2: zeros are nearer
    int zero_point = grid.center;
    if (grid.has_zero_point)
      zero_point = scale == 0 ? 0
                              : std::clamp(grid.lowest - rint_of_quotient(low, scale, 0x1p-22), grid.lowest,
                                           grid.highest);
    result.scales.push_back(scale);
    result.zero_points.push_back(zero_point);
  }

  for (Eigen::Index r = 0; r < x.rows(); ++r)
    for (Eigen::Index c = 0; c < x.cols(); ++c) {
      const auto group = static_cast<std::size_t>(group_number(how, x.cols(), r, c));
      const double scale = result.scales[group];
      const int zero_point = result.zero_points[group];
      const double inverse = scale > 0 ? static_cast<double>(static_cast<float>(1 / scale)) : 0;
      const auto steps = static_cast<double>(static_cast<float>(static_cast<double>(x(r, c)) * inverse));
      double code = std::nearbyint(std::clamp(steps, -1000.0, 1000.0)) + zero_point;
      code = std::clamp<double>(code, grid.lowest, grid.highest);
      if (one_bit) code = x(r, c) < 0 && scale > 0 ? -1 : 1;
      result.codes(r, c) = static_cast<int>(code);
      result.values(r, c) = static_cast<float>(scale * (code - zero_point));
    }
  return result;
}

/// Every integer grid that has a name: all widths, signed and unsigned, full and restricted, torch's.
inline std::vector<integer_grid> all_integer_grids() {
  std::vector<integer_grid> grids;
  const auto add = [&](const integer_grid& grid) {
    if (std::find(grids.begin(), grids.end(), grid) == grids.end()) grids.push_back(grid);
  };
  for (int bits = 1; bits <= 8; ++bits)
    for (const bool first : {false, true})
      for (const bool second : {false, true}) {
        for (const bool torch : {false, true})
          add(bitgauge::make_symmetric(bits, {.full = first, .unsigned_codes = second, .torch = torch}));
        // torch's own ties of zero points are in the reference vectors
        add(bitgauge::make_affine(bits, {.signed_codes = first, .restricted = second}));
      }
  return grids;
}

/// Values of many magnitudes, with zeros and both signs, the same on every system.
inline Eigen::MatrixXf random_matrix(Eigen::Index rows, Eigen::Index cols, std::uint32_t seed) {
  std::mt19937 generator(seed);
  return Eigen::MatrixXf::NullaryExpr(rows, cols, [&generator]() {
    const auto mantissa = static_cast<float>(static_cast<std::int32_t>(generator()));
    const int exponent = static_cast<int>(generator() % 8) - 36;
    return generator() % 16 == 0 ? 0.0f : std::ldexp(mantissa, exponent);
  });
}

}  // namespace test
