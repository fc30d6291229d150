// Grids whose levels are computed.

#include <bitgauge/grid/lookup_definitions.hpp>
#include <bitgauge/grid/signed_normal_float_definitions.hpp>
