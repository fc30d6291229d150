#pragma once

/// \file
/// How the items of a parallel loop are dealt out.

#include <bitgauge/base/config.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <vector>

namespace bitgauge::detail {

/// Items [0, count), dealt to workers in shares that follow each other: a worker takes its own share from the
/// front, then what is left of the others' from the back. Neighbouring items are neighbouring memory, and
/// workers that stay apart do not fetch ahead what another is about to write; yet none is idle while there is
/// work. Every item is taken once, whichever of the workers come.
class work_stealing_ranges {
 public:
  work_stealing_ranges(index_t count, int workers) : shares_(static_cast<std::size_t>(std::max(workers, 1))) {
    const index_t each = count / std::ssize(shares_), more = count % std::ssize(shares_);
    index_t first = 0;
    for (index_t w = 0; w < std::ssize(shares_); ++w) {
      share& own = shares_[static_cast<std::size_t>(w)];
      own.first = first;
      own.last = first += each + (w < more ? 1 : 0);
    }
  }

  /// The next item for `worker`, 0 .. workers - 1; none once all are taken.
  std::optional<index_t> take(int worker) {
    const auto own = static_cast<std::size_t>(worker);
    if (const auto item = shares_[own].take_first()) return item;
    for (std::size_t other = own + 1; other < own + shares_.size(); ++other)
      if (const auto item = shares_[other % shares_.size()].take_last()) return item;
    return {};
  }

 private:
  /// Each in cache lines of its own.
  struct alignas(128) share {
    std::mutex mutex{};
    index_t first = 0, last = 0;

    std::optional<index_t> take_first() {
      const std::lock_guard lock(mutex);
      if (first == last) return {};
      return first++;
    }
    std::optional<index_t> take_last() {
      const std::lock_guard lock(mutex);
      if (first == last) return {};
      return --last;
    }
  };

  std::vector<share> shares_;
};

}  // namespace bitgauge::detail
