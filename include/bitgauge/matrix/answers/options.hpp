#pragma once

/// \file
/// How a call is carried out: threads, data that are not finite, progress and cancellation.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>

#include <functional>
#include <mutex>

namespace bitgauge {

/// What happens to NaN and infinity in the data.
enum class nonfinite {
  reject,   ///< data_error that names the first such element (the default)
  saturate  ///< ranges take them for 0; then +-infinity gets the outermost code and NaN the code of zero
};

/// How a call is carried out; never changes the bytes of finite data.
///
///     quantize(W, nf4{}, options{.progress = [](index_t done, index_t total) { ... },
///                                .cancel = [&] { return stop.load(); }});   // a std::atomic<bool>
struct options {
  int threads = 0;  ///< 0: all that OpenMP, or the installed hook, has
  nonfinite on_nonfinite = nonfinite::reject;
  /// Called with the elements done and the elements in all, some rows apart; `done` grows from call to call,
  /// and the last call of a matrix that is not empty has done == total. From one thread at a time, though not
  /// always the same. What it throws ends the work and reaches the caller.
  std::function<void(index_t done, index_t total)> progress{};
  /// Asked before and after some rows, from several threads at once: true ends the work by the error
  /// `cancelled`. With a std::stop_token t: [t] { return t.stop_requested(); }.
  std::function<bool()> cancel{};
};

namespace detail {

/// The progress of one call: work in elements, each looked at in `passes` passes. Where neither callback is
/// set it does nothing.
class work_monitor {
 public:
  work_monitor(const options& options, index_t elements, int passes = 1)
      : options_(options), elements_(elements), passes_(passes) {}

  /// Raises `cancelled` where the caller wants an end.
  void check() const {
    if (options_.cancel && options_.cancel()) raise(cancelled("cancelled by the caller (options::cancel)"));
  }
  /// Says that so many more elements have been through a pass.
  void advance(index_t elements) {
    check();
    if (!options_.progress) return;
    const std::lock_guard lock(mutex_);
    done_ += elements;
    options_.progress(done_ / passes_, elements_);
  }

 private:
  const options& options_;
  index_t elements_, done_ = 0;  ///< done_ counts each pass
  int passes_;
  std::mutex mutex_;
};

}  // namespace detail
}  // namespace bitgauge
