// From matrices to levels of a trellis, and what they can be at best.

#include <bitgauge/matrix/trellis/quantize_definitions.hpp>
#include <bitgauge/metrics/output_bound_definitions.hpp>
