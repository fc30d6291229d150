// Training: what adapters, masks and starts compute.

#include <bitgauge/training/adapters/low_rank_definitions.hpp>
#include <bitgauge/training/products_definitions.hpp>
#include <bitgauge/training/straight_through_definitions.hpp>
