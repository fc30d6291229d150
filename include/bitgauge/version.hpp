#pragma once

/// \file
/// The version of the library: the one place where it is written.

#define BITGAUGE_VERSION_MAJOR 0
#define BITGAUGE_VERSION_MINOR 1
#define BITGAUGE_VERSION_PATCH 0
