// The pipeline from rows of floats to codes and back.

#include <bitgauge/matrix/pruned/prune_definitions.hpp>
#include <bitgauge/matrix/pruned/pruned_matrix_definitions.hpp>
#include <bitgauge/matrix/quantize_definitions.hpp>
#include <bitgauge/matrix/quantized_matrix_definitions.hpp>
#include <bitgauge/matrix/rows/row_sink_definitions.hpp>
#include <bitgauge/metrics/error_sums_definitions.hpp>
