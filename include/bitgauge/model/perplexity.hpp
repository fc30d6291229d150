#pragma once

/// \file
/// How well a language model predicts a text, and how far another is from it.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/attention/kv_cache.hpp>
#include <bitgauge/model/llama/model.hpp>

#include <cmath>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace bitgauge {

/// A mean over windows, with its standard error: the standard deviation of the windows' means over the root of
/// their number, NaN for one window.
struct window_mean {
  double mean = 0, standard_error = 0;

  static window_mean of(std::span<const double> windows) {
    const auto n = static_cast<double>(windows.size());
    double sum = 0, squares = 0;
    for (const double x : windows) sum += x;
    for (const double x : windows) squares += (x - sum / n) * (x - sum / n);
    return {sum / n, std::sqrt(squares / (n - 1) / n)};
  }
};

/// What perplexity() has measured, over all tokens that were predicted.
struct perplexity_report {
  index_t windows = 0, predicted = 0;  ///< windows, and tokens in them
  window_mean bits{};                  ///< mean of -log2 p(token)
  /// 2^bits: e to the mean of -ln p(token).
  double perplexity() const { return std::exp2(bits.mean); }
  /// perplexity() * ln 2 * the standard error of bits.
  double perplexity_error() const { return perplexity() * std::log(2.0) * bits.standard_error; }

  /// Against a base, over the same windows.
  struct comparison {
    window_mean base_bits{};   ///< of the base
    window_mean lost_bits{};   ///< bits - base bits, window by window: its error is smaller than theirs
    window_mean divergence{};  ///< KL(base || model) in bits a token
    double same_top = 0;       ///< share of tokens where both find the same one most likely
  };
  std::optional<comparison> against{};
};

struct window_logits;

/// How perplexity() measures.
struct perplexity_options {
  index_t context = 256;               ///< tokens of a window, each from an empty cache
  index_t windows = 0;                 ///< at most; 0: all that the tokens have
  const llama::model* base = nullptr;  ///< what to compare with, in the same pass
  /// Logits of what to compare with instead, over at least the same windows.
  const window_logits* base_logits = nullptr;
  llama::kv_options kv{};  ///< how the model, not the base, keeps keys and values
  int threads = 0;
  /// After each window, from one thread at a time.
  std::function<void(index_t done, index_t total)> progress{};
  std::function<bool()> cancel{};  ///< true ends the work by the error `cancelled`
};

/// Reads `tokens` in windows: for i = 0, 1, ... while (i + 1) * context < tokens, the inputs are the tokens from
/// i * context on and the targets those that follow each; threads take whole windows. Memory: the logits of a window
/// a thread, of two with a base; none are kept. Throws shape_error where there is no window or the base has
/// another vocabulary or too few logits, data_error for a token outside the vocabulary, cancelled.
BITGAUGE_DECLARE perplexity_report perplexity(const llama::model& m, std::span<const llama::token> tokens,
                                              const perplexity_options& o = {});

/// The logits of a model over the windows of a text, to compare several models with it:
///
///     const window_logits base = logits_of_windows(m, tokens);
///     for (const llama::model& each : quantized) perplexity(each, tokens, {.base_logits = &base});
struct window_logits {
  index_t context = 0;
  std::vector<row_matrix> logits{};  ///< of each window, context x vocabulary
};

/// Those of the windows that perplexity() reads with the same options; `base` and `base_logits` are not looked at.
/// Memory: windows * context * vocabulary floats. Throws what perplexity() throws.
BITGAUGE_DECLARE window_logits logits_of_windows(const llama::model& m, std::span<const llama::token> tokens,
                                                 const perplexity_options& o = {});

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/model/perplexity_definitions.hpp>
#endif
