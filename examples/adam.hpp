#pragma once

/// \file
/// Adam, the optimiser of the examples that train.

#include <Eigen/Core>

#include <cmath>

/// Adam (Kingma and Ba, ICLR 2015, arXiv 1412.6980) of one parameter:
///
///     m += (1 - beta1)(g - m);  v += (1 - beta2)(g^2 - v);  p -= rate m' / (sqrt(v') + epsilon)
///
/// with m' = m / (1 - beta1^t) and v' = v / (1 - beta2^t) after t steps.
class adam {
 public:
  /// A number is a matrix of one: Eigen::Map<Eigen::MatrixXf>(&number, 1, 1).
  void step(Eigen::Ref<Eigen::MatrixXf> parameter, const Eigen::Ref<const Eigen::MatrixXf>& gradient,
            float rate) {
    constexpr float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
    if (steps_ == 0) mean_ = square_ = Eigen::ArrayXXf::Zero(gradient.rows(), gradient.cols());
    ++steps_;
    mean_ += (1 - beta1) * (gradient.array() - mean_);
    square_ += (1 - beta2) * (gradient.array().square() - square_);
    const float first = 1 - std::pow(beta1, steps_), second = 1 - std::pow(beta2, steps_);
    parameter.array() -= rate * (mean_ / first) / ((square_ / second).sqrt() + epsilon);
  }

 private:
  Eigen::ArrayXXf mean_, square_;
  float steps_ = 0;
};

/// Of step `done` of `all`: up in the first twentieth, then down along half a cosine (Loshchilov and Hutter, SGDR,
/// ICLR 2017, arXiv 1608.03983).
inline float rate_at(float most, int done, int all) {
  const float share = static_cast<float>(done + 1) / static_cast<float>(all), warm = 0.05f;
  if (share < warm) return most * share / warm;
  return most * 0.5f * (1 + std::cos(3.14159265f * (share - warm) / (1 - warm)));
}
