#pragma once

/// \file
/// What quantize_model.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/model/plan/model_options.hpp>
#include <bitgauge/model/quantize_model.hpp>
#include <bitgauge/model/run/resumed_tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace bitgauge {

namespace detail {

/// Raises data_error where a plan was made for another source.
inline void check_plan(const tensor_source& source, const quantization_plan& p) {
  for (const planned_tensor& row : p.tensors) {
    const bool is_there = row.place < source.tensor_count() && source.info(row.place).name == row.name &&
                          source.info(row.place).shape == row.shape;
    if (!is_there)
      raise(data_error(source.source_name() + ": tensor " + excerpt(row.name) +
                       ": expected the source that the plan was made for, found another"));
  }
}

inline void declare(const tensor_source& source, const quantization_plan& p, tensor_sink& sink) {
  if (p.main_type) sink.set_main_type(*p.main_type);
  for (const planned_tensor& row : p.tensors) {
    if (row.is_copied()) {
      sink.declare_copy(source.info(row.place), source.stored(row.place));
    } else if (row.entry) {
      sink.declare_codes(*row.entry);
    } else {
      sink.declare_blocks(row.name, *row.to.type(), row.shape);
    }
  }
  sink.begin();
}

/// Reports progress over all tensors and heeds the wish to end.
class model_monitor {
 public:
  model_monitor(const quantization_plan& p, const model_options& options) : options_(options) {
    for (const planned_tensor& row : p.tensors) now_.total += elements(row);
  }

  void begin(const planned_tensor& row) {
    if (options_.cancel && options_.cancel())
      raise(cancelled("cancelled by the caller (model_options::cancel)"));
    now_.tensor = row.name;
    say();
  }
  void reach(index_t done) const {
    model_progress within = now_;
    within.done += static_cast<std::uint64_t>(done);
    within.between_tensors = false;
    options_.progress(within);
  }
  void finish(const planned_tensor& row) {
    now_.done += elements(row);
    say();
  }

 private:
  static std::uint64_t elements(const planned_tensor& row) {
    return static_cast<std::uint64_t>(row.rows) * static_cast<std::uint64_t>(row.cols);
  }
  void say() const {
    if (options_.progress) options_.progress(now_);
  }

  const model_options& options_;
  model_progress now_;
};

}  // namespace detail

BITGAUGE_DEFINE model_report quantize_model(const tensor_source& source, const quantization_plan& p,
                                            tensor_sink& sink, const model_options& options) {
  detail::check_plan(source, p);
  if (options.finished != nullptr) options.finished->begin(source, p, options);
  detail::declare(source, p, sink);
  detail::model_monitor monitor(p, options);
  const std::function<void(index_t)> advance =
      options.progress ? [&](index_t done) { monitor.reach(done); } : std::function<void(index_t)>();
  model_report result{{}, p.remarks};
  for (std::size_t i = 0; i < p.tensors.size(); ++i) {
    monitor.begin(p.tensors[i]);
    result.tensors.push_back(detail::finish_tensor(source, p, i, sink, options, advance));
    source.forget(p.tensors[i].place);
    monitor.finish(p.tensors[i]);
  }
  sink.commit();
  if (options.finished != nullptr) options.finished->complete();
  return result;
}

}  // namespace bitgauge
