#include <bitgauge/base/uninitialized_memory.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

using namespace bitgauge::detail;

// Catches a hint that touches what lies around the memory, or its contents.
TEST(uninitialized_memory, a_hint_changes_no_byte) {
  const std::size_t size = 3 * huge_page;
  std::vector<unsigned char> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(i % 251);
  for (const std::size_t start : {std::size_t{0}, std::size_t{1}, huge_page - 1}) {
    advise_huge_pages(bytes.data() + start, size - start);
    advise_huge_pages(bytes.data() + start, 0);
  }
  for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(bytes[i], i % 251) << i;
}

// Catches large memory that shares its pages with something else.
TEST(uninitialized_memory, large_memory_is_all_huge_pages) {
  for (const std::size_t size : {never_kept, never_kept + 1, never_kept + huge_page}) {
    void* const memory = uninitialized_memory(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % huge_page, 0u);
    std::memset(memory, 1, size);
    release_memory(memory, size);
  }
}

}  // namespace
