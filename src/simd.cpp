// The functions of several instruction sets.

#include <bitgauge/simd/code_sums_definitions.hpp>
#include <bitgauge/simd/level_sums_definitions.hpp>
#include <bitgauge/simd/levels_definitions.hpp>
#include <bitgauge/simd/row_definitions.hpp>
#include <bitgauge/simd/value_sums_definitions.hpp>
