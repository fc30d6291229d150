#pragma once

/// \file
/// What perplexity.hpp declares.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/model/llama/kv_cache.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/log_probabilities.hpp>
#include <bitgauge/model/perplexity.hpp>
#include <bitgauge/transform/transform.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace bitgauge {
namespace detail {

/// Sums of one model over windows.
class perplexity_sums {
 public:
  perplexity_sums(const llama::model& m, index_t context, const llama::kv_options& kv)
      : model_(m), cache_(m.settings(), context, kv) {}

  /// The logits of a window.
  row_matrix read(std::span<const llama::token> inputs, int threads) {
    cache_.clear();
    llama::forward_options o;
    o.threads = threads;
    return model_.forward(inputs, cache_, o);
  }

 private:
  const llama::model& model_;
  llama::kv_cache cache_;
};

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

  detail::perplexity_sums own(m, o.context, o.kv);
  std::optional<detail::perplexity_sums> other;
  if (o.base != nullptr) other.emplace(*o.base, o.context, llama::kv_options{});
  std::vector<double> bits, base_bits, lost, divergence, p, q;
  index_t same = 0;
  for (index_t w = 0; w < windows; ++w) {
    if (o.cancel && o.cancel()) raise(cancelled("cancelled by the caller (perplexity_options::cancel)"));
    const auto inputs =
        tokens.subspan(static_cast<std::size_t>(w * o.context), static_cast<std::size_t>(o.context));
    const row_matrix logits = own.read(inputs, o.threads);
    row_matrix base;
    if (other) base = other->read(inputs, o.threads);
    double sum = 0, base_sum = 0, apart = 0;
    for (index_t t = 0; t < o.context; ++t) {
      const auto target = static_cast<std::size_t>(tokens[static_cast<std::size_t>(w * o.context + t + 1)]);
      detail::log_probabilities(logits.data() + t * vocabulary, vocabulary, p);
      sum -= p[target];
      if (!other) continue;
      detail::log_probabilities(base.data() + t * vocabulary, vocabulary, q);
      base_sum -= q[target];
      for (std::size_t i = 0; i < q.size(); ++i) apart += std::exp2(q[i]) * (q[i] - p[i]);
      same += std::max_element(p.begin(), p.end()) - p.begin() ==
              std::max_element(q.begin(), q.end()) - q.begin();
    }
    const auto tokens_of_window = static_cast<double>(o.context);
    bits.push_back(sum / tokens_of_window);
    base_bits.push_back(base_sum / tokens_of_window);
    lost.push_back(bits.back() - base_bits.back());
    divergence.push_back(apart / tokens_of_window);
    if (o.progress) o.progress(w + 1, windows);
  }
  perplexity_report report;
  report.windows = windows;
  report.predicted = windows * o.context;
  report.bits = window_mean::of(bits);
  if (other)
    report.against = {window_mean::of(base_bits), window_mean::of(lost), window_mean::of(divergence),
                      static_cast<double>(same) / static_cast<double>(report.predicted)};
  return report;
}

}  // namespace bitgauge
