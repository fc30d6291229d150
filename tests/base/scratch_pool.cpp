#include <bitgauge/base/scratch_pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace {

using bitgauge::detail::scratch_pool;

// Catches an object that two borrow at once, and one that is made anew although another is idle.
TEST(scratch_pool, lends_each_object_once_at_a_time_and_again_afterwards) {
  scratch_pool<int> numbers;
  int* first = nullptr;
  {
    const auto a = numbers.borrow(), b = numbers.borrow();
    EXPECT_NE(&*a, &*b);
    *b = 7;
    first = &*b;
  }
  std::set<int*> seen;
  {
    const auto a = numbers.borrow(), b = numbers.borrow(), c = numbers.borrow();
    seen = {&*a, &*b, &*c};
    EXPECT_EQ(seen.size(), 3u);
    EXPECT_EQ(seen.count(first), 1u);
  }
  EXPECT_EQ(*first, 7);
}

// Catches a race between borrowers: each must find the object as it left it while it holds it.
TEST(scratch_pool, keeps_threads_apart) {
  scratch_pool<std::vector<int>> buffers;
  std::atomic<int> mixed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const auto buffer = buffers.borrow();
        buffer->assign(16, t);
        for (const int x : *buffer) mixed += x != t;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(mixed, 0);
}

}  // namespace
