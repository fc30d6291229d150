// Plans: what the program chooses within a budget, writes, reads back and does.

#include "model/llama/small_llama.hpp"
#include "tensor_files.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace {

using nlohmann::json;

class plan : public test::tensor_files {
 protected:
  plan() {
    original.write_gguf(path("m.gguf"));
    std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (32,), }";
    header.resize(117, ' ');
    std::ofstream file(path("t.npy"), std::ios::binary);
    file << std::string("\x93NUMPY\x01\0", 8) << char(118) << char(0) << header << '\n';
    for (int i = 0; i < 32; ++i) file << static_cast<char>(i * 7 % 11);
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }

  test::small_llama original;
};

const std::string tokens = "--calibration-tokens t.npy --calibration-context 8";

// Catches a plan that is larger than its budget or another than what is then done, an embedding or output that is
// quantized unasked, and a rule that is not heeded.
TEST_F(plan, is_within_the_budget_and_is_what_quantize_does) {
  succeed("plan m.gguf " + tokens +
          " --formats q4_0,q5_0:rounding=gptq,q8_0 --rule attn_v=q8_0 --budget 6.5 -o plan.json");
  const json said = report("plan.json");
  EXPECT_LE(said["bits_per_weight"], 6.5);
  EXPECT_LE(said["cost_bound"], said["cost"].get<double>() * (1 + 1e-9));
  EXPECT_GE(said["cost_by_multiplier"], said["cost"].get<double>() * (1 - 1e-9));
  EXPECT_EQ(said["tensors"]["token_embd.weight"]["format"], "copy");
  EXPECT_EQ(said["tensors"]["output.weight"]["format"], "copy");
  EXPECT_EQ(said["tensors"]["blk.1.attn_v.weight"]["format"], "q8_0");

  succeed("quantize m.gguf -o q.gguf --plan plan.json " + tokens);
  std::uint64_t bytes = 0;
  const json listed = inspect("q.gguf")["tensors"];
  EXPECT_EQ(listed.size(), said["tensors"].size());
  for (const json& tensor : listed) {
    const json& planned = said["tensors"][tensor["name"].get<std::string>()];
    const std::string format = planned["format"], type = tensor["format"];
    EXPECT_EQ(format == "copy" ? "F32" : format.substr(0, 4), type) << tensor;
    if (format != "copy") bytes += planned["bytes"].get<std::uint64_t>();
  }
  EXPECT_EQ(said["quantized_bytes"], bytes);
}

// Catches a trellis without bits that is taken for one of 2, rates that the plan does not carry out to its size, and a
// trellis whose bits are said that gets others.
TEST_F(plan, gives_a_trellis_any_rate) {
  const std::string some = " --include 'blk.0.(attn_q|attn_v|ffn_up)'";
  succeed("plan m.gguf " + tokens + some + " --formats trellis:rounding=gptq --budget 6 -o plan.json");
  const json said = report("plan.json");
  EXPECT_LE(said["quantized_bytes"], said["budget_bytes"]);
  EXPECT_GE(said["quantized_bytes"].get<double>(), 0.995 * said["budget_bytes"].get<double>());
  EXPECT_LE(said["cost_bound"], said["cost"].get<double>() * (1 + 1e-9));
  succeed("quantize m.gguf -o q.safetensors --plan plan.json " + tokens);
  double bytes = 0;
  std::set<std::string> formats;
  const json listed = inspect("q.safetensors")["tensors"];
  for (const json& tensor : listed) {
    const json& planned = said["tensors"][tensor["name"].get<std::string>()];
    const std::string format = planned["format"];
    if (format == "copy") continue;
    EXPECT_EQ(format.find("trellis:bits="), 0u) << format;
    EXPECT_NE(format.find(",rounding=gptq"), std::string::npos) << format;
    EXPECT_EQ(tensor["bytes"], planned["bytes"]) << format;
    formats.insert(format);
    bytes += tensor["bytes"].get<double>();
  }
  EXPECT_EQ(formats.size(), 3u);
  EXPECT_EQ(bytes, said["quantized_bytes"].get<double>());
  succeed(
      "plan m.gguf --include blk.0.attn_ --formats trellis:bits=5,trellis:bits=6 --budget 5.5 -o plan.json");
  const json two = report("plan.json")["tensors"];
  for (const auto& [name, tensor] : two.items())
    if (tensor["format"] != "copy") {
      EXPECT_TRUE(tensor["format"] == "trellis:bits=5" || tensor["format"] == "trellis:bits=6") << tensor;
    }
}

// Catches a dry run that says otherwise than what is done.
TEST_F(plan, says_what_a_scheme_would_do) {
  succeed("plan m.gguf --scheme q4_0 --exclude output -o plan.json");
  succeed("quantize m.gguf -o a.gguf --scheme q4_0 --exclude output");
  succeed("quantize m.gguf -o b.gguf --plan plan.json");
  EXPECT_EQ(test::text_of_file(path("a.gguf")), test::text_of_file(path("b.gguf")));
  const test::run_result shown = test::run_program(folder_.path(), "plan m.gguf --scheme q4_0");
  EXPECT_NE(shown.out.find("blk.0.ffn_down.weight"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("after"), std::string::npos) << shown.out;
}

// Catches a budget that is read as another, formats that are guessed, and what contradicts itself.
TEST_F(plan, refuses_what_cannot_be) {
  const std::string begin = "plan m.gguf -o p.json ";
  expect_refused(begin, {"--budget or --scheme is required"});
  expect_refused(begin + "--budget x", {"budget: expected bits a weight such as 3.5", "found \"x\""});
  expect_refused(begin + "--budget 5 --scheme q4_0", {"--budget", "--scheme"});
  expect_refused(begin + "--budget 5 --formats q4_0,q9_9", {"--formats", "found \"q9_9\""});
  expect_refused(begin + "--budget 5 --formats q4_0,", {"--formats"});
  expect_refused(begin + "--budget 4 --formats q4_0,q8_0",
                 {"expected at least ", "4.5 bits a weight", "4 bits a weight"});
  expect_refused(begin + "--budget 5 --formats q4_k", {"no multiple of the blocks"});
  expect_refused("plan m.gguf --budget 5 --formats q4_0 -o p.txt",
                 {"p.txt: expected a plan ending in .json"});
  expect_refused("quantize m.gguf -o q.gguf", {"--scheme is required"});
}

// Catches a model that is taken for a llama, or work that begins before what it lacks is known.
TEST_F(plan, refuses_models_and_tokens_that_do_not_fit) {
  const std::string texts[] = {"quantize m.gguf -o q.gguf --scheme q4_0:rounding=gptq " + tokens,
                               "plan m.gguf --budget 6 --formats q4_0,q8_0 -o p.json " + tokens,
                               "perplexity m.gguf --tokens t.npy --context 8"};
  const auto expect_all_refused = [&](const std::string& what) {
    for (const std::string& text : texts) expect_refused(text, {what});
  };
  original.tensors.erase("blk.1.ffn_gate.weight");
  original.write_gguf(path("m.gguf"));
  expect_all_refused("m.gguf: expected the tensor blk.1.ffn_gate.weight of a llama, found none of this name");
  original.tensors["blk.1.ffn_gate.weight"] = test::rows_of_floats::Zero(32, 64);
  original.write_gguf(path("m.gguf"));
  expect_all_refused("m.gguf: tensor blk.1.ffn_gate.weight: expected 64 x 32, found 32 x 64");
  original.tensors["blk.1.ffn_gate.weight"] = test::rows_of_floats::Zero(64, 32);
  original.write_gguf(path("m.gguf"));
  std::string bytes = test::text_of_file(path("t.npy"));
  bytes[bytes.size() - 30] = 11;  // the third token; there are 11
  write("t.npy", bytes);
  expect_all_refused("t.npy: token 2: expected 0 to 10, found 11");
  bytes = test::text_of_file(path("m.gguf"));
  write("m.gguf", bytes.replace(bytes.find("llama"), 5, "qwen2"));
  expect_all_refused("m.gguf: general.architecture: expected llama, found qwen2");
}

// Catches a plan of another model that is done in part, and texts that are no plan.
TEST_F(plan, refuses_plans_that_do_not_fit) {
  succeed("plan m.gguf --scheme q4_0 -o p.json");
  const std::string good = test::text_of_file(path("p.json"));
  const auto expect_damaged = [&](const std::string& text, const std::vector<std::string>& words) {
    write("d.json", text);
    expect_refused("quantize m.gguf -o q.gguf --plan d.json", words);
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  expect_refused("quantize m.gguf -o q.gguf --plan p.json --scheme q4_0", {"--plan", "without --scheme"});
  expect_refused("quantize m.gguf -o q.gguf --plan none.json", {"none.json"});
  expect_damaged("", {"d.json: byte 0"});
  expect_damaged("[]", {"d.json: ", "expected an object"});
  expect_damaged("{}", {"d.json: byte 2: plan: expected a member 'tensors'"});
  expect_damaged(good.substr(0, good.size() / 2), {"d.json: ", "not JSON"});
  expect_damaged(R"({"tensors": {"a": {"format": 4, "shape": "1"}}})",
                 {"tensors: a: format: expected a text"});
  expect_damaged(R"({"tensors": {"a": {"format": "q4_0"}}})", {"expected a member 'shape'"});
  expect_damaged(R"({"tensors": {"a": {"format": "q4_0", "format": "q8_0"}}})", {"'format' appears twice"});
  expect_damaged(R"({"tensors": {"a": "q4_0"}})", {"expected an object with 'format' and 'shape'"});
  expect_damaged(with("\"q4_0\"", "\"q4_9\""), {"d.json: tensor ", "q4_9"});
  expect_damaged(with("blk.0.attn_q", "blk.7.attn_q"),
                 {"blk.7.attn_q.weight of 32 x 32, which is not there"});
  expect_damaged(with("\"32 x 32\"", "\"32 x 33\""),
                 {"expected a plan of m.gguf", "32 x 33, which is 32 x 32 there"});
  std::string less = good;
  const std::size_t first = less.find("\"blk.0.attn_k.weight\""),
                    next = less.find("\"blk.0.attn_norm.weight\"");
  ASSERT_LT(first, next);
  expect_damaged(less.erase(first, next - first), {"found no format for tensor blk.0.attn_k.weight"});
}

}  // namespace
