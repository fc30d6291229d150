// JSON to read and to write.

#include <bitgauge/io/json/text_definitions.hpp>
#include <bitgauge/io/json/visitor_definitions.hpp>
