#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <sstream>
#include <string>

namespace {

/// What the example prints.
std::string output() {
  std::string text;
  std::FILE* const pipe = popen("'" BITGAUGE_GGUF_BLOCKS "'", "r");
  std::array<char, 256> some;
  while (std::fgets(some.data(), some.size(), pipe) != nullptr) text += some.data();
  EXPECT_EQ(pclose(pipe), 0);
  return text;
}

// Catches another rule than the one stated: the codes and super-scales worked out on paper, x * 7 over the
// largest magnitude of the sub-block, and -3.5 to even.
TEST(gguf_blocks, codes_by_hand) {
  const std::string text = output();
  std::size_t at = 0;
  for (const char* const expected :
       {"super-scale 0.8", "share 39/63, codes [7, -3, -1, 6]", "share 63/63, codes [7, -5, -6, 3]",
        "super-scale 0.9", "share 63/63, codes [7, -3, 5, 1]", "share 42/63, codes [2, -6, -4, 7]"}) {
    at = text.find(expected, at);
    ASSERT_NE(at, std::string::npos) << expected << " in\n" << text;
  }
}

// Catches fields printed of another block, or in another order: every decoded value follows from the fields
// by the formula of the format, and is near the number that it stands for.
TEST(gguf_blocks, fields_of_q4_k_give_the_decoded_values) {
  std::istringstream lines(output());
  double d = 0, dmin = 0;
  int scale = -1, minimum = -1, seen = 0;
  for (std::string line; std::getline(lines, line);) {
    double x = 0, decoded = 0;
    int code = 0, s = 0;
    std::sscanf(line.c_str(), "d %lf", &d);
    std::sscanf(line.c_str(), "dmin %lf", &dmin);
    std::sscanf(line.c_str(), "sub-block %d: scale %d, minimum %d", &s, &scale, &minimum);
    if (std::sscanf(line.c_str(), " %lf: code %d, decoded %lf", &x, &code, &decoded) != 3) continue;
    EXPECT_NEAR(decoded, d * scale * code - dmin * minimum, 1e-6) << line;
    EXPECT_NEAR(decoded, x, 0.6 * d * scale) << line;
    EXPECT_TRUE(scale >= 1 && scale <= 63 && minimum >= 0 && minimum <= 63 && code >= 0 && code <= 15)
        << line;
    ++seen;
  }
  EXPECT_EQ(seen, 16);
}

}  // namespace
