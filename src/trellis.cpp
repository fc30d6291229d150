// From matrices to levels of a trellis.

#include <bitgauge/matrix/trellis/quantize_definitions.hpp>
#include <bitgauge/matrix/trellis/quantize_trellis_definitions.hpp>
#include <bitgauge/metrics/output_bound_definitions.hpp>
