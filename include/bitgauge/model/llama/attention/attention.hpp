#pragma once

/// \file
/// Causal attention of grouped queries.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/kernel/packed_floats.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/attention/kv_cache.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/transform/rotation.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace bitgauge::llama {
namespace detail {

/// Memory that attention works in.
struct attention_scratch {
  std::vector<float> keys, values, queries, weights, sums;
};
inline bitgauge::detail::scratch_pool<attention_scratch>& attention_scratches() {
  static bitgauge::detail::scratch_pool<attention_scratch> pool;
  return pool;
}

/// Attention of the queries that share one head of keys and values: those of all its heads of a token, then of the next
/// token, 32 at once. One reading of the keys and values serves all of them.
class shared_attention {
 public:
  static constexpr index_t together = kernel::float_panel_rows;

  shared_attention(const config& c, const row_matrix& queries, index_t shared, index_t first,
                   const rotation* rotated, attention_scratch& scratch, row_matrix& out)
      : queries_(queries),
        out_(out),
        rotated_(rotated),
        scratch_(scratch),
        size_(c.head_size),
        first_(first) {
    group_ = c.heads / c.key_heads;
    column_ = shared * group_ * size_;
  }

  /// All queries.
  index_t count() const noexcept { return queries_.rows() * group_; }
  /// Up to 32 of them from `begin` on. `keys`: a column a token, `values`: a column an element.
  void attend(index_t begin, numeric::matrix_view<const float> keys,
              numeric::matrix_view<const float> values) {
    const index_t heads = std::min(together, count() - begin);
    const index_t seen = first_ + token_of(begin + heads - 1) + 1;
    step_ = heads > together / 2 ? together : together / 2;
    pack_queries(begin, heads);
    multiply(scratch_.queries, heads, {keys.data, keys.rows, seen, keys.stride}, scratch_.weights);
    softmax(begin, heads, seen);
    multiply(scratch_.weights, heads, {values.data, seen, values.cols, values.stride}, scratch_.sums);
    for (index_t i = 0; i < heads; ++i) {
      float* const to = out_.data() + place_of(begin + i);
      for (index_t e = 0; e < size_; ++e)
        to[e] = scratch_.sums[static_cast<std::size_t>(e * step_ + i)] / totals_[static_cast<std::size_t>(i)];
      if (rotated_ != nullptr) rotated_->restore_weights(std::span(to, static_cast<std::size_t>(size_)));
    }
  }

 private:
  index_t token_of(index_t query) const noexcept { return query / group_; }
  index_t place_of(index_t query) const noexcept {
    return token_of(query) * queries_.cols() + column_ + query % group_ * size_;
  }

  /// out[column of x][query] = sum over rows r of queries[r][query] x(r, column).
  void multiply(const std::vector<float>& queries, index_t heads, numeric::matrix_view<const float> x,
                std::vector<float>& out) const {
    out.resize(static_cast<std::size_t>(x.cols * step_));
    kernel::multiply_float_panel({.weights = queries.data(),
                                  .columns = x.rows,
                                  .rows = heads,
                                  .panel_rows = step_,
                                  .x = x.data,
                                  .samples = x.cols,
                                  .x_stride = x.stride,
                                  .y = out.data(),
                                  .y_stride = step_});
  }

  /// scratch_.queries[element][query].
  void pack_queries(index_t begin, index_t heads) {
    scratch_.queries.assign(static_cast<std::size_t>(size_ * step_), 0.0f);
    std::vector<float>& query = scratch_.sums;
    query.resize(static_cast<std::size_t>(size_ * step_));
    for (index_t i = 0; i < heads; ++i) {
      std::copy_n(queries_.data() + place_of(begin + i), size_, query.data());
      if (rotated_ != nullptr)
        rotated_->change_input(std::span(query.data(), static_cast<std::size_t>(size_)));
      for (index_t e = 0; e < size_; ++e)
        scratch_.queries[static_cast<std::size_t>(e * step_ + i)] = query[static_cast<std::size_t>(e)];
    }
  }

  /// scratch_.weights[token][query] = exp(scale (w - largest)) of the tokens that a query sees, else 0; their sums in
  /// totals_.
  void softmax(index_t begin, index_t heads, index_t seen) {
    using four = Eigen::Array4f;
    const float scale = 1 / std::sqrt(static_cast<float>(size_));
    const index_t fours = (heads + 3) / 4, seen_by_all = first_ + token_of(begin) + 1;
    const auto at = [&](index_t t, index_t i) {
      return Eigen::Map<four>(scratch_.weights.data() + t * step_ + 4 * i);
    };
    const auto set_unseen = [&](float value) {
      for (index_t t = seen_by_all; t < seen; ++t)
        for (index_t i = 0; i < heads; ++i)
          if (t > first_ + token_of(begin + i))
            scratch_.weights[static_cast<std::size_t>(t * step_ + i)] = value;
    };
    set_unseen(lowest);
    std::array<four, static_cast<std::size_t>(together / 4)> largest, sums;
    largest.fill(four::Constant(lowest));
    sums.fill(four::Zero());
    for (index_t t = 0; t < seen; ++t)
      for (index_t i = 0; i < fours; ++i) {
        four& most = largest[static_cast<std::size_t>(i)];
        most = most.max(at(t, i));
      }
    for (index_t t = 0; t < seen; ++t)
      for (index_t i = 0; i < fours; ++i) {
        const four weight = (scale * (at(t, i) - largest[static_cast<std::size_t>(i)])).exp();
        at(t, i) = weight;
        sums[static_cast<std::size_t>(i)] += weight;
      }
    set_unseen(0);
    for (index_t i = 0; i < fours; ++i) four::Map(totals_.data() + 4 * i) = sums[static_cast<std::size_t>(i)];
  }

  static constexpr float lowest = std::numeric_limits<float>::lowest();

  const row_matrix& queries_;
  row_matrix& out_;
  const rotation* rotated_;
  attention_scratch& scratch_;
  index_t size_, first_, group_ = 1, column_ = 0, step_ = together;
  std::array<float, static_cast<std::size_t>(together)> totals_{};
};

}  // namespace detail

/// softmax(K q / sqrt(head size)) V of each query, which sees the tokens up to its own; heads / key_heads heads of
/// queries share one of keys and values (Ainslie et al., 2023), which is read once for all of them. `queries`: rows are
/// the tokens from `first` on, whose keys and values the cache has got. The same bits for any number of threads.
inline row_matrix attend(const config& c, const row_matrix& queries, const kv_cache& cache, index_t layer,
                         index_t first, int threads) {
  const index_t tokens = queries.rows(), end = first + tokens;
  row_matrix out(tokens, c.query_width());
  constexpr index_t step = detail::shared_attention::together;
  const index_t count = tokens * (c.heads / c.key_heads), tiles = (count + step - 1) / step;
  threads = bitgauge::detail::threads_worth(2 * tokens * end * c.query_width(), threads);
  // codes are decoded once for all queries of a head
  const index_t shares = cache.is_coded() ? 1 : tiles;
  parallel_for(c.key_heads * shares, threads, [&](index_t item) {
    const index_t shared = item / shares, tile = item % shares;
    const auto scratch = detail::attention_scratches().borrow();
    const auto keys = cache.keys(layer, shared, end, scratch->keys);
    const auto values = cache.values(layer, shared, end, scratch->values);
    detail::shared_attention own(c, queries, shared, first, cache.rotated(), *scratch, out);
    for (index_t i = tile; i < tiles; i += shares) own.attend(i * step, keys, values);
  });
  return out;
}

}  // namespace bitgauge::llama
