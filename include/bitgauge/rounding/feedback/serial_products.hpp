#pragma once

/// \file
/// Keeps Eigen's products in the thread that asks for them.

#include <Eigen/Core>

#include <mutex>

namespace bitgauge::detail {

/// While one of these lives, Eigen does not spread products over OpenMP threads: the work is already divided,
/// into products too small to gain, and the sums must not depend on how many threads there are. Affects the
/// whole program for that time; may be nested and used from several threads.
class serial_products {
 public:
  serial_products() {
    const std::lock_guard lock(all().mutex);
    if (all().count++ > 0) return;
    all().threads = Eigen::nbThreads();
    Eigen::setNbThreads(1);
  }
  ~serial_products() {
    const std::lock_guard lock(all().mutex);
    if (--all().count == 0) Eigen::setNbThreads(all().threads);
  }
  serial_products(const serial_products&) = delete;
  serial_products& operator=(const serial_products&) = delete;

 private:
  struct state {
    std::mutex mutex;
    int count = 0, threads = 1;
  };
  static state& all() {
    static state shared;
    return shared;
  }
};

}  // namespace bitgauge::detail
