#pragma once

/// \file
/// LoRA: a weight that is frozen, and a product of two small matrices that is learned beside it.

#include <bitgauge/error.hpp>
#include <bitgauge/training/numbers.hpp>
#include <bitgauge/training/products.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace bitgauge {

/// What an adapter is made of.
struct lora_options {
  index_t rank = 8;
  double alpha = 16;       ///< the product is scaled by alpha / rank
  std::uint64_t seed = 0;  ///< of the start of A
};

/// The gradients of a layer with an adapter.
template <class Inputs, class Scalar>
struct lora_gradients {
  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> A, B;
  Inputs X;
};

namespace detail {

/// Number `index` of a sequence of uniform numbers in [0, 1) (Steele et al., SplitMix64, OOPSLA 2014).
inline double uniform_number(std::uint64_t seed, std::uint64_t index) noexcept {
  std::uint64_t z = seed * 0xd1342543de82ef95u + (index + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

[[gnu::noinline]] inline void require_rank(const char* what, index_t rank, index_t outputs, index_t inputs) {
  if (rank < 1 || rank > std::min(outputs, inputs))
    raise_message<invalid_scheme>({what, ": rank: expected 1 to ", std::min(outputs, inputs), " for ",
                                   outputs, " x ", inputs, " weights, found ", rank});
}

/// Samples in, samples out: a row each, in the storage order of X.
template <class Scalar, class X>
using samples_like =
    Eigen::Matrix<Scalar, X::RowsAtCompileTime, Eigen::Dynamic,
                  X::IsRowMajor || X::RowsAtCompileTime == 1 ? Eigen::RowMajor : Eigen::ColMajor>;

}  // namespace detail

/// Factors of an adapter's inputs, 0 with probability `p` and else 1 / (1 - p): a mask for lora::forward() and
/// backward(), the same for the same seed. Throws invalid_scheme unless 0 <= p < 1.
template <training_scalar Scalar = float>
Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> dropout_mask(index_t samples, index_t inputs, double p,
                                                                   std::uint64_t seed) {
  if (!(p >= 0 && p < 1))
    detail::raise_message<invalid_scheme>({"dropout: expected from 0 to below 1, found ", p});
  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> mask(samples, inputs);
  for (index_t r = 0; r < samples; ++r)
    for (index_t c = 0; c < inputs; ++c)
      mask(r, c) = detail::uniform_number(seed, static_cast<std::uint64_t>(r * inputs + c)) < p
                       ? Scalar(0)
                       : static_cast<Scalar>(1 / (1 - p));
  return mask;
}

/// Y = X W^T + (alpha / r) (X A^T) B^T over samples x in, W (out x in) frozen, A (r x in) and B (out x r) learned
/// (Hu et al., LoRA, ICLR 2022, arXiv 2106.09685). It starts with A uniform within 1 / sqrt(in) and B zero, that is,
/// with W alone.
///
///     lora l(W.rows(), W.cols(), {.rank = 16, .alpha = 32});
///     Eigen::MatrixXf Y = l.forward(X, W);
///     auto g = l.backward(X, W, dY);              // g.A, g.B, g.X
///     l.A -= rate * g.A;  l.B -= rate * g.B;       // your optimiser
///     const Eigen::MatrixXf M = l.merged(W);       // one matrix in the end
///
/// Without W it is the adapter alone, to be added to what computes X W^T: see qlora for quantized weights. Dropout
/// is of the adapter's inputs, by factors that the caller draws (dropout_mask) and passes to both calls: &mask.
///
/// `Scalar`: what is computed in, float or double. Throws invalid_scheme for a rank below 1 or above min(in, out),
/// shape_error where matrices do not fit, data_error for a gradient that is not finite. Nothing is remembered
/// between the two calls. Cost: 2 n r (in + out) multiplications and additions for n samples forward, twice as many
/// and once more backward, beside those with W.
template <training_scalar Scalar = float>
class lora {
 public:
  using matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;

  matrix A, B;  ///< r x in and out x r; yours to change

  lora() = default;
  lora(index_t outputs, index_t inputs, const lora_options& options = {}) : alpha_(options.alpha) {
    detail::require_rank("lora", options.rank, outputs, inputs);
    A.resize(options.rank, inputs);
    B.setZero(outputs, options.rank);
    const double bound = 1 / std::sqrt(static_cast<double>(inputs));
    for (index_t i = 0; i < A.size(); ++i)
      A(i / inputs, i % inputs) = static_cast<Scalar>(
          bound * (2 * detail::uniform_number(options.seed, static_cast<std::uint64_t>(i)) - 1));
  }
  /// From what is there already.
  lora(matrix a, matrix b, double alpha) : A(std::move(a)), B(std::move(b)), alpha_(alpha) { check(); }

  index_t inputs() const noexcept { return A.cols(); }
  index_t outputs() const noexcept { return B.rows(); }
  index_t rank() const noexcept { return A.rows(); }
  double scaling() const noexcept { return alpha_ / static_cast<double>(rank()); }
  /// Of A and B.
  index_t bytes() const noexcept { return (A.size() + B.size()) * static_cast<index_t>(sizeof(Scalar)); }

  /// (alpha / r) (X A^T) B^T.
  template <class X>
  detail::samples_like<Scalar, X> forward(const Eigen::DenseBase<X>& x,
                                          const matrix* dropout = nullptr) const {
    detail::samples_like<Scalar, X> y(x.rows(), outputs());
    y.setZero();
    add_forward(x, dropout, detail::product_view_of(y));
    return y;
  }
  /// The same with X W^T.
  template <class X, class W>
  detail::samples_like<Scalar, X> forward(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<W>& w,
                                          const matrix* dropout = nullptr) const {
    detail::samples_like<Scalar, X> y = forward(x, dropout);
    detail::with_numbers<Scalar>(w, [&](const detail::number_view<Scalar>& weights) {
      detail::require_shape("lora", "weights", outputs(), inputs(), weights.rows, weights.cols);
      detail::with_numbers<Scalar>(x, [&](const detail::number_view<Scalar>& v) {
        detail::add_product(detail::product_view_of(y), 1, v, weights.transposed());
      });
    });
    return y;
  }

  /// From X, as forward() got it, and the gradient dY of what it returned.
  template <class X, class DY>
  lora_gradients<detail::samples_like<Scalar, X>, Scalar> backward(const Eigen::DenseBase<X>& x,
                                                                   const Eigen::DenseBase<DY>& dy,
                                                                   const matrix* dropout = nullptr) const {
    lora_gradients<detail::samples_like<Scalar, X>, Scalar> g{{}, {}, {x.rows(), inputs()}};
    g.X.setZero();
    detail::with_numbers<Scalar>(x, [&](const auto& v) {
      detail::with_numbers<Scalar>(dy, [&](const auto& d) {
        g.X.resize(v.rows, inputs());
        const matrix dropped = masked(v, dropout);
        const auto inputs_seen = dropout == nullptr ? v : detail::number_view_of(dropped);
        detail::require_gradient("lora", d, v.rows, outputs());
        matrix hidden = matrix::Zero(v.rows, rank()), dhidden = hidden;
        detail::add_product(detail::product_view_of(hidden), scaling(), inputs_seen,
                            detail::number_view_of(A).transposed());
        detail::add_product(detail::product_view_of(dhidden), scaling(), d, detail::number_view_of(B));
        g.A.setZero(rank(), inputs());
        g.B.setZero(outputs(), rank());
        detail::add_product(detail::product_view_of(g.B), 1, d.transposed(), detail::number_view_of(hidden));
        detail::add_product(detail::product_view_of(g.A), 1, detail::number_view_of(dhidden).transposed(),
                            inputs_seen);
        detail::add_product(detail::product_view_of(g.X), 1, detail::number_view_of(dhidden),
                            detail::number_view_of(A));
      });
    });
    if (dropout != nullptr) g.X.array() *= dropout->array();
    return g;
  }
  /// The same with the frozen W, which adds dY W to the gradient of X.
  template <class X, class W, class DY>
  lora_gradients<detail::samples_like<Scalar, X>, Scalar> backward(const Eigen::DenseBase<X>& x,
                                                                   const Eigen::DenseBase<W>& w,
                                                                   const Eigen::DenseBase<DY>& dy,
                                                                   const matrix* dropout = nullptr) const {
    auto g = backward(x, dy, dropout);
    detail::with_numbers<Scalar>(w, [&](const auto& weights) {
      detail::require_shape("lora", "weights", outputs(), inputs(), weights.rows, weights.cols);
      detail::with_numbers<Scalar>(
          dy, [&](const auto& d) { detail::add_product(detail::product_view_of(g.X), 1, d, weights); });
    });
    return g;
  }

  /// (alpha / r) B A, out x in: what the adapter adds to W.
  matrix delta() const {
    check();
    matrix d = matrix::Zero(outputs(), inputs());
    detail::add_product(detail::product_view_of(d), scaling(), detail::number_view_of(B),
                        detail::number_view_of(A));
    return d;
  }
  /// W + delta(), and back.
  template <class W>
  matrix merged(const Eigen::DenseBase<W>& w) const {
    detail::require_shape("lora", "weights", outputs(), inputs(), w.rows(), w.cols());
    return w.derived().matrix().template cast<Scalar>() + delta();
  }
  template <class W>
  matrix unmerged(const Eigen::DenseBase<W>& w) const {
    detail::require_shape("lora", "weights", outputs(), inputs(), w.rows(), w.cols());
    return w.derived().matrix().template cast<Scalar>() - delta();
  }

 private:
  template <class>
  friend class qlora;

  void check() const {
    detail::require_rank("lora", rank(), outputs(), inputs());
    if (B.cols() != rank())
      detail::raise_message<shape_error>(
          {"lora: B: expected ", rank(), " columns, the rows of A, found ", B.cols()});
  }

  /// X with the factors of a dropout; empty without.
  matrix masked(const detail::number_view<Scalar>& x, const matrix* dropout) const {
    check();
    if (x.cols != inputs())
      detail::raise_message<shape_error>({"lora of ", inputs(), " inputs and ", outputs(),
                                          " outputs: expected samples as rows, found ", x.rows, " x ",
                                          x.cols});
    if (dropout == nullptr) return {};
    detail::require_shape("lora", "dropout", x.rows, x.cols, dropout->rows(), dropout->cols());
    matrix dropped(x.rows, x.cols);
    for (index_t c = 0; c < x.cols; ++c)
      for (index_t r = 0; r < x.rows; ++r) dropped(r, c) = x(r, c) * (*dropout)(r, c);
    return dropped;
  }

  template <class X>
  void add_forward(const Eigen::DenseBase<X>& x, const matrix* dropout,
                   const detail::product_view<Scalar>& y) const {
    detail::with_numbers<Scalar>(x, [&](const detail::number_view<Scalar>& v) {
      const matrix dropped = masked(v, dropout);
      matrix hidden = matrix::Zero(v.rows, rank());
      detail::add_product(detail::product_view_of(hidden), scaling(),
                          dropout == nullptr ? v : detail::number_view_of(dropped),
                          detail::number_view_of(A).transposed());
      detail::add_product(y, 1, detail::number_view_of(hidden), detail::number_view_of(B).transposed());
    });
  }

  double alpha_ = 16;
};

}  // namespace bitgauge
