#pragma once

/// \file
/// Tensors of a model that are finished before the whole is, so that work that ended early can go on.

#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/tensors/tensor_sink.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <cstddef>
#include <memory>
#include <optional>

namespace bitgauge {

struct model_options;

/// Keeps each tensor that quantize_model() has finished until all are: io::unfinished_run does it in files.
class finished_tensors {
 public:
  /// What is kept of one tensor.
  struct kept {
    std::unique_ptr<tensor_source> data;  ///< its first tensor
    tensor_report report;
  };

  virtual ~finished_tensors() = default;
  finished_tensors(const finished_tensors&) = delete;
  finished_tensors& operator=(const finished_tensors&) = delete;

  /// Called first. Raises data_error where what is kept is of other work: another source, plan or calibration.
  virtual void begin(const tensor_source& source, const quantization_plan& p, const model_options& o) = 0;
  /// The tensor at `place` of the plan, or none where it is to be done.
  virtual std::optional<kept> find(const quantization_plan& p, std::size_t place) = 0;
  /// Where the data of a tensor go that is to be kept, beside the sink of the model.
  virtual std::unique_ptr<tensor_sink> open(const quantization_plan& p, std::size_t place) = 0;
  /// All of its data are there and committed.
  virtual void keep(std::size_t place, const tensor_report& report) = 0;
  /// The whole is there: nothing has to be kept any more.
  virtual void complete() = 0;

 protected:
  finished_tensors() = default;
};

}  // namespace bitgauge
