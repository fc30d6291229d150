// Layers.

#include <bitgauge/layer/outlier_product_definitions.hpp>
