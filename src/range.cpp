// The ranges that search.

#include <bitgauge/range/kl_definitions.hpp>
#include <bitgauge/range/mse_definitions.hpp>
