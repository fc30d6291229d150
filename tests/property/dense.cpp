#include <bitgauge/packing/dense.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

using namespace bitgauge::packing;

// Unpacking gives back what was packed, at every width and length, and wastes less than a byte.
RC_GTEST_PROP(dense, unpacking_inverts_packing, (const std::vector<std::uint8_t>& codes)) {
  const int bits = *rc::gen::inRange(1, 9);
  const auto count = static_cast<bitgauge::index_t>(codes.size());
  const auto size = static_cast<std::size_t>(dense_bytes(count, bits));
  RC_ASSERT(size * 8 < codes.size() * static_cast<std::size_t>(bits) + 8);
  std::vector<std::uint8_t> packed(size), back(codes.size());
  pack_dense(codes.data(), count, bits, packed.data());
  unpack_dense(packed.data(), count, bits, back.data());
  const unsigned mask = (1u << bits) - 1u;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    RC_ASSERT(back[i] == (codes[i] & mask));
    RC_ASSERT(dense_field(packed.data(), static_cast<bitgauge::index_t>(i), bits) == back[i]);
  }
  // unused bits are zero: packing is a function of the codes alone
  const std::size_t used = codes.size() * static_cast<std::size_t>(bits) % 8;
  if (used != 0) {
    const unsigned unused = packed.back() >> used;
    RC_ASSERT(unused == 0u);
  }
}
