#pragma once

/// \file
/// What gptq.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/rounding/feedback/serial_products.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/rounding/gptq_run.hpp>

#include <string>

namespace bitgauge {

template <class Scalar>
void gptq<Scalar>::round(feedback_target& target, int threads) const {
  if (hessian_->inputs() != target.cols())
    raise(shape_error("gptq: expected a Hessian of " + std::to_string(target.cols()) +
                      " inputs, one for each column of the matrix, found " +
                      std::to_string(hessian_->inputs())));
  const detail::serial_products serial;
  if (target.rows() > 0) detail::gptq_run<Scalar>(target, *hessian_, pair_, options_, threads).run();
}

}  // namespace bitgauge
