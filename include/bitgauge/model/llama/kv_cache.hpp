#pragma once

/// \file
/// The keys and values of the tokens that a model has read.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <cstddef>
#include <vector>

namespace bitgauge::llama {

/// Keys and values of every layer, in floats. Keys lie token by token, values element by element, as the two
/// products of attention read them.
class kv_cache {
 public:
  /// Room for `capacity` tokens in all layers of a model, or in so many.
  kv_cache(const config& c, index_t capacity) : kv_cache(c, capacity, c.layers) {}
  kv_cache(const config& c, index_t capacity, index_t layers) : c_(c), capacity_(capacity) {
    for (index_t l = 0; l < layers; ++l) {
      keys_.emplace_back(capacity, c.key_width());
      values_.emplace_back(capacity, c.key_width());
    }
  }

  index_t capacity() const noexcept { return capacity_; }
  /// Tokens read so far.
  index_t size() const noexcept { return size_; }
  void clear() noexcept { size_ = 0; }
  index_t bytes() const noexcept {
    return 2 * c_.layers * capacity_ * c_.key_width() * static_cast<index_t>(sizeof(float));
  }

  /// Of the tokens that follow, rows of heads one after the other. There must be room.
  void append(index_t layer, const row_matrix& keys, const row_matrix& values) {
    const auto l = static_cast<std::size_t>(layer);
    keys_[l].middleRows(size_, keys.rows()) = keys;
    values_[l].middleRows(size_, values.rows()) = values;
  }
  /// Counts the tokens that have been appended to every layer.
  void advance(index_t tokens) noexcept { size_ += tokens; }

  /// Of the first `tokens` tokens of one head: keys, a column a token; values, a column an element.
  numeric::matrix_view<const float> keys(index_t layer, index_t head, index_t tokens) const {
    const row_matrix& all = keys_[static_cast<std::size_t>(layer)];
    return {all.data() + head * c_.head_size, c_.head_size, tokens, all.cols()};
  }
  numeric::matrix_view<const float> values(index_t layer, index_t head, index_t tokens) const {
    const Eigen::MatrixXf& all = values_[static_cast<std::size_t>(layer)];
    return {all.data() + head * c_.head_size * capacity_, tokens, c_.head_size, capacity_};
  }

 private:
  config c_;
  index_t capacity_, size_ = 0;
  std::vector<row_matrix> keys_;
  std::vector<Eigen::MatrixXf> values_;
};

}  // namespace bitgauge::llama
