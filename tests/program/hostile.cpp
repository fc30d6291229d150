// The program on files that mean harm, and in surroundings that fail: bounded work, one line that a terminal
// only shows, and nothing left behind.

#include <bitgauge/io/bytes/little_endian.hpp>

#include "run_program.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

/// Shell text that bounds the processor's time and, where no sanitizer reserves terabytes, memory.
std::string limits(int seconds) {
#if defined(__SANITIZE_ADDRESS__)
  constexpr bool bounds_memory = false;
#elif defined(__has_feature)
  constexpr bool bounds_memory = !__has_feature(address_sanitizer);
#else
  constexpr bool bounds_memory = true;
#endif
  return "ulimit -t " + std::to_string(seconds) + (bounds_memory ? "; ulimit -v 4000000;" : ";");
}

class hostile : public testing::Test {
 protected:
  test::run_result run(const std::string& arguments, const std::string& before = "") const {
    return test::run_program(folder_.path(), arguments, before);
  }
  void write(const std::string& name, const std::string& bytes) const {
    test::write_file(folder_ / name, bytes);
  }
  /// A .safetensors file of F32 tensors, given by name as JSON and by shape as JSON, all zeros.
  static std::string tensors(const std::vector<std::pair<std::string, std::vector<std::uint64_t>>>& list,
                             const std::string& metadata = "") {
    std::string header = metadata.empty() ? "" : R"("__metadata__":)" + metadata, shape;
    std::uint64_t end = 0;
    for (const auto& [name, extents] : list) {
      std::uint64_t size = 4;
      shape.clear();
      for (const std::uint64_t extent : extents) {
        size *= extent;
        shape += (shape.empty() ? "" : ",") + std::to_string(extent);
      }
      header += (header.empty() ? "" : ",") + ("\"" + name + R"(":{"dtype":"F32","shape":[)" + shape) +
                R"(],"data_offsets":[)" + std::to_string(end) + "," + std::to_string(end + size) + "]}";
      end += size;
    }
    header = "{" + header + "}";
    return test::little_endian<std::uint64_t>(header.size()) + header +
           std::string(static_cast<std::size_t>(end), '\0');
  }
  /// A .gguf file of one tensor; dimensions are fastest first.
  static std::string gguf(const std::string& name, const std::vector<std::uint64_t>& dimensions,
                          std::uint32_t type) {
    std::string bytes = "GGUF" + test::little_endian<std::uint32_t>(3) +
                        test::little_endian<std::uint64_t>(1) + test::little_endian<std::uint64_t>(0) +
                        test::little_endian<std::uint64_t>(name.size()) + name +
                        test::little_endian(static_cast<std::uint32_t>(dimensions.size()));
    for (const std::uint64_t extent : dimensions) bytes += test::little_endian(extent);
    bytes += test::little_endian(type) + test::little_endian<std::uint64_t>(0);
    bytes.resize((bytes.size() + 31) / 32 * 32);
    return bytes;
  }
  /// Exit 2 and one short line that holds `text`.
  void expect_refused(const std::string& arguments, const std::string& text,
                      const std::string& before = "") const {
    const auto result = run(arguments, before);
    EXPECT_EQ(result.exit_code, 2) << arguments << "\n" << result.err.substr(0, 1000);
    EXPECT_NE(result.err.find(text), std::string::npos) << arguments << "\n" << result.err.substr(0, 1000);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << arguments;
    EXPECT_LT(result.err.size(), 2000u) << arguments;
    expect_harmless(result.err);
  }
  /// Nothing that moves a cursor, and lines that do not grow with the longest name.
  static void expect_harmless(const std::string& text) {
    for (const char c : text) ASSERT_TRUE(c == '\n' || (c >= 0x20 && c != 0x7f)) << static_cast<int>(c);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LT(line.size(), 1000u);
  }

  test::temporary_directory folder_;
};

// Catches a description whose fields do not go together and make `dequantize` print the stack.
TEST_F(hostile, descriptions_that_make_no_sense_are_refused) {
  const std::string description =
      R"({"version":1,"tensors":{"w":{"shape":[1,64],"dtype":"F32","scheme":"x","bits":8,"codes":"sign","group":"row","zero_point":0}}})";
  std::string escaped;
  for (const char c : description) escaped += c == '"' ? std::string("\\\"") : std::string(1, c);
  const std::string header = R"({"__metadata__":{"bitgauge":")" + escaped +
                             R"("},"w.codes":{"dtype":"U8","shape":[1,64],"data_offsets":[0,64]},)" +
                             R"("w.scales":{"dtype":"F32","shape":[1],"data_offsets":[64,68]}})";
  write("q.safetensors", test::little_endian<std::uint64_t>(header.size()) + header + std::string(68, '\1'));
  expect_refused("dequantize q.safetensors -o d.npy", "tensor w: bits: expected 1 for sign codes, found 8");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "d.npy"));
}

// Catches JSON whose depth costs stack.
TEST_F(hostile, deep_json_is_refused) {
  const std::string deep = repeated(R"({\"a\":)", 50000);
  for (const std::string start : {R"({\"version\":1,\"tensors\":{\"w\":)", R"({\"x\":)", ""}) {
    write("deep.safetensors", tensors({{"w", {1}}}, R"({"bitgauge":")" + (start + deep) + R"("})"));
    expect_refused("inspect deep.safetensors", "deep.safetensors");
  }
  write("deep.index.json",
        R"({"a":)" + std::string(50000, '[') + std::string(50000, ']') + R"(,"weight_map":{}})");
  expect_refused("inspect deep.index.json", "expected at most 32 levels");
  write("deep.safetensors", test::little_endian<std::uint64_t>(50000) + "{" + std::string(49999, '['));
  expect_refused("inspect deep.safetensors", "deep.safetensors");
}

// Catches names that crash a matcher, that every row is padded to (3.6 GB here), and work that grows with the
// square of the number of tensors: with 50,000 of them that took minutes, and 10 s of processor are far more
// than is needed.
TEST_F(hostile, long_names_and_many_tensors_take_linear_time_and_memory) {
  std::vector<std::pair<std::string, std::vector<std::uint64_t>>> list{{std::string(1'000'000, 'a'), {1, 4}}};
  for (int i = 0; i < 3000; ++i) list.push_back({"t" + std::to_string(i), {1, 4}});
  write("long.safetensors", tensors(list));
  const auto quantized =
      run("quantize long.safetensors -o q.safetensors --scheme affine --threads 1 --include '(a+)+$|t'",
          limits(60));
  EXPECT_EQ(quantized.exit_code, 0) << quantized.err.substr(0, 1000);
  EXPECT_LT(quantized.out.size(), 1'000'000u);
  expect_harmless(quantized.out);
  const auto listed = run("inspect q.safetensors", limits(60));
  EXPECT_EQ(listed.exit_code, 0) << listed.err.substr(0, 1000);
  EXPECT_LT(listed.out.size(), 1'000'000u);
  list.clear();
  for (int i = 0; i < 50'000; ++i) list.push_back({"layer." + std::to_string(i), {1}});
  write("many.safetensors", tensors(list));
  EXPECT_EQ(run("compare many.safetensors many.safetensors", limits(60)).exit_code, 0);
}

// Catches names and values that a terminal, Markdown or a spreadsheet takes for commands.
TEST_F(hostile, names_and_values_are_escaped) {
  write("n.safetensors", tensors({{R"(\u001b[2J|a`b\n\u202ec)", {2, 2}}, {"=1+1", {2, 2}}, {"@x", {2, 2}}},
                                 R"({"k\u001b[31m":"v\r\n\u0007\u009b31m"})"));
  const auto listed = run("inspect n.safetensors");
  EXPECT_NE(listed.out.find("k\\x1b[31m: v\\r\\n\\x07\\u{9b}31m\n"), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("\n\\x1b[2J|a`b\\n\\u{202e}c "), std::string::npos) << listed.out;
  expect_harmless(run("inspect n.safetensors --json").out);
  for (const std::string ending : {"md", "csv"})
    ASSERT_EQ(run("quantize n.safetensors -o q.safetensors --scheme affine --report r." + ending).exit_code,
              0);
  const std::string markdown = test::text_of_file(folder_ / "r.md"),
                    csv = test::text_of_file(folder_ / "r.csv");
  EXPECT_NE(markdown.find("| \\\\x1b\\[2J\\|a\\`b\\\\n\\\\u{202e}c | 2 x 2 |"), std::string::npos)
      << markdown;
  EXPECT_NE(csv.find("\n\\x1b[2J|a`b\\n\\u{202e}c,2,2,"), std::string::npos) << csv;
  EXPECT_NE(csv.find("\n'=1+1,2,2,"), std::string::npos) << csv;
  EXPECT_NE(csv.find("\n'@x,2,2,"), std::string::npos) << csv;
  write("n.gguf", gguf("w\xff\x1b[2J", {2, 0}, 0));
  expect_harmless(run("inspect n.gguf").out);
  EXPECT_EQ(run("inspect n.gguf --json").exit_code, 0);
  write("t.safetensors", tensors({{R"(\u001b[2J)", {2, 2}}, {R"(\u001b[2J)", {2, 2}}}));
  expect_refused("inspect t.safetensors", "\\x1b[2J");
}

// Catches work for each row, or memory for each column, of a tensor without elements.
TEST_F(hostile, tensors_without_elements_cost_nothing) {
  const std::uint64_t many = std::uint64_t{1} << 40;
  for (const auto& [name, bytes, scheme] :
       {std::tuple("a.gguf", gguf("w", {0, std::uint64_t{1} << 32}, 0), "q8_0"),
        std::tuple("b.gguf", gguf("w", {many, 0}, 0), "q8_0"),
        std::tuple("c.gguf", gguf("w", {0, many}, 12), "q8_0"),
        std::tuple("d.gguf", gguf("w", {many, 0}, 12), "q8_0"),
        std::tuple("e.safetensors", tensors({{"w", {many, 0}}}), "affine:group=32"),
        std::tuple("f.safetensors", tensors({{"w", {0, many}}}),
                   "symmetric:bits=4,group=column,rounding=stochastic"),
        std::tuple("g.safetensors", tensors({{"w", {many, many, 0}}}), "nf4")}) {
    write(name, bytes);
    const std::string file = name;
    const std::string out = file.ends_with(".gguf") ? "q.gguf" : "q.safetensors";
    EXPECT_EQ(run("inspect " + file, limits(20)).exit_code, 0) << file;
    const auto quantized = run("quantize " + file + " -o " + out + " --scheme " + scheme, limits(20));
    EXPECT_TRUE(quantized.exit_code == 0 || quantized.exit_code == 2) << file << ": " << quantized.exit_code;
    if (quantized.exit_code == 2) {
      EXPECT_NE(quantized.err.find(file + ": tensor w: "), std::string::npos);
    }
    EXPECT_EQ(run("compare " + file + " " + file, limits(20)).exit_code, quantized.exit_code) << file;
    EXPECT_EQ(run("dequantize " + file + " -o d.npy", limits(20)).exit_code, quantized.exit_code) << file;
  }
}

// Catches a signal that leaves half a file.
TEST_F(hostile, signals_remove_the_partial_file) {
  std::vector<std::pair<std::string, std::vector<std::uint64_t>>> list;
  for (int i = 0; i < 30'000; ++i) list.push_back({"t" + std::to_string(i), {1, 4}});
  write("w.safetensors", tensors(list));
  const auto partial = [&] {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      if (entry.path().extension() == ".partial") return true;
    return false;
  };
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    const pid_t child = fork();
    if (child == 0) {
      const int nowhere = open("/dev/null", O_RDWR);
      for (const int stream : {0, 1, 2}) dup2(nowhere, stream);
      if (chdir(folder_.path().c_str()) == 0)
        execl(BITGAUGE_PROGRAM, "bitgauge", "quantize", "w.safetensors", "-o", "q.safetensors", "--scheme",
              "affine", static_cast<char*>(nullptr));
      _exit(127);
    }
    int status = 0;
    while (!partial() && waitpid(child, &status, WNOHANG) == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(partial()) << "it ended before it was interrupted: " << status;
    kill(child, number);
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number) << status;
    EXPECT_FALSE(partial()) << number;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "q.safetensors"));
  }
}

// Catches success that is claimed though nothing was printed, threads by the million, and reports that are
// refused after the work, or lost with it.
TEST_F(hostile, surroundings_that_fail) {
  write("w.safetensors", tensors({{"w", {2, 2}}}));
  const std::string quantize = "quantize w.safetensors -o q.safetensors --scheme affine ";
  if (std::filesystem::exists("/dev/full")) {
    for (const std::string& command :
         {std::string("inspect w.safetensors"), std::string("compare w.safetensors w.safetensors"), quantize,
          std::string("--help")})
      expect_refused(command + " > /dev/full", "standard output: cannot write");
    std::filesystem::remove(folder_ / "q.safetensors");
  }
  EXPECT_EQ(run(quantize + "--threads 999999").exit_code, 0);
  expect_refused(quantize + "--threads -1", "--threads");
  std::filesystem::remove(folder_ / "q.safetensors");
  expect_refused(quantize + "--report no/such/r.json", "no/such/r.json: cannot create");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "q.safetensors"));
  std::filesystem::create_symlink("nowhere", folder_ / "q.safetensors");
  expect_refused(quantize, "q.safetensors: cannot write: it is a symbolic link to nowhere");
}

}  // namespace
