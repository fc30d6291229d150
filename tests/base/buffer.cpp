#include <bitgauge/base/buffer.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using bitgauge::buffer;
using numbers = buffer<std::uint16_t>;

static_assert(std::is_nothrow_move_constructible_v<numbers> && std::is_nothrow_move_assignable_v<numbers>);
static_assert(std::is_convertible_v<numbers, std::span<const std::uint16_t>>);
static_assert(!std::is_convertible_v<std::size_t, numbers>, "a size is no content");

/// 1, 2, 3 in memory of its own, and in that of a vector.
std::vector<numbers> both_kinds() {
  numbers own(3);
  for (std::size_t i = 0; i < 3; ++i) own[i] = static_cast<std::uint16_t>(i + 1);
  return {own, std::vector<std::uint16_t>{1, 2, 3}};
}

// Catches a vector that is copied: a model's tensors would then be in memory twice.
TEST(buffer, takes_a_vector_over) {
  std::vector<std::uint16_t> elements{1, 2, 3};
  const std::uint16_t* const where = elements.data();
  const numbers taken = std::move(elements);
  EXPECT_EQ(taken.data(), where);
  EXPECT_EQ(taken.size(), 3u);
}

// Catches a copy that shares memory, and one that loses elements.
TEST(buffer, copies_are_deep) {
  for (const numbers& original : both_kinds()) {
    numbers copy = original;
    EXPECT_EQ(copy, original);
    EXPECT_NE(copy.data(), original.data());
    copy[1] = 7;
    EXPECT_EQ(original[1], 2);
    EXPECT_NE(copy, original);
    copy = original;
    EXPECT_EQ(copy, original);
    const numbers& self = copy;
    copy = self;
    EXPECT_EQ(copy, original);
  }
}

// Catches a move that copies, frees what it gave away, or leaves a size without memory behind.
TEST(buffer, moving_hands_the_memory_over) {
  for (numbers& original : both_kinds()) {
    const std::uint16_t* const where = original.data();
    numbers moved = std::move(original);
    EXPECT_EQ(moved.data(), where);
    EXPECT_TRUE(original.empty());
    EXPECT_EQ(original, numbers());
    original = std::move(moved);
    EXPECT_EQ(original.data(), where);
    EXPECT_EQ(std::vector<int>(original.begin(), original.end()), (std::vector<int>{1, 2, 3}));
  }
}

// Catches a comparison of less than all of it.
TEST(buffer, equality) {
  const auto kinds = both_kinds();
  EXPECT_EQ(kinds[0], kinds[1]);
  EXPECT_NE(kinds[0], numbers(std::vector<std::uint16_t>{1, 2}));
  EXPECT_NE(kinds[0], numbers(std::vector<std::uint16_t>{1, 2, 4}));
  EXPECT_NE(kinds[0], numbers());
  EXPECT_EQ(numbers(0), numbers());
}

// Catches bounds that lie elsewhere than the elements.
TEST(buffer, is_a_range) {
  for (const numbers& some : both_kinds()) {
    const std::span<const std::uint16_t> all = some;
    EXPECT_EQ(all.data(), some.data());
    EXPECT_EQ(all.size(), 3u);
    EXPECT_EQ(std::as_bytes(std::span(some)).size(), 6u);
  }
}

// Catches memory that is smaller than asked for, or given back as what it is not: sizes that are treated
// differently, with the first and the last element written. (AddressSanitizer sees the rest.)
TEST(buffer, all_sizes_are_there) {
  constexpr std::size_t mega = std::size_t{1} << 20;
  for (const std::size_t size : {std::size_t{1}, 5 * mega + 1, 32 * mega - 1, 32 * mega, 33 * mega + 1}) {
    buffer<std::byte> some(size);
    some[0] = some[size - 1] = std::byte{9};
    buffer<std::byte> moved = std::move(some);
    EXPECT_EQ(moved[0], moved[size - 1]);
    EXPECT_EQ(moved.end() - moved.begin(), static_cast<std::ptrdiff_t>(size));
  }
}

}  // namespace
