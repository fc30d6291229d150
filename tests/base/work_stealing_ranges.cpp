#include <bitgauge/base/work_stealing_ranges.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

namespace {

using bitgauge::index_t;
using bitgauge::detail::work_stealing_ranges;

std::vector<index_t> taken_by(work_stealing_ranges& shares, int worker) {
  std::vector<index_t> items;
  while (const auto item = shares.take(worker)) items.push_back(*item);
  return items;
}

// Catches shares that are interleaved, uneven, or leave out a remainder.
TEST(work_stealing_ranges, a_worker_starts_with_a_share_that_lies_together) {
  work_stealing_ranges shares(7, 3);  // 0 1 2 | 3 4 | 5 6
  EXPECT_EQ(shares.take(0), 0);
  EXPECT_EQ(shares.take(1), 3);
  EXPECT_EQ(shares.take(2), 5);
  EXPECT_EQ(shares.take(0), 1);
  EXPECT_EQ(shares.take(2), 6);
}

// Catches work that is lost when a worker never comes, as where a team is smaller than was asked for.
TEST(work_stealing_ranges, one_worker_does_the_work_of_all) {
  work_stealing_ranges shares(7, 3);
  EXPECT_EQ(taken_by(shares, 1), (std::vector<index_t>{3, 4, 6, 5, 2, 1, 0}));
  for (const int worker : {0, 1, 2}) EXPECT_EQ(shares.take(worker), std::nullopt);
}

// Catches divisions by what is not there.
TEST(work_stealing_ranges, fewer_items_than_workers) {
  work_stealing_ranges none(0, 4), one(1, 4);
  EXPECT_TRUE(taken_by(none, 3).empty());
  EXPECT_EQ(taken_by(one, 3), std::vector<index_t>{0});
}

// Catches items taken twice or never where workers meet.
TEST(work_stealing_ranges, every_item_is_taken_once) {
  constexpr index_t count = 20000;
  work_stealing_ranges shares(count, 3);
  std::vector<std::vector<index_t>> items(3);
  std::vector<std::thread> threads;
  for (int w = 0; w < 3; ++w)
    threads.emplace_back([&, w] { items[static_cast<std::size_t>(w)] = taken_by(shares, w); });
  for (std::thread& thread : threads) thread.join();
  std::vector<int> times(count, 0);
  for (const auto& some : items)
    for (const index_t i : some) ++times.at(static_cast<std::size_t>(i));
  EXPECT_EQ(times, std::vector<int>(count, 1));
}

}  // namespace
