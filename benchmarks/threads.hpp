#pragma once

/// \file
/// What is measured with one thread and with two.

#include <thread>

namespace bench {

/// Calls part(i) for i in [0, threads), each on a thread of its own; `threads` is 1 or 2.
template <class Part>
void on_threads(int threads, const Part& part) {
  if (threads == 1) return part(0);
  std::thread other([&] { part(1); });
  part(0);
  other.join();
}

}  // namespace bench
