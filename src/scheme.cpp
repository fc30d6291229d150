// Schemes: their texts, what they check, what they stand for.

#include <bitgauge/matrix/scheme/check_definitions.hpp>
#include <bitgauge/matrix/scheme/grid_of_definitions.hpp>
#include <bitgauge/matrix/scheme/recipe_definitions.hpp>
#include <bitgauge/matrix/scheme/text_definitions.hpp>
