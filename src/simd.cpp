// The functions of several instruction sets.

#include <bitgauge/simd/columns_definitions.hpp>
#include <bitgauge/simd/levels_definitions.hpp>
#include <bitgauge/simd/row_definitions.hpp>
#include <bitgauge/simd/sums/code_sums_definitions.hpp>
#include <bitgauge/simd/sums/level_sums_definitions.hpp>
#include <bitgauge/simd/sums/value_sums_definitions.hpp>
