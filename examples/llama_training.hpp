#pragma once

/// \file
/// A llama that is frozen but for adapters beside some of its matrices: the loss of tokens, and its gradients.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/llama/rms_norm.hpp>
#include <bitgauge/training/adapters/qlora.hpp>

#include <cmath>
#include <map>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace llama_training {

namespace bg = bitgauge;
namespace llama = bitgauge::llama;
using bg::index_t;
using bg::row_matrix;
using llama::matrix_of;

/// Frozen floats with an adapter beside them: what bg::qlora is for quantized weights.
struct float_lora {
  row_matrix weights;
  bg::lora<float> adapter;

  const row_matrix& dequantized() const { return weights; }
  index_t bytes() const { return 4 * weights.size() + adapter.bytes(); }
  row_matrix forward(const row_matrix& x) const { return adapter.forward(x, weights); }
  auto backward(const row_matrix& x, const row_matrix& dy) const { return adapter.backward(x, weights, dy); }
};

/// Which matrix of which block.
using place = std::pair<index_t, matrix_of>;
using adapted_layer = std::variant<float_lora, bg::qlora<>>;
struct gradients {
  Eigen::MatrixXf A, B;
};

/// y = x s w with s = 1 / sqrt(mean(x^2) + epsilon), row by row: dx = s (w dy) - x s^3 mean(x w dy).
inline row_matrix rms_norm_backward(const row_matrix& x, const Eigen::VectorXf& weight, float epsilon,
                                    const row_matrix& dy) {
  const auto count = static_cast<float>(x.cols());
  const Eigen::ArrayXf scale = (x.rowwise().squaredNorm().array() / count + epsilon).rsqrt();
  row_matrix dx = dy * weight.asDiagonal();
  const Eigen::ArrayXf along = x.cwiseProduct(dx).rowwise().sum().array() * scale.cube() / count;
  dx = dx.array().colwise() * scale - x.array().colwise() * along;
  return dx;
}

/// -ln p(target) averaged over rows of logits, which become the gradient by them.
inline double cross_entropy(row_matrix& logits, std::span<const llama::token> targets) {
  double sum = 0;
  for (index_t t = 0; t < logits.rows(); ++t) {
    auto row = logits.row(t).array();
    row = (row - row.maxCoeff()).exp();
    row /= row.sum();
    float& p = logits(t, targets[static_cast<std::size_t>(t)]);
    sum -= std::log(static_cast<double>(p));
    p -= 1;
  }
  logits /= static_cast<float>(logits.rows());
  return sum / static_cast<double>(logits.rows());
}

/// Windows of `context` tokens go through together: row_matrix holds them one after the other.
class model {
 public:
  std::map<place, adapted_layer> adapted;  ///< all else is as in the base
  llama::input_observer observe{};         ///< may see the inputs of every matrix

  /// `base`: of floats and without biases; it has to stay.
  explicit model(const llama::model& base)
      : base_(base), c_(base.settings()), turn_(c_), turn_back_(reversed(c_)) {}

  /// The weights of the base.
  row_matrix weights(place p) const { return weights_of(base_.parts().blocks[at(p.first)][p.second]); }

  /// The loss, -ln p averaged over `targets`, and the gradients of the adapters.
  double loss(std::span<const llama::token> inputs, std::span<const llama::token> targets, index_t context,
              std::map<place, gradients>* found) const {
    row_matrix x = base_.embed(inputs);
    std::vector<trace> seen(at(c_.layers));
    for (index_t l = 0; l < c_.layers; ++l) x = forward(l, std::move(x), context, seen[at(l)]);
    const llama::output_head& head = base_.parts().output;
    row_matrix logits = base_.logits(x);
    const double mean = cross_entropy(logits, targets);
    if (found == nullptr) return mean;
    row_matrix dx = rms_norm_backward(x, head.norm, c_.norm_epsilon, logits * weights_of(head.matrix));
    for (index_t l = c_.layers; l-- > 0;) dx = backward(l, dx, context, seen[at(l)], *found);
    return mean;
  }

  /// One model, to be used as any other: each adapter added to the weights beside it.
  llama::model merged() const {
    llama::weights w = base_.parts();
    for (const auto& [p, layer] : adapted) {
      auto& matrix = w.blocks[at(p.first)].matrices[at(static_cast<index_t>(p.second))];
      matrix = matrix.with_weights(
          std::visit([](const auto& l) -> row_matrix { return l.adapter.merged(floats_of(l)); }, layer), 0);
    }
    return {c_, std::move(w)};
  }

 private:
  /// What backward() needs of a block's forward().
  struct trace {
    row_matrix x, normed, q, k, v, attended, between, network_normed, gate, up, hidden;
    std::vector<row_matrix> attention;  ///< of each head of each window, a row a query
  };

  static std::size_t at(index_t i) { return static_cast<std::size_t>(i); }
  static llama::config reversed(llama::config c) {
    c.rope_scale = -c.rope_scale;
    return c;
  }
  static const row_matrix& floats_of(const float_lora& l) { return l.weights; }
  static Eigen::MatrixXf floats_of(const bg::qlora<>& l) { return l.frozen().dequantize(); }
  static row_matrix weights_of(const llama::projection& p) {
    const auto* floats = std::get_if<bg::float_linear>(&p.layer());
    if (floats == nullptr || p.bias().size() > 0)
      bg::raise(bg::data_error("llama_training: expected matrices of floats without biases, found others"));
    return floats->weights();
  }

  row_matrix multiply(place p, const row_matrix& x) const {
    if (observe) observe(p.first, p.second, x);
    const auto layer = adapted.find(p);
    if (layer == adapted.end()) return base_.parts().blocks[at(p.first)][p.second](x);
    return std::visit([&](const auto& l) -> row_matrix { return l.forward(x); }, layer->second);
  }
  /// The gradient of x from that of what multiply() made of it.
  row_matrix multiply_backward(place p, const row_matrix& x, const row_matrix& dy,
                               std::map<place, gradients>& found) const {
    const auto layer = adapted.find(p);
    if (layer == adapted.end()) return dy * weights(p);
    auto g = std::visit([&](const auto& l) { return l.backward(x, dy); }, layer->second);
    found[p] = {std::move(g.A), std::move(g.B)};
    return std::move(g.X);
  }

  row_matrix forward(index_t l, row_matrix x, index_t context, trace& s) const {
    const llama::block& b = base_.parts().blocks[at(l)];
    s.normed = llama::rms_norm(x, b.attention_norm, c_.norm_epsilon);
    s.q = rotated(multiply({l, matrix_of::query}, s.normed), context, turn_);
    s.k = rotated(multiply({l, matrix_of::key}, s.normed), context, turn_);
    s.v = multiply({l, matrix_of::value}, s.normed);
    attend(context, s);
    s.between = x + multiply({l, matrix_of::output}, s.attended);
    s.x = std::move(x);
    s.network_normed = llama::rms_norm(s.between, b.feed_forward_norm, c_.norm_epsilon);
    s.gate = multiply({l, matrix_of::gate}, s.network_normed);
    s.up = multiply({l, matrix_of::up}, s.network_normed);
    s.hidden = s.gate.array() * s.up.array() / (1 + (-s.gate.array()).exp());
    return s.between + multiply({l, matrix_of::down}, s.hidden);
  }

  row_matrix backward(index_t l, const row_matrix& dy, index_t context, const trace& s,
                      std::map<place, gradients>& found) const {
    const llama::block& b = base_.parts().blocks[at(l)];
    const row_matrix dhidden = multiply_backward({l, matrix_of::down}, s.hidden, dy, found);
    const row_matrix sigmoid = 1 / (1 + (-s.gate.array()).exp());
    const row_matrix dup = dhidden.array() * s.gate.array() * sigmoid.array();
    const row_matrix dgate =
        dhidden.array() * s.up.array() * sigmoid.array() * (1 + s.gate.array() * (1 - sigmoid.array()));
    const row_matrix dbetween =
        dy + rms_norm_backward(s.between, b.feed_forward_norm, c_.norm_epsilon,
                               multiply_backward({l, matrix_of::gate}, s.network_normed, dgate, found) +
                                   multiply_backward({l, matrix_of::up}, s.network_normed, dup, found));
    row_matrix dq(s.q.rows(), s.q.cols()), dk = row_matrix::Zero(s.k.rows(), s.k.cols()), dv = dk;
    attend_backward(context, s, multiply_backward({l, matrix_of::output}, s.attended, dbetween, found), dq,
                    dk, dv);
    dq = rotated(std::move(dq), context, turn_back_);
    dk = rotated(std::move(dk), context, turn_back_);
    return dbetween + rms_norm_backward(s.x, b.attention_norm, c_.norm_epsilon,
                                        multiply_backward({l, matrix_of::query}, s.normed, dq, found) +
                                            multiply_backward({l, matrix_of::key}, s.normed, dk, found) +
                                            multiply_backward({l, matrix_of::value}, s.normed, dv, found));
  }

  /// The positions of each window begin at 0. A rotation's gradient is turned back.
  static row_matrix rotated(row_matrix x, index_t context, const llama::rope& by) {
    for (index_t first = 0; first < x.rows(); first += context) {
      row_matrix window = x.middleRows(first, context);
      by.apply(window, 0);
      x.middleRows(first, context) = window;
    }
    return x;
  }

  /// Calls body(queries, keys): blocks of `context` rows and a head's columns, of queries and of the keys and values
  /// that they share with other heads. These follow one another in one thread, so that gradients may be added up.
  template <class Body>
  void for_each_head(index_t context, index_t rows, const Body& body) const {
    const index_t windows = rows / context, shared = c_.heads / c_.key_heads;
    bg::parallel_for(windows * c_.key_heads, 0, [&](index_t i) {
      const index_t window = i / c_.key_heads, key_head = i % c_.key_heads;
      for (index_t head = key_head * shared; head < (key_head + 1) * shared; ++head)
        body(
            at(window * c_.heads + head),
            [&, head](auto& m) {
              return m.block(window * context, head * c_.head_size, context, c_.head_size);
            },
            [&](auto& m) {
              return m.block(window * context, key_head * c_.head_size, context, c_.head_size);
            });
    });
  }

  /// softmax(Q K^T / sqrt(head size)) V, each query seeing the keys up to its own.
  void attend(index_t context, trace& s) const {
    s.attended.resize(s.q.rows(), s.q.cols());
    s.attention.resize(at(s.q.rows() / context * c_.heads));
    const float scale = 1 / std::sqrt(static_cast<float>(c_.head_size));
    for_each_head(context, s.q.rows(), [&](std::size_t i, const auto& of_queries, const auto& of_keys) {
      row_matrix& p = s.attention[i];
      p.noalias() = of_queries(s.q) * of_keys(s.k).transpose();
      for (index_t t = 0; t < context; ++t) {
        auto row = p.row(t).array().head(t + 1);
        row = (scale * (row - row.maxCoeff())).exp();
        row /= row.sum();
        p.row(t).tail(context - t - 1).setZero();
      }
      of_queries(s.attended).noalias() = p * of_keys(s.v);
    });
  }
  /// With P the softmax and dP = dO V^T: dV = P^T dO, and by its arguments P (dP - sum(P dP)), row by row.
  void attend_backward(index_t context, const trace& s, const row_matrix& dout, row_matrix& dq,
                       row_matrix& dk, row_matrix& dv) const {
    const float scale = 1 / std::sqrt(static_cast<float>(c_.head_size));
    for_each_head(context, s.q.rows(), [&](std::size_t i, const auto& of_queries, const auto& of_keys) {
      const row_matrix& p = s.attention[i];
      of_keys(dv).noalias() += p.transpose() * of_queries(dout);
      row_matrix d = of_queries(dout) * of_keys(s.v).transpose();
      const Eigen::VectorXf along = p.cwiseProduct(d).rowwise().sum();
      d = scale * p.cwiseProduct(d.colwise() - along);
      of_queries(dq).noalias() = d * of_keys(s.k);
      of_keys(dk).noalias() += d.transpose() * of_queries(s.q);
    });
  }

  const llama::model& base_;
  llama::config c_;
  llama::rope turn_, turn_back_;
};

}  // namespace llama_training
