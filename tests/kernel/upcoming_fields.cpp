#include <bitgauge/kernel/product/product_scratch.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

namespace {

using namespace bitgauge;

// Catches fields of the next panels that no tile is told to fetch: they would be waited for, and nothing but the speed
// would tell. What tiles are told, byte by byte, against the fields of the chunk.
TEST(upcoming_fields, deals_every_byte_of_the_next_chunk_to_some_tile) {
  for (const int bits : {1, 4, 5, 8})
    for (const index_t panels : {2, 4, 8})
      for (const index_t tiles : {panels, panels + 1, 3 * panels, 22 * panels})
        for (const index_t tile_units : {5, 64}) {
          constexpr index_t units = 40, first_unit = 7, next_units = 30;
          std::vector<std::uint8_t> fields(
              static_cast<std::size_t>((panels + 2) * units * kernel::unit_bytes(bits)));
          kernel::weights_view w;
          w.panels = panels + 2;
          w.units = units;
          w.bits = bits;
          w.fields = fields.data();
          kernel::detail::upcoming_fields upcoming(w, 2, panels, first_unit, next_units, tiles, tile_units,
                                                   false);
          std::set<const std::uint8_t*> told;
          for (index_t t = 0; t < tiles; ++t) {
            const kernel::upcoming_memory part = upcoming.next();
            for (index_t i = 0; i < tile_units * part.bytes_of_unit; ++i) told.insert(part.at + i);
          }
          for (index_t p = 2; p < panels + 2; ++p)
            for (const std::uint8_t* at = w.unit(p, first_unit); at < w.unit(p, first_unit + next_units);
                 ++at)
              ASSERT_TRUE(told.contains(at))
                  << bits << " bits, " << panels << " panels, " << tiles << " tiles, panel " << p << ", byte "
                  << at - w.unit(p, first_unit);
        }
}

}  // namespace
