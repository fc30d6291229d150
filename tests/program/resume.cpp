#include <bitgauge/io/gguf/imatrix.hpp>
#include <bitgauge/io/npy.hpp>

#include "model/llama/small_llama.hpp"
#include "program_test.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <string>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

/// A llama whose second half takes the program long enough to be killed in, and tokens for it.
class resume : public test::program_test {
 protected:
  resume() {
    test::small_llama wide;
    wide.sizes.feed_forward = 1024;
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 0.05f);
    for (auto& [name, w] : wide.tensors) {
      if (name.find("ffn_") == std::string::npos || name.find("norm") != std::string::npos) continue;
      w = name.find("down") != std::string::npos ? test::rows_of_floats(32, 1024)
                                                 : test::rows_of_floats(1024, 32);
      for (bitgauge::index_t i = 0; i < w.size(); ++i) w.data()[i] = normal(random);
    }
    wide.write_gguf(path("m.gguf"));
    Eigen::VectorXi tokens(64);
    for (int& token : tokens) token = static_cast<int>(random() % 11);
    bitgauge::io::write_npy(path("t.npy"), tokens);
  }

  /// Starts the program; it is stopped once `count` tensors are finished.
  pid_t stopped_after(std::size_t count, const std::string& output) const {
    const pid_t child = fork();
    if (child == 0) {
      const int nowhere = open("/dev/null", O_WRONLY);
      dup2(nowhere, 1);
      dup2(nowhere, 2);
      const std::string command =
          "cd '" + folder_.path().string() + "' && exec '" BITGAUGE_PROGRAM "' " + command_line(output);
      execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      _exit(127);
    }
    while (finished(output) < count && waitpid(child, nullptr, WNOHANG) == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    kill(child, SIGSTOP);
    return child;
  }
  static std::string command_line(const std::string& output,
                                  const std::string& scheme = "q4_0:rounding=gptq") {
    return "quantize m.gguf -o " + output + " --scheme " + scheme +
           " --calibration-tokens t.npy --calibration-context 16";
  }
  std::size_t finished(const std::string& output) const {
    std::size_t count = 0;
    std::error_code ignored;
    for (const auto& each : std::filesystem::directory_iterator(path(output + ".unfinished"), ignored))
      count += each.path().extension() == ".json" && each.path().stem() != "identity";
    return count;
  }
};

// Catches a killed run that begins anew or ends in other bytes, one that others can write over, and files that stay:
// the program is killed in the middle, a second one is refused as long as it lives, a third goes on.
TEST_F(resume, goes_on_after_kill_9) {
  succeed(command_line("whole.gguf"));
  const pid_t child = stopped_after(2, "q.gguf");
  const auto files_then = files();
  const test::run_result second = run(command_line("q.gguf"));
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_EQ(
      second.err,
      "bitgauge: q.gguf.unfinished: expected no other run with this output, found one at work: wait until "
      "it has ended\n");
  EXPECT_EQ(files(), files_then);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status)) << "it had ended before it was killed";
  EXPECT_FALSE(std::filesystem::exists(path("q.gguf")));
  const test::run_result other = run(command_line("q.gguf", "q4_1:rounding=gptq"));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("q.gguf.unfinished: expected an unfinished run with the same scheme and rules"),
            std::string::npos)
      << other.err;
  succeed(command_line("q.gguf") + " --report q.json");
  EXPECT_EQ(test::text_of_file(path("q.gguf")), test::text_of_file(path("whole.gguf")));
  EXPECT_EQ(files(), (std::vector<std::string>{"m.gguf", "q.gguf", "q.json", "t.npy", "whole.gguf"}));
  std::string notes;
  const nlohmann::json rows = report("q.json");
  for (const auto& row : rows) notes += row.at("notes").dump();
  EXPECT_NE(notes.find("divergence up to this block"), std::string::npos) << notes;
}

// Catches sums of other inputs, other counts, and names that --importance does not find.
TEST_F(resume, measures_importance_for_quantize) {
  succeed("importance m.gguf --tokens t.npy -o i.gguf --context 16");
  const bitgauge::io::imatrix_file file(path("i.gguf"));
  EXPECT_EQ(file.entries().size(), 15u);
  EXPECT_EQ(file.datasets(), (std::vector<std::string>{"t.npy"}));
  // the first inputs are the norm of the embedding: nothing of a forward pass is needed
  const bitgauge::io::npy_file tokens(path("t.npy"));
  const auto* const numbers = reinterpret_cast<const std::int32_t*>(tokens.array().data.data());
  test::small_llama same;
  Eigen::VectorXd expected = Eigen::VectorXd::Zero(32);
  for (int t = 0; t < 64; ++t) {
    const Eigen::VectorXd x = same.tensors.at("token_embd.weight").row(numbers[t]).cast<double>().transpose();
    const Eigen::VectorXd norm = same.tensors.at("blk.0.attn_norm.weight").row(0).cast<double>().transpose();
    expected += (x.cwiseProduct(norm)).cwiseAbs2() / (x.squaredNorm() / 32 + 1e-5) / 64;
  }
  const auto& weights = file.at("blk.0.attn_q.weight").weights;
  ASSERT_EQ(weights.size(), 32u);
  for (std::size_t i = 0; i < 32; ++i)
    EXPECT_NEAR(weights[i], expected(static_cast<bitgauge::index_t>(i)), 1e-5 * weights[i]);
  EXPECT_EQ(file.at("blk.1.ffn_down.weight").weights.size(), 1024u);
  EXPECT_EQ(file.at("output.weight").weights.size(), 32u);
  succeed("quantize m.gguf -o q.gguf --scheme q4_0 --importance i.gguf --exclude token_embd --report q.json");
  EXPECT_EQ(test::text_of_file(path("q.json")).find("no importance"), std::string::npos);
}

}  // namespace
