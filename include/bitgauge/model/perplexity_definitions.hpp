#pragma once

/// \file
/// What perplexity.hpp declares.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/row_matrix.hpp>
#include <bitgauge/model/llama/kv_cache.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/log_probabilities.hpp>
#include <bitgauge/model/perplexity.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

namespace bitgauge {
namespace detail {

/// What one window shows, in bits a token.
struct window_figures {
  double bits = 0, base_bits = 0, divergence = 0;
  index_t same_top = 0;
};

inline row_matrix logits_of(const llama::model& m, std::span<const llama::token> inputs,
                            const llama::kv_options& kv, int threads) {
  llama::kv_cache cache(m.settings(), static_cast<index_t>(inputs.size()), kv);
  llama::forward_options o;
  o.threads = threads;
  return m.forward(inputs, cache, o);
}

/// `tokens`: those of the window and one more.
inline window_figures read_window(const llama::model& m, std::span<const llama::token> tokens,
                                  const perplexity_options& o) {
  const auto inputs = tokens.first(tokens.size() - 1);
  const row_matrix logits = logits_of(m, inputs, o.kv, o.threads);
  row_matrix base;
  if (o.base != nullptr) base = logits_of(*o.base, inputs, {}, o.threads);
  window_figures sums;
  std::vector<double> p, q;
  const auto largest = [](const std::vector<double>& x) {
    return std::max_element(x.begin(), x.end()) - x.begin();
  };
  for (index_t t = 0; t < logits.rows(); ++t) {
    const auto target = static_cast<std::size_t>(tokens[static_cast<std::size_t>(t + 1)]);
    log_probabilities(logits.data() + t * logits.cols(), logits.cols(), p);
    sums.bits -= p[target];
    if (o.base == nullptr) continue;
    log_probabilities(base.data() + t * base.cols(), base.cols(), q);
    sums.base_bits -= q[target];
    sums.divergence += divergence_of(q, p);
    sums.same_top += largest(p) == largest(q);
  }
  const auto count = static_cast<double>(inputs.size());
  return {sums.bits / count, sums.base_bits / count, sums.divergence / count, sums.same_top};
}

}  // namespace detail

BITGAUGE_DEFINE perplexity_report perplexity(const llama::model& m, std::span<const llama::token> tokens,
                                             const perplexity_options& o) {
  const auto count = static_cast<index_t>(tokens.size());
  if (o.context < 1)
    detail::raise_message<shape_error>({"perplexity: expected a context of at least 1, found ", o.context});
  index_t windows = count > 0 ? (count - 1) / o.context : 0;
  if (o.windows > 0) windows = std::min(windows, o.windows);
  if (windows < 1)
    detail::raise_message<shape_error>({"perplexity: expected more than ", o.context,
                                        " tokens, those of a window and one to predict, found ", count});
  if (o.base != nullptr && o.base->settings().vocabulary != m.settings().vocabulary)
    detail::raise_message<shape_error>({"perplexity: expected a base of ", m.settings().vocabulary,
                                        " tokens, found ", o.base->settings().vocabulary});
  const index_t vocabulary = m.settings().vocabulary;
  for (index_t i = 0; i <= windows * o.context; ++i)
    if (tokens[static_cast<std::size_t>(i)] < 0 || tokens[static_cast<std::size_t>(i)] >= vocabulary)
      detail::raise_message<data_error>(
          {"token ", i, ": expected 0 to ", vocabulary - 1, ", found ", tokens[static_cast<std::size_t>(i)]});

  std::vector<detail::window_figures> found(static_cast<std::size_t>(windows));
  std::mutex reporting;
  index_t done = 0;
  // windows know nothing of each other: threads take whole ones
  parallel_for(windows, o.threads, [&](index_t w) {
    if (o.cancel && o.cancel()) raise(cancelled("cancelled by the caller (perplexity_options::cancel)"));
    found[static_cast<std::size_t>(w)] = detail::read_window(
        m, tokens.subspan(static_cast<std::size_t>(w * o.context), static_cast<std::size_t>(o.context + 1)),
        o);
    const std::lock_guard lock(reporting);
    ++done;
    if (o.progress) o.progress(done, windows);
  });
  std::vector<double> bits, base_bits, lost, divergence;
  index_t same = 0;
  for (const detail::window_figures& window : found) {
    bits.push_back(window.bits);
    base_bits.push_back(window.base_bits);
    lost.push_back(window.bits - window.base_bits);
    divergence.push_back(window.divergence);
    same += window.same_top;
  }
  perplexity_report report;
  report.windows = windows;
  report.predicted = windows * o.context;
  report.bits = window_mean::of(bits);
  if (o.base != nullptr)
    report.against = {window_mean::of(base_bits), window_mean::of(lost), window_mean::of(divergence),
                      static_cast<double>(same) / static_cast<double>(report.predicted)};
  return report;
}

}  // namespace bitgauge
