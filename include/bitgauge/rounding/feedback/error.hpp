#pragma once

/// \file
/// The output errors of a layer, for the report.

#include <bitgauge/numeric/dense/product.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/feedback/panel.hpp>
#include <bitgauge/rounding/gptq_options.hpp>

#include <algorithm>
#include <vector>

namespace bitgauge::detail {

/// Sums the errors of rows, each apart until total(), so that the sum does not depend on the order of work.
class feedback_error {
 public:
  explicit feedback_error(index_t rows) : rows_(static_cast<std::size_t>(rows)) {}

  /// Adds trace(D H D^T) of a panel to one field: ||D R||^2 less what the damping contributes.
  template <class Scalar>
  void add(const feedback_panel<Scalar>& p, const feedback_factor<Scalar>& f, double gptq_report::*field) {
    add(p.difference, p.first, f, field);
  }
  template <class Scalar>
  void add_energy(const feedback_panel<Scalar>& p, const feedback_factor<Scalar>& f) {
    add(p.weights, p.first, f, &gptq_report::energy);
  }

  /// step^2 / 12 * R_jj^2: the values that feedback rounds are spread evenly over a step, and an error e of
  /// column j costs e^2 R_jj^2.
  template <class Scalar>
  void add_prediction(const feedback_panel<Scalar>& p, const feedback_factor<Scalar>& f,
                      const feedback_target& target, const column_layout& layout) {
    const auto levels = target.levels();
    const float spacing = levels.size() > 1 ? levels[1].value - levels[0].value : 0;
    for (std::size_t i = 1; i < levels.size(); ++i)
      if (levels[i].value - levels[i - 1].value != spacing) return;
    for (index_t r = 0; r < p.count; ++r)
      for (index_t j = 0; j < layout.cols; ++j) {
        const affine_map& map = p.row_maps(r)[layout.group_of(f.order[static_cast<std::size_t>(j)])];
        const double step = static_cast<double>(spacing * map.scale) * static_cast<double>(f.upper(j, j));
        rows_[static_cast<std::size_t>(p.first + r)].predicted_error += step * step / 12;
      }
  }

  /// The sums over all rows, multiplied by the unit of the factored Hessian.
  template <class Scalar>
  gptq_report total(const feedback_factor<Scalar>& f, double unit) const {
    gptq_report all;
    for (const gptq_report& row : rows_)
      for (double gptq_report::*field :
           {&gptq_report::energy, &gptq_report::nearest_error, &gptq_report::gptq_error, &gptq_report::error,
            &gptq_report::predicted_error})
        all.*field += unit * row.*field;
    all.damping = unit * f.damping;
    all.damping_raised = f.raised;
    all.dead_columns = f.dead;
    return all;
  }

 private:
  template <class Scalar>
  void add(const row_major_matrix<Scalar>& d, index_t first, const feedback_factor<Scalar>& f,
           double gptq_report::*field) {
    constexpr index_t width = 128;
    std::vector<double> sum(static_cast<std::size_t>(d.rows()));
    row_major_matrix<Scalar> product;
    for (index_t begin = 0; begin < d.cols(); begin += width) {
      const index_t end = std::min(begin + width, d.cols());
      product.resize(d.rows(), end - begin);
      numeric::multiply(product.transposed(), numeric::view_of(f.upper).block(0, begin, end, end - begin),
                        d.transposed().block(0, 0, end, d.rows()));
      for (index_t r = 0; r < d.rows(); ++r)
        for (index_t j = 0; j < end - begin; ++j) {
          const auto x = static_cast<double>(product(r, j));
          sum[static_cast<std::size_t>(r)] += x * x;
        }
    }
    for (index_t r = 0; r < d.rows(); ++r) {
      double damped = 0;
      for (index_t j = 0; j < d.cols(); ++j) {
        const auto difference = static_cast<double>(d(r, j));
        damped += difference * difference * f.added(f.order[static_cast<std::size_t>(j)]);
      }
      rows_[static_cast<std::size_t>(first + r)].*field +=
          std::max(0.0, sum[static_cast<std::size_t>(r)] - damped);
    }
  }

  std::vector<gptq_report> rows_;
};

}  // namespace bitgauge::detail
