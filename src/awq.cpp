// AWQ's searches.

#include <bitgauge/metrics/quadratic_form_definitions.hpp>
#include <bitgauge/transform/awq/awq_clip_definitions.hpp>
#include <bitgauge/transform/awq/awq_definitions.hpp>
