#pragma once

/// \file
/// The one dispatch: every function that exists for several instruction sets is called through a table of
/// operations, of which there is one for each set. A set that has no version of its own of an operation gets
/// that of the nearest set below it. README.md of this folder has the tables and a skeleton to copy.

#include <bitgauge/simd/instruction_set.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace bitgauge::simd {

/// Puts the versions that the instruction set `Set` has of its own into a table, which holds those of the
/// sets below. Without a specialisation there is none; the folder of a set has one for each kind of table
/// that it improves.
template <instruction_set Set, class Operations>
constexpr void improve(Operations&) {}

/// `Operations`, a struct of function pointers that are at first the portable ones, for every instruction
/// set. The header that defines a table includes all that improves it.
template <class Operations>
class operation_table {
 public:
  constexpr operation_table() {
    for (const instruction_set set : all_instruction_sets)
      improve_for(set, std::make_index_sequence<all_instruction_sets.size()>{});
  }

  /// The operations of one set; to call them, the processor must have it.
  constexpr const Operations& of(instruction_set set) const noexcept {
    return by_set_[static_cast<std::size_t>(set)];
  }

  /// The operations of the set in use. Cost: an atomic load; take the reference once per row or matrix.
  const Operations& in_use() const { return of(selected()); }

 private:
  template <std::size_t... Sets>
  constexpr void improve_for(instruction_set set, std::index_sequence<Sets...>) {
    Operations& operations = by_set_[static_cast<std::size_t>(set)];
    ((implies(set, all_instruction_sets[Sets]) ? improve<all_instruction_sets[Sets]>(operations) : void()),
     ...);
  }

  std::array<Operations, all_instruction_sets.size()> by_set_{};
};

}  // namespace bitgauge::simd
