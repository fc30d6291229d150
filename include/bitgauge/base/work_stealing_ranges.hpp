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
  work_stealing_ranges(index_t count, int workers)
      : many_(static_cast<std::size_t>(workers > few ? workers : 0)),
        shares_(many_.empty() ? few_ : many_.data()),
        workers_(std::max(workers, 1)) {
    const index_t each = count / workers_, more = count % workers_;
    index_t first = 0;
    for (int w = 0; w < workers_; ++w) {
      share& own = shares_[w];
      own.first = first;
      own.last = first += each + (w < more ? 1 : 0);
    }
  }

  /// The next item for `worker`, 0 .. workers - 1; none once all are taken.
  std::optional<index_t> take(int worker) {
    if (const auto item = shares_[worker].take_first()) return item;
    for (int other = worker + 1; other < worker + workers_; ++other)
      if (const auto item = shares_[other % workers_].take_last()) return item;
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

  static constexpr int few = 16;  // for so many workers no memory is fetched

  share few_[few];
  std::vector<share> many_;
  share* shares_;
  int workers_;
};

}  // namespace bitgauge::detail
