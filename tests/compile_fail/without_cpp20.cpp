// Catches an older standard that is answered by anything but its name first.
// error: bitgauge needs C++20
#include <bitgauge/bitgauge.hpp>
;
