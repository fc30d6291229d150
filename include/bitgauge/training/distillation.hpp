#pragma once

/// \file
/// Distillation: a student's outputs made to follow a teacher's.

#include <bitgauge/error.hpp>
#include <bitgauge/training/numbers.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace bitgauge {

/// How outputs are softened.
struct distillation_options {
  double temperature = 1;
  /// The loss times the square of the temperature, so that its gradients keep their size when that changes (Hinton
  /// et al., section 2).
  bool times_squared_temperature = true;
};

/// The loss and its gradient.
template <class Matrix>
struct distillation_loss {
  double value = 0;
  Matrix student;  ///< the gradient of the student's outputs
};

namespace detail {

/// log softmax(x / temperature) of a row.
template <class Scalar>
void log_softmax(const number_view<Scalar>& x, index_t row, double temperature, std::vector<double>& out) {
  double largest = static_cast<double>(x(row, 0)), sum = 0;
  for (index_t c = 1; c < x.cols; ++c) largest = std::max(largest, static_cast<double>(x(row, c)));
  for (index_t c = 0; c < x.cols; ++c) {
    out[as_size(c)] = (static_cast<double>(x(row, c)) - largest) / temperature;
    sum += std::exp(out[as_size(c)]);
  }
  const double shift = std::log(sum);
  for (index_t c = 0; c < x.cols; ++c) out[as_size(c)] -= shift;
}

}  // namespace detail

/// KL(p || q) = sum p (log p - log q), the mean over samples, with p = softmax(teacher / T) and q = softmax(student
/// / T), times T^2 unless that is switched off; and its gradient T (q - p) / samples (Hinton et al., Distilling the
/// Knowledge in a Neural Network, 2015, arXiv 1503.02531).
///
///     const auto [loss, dlogits] = distill(student, teacher, {.temperature = 2});
///
/// Both are samples x classes, of float or double; the gradient has the type of the student's. Sums are in double
/// and of logarithms, so that no output is too large. Throws shape_error where shapes differ or are empty,
/// invalid_scheme for a temperature that is not positive and finite, data_error for an output that is not finite.
/// Cost: four exponentials an element.
template <class Student, class Teacher>
distillation_loss<detail::plain_like<detail::scalar_of<Student>, Student>> distill(
    const Eigen::DenseBase<Student>& student, const Eigen::DenseBase<Teacher>& teacher,
    const distillation_options& options = {}) {
  using scalar = detail::scalar_of<Student>;
  const double t = options.temperature;
  if (!detail::is_number(t) || !(t > 0))
    detail::raise_message<invalid_scheme>(
        {"distillation: temperature: expected a positive number, found ", t});
  distillation_loss<detail::plain_like<scalar, Student>> result{0, {student.rows(), student.cols()}};
  detail::with_numbers<scalar>(student, [&](const auto& s) {
    detail::with_numbers<detail::scalar_of<Teacher>>(teacher, [&](const auto& goal) {
      detail::require_shape("distillation", "teacher", s.rows, s.cols, goal.rows, goal.cols);
      if (s.rows == 0 || s.cols == 0)
        detail::raise_message<shape_error>(
            {"distillation: expected samples x classes, found ", s.rows, " x ", s.cols});
      detail::require_numbers("distillation", "student", s);
      detail::require_numbers("distillation", "teacher", goal);
      std::vector<double> q(detail::as_size(s.cols)), p(q.size());
      const auto samples = static_cast<double>(s.rows);
      const double factor = options.times_squared_temperature ? t * t : 1;
      for (index_t r = 0; r < s.rows; ++r) {
        detail::log_softmax(s, r, t, q);
        detail::log_softmax(goal, r, t, p);
        double sum = 0;
        for (index_t c = 0; c < s.cols; ++c) {
          const double log_p = p[detail::as_size(c)], log_q = q[detail::as_size(c)], share = std::exp(log_p);
          if (share > 0) sum += share * (log_p - log_q);
          result.student(r, c) = static_cast<scalar>(factor / (t * samples) * (std::exp(log_q) - share));
        }
        result.value += factor / samples * sum;
      }
    });
  });
  return result;
}

}  // namespace bitgauge
