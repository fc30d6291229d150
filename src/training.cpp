// Training: what adapters, masks and starts compute.

#include <bitgauge/training/straight_through_definitions.hpp>
