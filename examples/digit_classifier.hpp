#pragma once

/// \file
/// A small network that tells digits apart, trained in floats or with what quantization does to it.

#include <bitgauge/training/fake_quantize.hpp>
#include <bitgauge/training/learned/learned_step.hpp>
#include <bitgauge/training/learned/pact.hpp>

#include "adam.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace digit_classifier {

namespace bg = bitgauge;
using bg::index_t;
using batch = Eigen::MatrixXf;  // samples x values

struct labelled {
  batch images;
  Eigen::VectorXi labels;
};

/// A layer with what quantizes its weights and its outputs; without either they stay floats.
struct layer {
  Eigen::MatrixXf weights;  ///< out x in
  Eigen::VectorXf bias;
  std::optional<bg::fake_quantize> straight{};      ///< of weights
  std::optional<bg::learned_step<>> step{};         ///< of weights
  std::optional<bg::pact> clip{};                   ///< of outputs, the ReLU included
  std::optional<bg::learned_step<>> output_step{};  ///< of outputs, behind the ReLU

  /// The weights that are computed with.
  Eigen::MatrixXf used() const {
    return step ? step->forward(weights) : straight ? straight->forward(weights) : weights;
  }
  batch sums(const batch& x, const Eigen::MatrixXf& w) const {
    return (x * w.transpose()).rowwise() + bias.transpose();
  }
  batch activated(const batch& sums) const {
    if (clip) return clip->forward(sums);
    const batch positive = sums.cwiseMax(0.0f);
    return output_step ? output_step->forward(positive) : positive;
  }
};
using network = std::vector<layer>;

inline network new_network(index_t inputs, unsigned seed) {
  std::mt19937 random(seed);
  network layers;
  const index_t widths[] = {inputs, 64, 32, 10};
  for (std::size_t i = 0; i < 3; ++i) {
    const float bound = std::sqrt(6.0f / static_cast<float>(widths[i]));  // He et al., ICCV 2015
    const auto uniform = [&] { return bound * (static_cast<float>(random()) * 0x1p-31f - 1); };
    layers.push_back({Eigen::MatrixXf::NullaryExpr(widths[i + 1], widths[i], uniform),
                      Eigen::VectorXf::Zero(widths[i + 1])});
  }
  return layers;
}

/// In percent of the images.
inline double wrong(const network& layers, const labelled& all) {
  batch x = all.images;
  for (const layer& l : layers) {
    x = l.sums(x, l.used());
    if (&l != &layers.back()) x = l.activated(x);
  }
  index_t count = 0, best = 0;
  for (index_t s = 0; s < x.rows(); ++s) {
    x.row(s).maxCoeff(&best);
    count += best != all.labels(s);
  }
  return 100 * static_cast<double>(count) / static_cast<double>(x.rows());
}

/// Steps down the gradient of the cross-entropy, by Adam.
class trainer {
 public:
  explicit trainer(network& layers) : layers_(layers), moments_(layers.size()) {}

  void step(const labelled& samples, float rate) {
    struct seen {
      batch inputs, sums;
      Eigen::MatrixXf used;
    };
    std::vector<seen> all;
    batch x = samples.images;
    for (const layer& l : layers_) {
      all.push_back({x, {}, l.used()});
      all.back().sums = l.sums(x, all.back().used);
      x = l.activated(all.back().sums);
    }
    batch error = all.back().sums;  // softmax less what is right
    error = (error.colwise() - error.rowwise().maxCoeff()).array().exp();
    error.array().colwise() /= error.rowwise().sum().eval().array();
    for (index_t s = 0; s < error.rows(); ++s) error(s, samples.labels(s)) -= 1;
    error /= static_cast<float>(error.rows());
    for (std::size_t i = layers_.size(); i-- > 0;) {
      if (i + 1 < layers_.size()) error = through_activation(i, all[i].sums, error, rate);
      const Eigen::MatrixXf dused = error.transpose() * all[i].inputs;
      const Eigen::VectorXf dbias = error.colwise().sum();
      error = (error * all[i].used).eval();
      moments_[i].bias.step(layers_[i].bias, dbias, rate);
      update_weights(i, dused, rate);
    }
  }

 private:
  struct moments {
    adam weights, bias, step, clip, output_step;
  };
  // Steps and clips go slower than weights, and never to zero.
  static constexpr float slower = 0.1f, least = 1e-5f, decay_of_clips = 1e-3f;

  /// The gradient of a layer's sums from that of its outputs.
  batch through_activation(std::size_t i, const batch& sums, const batch& dy, float rate) {
    layer& l = layers_[i];
    if (l.clip) {
      auto g = l.clip->backward(sums, dy);
      g.alpha += decay_of_clips * l.clip->alpha;
      using number = Eigen::Map<Eigen::MatrixXf>;
      moments_[i].clip.step(number(&l.clip->alpha, 1, 1), number(&g.alpha, 1, 1), rate);
      l.clip->alpha = std::max(l.clip->alpha, least);
      return std::move(g.x);
    }
    batch dx = dy;
    if (l.output_step) {
      auto g = l.output_step->backward(sums.cwiseMax(0.0f), dy);
      moments_[i].output_step.step(l.output_step->step, g.step, slower * rate);
      l.output_step->step = l.output_step->step.cwiseMax(least);
      dx = std::move(g.x);
    }
    return (sums.array() > 0).select(dx, 0.0f);
  }

  void update_weights(std::size_t i, const Eigen::MatrixXf& dused, float rate) {
    layer& l = layers_[i];
    if (l.step) {
      const auto g = l.step->backward(l.weights, dused);
      moments_[i].weights.step(l.weights, g.x, rate);
      moments_[i].step.step(l.step->step, g.step, slower * rate);
      l.step->step = l.step->step.cwiseMax(least);
    } else {
      moments_[i].weights.step(l.weights, l.straight ? l.straight->backward(l.weights, dused) : dused, rate);
    }
  }

  network& layers_;
  std::vector<moments> moments_;
};

/// Trains in batches of 32, in an order that the seed decides. Calls after_epoch(epochs done), first with 0.
template <class AfterEpoch>
void train(network& layers, const labelled& all, int epochs, float rate, unsigned seed,
           const AfterEpoch& after_epoch) {
  constexpr index_t size = 32;
  std::mt19937 random(seed);
  std::vector<index_t> order(static_cast<std::size_t>(all.images.rows()));
  std::iota(order.begin(), order.end(), index_t{0});
  trainer t(layers);
  const int batches = static_cast<int>(all.images.rows() / size);
  labelled samples{batch(size, all.images.cols()), Eigen::VectorXi(size)};
  after_epoch(0);
  for (int step = 0; step < epochs * batches; ++step) {
    if (step % batches == 0)
      for (std::size_t i = order.size(); i-- > 1;) std::swap(order[i], order[random() % (i + 1)]);
    for (index_t s = 0; s < size; ++s) {
      const index_t from = order[static_cast<std::size_t>(step % batches * size + s)];
      samples.images.row(s) = all.images.row(from);
      samples.labels(s) = all.labels(from);
    }
    t.step(samples, rate_at(rate, step, epochs * batches));
    if ((step + 1) % batches == 0) after_epoch((step + 1) / batches);
  }
}

}  // namespace digit_classifier
