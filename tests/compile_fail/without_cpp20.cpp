// expect: bitgauge needs C++20
// mistake: -std=c++17
#include <bitgauge/bitgauge.hpp>

int main() {
  return 0;
}
