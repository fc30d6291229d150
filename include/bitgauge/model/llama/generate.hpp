#pragma once

/// \file
/// Text from a language model, token by token.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/attention/kv_cache.hpp>
#include <bitgauge/model/llama/model.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <vector>

namespace bitgauge::llama {

/// How the next token is chosen.
struct generate_options {
  index_t tokens = 128;    ///< at most
  double temperature = 0;  ///< 0: the most likely one; else drawn with probabilities ~ p^(1 / temperature)
  std::uint64_t seed = 0;  ///< of the draws: the same tokens on every run
  token end = -1;          ///< ends the text
  kv_options kv{};         ///< how keys and values are kept
  int threads = 0;
};

/// Draws the next token of logits.
class sampler {
 public:
  explicit sampler(const generate_options& o) : temperature_(o.temperature), random_(o.seed) {
    if (!(o.temperature >= 0) || !std::isfinite(o.temperature))
      bitgauge::detail::raise_message<data_error>(
          {"temperature: expected a number from 0 up, found another"});
  }
  token operator()(const float* logits, index_t count) {
    const float* const top = std::max_element(logits, logits + count);
    if (temperature_ == 0) return static_cast<token>(top - logits);
    std::vector<double> sums(static_cast<std::size_t>(count));
    double sum = 0;
    for (index_t i = 0; i < count; ++i) {
      sum += std::exp((static_cast<double>(logits[i]) - static_cast<double>(*top)) / temperature_);
      sums[static_cast<std::size_t>(i)] = sum;
    }
    const double draw = static_cast<double>(random_() >> 11) * 0x1p-53 * sum;
    const auto found = std::upper_bound(sums.begin(), sums.end(), draw);
    return static_cast<token>(std::min<index_t>(found - sums.begin(), count - 1));
  }

 private:
  double temperature_;
  std::mt19937_64 random_;
};

/// Continues `prompt`: calls take(token) for each new token, from this thread, and stops where it returns false, at
/// o.end, after o.tokens tokens, or where the model's context is full. Throws shape_error for a prompt that is empty
/// or does not fit the context.
inline void generate(const model& m, std::span<const token> prompt, const generate_options& o,
                     const std::function<bool(token)>& take) {
  const auto size = static_cast<index_t>(prompt.size()), context = m.settings().context;
  if (size < 1 || size > context)
    bitgauge::detail::raise_message<shape_error>(
        {"generate: expected a prompt of 1 to ", context, " tokens, found ", size});
  sampler next(o);
  kv_cache cache(m.settings(), std::min(context, size + o.tokens), o.kv);
  forward_options forward;
  forward.last_only = true;
  forward.threads = o.threads;
  std::vector<token> given(prompt.begin(), prompt.end());
  for (index_t i = 0; i < o.tokens; ++i) {
    const row_matrix logits = m.forward(given, cache, forward);
    const token chosen = next(logits.data(), logits.cols());
    if (chosen == o.end || !take(chosen) || cache.size() == cache.capacity()) return;
    given.assign(1, chosen);
  }
}

}  // namespace bitgauge::llama
