// From matrices to levels of a trellis.

#include <bitgauge/matrix/trellis/quantize_trellis_definitions.hpp>
