// Products with packed weights.

#include <bitgauge/kernel/integer_sums_definitions.hpp>
#include <bitgauge/kernel/pack_matrix_definitions.hpp>
#include <bitgauge/kernel/packed_floats_definitions.hpp>
#include <bitgauge/kernel/product_definitions.hpp>
#include <bitgauge/kernel/row_product_definitions.hpp>
