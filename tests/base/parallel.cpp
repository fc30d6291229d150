#include <bitgauge/base/parallel.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using bitgauge::index_t;
using bitgauge::parallel_for;

// Catches items that no thread or two threads do, with more and with fewer items than threads.
TEST(parallel, every_item_is_done_once) {
  for (const int threads : {0, 1, 2, 3, 8})
    for (const index_t count : {index_t{0}, index_t{1}, index_t{2}, index_t{5}, index_t{1000}}) {
      std::vector<std::atomic<int>> times(static_cast<std::size_t>(count));
      parallel_for(count, threads, [&](index_t i) { ++times[static_cast<std::size_t>(i)]; });
      for (const auto& n : times) EXPECT_EQ(n, 1) << count << " items, " << threads << " threads";
    }
}

// Catches a loop inside a loop that waits for threads which never come.
TEST(parallel, loops_within_loops) {
  std::atomic<int> done = 0;
  parallel_for(3, 2, [&](index_t) { parallel_for(5, 2, [&](index_t) { ++done; }); });
  EXPECT_EQ(done, 15);
}

// Catches work that ends at a failure, and a failure that depends on who was first.
TEST(parallel, the_first_item_that_fails_is_reported_when_all_are_done) {
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::atomic<int> done = 0;
    const auto run = [&] {
      parallel_for(100, 2, [&](index_t i) {
        ++done;
        if (i % 30 == 29) throw std::runtime_error(std::to_string(i));
      });
    };
    try {
      run();
      FAIL();
    } catch (const std::runtime_error& failure) {
      EXPECT_STREQ(failure.what(), "29");
    }
    EXPECT_EQ(done, 100);
  }
}

}  // namespace
