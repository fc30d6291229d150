#pragma once

/// \file
/// The keys and values of the tokens that a model has read.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/attention/kv_channel_codes.hpp>
#include <bitgauge/model/llama/attention/kv_codes.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/transform/rotation.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <variant>
#include <vector>

namespace bitgauge::llama {

/// How keys and values are kept.
struct kv_options {
  kv_format format = kv_format::floats;
  /// A Hadamard rotation spreads the few large elements of a head over all of them before they are quantized.
  /// Queries and what comes out of attention go through it and back: nothing else changes.
  bool rotated = false;
  /// A scale for each element of keys over 32 tokens, where `format` has scales; values have one a token as ever.
  bool keys_per_channel = false;
};

/// Keys and values of every layer, in floats or codes. Floats lie head by head, those of keys token by token, those of
/// values element by element, as the two products of attention read them; codes are decoded so, one head at a time.
class kv_cache {
 public:
  /// Room for `capacity` tokens in all layers of a model, or in so many.
  kv_cache(const config& c, index_t capacity, const kv_options& o = {})
      : kv_cache(c, capacity, o, c.layers) {}
  kv_cache(const config& c, index_t capacity, const kv_options& o, index_t layers)
      : c_(c), capacity_(capacity), options_(o) {
    if (o.rotated) rotation_.emplace(c.head_size);
    for (index_t l = 0; l < layers; ++l) {
      if (o.format == kv_format::floats) {
        keys_.emplace_back(c.key_heads * capacity, c.head_size);
        values_.emplace_back(capacity, c.key_width());
      } else {
        if (o.keys_per_channel) {
          key_codes_.emplace_back(kv_channel_codes(c, capacity, o.format));
        } else {
          key_codes_.emplace_back(kv_codes(c, capacity, o.format));
        }
        value_codes_.emplace_back(c, capacity, o.format);
      }
    }
  }

  index_t capacity() const noexcept { return capacity_; }
  /// Tokens read so far.
  index_t size() const noexcept { return size_; }
  void clear() noexcept { size_ = 0; }
  /// What all of it takes, full or not.
  index_t bytes() const noexcept {
    index_t sum = 0;
    for (const row_matrix& m : keys_) sum += 2 * m.size() * static_cast<index_t>(sizeof(float));
    for (const auto& codes : key_codes_) sum += std::visit([](const auto& c) { return c.bytes(); }, codes);
    for (const kv_codes& codes : value_codes_) sum += codes.bytes();
    return sum;
  }
  /// True where keys and values are decoded whenever they are read.
  bool is_coded() const noexcept { return options_.format != kv_format::floats; }
  /// What heads go through before they are kept, or null.
  const rotation* rotated() const noexcept { return rotation_ ? &*rotation_ : nullptr; }

  /// Of the tokens that follow, rows of heads one after the other. There must be room.
  void append(index_t layer, row_matrix keys, row_matrix values) {
    rotate(keys);
    rotate(values);
    const auto l = static_cast<std::size_t>(layer);
    if (options_.format == kv_format::floats) {
      for (index_t t = 0; t < keys.rows(); ++t)
        for (index_t head = 0; head < c_.key_heads; ++head)
          std::copy_n(keys.data() + t * keys.cols() + head * c_.head_size, c_.head_size,
                      keys_[l].data() + (head * capacity_ + size_ + t) * c_.head_size);
      values_[l].middleRows(size_, values.rows()) = values;
      return;
    }
    const auto write = [&](auto& codes, const row_matrix& x) {
      for (index_t t = 0; t < x.rows(); ++t)
        for (index_t head = 0; head < c_.key_heads; ++head)
          codes.write(size_ + t, head, x.data() + t * x.cols() + head * c_.head_size);
    };
    std::visit([&](auto& codes) { write(codes, keys); }, key_codes_[l]);
    write(value_codes_[l], values);
  }
  /// Counts the tokens that have been appended to every layer.
  void advance(index_t tokens) noexcept { size_ += tokens; }

  /// Of the first `tokens` tokens of one head: keys, a column a token; values, a column an element. Codes are decoded
  /// into `scratch`.
  numeric::matrix_view<const float> keys(index_t layer, index_t head, index_t tokens,
                                         std::vector<float>& scratch) const {
    const auto l = static_cast<std::size_t>(layer);
    if (options_.format == kv_format::floats)
      return {keys_[l].data() + head * capacity_ * c_.head_size, c_.head_size, tokens, c_.head_size};
    scratch.resize(static_cast<std::size_t>(c_.head_size * tokens));
    std::visit([&](const auto& codes) { codes.read(head, tokens, scratch.data(), c_.head_size, 1); },
               key_codes_[l]);
    return {scratch.data(), c_.head_size, tokens, c_.head_size};
  }
  numeric::matrix_view<const float> values(index_t layer, index_t head, index_t tokens,
                                           std::vector<float>& scratch) const {
    const auto l = static_cast<std::size_t>(layer);
    if (options_.format == kv_format::floats)
      return {values_[l].data() + head * c_.head_size * capacity_, tokens, c_.head_size, capacity_};
    scratch.resize(static_cast<std::size_t>(c_.head_size * tokens));
    value_codes_[l].read(head, tokens, scratch.data(), 1, tokens);
    return {scratch.data(), tokens, c_.head_size, tokens};
  }

 private:
  void rotate(row_matrix& x) const {
    if (!rotation_) return;
    for (index_t at = 0; at < x.size(); at += c_.head_size)
      rotation_->change_input(std::span(x.data() + at, static_cast<std::size_t>(c_.head_size)));
  }

  config c_;
  index_t capacity_, size_ = 0;
  kv_options options_;
  std::optional<rotation> rotation_;
  std::vector<row_matrix> keys_;  // [layer][head, token][element]
  std::vector<Eigen::MatrixXf> values_;
  std::vector<std::variant<kv_codes, kv_channel_codes>> key_codes_;
  std::vector<kv_codes> value_codes_;
};

}  // namespace bitgauge::llama
