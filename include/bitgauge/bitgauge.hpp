#pragma once

/// \file
/// The whole library but its file formats, which need a JSON library and have <bitgauge/io.hpp>.

#include <bitgauge/kernel/reference.hpp>
#include <bitgauge/matrix/bias.hpp>
#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/scheme_recipe.hpp>
#include <bitgauge/metrics/error.hpp>
#include <bitgauge/range/given.hpp>
#include <bitgauge/version.hpp>
