#pragma once

/// \file
/// The instruction sets for which the library has code of its own, and which of them this processor has.
/// Every set gives the same bits: the choice is a matter of speed alone.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/simd/arm/features.hpp>
#include <bitgauge/simd/feature.hpp>
#include <bitgauge/simd/x86/features.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge::simd {

/// A named set of features. Sets are ordered by inclusion alone, see implies(): of x86 each includes the one
/// before it, but that avx512 includes avx2 and not avx2_vnni; so do the three of Arm; every one includes
/// portable. (A processor with VBMI and without VNNI, of which one was ever sold, runs avx512.)
enum class instruction_set : std::uint8_t {
  portable,      ///< plain C++
  neon,          ///< every aarch64 processor
  neon_dotprod,  ///< with sums of products of bytes (Neoverse N1, Cortex-A76, Apple M1)
  neon_i8mm,     ///< with products of small matrices of bytes (Neoverse V1 and N2, Cortex-A710, Apple M2)
  avx2,          ///< x86-64-v3: AVX2, FMA, F16C, BMI2
  avx2_vnni,     ///< avx2 with sums of products of bytes (Alder Lake, Zen 5)
  avx512,        ///< x86-64-v4: AVX-512 F, BW, DQ, VL
  avx512_vnni,   ///< with sums of products of bytes (Cascade Lake)
  avx512_vbmi,   ///< with permutations of bytes across a register (Ice Lake, Zen 4)
  amx,  ///< with tiles of bytes and bfloat16 (Sapphire Rapids), where the system lets this process use them
};

namespace detail {

/// An instruction set's name, and all features that it needs.
struct tier {
  const char* name;
  std::uint32_t features;
};

/// By instruction_set, a set behind those that it includes. A new one is a line here and one above.
inline constexpr std::array tiers{
    tier{"portable", 0},
    tier{"neon", feature::neon},
    tier{"neon_dotprod", feature::neon | feature::dotprod},
    tier{"neon_i8mm", feature::neon | feature::dotprod | feature::i8mm},
    tier{"avx2", feature::avx2},
    tier{"avx2_vnni", feature::avx2 | feature::avx_vnni},
    tier{"avx512", feature::avx2 | feature::avx512},
    tier{"avx512_vnni", feature::avx2 | feature::avx512 | feature::vnni},
    tier{"avx512_vbmi", feature::avx2 | feature::avx512 | feature::vnni | feature::vbmi},
    tier{"amx", feature::avx2 | feature::avx512 | feature::vnni | feature::vbmi | feature::amx},
};

constexpr const tier& tier_of(instruction_set set) noexcept {
  return tiers[static_cast<std::size_t>(set)];
}

/// The features of this processor that its operating system lets this process use.
inline std::uint32_t processor_features() {
#if BITGAUGE_X86
  static const std::uint32_t found = x86::usable_features();  // in a virtual machine it costs
  return found;
#elif defined(__aarch64__)
  static const std::uint32_t found = arm::processor_features();
  return found;
#else
  return 0;
#endif
}

}  // namespace detail

/// Every set, one behind those that it includes.
inline constexpr std::array all_instruction_sets = [] {
  std::array<instruction_set, detail::tiers.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<instruction_set>(i);
  return all;
}();

constexpr const char* name_of(instruction_set set) noexcept {
  return detail::tier_of(set).name;
}

/// True where a processor with `set` also runs code for `other`: a partial order.
constexpr bool implies(instruction_set set, instruction_set other) noexcept {
  return (detail::tier_of(other).features & ~detail::tier_of(set).features) == 0;
}

/// True where this processor (and its operating system) can run `set`.
inline bool supports(instruction_set set) {
  return (detail::tier_of(set).features & ~detail::processor_features()) == 0;
}

/// The sets that this processor can run, the fastest last.
inline std::vector<instruction_set> available() {
  std::vector<instruction_set> found;
  for (const instruction_set set : all_instruction_sets)
    if (supports(set)) found.push_back(set);
  return found;
}

namespace detail {

/// The number of the set in use, or -1 before the first use.
inline constinit std::atomic<int> selection{-1};

/// The names of all sets, or of those that this processor can run.
[[gnu::cold]] inline std::string names_of_sets(bool supported_alone) {
  std::string names;
  for (const instruction_set set : all_instruction_sets) {
    if (supported_alone && !supports(set)) continue;
    if (!names.empty()) names += ", ";
    names += name_of(set);
  }
  return names;
}

/// The fastest set that this processor has, or the one named by `wanted`, which may be null: see selected().
[[gnu::cold]] inline instruction_set choose(const char* wanted) {
  const bool any = wanted == nullptr || *wanted == '\0';
  instruction_set fastest = instruction_set::portable;
  for (const instruction_set set : all_instruction_sets) {
    if (any && supports(set)) fastest = set;
    if (any || std::string_view(wanted) != name_of(set)) continue;
    if (!supports(set))
      bitgauge::detail::raise_message<invalid_scheme>(
          {"BITGAUGE_ISA: expected an instruction set of this processor (", names_of_sets(true), "), found ",
           wanted});
    return set;
  }
  if (any) return fastest;
  bitgauge::detail::raise_message<invalid_scheme>(
      {"BITGAUGE_ISA: expected one of ", names_of_sets(false), ", found \"", excerpt(wanted), "\""});
}

inline instruction_set select_first() {
  const instruction_set chosen = choose(std::getenv("BITGAUGE_ISA"));
  int none = -1;
  selection.compare_exchange_strong(none, static_cast<int>(chosen));  // another thread chose the same
  return chosen;
}

}  // namespace detail

/// The set in use, in all threads: that of the innermost scoped_instruction_set alive, else the one that the
/// environment variable BITGAUGE_ISA names (portable, neon, neon_dotprod, neon_i8mm, avx2,
/// avx2_vnni, avx512, avx512_vnni, avx512_vbmi or amx), else the fastest that the processor has. The variable is read when the library first
/// needs to know; invalid_scheme is thrown then where its value is no name, or one that the processor lacks.
inline instruction_set selected() {
  const int set = detail::selection.load(std::memory_order_relaxed);
  return set >= 0 ? static_cast<instruction_set>(set) : detail::select_first();
}

/// Raises here what selected() might raise: before code that lets no exception out.
inline void require_instruction_set() {
  selected();
}

/// Uses another set, or the nearest one below it that the processor has, for the lifetime of the object, in
/// all threads: for tests and measurements.
class scoped_instruction_set {
 public:
  explicit scoped_instruction_set(instruction_set wanted) : before_(selected()) {
    instruction_set nearest = instruction_set::portable;
    for (const instruction_set set : available())
      if (implies(wanted, set)) nearest = set;
    detail::selection = static_cast<int>(nearest);
  }
  ~scoped_instruction_set() { detail::selection = static_cast<int>(before_); }
  scoped_instruction_set(const scoped_instruction_set&) = delete;
  scoped_instruction_set& operator=(const scoped_instruction_set&) = delete;

 private:
  instruction_set before_;
};

}  // namespace bitgauge::simd
