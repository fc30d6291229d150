#pragma once

/// \file
/// AMX on processors without it: while an emulated_tiles lives, its instructions, which such a processor refuses,
/// are decoded where they stand in the machine code and carried out as Intel's Architectures Software Developer's
/// Manual defines them (volume 1, chapter 18; volume 2, LDTILECFG to TILEZERO). What the manual answers with a fault
/// ends the program. For Linux on x86-64.

#if defined(__x86_64__) && defined(__linux__)

#include <bitgauge/numeric/half.hpp>

#include <array>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>

namespace test {

struct emulated_tile {
  int rows = 0, row_bytes = 0;
  std::uint8_t bytes[16][64] = {};
};
struct emulated_registers {
  bool configured = false;
  std::array<emulated_tile, 8> tiles{};
};

class emulated_tiles {
 public:
  emulated_tiles() {
    struct sigaction action {};
    action.sa_sigaction = on_refused;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGILL, &action, &before_);
  }
  ~emulated_tiles() { sigaction(SIGILL, &before_, nullptr); }
  emulated_tiles(const emulated_tiles&) = delete;
  emulated_tiles& operator=(const emulated_tiles&) = delete;

  /// Products of tiles that all threads have computed so far, of bytes and of bfloat16.
  static inline std::atomic<long> products_of_bytes{0}, products_of_bfloat16{0};

  /// Whether this thread's tiles are configured.
  static bool configured() { return state.configured; }

 private:
  using tile = emulated_tile;
  static inline thread_local emulated_registers state;

  static void expect(bool holds, const char* fault) {
    if (holds) return;
    std::fprintf(stderr, "emulated_tiles: %s\n", fault);
    std::abort();
  }
  static tile& valid(int number) {
    expect(state.configured, "#UD: no tiles are configured");
    tile& found = state.tiles[static_cast<std::size_t>(number)];
    expect(found.rows > 0 && found.row_bytes > 0, "#UD: a tile without a shape");
    return found;
  }

  static void configure(const std::uint8_t* from) {
    std::uint8_t memory[64];
    std::memcpy(memory, from, sizeof memory);
    expect(memory[0] == 1, "LDTILECFG: #GP: palette");  // 0 is allowed, and means release
    for (int i = 1; i < 16; ++i) expect(memory[i] == 0, "LDTILECFG: #GP, or a start row other than 0");
    state = {};
    for (int i = 0; i < 16; ++i) {
      std::uint16_t row_bytes = 0;
      std::memcpy(&row_bytes, memory + 16 + 2 * i, sizeof row_bytes);
      const int rows = memory[48 + i];
      expect(i < 8 || (row_bytes == 0 && rows == 0), "LDTILECFG: #GP: more than 8 tiles");
      expect(row_bytes <= 64 && rows <= 16, "LDTILECFG: #GP: too large a tile");
      expect((row_bytes == 0) == (rows == 0), "LDTILECFG: #GP: half a shape");
      if (i >= 8) continue;
      state.tiles[static_cast<std::size_t>(i)].rows = rows;
      state.tiles[static_cast<std::size_t>(i)].row_bytes = row_bytes;
    }
    state.configured = true;
  }

  static void load(tile& to, const std::uint8_t* from, std::int64_t stride) {
    std::memset(to.bytes, 0, sizeof to.bytes);
    for (int row = 0; row < to.rows; ++row)
      std::memcpy(to.bytes[row], from + row * stride, static_cast<std::size_t>(to.row_bytes));
  }
  static void store(const tile& from, std::uint8_t* to, std::int64_t stride) {
    for (int row = 0; row < from.rows; ++row)
      std::memcpy(to + row * stride, from.bytes[row], static_cast<std::size_t>(from.row_bytes));
  }

  static void expect_shapes(const tile& sum, const tile& a, const tile& b) {
    expect(&sum != &a && &sum != &b && &a != &b, "#UD: a tile twice");
    expect(sum.row_bytes % 4 == 0 && a.row_bytes % 4 == 0 && b.row_bytes % 4 == 0, "#UD: a part of 4 bytes");
    expect(sum.rows == a.rows && sum.row_bytes == b.row_bytes && a.row_bytes / 4 == b.rows,
           "#UD: shapes that do not match");
  }

  /// TDPB[SU][SU]D.
  static void multiply_bytes(tile& sum, const tile& a, const tile& b, bool a_signed, bool b_signed) {
    expect_shapes(sum, a, b);
    const auto value = [](std::uint8_t byte, bool is_signed) {
      return is_signed ? int{static_cast<std::int8_t>(byte)} : int{byte};
    };
    for (int m = 0; m < sum.rows; ++m)
      for (int n = 0; n < sum.row_bytes / 4; ++n) {
        std::uint32_t total = 0;
        std::memcpy(&total, sum.bytes[m] + 4 * n, sizeof total);
        for (int k = 0; k < b.rows; ++k)
          for (int i = 0; i < 4; ++i)
            total += static_cast<std::uint32_t>(value(a.bytes[m][4 * k + i], a_signed) *
                                                value(b.bytes[k][4 * n + i], b_signed));
        std::memcpy(sum.bytes[m] + 4 * n, &total, sizeof total);
      }
    ++products_of_bytes;
  }

  static float flushed(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }
  static float bfloat16_at(const std::uint8_t* bytes) {
    std::uint16_t pattern = 0;
    std::memcpy(&pattern, bytes, sizeof pattern);
    return flushed(bitgauge::numeric::bfloat16_to_float(pattern));
  }
  /// TDPBF16PS.
  static void multiply_bfloat16(tile& sum, const tile& a, const tile& b) {
    expect_shapes(sum, a, b);
    for (int m = 0; m < sum.rows; ++m)
      for (int n = 0; n < sum.row_bytes / 4; ++n) {
        float pair[2] = {}, total = 0;
        for (int k = 0; k < b.rows; ++k)
          for (int i = 0; i < 2; ++i)
            pair[i] = flushed(std::fma(bfloat16_at(a.bytes[m] + 4 * k + 2 * i),
                                       bfloat16_at(b.bytes[k] + 4 * n + 2 * i), pair[i]));
        std::memcpy(&total, sum.bytes[m] + 4 * n, sizeof total);
        total = flushed(flushed(total) + flushed(pair[0] + pair[1]));
        std::memcpy(sum.bytes[m] + 4 * n, &total, sizeof total);
      }
    ++products_of_bfloat16;
  }

  /// An operand in memory: base + displacement, and index << scale, by which tiles step from row to row.
  struct memory_operand {
    std::uint8_t* base;
    std::int64_t step;
    bool has_index;
    const std::uint8_t* end;  ///< of the instruction
  };

  static std::int64_t general_register(const ucontext_t& context, int number) {
    constexpr int places[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return context.uc_mcontext.gregs[places[number]];
  }

  /// Behind the ModRM byte at `at`; `high_index`, `high_base`: the bits of the prefix.
  static memory_operand operand_at(const ucontext_t& context, const std::uint8_t* at, int high_index,
                                   int high_base) {
    const int mode = *at >> 6, low = *at & 7;
    ++at;
    memory_operand found{nullptr, 0, false, nullptr};
    std::int64_t base = 0;
    bool no_base = mode == 0 && low == 5;
    const bool by_instruction = no_base;
    if (low == 4) {
      const int scale = *at >> 6, index = (*at >> 3 & 7) | high_index, of_base = *at & 7;
      ++at;
      found.has_index = index != 4;
      if (found.has_index)
        found.step =
            static_cast<std::int64_t>(static_cast<std::uint64_t>(general_register(context, index)) << scale);
      no_base = mode == 0 && of_base == 5;
      if (!no_base) base = general_register(context, of_base | high_base);
    } else if (!no_base) {
      base = general_register(context, low | high_base);
    }
    std::int32_t displacement = 0;
    if (mode == 1) {
      displacement = static_cast<std::int8_t>(*at++);
    } else if (mode == 2 || no_base) {
      std::memcpy(&displacement, at, sizeof displacement);
      at += sizeof displacement;
    }
    if (by_instruction) base = static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(at));
    found.base = reinterpret_cast<std::uint8_t*>(base + displacement);
    found.end = at;
    return found;
  }

  /// Carries out the instruction at `at`; the next one, or null where it is none of AMX.
  static const std::uint8_t* execute(const ucontext_t& context, const std::uint8_t* at) {
    // VEX.128.0F38.W0: c4, ~R ~X ~B and the map, W ~vvvv L pp
    if (at[0] != 0xc4 || (at[1] & 0x9f) != 0x82 || (at[2] & 0x84) != 0) return nullptr;
    const int high_index = (at[1] & 0x40) != 0 ? 0 : 8, high_base = (at[1] & 0x20) != 0 ? 0 : 8;
    const int third = ~(at[2] >> 3) & 15, prefix = at[2] & 3, code = at[3], modrm = at[4];
    const bool in_memory = modrm >> 6 != 3;
    const int first = modrm >> 3 & 7, second = modrm & 7;
    enum { none, of_66, of_f3, of_f2 };
    if (code == 0x49 && third == 0) {
      if (prefix == none && in_memory && first == 0) {  // LDTILECFG
        const memory_operand from = operand_at(context, at + 4, high_index, high_base);
        configure(from.base + from.step);
        return from.end;
      }
      if (prefix == none && modrm == 0xc0) {  // TILERELEASE
        state = {};
        return at + 5;
      }
      if (prefix == of_f2 && !in_memory && second == 0) {  // TILEZERO
        tile& zero = valid(first);
        std::memset(zero.bytes, 0, sizeof zero.bytes);
        return at + 5;
      }
    }
    if (code == 0x4b && third == 0 && in_memory && second == 4) {
      const memory_operand place = operand_at(context, at + 4, high_index, high_base);
      if (prefix == of_f2 || prefix == of_66) {  // TILELOADD, TILELOADDT1
        load(valid(first), place.base, place.step);
        return place.end;
      }
      if (prefix == of_f3) {  // TILESTORED
        store(valid(first), place.base, place.step);
        return place.end;
      }
    }
    if (code == 0x5e && !in_memory) {  // TDPBUUD, TDPBUSD, TDPBSUD, TDPBSSD
      multiply_bytes(valid(first), valid(second), valid(third), prefix == of_f3 || prefix == of_f2,
                     prefix == of_66 || prefix == of_f2);
      return at + 5;
    }
    if (code == 0x5c && prefix == of_f3 && !in_memory) {  // TDPBF16PS
      multiply_bfloat16(valid(first), valid(second), valid(third));
      return at + 5;
    }
    return nullptr;
  }

  static void on_refused(int, siginfo_t*, void* interrupted) {
    ucontext_t& context = *static_cast<ucontext_t*>(interrupted);
    auto& next = context.uc_mcontext.gregs[REG_RIP];
    const std::uint8_t* const end = execute(context, reinterpret_cast<const std::uint8_t*>(next));
    expect(end != nullptr, "an instruction that neither the processor nor AMX has");
    next = static_cast<greg_t>(reinterpret_cast<std::intptr_t>(end));
  }

  struct sigaction before_ {};
};

}  // namespace test
#endif
