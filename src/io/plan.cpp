// Plans as files.

#include <bitgauge/io/plan_file_definitions.hpp>
