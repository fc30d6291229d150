#pragma once

/// \file
/// The choices of ONNX Runtime's histogram calibration (quantization/calibrate.py, HistogramCollector).

#include <bitgauge/range/observer/divergence.hpp>
#include <bitgauge/range/observer/histogram.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace bitgauge::onnx_runtime {

namespace detail {

/// Index of the first bin at which the share of counts reaches `share`.
inline std::size_t bin_at(const histogram& h, double share) {
  const double total = h.total();
  double sum = 0;
  for (std::size_t i = 0; i < h.bins(); ++i) {
    sum += h.counts[i] / total;
    if (sum >= share) return i;
  }
  return h.bins();
}

/// The edges, cut to the data's extent.
inline interval between_edges(const histogram& h, std::size_t low, std::size_t high) {
  return {std::max(static_cast<float>(h.edge(low)), h.smallest),
          std::min(static_cast<float>(h.edge(high)), h.largest)};
}

/// NumPy's sum of binary32: eight partial sums for up to 128 terms, halves of more.
inline float pairwise_sum(std::span<const float> terms) {
  const std::size_t count = terms.size();
  if (count > 128) {
    const std::size_t half = count / 2 - count / 2 % 8;
    return pairwise_sum(terms.first(half)) + pairwise_sum(terms.subspan(half));
  }
  float partial[8] = {}, sum = 0;
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (std::size_t j = 0; j < 8; ++j) partial[j] += terms[i + j];
  if (count >= 8)
    sum = ((partial[0] + partial[1]) + (partial[2] + partial[3])) +
          ((partial[4] + partial[5]) + (partial[6] + partial[7]));
  for (; i < count; ++i) sum += terms[i];
  return sum;
}

/// Counts made to sum to 1, in binary32, after empty bins were given 1e-4 of a count by the others. Where all
/// are empty nothing is returned.
inline std::vector<float> smoothed(const std::vector<double>& counts) {
  const auto empty = static_cast<double>(std::count(counts.begin(), counts.end(), 0.0));
  const double occupied = static_cast<double>(counts.size()) - empty;
  std::vector<float> shares;
  if (occupied == 0) return shares;
  const auto taken = static_cast<float>(-1e-4 * empty / occupied);
  for (const double count : counts)
    shares.push_back(static_cast<float>(count) + (count == 0 ? 1e-4f : taken));
  const float sum = pairwise_sum(shares);
  for (float& share : shares) share /= sum;
  return shares;
}

/// D(P || Q) in the precision of the reference: where windows are nearly equal, binary32 decides between
/// them.
inline double divergence(const std::vector<float>& p, const std::vector<float>& q) {
  if (p.empty() || q.empty()) return bitgauge::detail::no_divergence;
  std::vector<float> terms;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double from = p[i], to = q[i];
    terms.push_back(static_cast<float>(from * std::log(from / to)));
  }
  return static_cast<double>(pairwise_sum(terms));
}

}  // namespace detail

/// (100 - percent) / 2 of the counts left out at each end of a signed histogram.
inline interval percentile(const histogram& h, double percent) {
  const double outside = (100 - percent) / 200;
  return detail::between_edges(h, detail::bin_at(h, outside), detail::bin_at(h, 1 - outside));
}

/// percent of the counts of a histogram of magnitudes.
inline interval symmetric_percentile(const histogram& h, double percent) {
  const auto limit = static_cast<float>(h.edge(detail::bin_at(h, percent / 100)));
  return {-limit, limit};
}

/// What the entropy method finds.
struct entropy_choice {
  interval range;
  std::size_t index = 0;            ///< of the first window of least divergence
  std::vector<double> divergences;  ///< of all windows
};

/// The window around the middle bin with the least divergence, of a histogram that reaches equally far to
/// both sides of zero. Windows reach `levels` / 2 bins and more to each side. The bins merge into `levels`
/// groups of equally many; what is left over counts to the last group but is not given back; a group's count
/// is spread over its bins as whole numbers, rounded down.
inline entropy_choice entropy(const histogram& h, std::size_t levels = 128) {
  entropy_choice choice;
  const std::size_t zero = h.bins() / 2, half = levels / 2;
  double least = bitgauge::detail::no_divergence;
  for (std::size_t i = half; i <= zero; ++i) {
    const std::size_t begin = zero - i, end = std::min(zero + i + 1, h.bins());
    std::vector<double> clipped(h.counts.begin() + static_cast<std::ptrdiff_t>(begin),
                                h.counts.begin() + static_cast<std::ptrdiff_t>(end));
    const std::vector<double> inside = clipped;
    for (std::size_t bin = 0; bin < begin; ++bin) clipped.front() += h.counts[bin];
    for (std::size_t bin = end; bin < h.bins(); ++bin) clipped.back() += h.counts[bin];

    std::vector<double> spread(inside.size());
    const std::size_t merged = inside.size() / levels;
    for (std::size_t group = 0; group < levels; ++group) {
      const std::size_t from = group * merged, to = from + merged;
      double sum = 0, occupied = 0;
      for (std::size_t bin = from; bin < (group + 1 == levels ? inside.size() : to); ++bin)
        sum += inside[bin];
      for (std::size_t bin = from; bin < to; ++bin) occupied += clipped[bin] != 0 ? 1 : 0;
      if (occupied > 0)
        std::fill_n(spread.begin() + static_cast<std::ptrdiff_t>(from), merged, std::floor(sum / occupied));
    }
    const double found = detail::divergence(detail::smoothed(clipped), detail::smoothed(spread));
    choice.divergences.push_back(found);
    if (found < least) {
      least = found;
      choice.index = i - half;
      choice.range = detail::between_edges(h, begin, end);
    }
  }
  return choice;
}

}  // namespace bitgauge::onnx_runtime
