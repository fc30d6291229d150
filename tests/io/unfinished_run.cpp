#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/io/model/unfinished_run.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/model/llama/calibration/quantize.hpp>
#include <bitgauge/model/plan/planner.hpp>

#include "model/llama/small_llama.hpp"
#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace bitgauge;

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class unfinished_run : public testing::Test {
 protected:
  unfinished_run() { original.write_gguf(path("m.gguf")); }
  std::filesystem::path path(const std::string& name) const { return folder.path() / name; }
  std::size_t file_count() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
  }

  struct outcome {
    model_report report;
    std::size_t resumed = 0;
  };
  /// Quantizes into `output`; the work is cancelled once `stop_after` tensors more are finished.
  outcome quantize(const std::string& output, const std::string& scheme, std::size_t stop_after = 1000,
                   bool is_kept = true) const {
    const io::tensor_file file(path("m.gguf").string());
    std::optional<io::unfinished_run> run;
    if (is_kept) run.emplace(path(output));
    llama::calibration seen(file, io::llama_config(file), tokens, {.context = 8});
    plan_options how{.calibration = &seen};
    if (output.ends_with(".safetensors")) how.transform = parse_transform_scheme("awq");
    std::vector<rule> rules{{"token_embd*", tensor_format::copy()}, {"*", parse_format(scheme)}};
    if (output.ends_with(".gguf")) rules.insert(rules.begin(), {"*attn_v*", gguf::tensor_type::f16});
    std::size_t finished = 0;
    model_options o;
    o.finished = run ? &*run : nullptr;
    o.reported = [&](tensor_report&, bool is_new) { finished += is_new; };
    o.cancel = [&] { return finished >= stop_after; };
    outcome result;
    result.report = llama::quantize(file, plan(file, rules, how), *io::open_sink(path(output), file), seen, o,
                                    {.divergence_windows = 1});
    if (run) result.resumed = run->resumed();
    return result;
  }
  void stop_after(std::size_t count, const std::string& output, const std::string& scheme) const {
    EXPECT_EQ(test::message_of<cancelled>([&] { quantize(output, scheme, count); }),
              "cancelled by the caller (model_options::cancel)");
  }

  test::small_llama original;
  test::temporary_directory folder;
  std::vector<llama::token> tokens{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
};

// Catches inputs that are seen behind other weights than before, parts that are written twice or not at all, and
// reports that are lost: whatever tensor the work ended behind, the file and the report are those of one run.
TEST_F(unfinished_run, goes_on_behind_any_tensor_to_the_same_bytes) {
  const std::pair<std::string, std::string> cases[] = {
      {"q.gguf", "q4_0:rounding=gptq"}, {"q.safetensors", "affine:bits=3,group=16,rounding=gptq"}};
  for (const auto& [output, scheme] : cases) {
    const outcome whole = quantize(output, scheme, 1000, false);
    const std::string expected = bytes_of(path(output));
    std::filesystem::remove(path(output));
    for (const std::size_t count : {1u, 3u, 14u}) {
      stop_after(count, output, scheme);
      EXPECT_FALSE(std::filesystem::exists(path(output)));
      EXPECT_TRUE(std::filesystem::exists(path(output + ".unfinished")));
      if (count == 3) stop_after(2, output, scheme);  // and ends again
      const outcome rest = quantize(output, scheme);
      EXPECT_EQ(rest.resumed, count == 3 ? 5 : count);
      EXPECT_EQ(bytes_of(path(output)), expected) << output << " " << count;
      std::filesystem::remove(path(output));
      EXPECT_EQ(file_count(), 1u);  // the model
      ASSERT_EQ(rest.report.tensors.size(), whole.report.tensors.size());
      for (std::size_t i = 0; i < rest.report.tensors.size(); ++i) {
        const tensor_report &a = whole.report.tensors[i], &b = rest.report.tensors[i];
        EXPECT_EQ(a.notes, b.notes) << a.name;
        EXPECT_EQ(a.error.error_energy, b.error.error_energy) << a.name;
        EXPECT_EQ(a.output_error, b.output_error) << a.name;
        EXPECT_EQ(a.bound_bits, b.bound_bits) << a.name;
        EXPECT_EQ(a.scheme, b.scheme);
      }
    }
  }
}

// Catches tensors of other work that are mixed in: every one of the things that decide the bytes.
TEST_F(unfinished_run, refuses_what_other_settings_began) {
  const std::string scheme = "q4_0:rounding=gptq";
  stop_after(3, "q.gguf", scheme);
  const auto refusal = [&](const std::string& what) {
    return path("q.gguf.unfinished").string() + ": expected an unfinished run with the same " + what +
           ", found another: repeat what it was begun with, or remove this folder to begin anew";
  };
  const auto message = [&](const std::string& text) {
    return test::message_of<data_error>([&] { quantize("q.gguf", text); });
  };
  EXPECT_EQ(message("q4_0:effort=best,rounding=gptq"), refusal("scheme and rules"));
  std::swap(tokens.front(), tokens.back());
  ++tokens.front();
  EXPECT_EQ(message(scheme), refusal("calibration"));
  original.tensors.at("blk.1.ffn_up.weight")(0, 0) += 0.25f;
  original.write_gguf(path("m.gguf"));
  EXPECT_EQ(message(scheme), refusal("source, calibration"));
  EXPECT_FALSE(std::filesystem::exists(path("q.gguf")));
  EXPECT_TRUE(std::filesystem::exists(path("q.gguf.unfinished") / "identity.json"));
}

// Catches damage that gets into the file: what is not as it was written is done again.
TEST_F(unfinished_run, does_damaged_tensors_again) {
  const std::string scheme = "q4_0:rounding=gptq";
  quantize("q.gguf", scheme, 1000, false);
  const std::string expected = bytes_of(path("q.gguf"));
  std::filesystem::remove(path("q.gguf"));
  stop_after(5, "q.gguf", scheme);
  std::vector<std::filesystem::path> data, reports;
  for (const auto& each : std::filesystem::directory_iterator(path("q.gguf.unfinished"))) {
    if (each.path().extension() == ".gguf") data.push_back(each.path());
    if (each.path().extension() == ".json" && each.path().stem() != "identity")
      reports.push_back(each.path());
  }
  ASSERT_EQ(data.size(), 5u);
  ASSERT_EQ(reports.size(), 5u);
  std::sort(data.begin(), data.end());
  std::sort(reports.begin(), reports.end());
  std::filesystem::resize_file(data[0], std::filesystem::file_size(data[0]) - 1);
  std::string all = bytes_of(data[1]);
  all.back() = static_cast<char>(all.back() ^ 1);
  std::ofstream(data[1], std::ios::binary) << all;
  std::filesystem::resize_file(reports[2], 20);
  std::filesystem::remove(data[3]);
  EXPECT_EQ(quantize("q.gguf", scheme).resumed, 1u);
  EXPECT_EQ(bytes_of(path("q.gguf")), expected);
}

// Catches two runs that write into one folder, and a folder that is left where nothing was finished.
TEST_F(unfinished_run, is_locked_and_leaves_nothing_behind) {
  {
    const io::unfinished_run first(path("q.gguf"));
    EXPECT_EQ(test::message_of<io_error>([&] { io::unfinished_run(path("q.gguf")); }),
              path("q.gguf.unfinished").string() +
                  ": expected no other run with this output, found one at work: wait until it has ended");
    const io::unfinished_run other(path("p.gguf"));
  }
  EXPECT_EQ(file_count(), 1u);
  std::filesystem::create_directory(path("q.gguf.unfinished"));
  std::ofstream(path("q.gguf.unfinished") / "notes.txt") << "mine";
  { const io::unfinished_run run(path("q.gguf")); }
  EXPECT_EQ(bytes_of(path("q.gguf.unfinished") / "notes.txt"), "mine");
}

// Catches a divergence of other windows, other blocks or another base: the last is that of the whole file.
TEST_F(unfinished_run, reports_the_divergence_after_each_block) {
  std::vector<std::string> found;
  for (const tensor_report& row : quantize("q.gguf", "q4_0:rounding=gptq").report.tensors)
    for (const std::string& note : row.notes)
      if (note.starts_with("divergence")) found.push_back(row.name + ": " + note);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_TRUE(found[0].starts_with("blk.0.ffn_down.weight: divergence up to this block ")) << found[0];
  EXPECT_TRUE(found[1].starts_with("blk.1.ffn_down.weight: divergence up to this block ")) << found[1];
  // by definition, in double, with the original output, which comes behind all blocks
  test::small_llama made;
  const io::tensor_file result(path("q.gguf").string());
  for (auto& [name, values] : made.tensors)
    if (name.starts_with("blk.") && name.find("norm") == std::string::npos)
      values = result.matrix(*result.find(name));
  const std::vector<std::int32_t> window(tokens.begin(), tokens.begin() + 8);
  const Eigen::MatrixXd p = original.logits(window), q = made.logits(window);
  double sum = 0;
  for (index_t t = 0; t < 8; ++t) {
    const Eigen::ArrayXd a = p.row(t).transpose().array(), b = q.row(t).transpose().array();
    const Eigen::ArrayXd log_a = a - std::log(a.exp().sum()), log_b = b - std::log(b.exp().sum());
    sum += (log_a.exp() * (log_a - log_b)).sum() / std::log(2.0) / 8;
  }
  const double said = std::stod(found[1].substr(found[1].find("block ") + 6));
  EXPECT_NEAR(said, sum, 0.006 * sum);
}

}  // namespace
