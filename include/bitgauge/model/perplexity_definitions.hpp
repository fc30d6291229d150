#pragma once

/// \file
/// What perplexity.hpp declares.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/attention/kv_cache.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/log_probabilities.hpp>
#include <bitgauge/model/perplexity.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
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

/// How many windows are read. Raises shape_error where there is none, data_error for a token outside the vocabulary.
inline index_t count_windows(const llama::model& m, std::span<const llama::token> tokens,
                             const perplexity_options& o) {
  const auto count = static_cast<index_t>(tokens.size());
  if (o.context < 1)
    raise_message<shape_error>({"perplexity: expected a context of at least 1, found ", o.context});
  index_t windows = count > 0 ? (count - 1) / o.context : 0;
  if (o.windows > 0) windows = std::min(windows, o.windows);
  if (windows < 1)
    raise_message<shape_error>({"perplexity: expected more than ", o.context,
                                " tokens, those of a window and one to predict, found ", count});
  const index_t vocabulary = m.settings().vocabulary;
  for (index_t i = 0; i <= windows * o.context; ++i)
    if (const llama::token t = tokens[static_cast<std::size_t>(i)]; t < 0 || t >= vocabulary)
      raise_message<data_error>({"token ", i, ": expected 0 to ", vocabulary - 1, ", found ", t});
  return windows;
}

/// Raises shape_error unless the base fits the windows of a model.
inline void check_base(const llama::model& m, const perplexity_options& o, index_t windows) {
  const index_t vocabulary = m.settings().vocabulary;
  if (o.base != nullptr && o.base->settings().vocabulary != vocabulary)
    raise_message<shape_error>(
        {"perplexity: expected a base of ", vocabulary, " tokens, found ", o.base->settings().vocabulary});
  if (o.base_logits == nullptr) return;
  const window_logits& base = *o.base_logits;
  if (base.context != o.context || std::ssize(base.logits) < windows)
    raise_message<shape_error>({"perplexity: expected logits of a base over ", windows, " windows of ",
                                o.context, " tokens, found ", base.logits.size(), " of ", base.context});
  if (base.logits.front().cols() != vocabulary)
    raise_message<shape_error>(
        {"perplexity: expected a base of ", vocabulary, " tokens, found ", base.logits.front().cols()});
}

/// Calls body(window, its tokens and one more): windows know nothing of each other, and threads take whole ones.
template <class Body>
void for_each_window(std::span<const llama::token> tokens, const perplexity_options& o, index_t windows,
                     const Body& body) {
  std::mutex reporting;
  index_t done = 0;
  parallel_for(windows, o.threads, [&](index_t w) {
    if (o.cancel && o.cancel()) raise(cancelled("cancelled by the caller (perplexity_options::cancel)"));
    body(w, tokens.subspan(static_cast<std::size_t>(w * o.context), static_cast<std::size_t>(o.context + 1)));
    const std::lock_guard lock(reporting);
    ++done;
    if (o.progress) o.progress(done, windows);
  });
}

/// `tokens`: those of the window and one more. `base`: the logits of the base, or none.
inline window_figures compare_window(std::span<const llama::token> tokens, const row_matrix& logits,
                                     const row_matrix* base) {
  window_figures sums;
  std::vector<double> p, q;
  const auto largest = [](const std::vector<double>& x) {
    return std::max_element(x.begin(), x.end()) - x.begin();
  };
  for (index_t t = 0; t < logits.rows(); ++t) {
    const auto target = static_cast<std::size_t>(tokens[static_cast<std::size_t>(t + 1)]);
    log_probabilities(logits.data() + t * logits.cols(), logits.cols(), p);
    sums.bits -= p[target];
    if (base == nullptr) continue;
    log_probabilities(base->data() + t * base->cols(), base->cols(), q);
    sums.base_bits -= q[target];
    sums.divergence += divergence_of(q, p);
    sums.same_top += largest(p) == largest(q);
  }
  const auto count = static_cast<double>(logits.rows());
  return {sums.bits / count, sums.base_bits / count, sums.divergence / count, sums.same_top};
}

}  // namespace detail

BITGAUGE_DEFINE perplexity_report perplexity(const llama::model& m, std::span<const llama::token> tokens,
                                             const perplexity_options& o) {
  const index_t windows = detail::count_windows(m, tokens, o);
  detail::check_base(m, o, windows);
  const bool has_base = o.base != nullptr || o.base_logits != nullptr;
  std::vector<detail::window_figures> found(static_cast<std::size_t>(windows));
  detail::for_each_window(tokens, o, windows, [&](index_t w, std::span<const llama::token> own) {
    const auto inputs = own.first(own.size() - 1);
    const auto at = static_cast<std::size_t>(w);
    const row_matrix logits = detail::logits_of(m, inputs, o.kv, o.threads);
    row_matrix streamed;
    const row_matrix* base = o.base_logits != nullptr ? &o.base_logits->logits[at] : nullptr;
    if (base == nullptr && has_base) {
      streamed = detail::logits_of(*o.base, inputs, {}, o.threads);
      base = &streamed;
    }
    found[at] = detail::compare_window(own, logits, base);
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
  if (has_base)
    report.against = {window_mean::of(base_bits), window_mean::of(lost), window_mean::of(divergence),
                      static_cast<double>(same) / static_cast<double>(report.predicted)};
  return report;
}

BITGAUGE_DEFINE window_logits logits_of_windows(const llama::model& m, std::span<const llama::token> tokens,
                                                const perplexity_options& o) {
  const index_t windows = detail::count_windows(m, tokens, o);
  window_logits kept{.context = o.context};
  kept.logits.resize(static_cast<std::size_t>(windows));
  detail::for_each_window(tokens, o, windows, [&](index_t w, std::span<const llama::token> own) {
    kept.logits[static_cast<std::size_t>(w)] =
        detail::logits_of(m, own.first(own.size() - 1), o.kv, o.threads);
  });
  return kept;
}

}  // namespace bitgauge
