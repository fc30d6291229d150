// Whole models.

#include <bitgauge/model/plan/fitted_transform_definitions.hpp>
#include <bitgauge/model/quantize_model_definitions.hpp>
