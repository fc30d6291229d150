// Entropy-coded integers, and matrices of them.

#include <bitgauge/matrix/trellis/trellis_matrix_definitions.hpp>
#include <bitgauge/matrix/trellis/trellis_scheme_definitions.hpp>
#include <bitgauge/packing/entropy/coded_levels_definitions.hpp>
#include <bitgauge/packing/entropy/encode_levels_definitions.hpp>
#include <bitgauge/packing/entropy/level_model_definitions.hpp>
#include <bitgauge/simd/rans_definitions.hpp>
