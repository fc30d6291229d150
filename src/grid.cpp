// Grids whose levels are computed.

#include <bitgauge/grid/signed_normal_float_definitions.hpp>
