// Products with packed weights.

#include <bitgauge/kernel/pack/pack_matrix_definitions.hpp>
#include <bitgauge/kernel/packed_floats_definitions.hpp>
#include <bitgauge/kernel/product/integer_sums_definitions.hpp>
#include <bitgauge/kernel/product/product_definitions.hpp>
#include <bitgauge/kernel/row_product_definitions.hpp>
