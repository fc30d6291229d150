#pragma once

/// \file
/// The scales at which nearest codes change.

#include <bitgauge/base/config.hpp>

#include <algorithm>
#include <memory>
#include <span>

namespace bitgauge::detail {

/// The scale at which the code of one element changes: by one step, from `code` down as the scale grows.
struct breakpoint {
  double scale;
  index_t element;
  double code;
};

/// Breakpoints in the order of their scales.
class breakpoint_list {
 public:
  void clear() { size_ = 0; }
  /// Adds `b` where `real` says that it is one: most elements have none or one, and a branch would be hard to
  /// predict.
  void add(const breakpoint& b, bool real) {
    if (size_ == capacity_) grow();
    items_[size_] = b;
    size_ += real ? 1 : 0;
  }
  /// Ties are settled by element and code, so that the order is the same everywhere.
  std::span<const breakpoint> sorted() {
    std::sort(items_.get(), items_.get() + size_, [](const breakpoint& a, const breakpoint& b) {
      if (a.scale != b.scale) return a.scale < b.scale;
      return a.element != b.element ? a.element < b.element : a.code > b.code;
    });
    return {items_.get(), size_};
  }

 private:
  void grow() {
    capacity_ = 2 * capacity_ + 64;
    auto larger = std::make_unique_for_overwrite<breakpoint[]>(capacity_);
    std::copy_n(items_.get(), size_, larger.get());
    items_ = std::move(larger);
  }

  std::unique_ptr<breakpoint[]> items_;
  std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace bitgauge::detail
