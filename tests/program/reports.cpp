// What the program says of its work: figures, tables on terminals, lists, and what a mistyped word gets.

#include <bitgauge/io/safetensors/writer.hpp>

#include "program_test.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace io = bitgauge::io;
using nlohmann::json;

class reports : public test::program_test {
 protected:
  void write(const std::string& file, const std::vector<std::pair<std::string, Eigen::MatrixXf>>& all) const {
    io::safetensors_writer writer(path(file));
    for (const auto& [name, m] : all)
      writer.declare(name, io::dtype::f32,
                     {static_cast<std::uint64_t>(m.rows()), static_cast<std::uint64_t>(m.cols())});
    for (const auto& [name, m] : all) writer.write(name, m);
    writer.commit();
  }
};

/// The lines of a text, without what moves the cursor: a bar is followed by the table on the same line.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 3, "\x1b[K") == 0) {
      i += 2;
    } else if (text[i] == '\r' || text[i] == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += text[i];
    }
  }
  return lines;
}

std::size_t longest(const std::vector<std::string>& lines) {
  std::size_t most = 0;
  for (const std::string& line : lines) most = std::max(most, line.size());
  return most;
}

// Catches "exact" for what is not equal, and NaN or infinity that become numbers or vanish.
TEST_F(reports, call_nan_and_infinity_by_name) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Eigen::MatrixXf good = Eigen::MatrixXf::Random(2, 32);
  write("good.safetensors", {{"w", good}});
  for (const float bad : {nan, inf, -inf}) {
    Eigen::MatrixXf m = good;
    m(1, 7) = bad;
    m(0, 3) = 2;
    write("bad.safetensors", {{"w", m}});
    for (const std::string files : {"bad.safetensors bad.safetensors", "good.safetensors bad.safetensors",
                                    "bad.safetensors good.safetensors"}) {
      const std::string table = run("compare " + files).out;
      EXPECT_EQ(table.find("exact"), std::string::npos) << table;
      EXPECT_NE(table.find("NaN"), std::string::npos) << table;
      const json row = json::parse(run("compare --json " + files).out)[0];
      for (const char* key : {"mse", "sqnr_db", "cosine", "max_abs_error"}) {
        EXPECT_TRUE(row[key].is_null()) << key;
        EXPECT_NE(row["notes"].dump().find(std::string(key) + ": "), std::string::npos) << key << row;
      }
    }
    const std::string note =
        json::parse(run("compare --json bad.safetensors bad.safetensors").out)[0]["notes"][0];
    EXPECT_NE(note.find("the same in 1 of 1 places; elsewhere no error"), std::string::npos) << note;
    succeed("quantize bad.safetensors -o q.safetensors --scheme affine --nonfinite saturate --report r.json");
    EXPECT_TRUE(report("r.json")[0]["sqnr_db"].is_null());
    EXPECT_NE(report("r.json")[0]["notes"].dump().find("elsewhere mse"), std::string::npos);
  }
  EXPECT_NE(run("compare good.safetensors good.safetensors").out.find("exact"), std::string::npos);
  const json same = json::parse(run("compare --json good.safetensors good.safetensors").out)[0];
  EXPECT_EQ(same["mse"], 0);
  EXPECT_TRUE(same["sqnr_db"].is_null());
  EXPECT_EQ(same["notes"], json::array());
}

// Catches a total whose bits are of other tensors than its error: with half of the weights copied as floats
// the bits would be near 20 and the gap near 100 dB. The error is worked out from the rows.
TEST_F(reports, total_is_of_one_population) {
  const Eigen::MatrixXf a = Eigen::MatrixXf::Random(64, 64), b = 3 * Eigen::MatrixXf::Random(32, 64),
                        c = Eigen::MatrixXf::Random(96, 64);
  write("in.safetensors", {{"a", a}, {"b", b}, {"copied", c}});
  succeed(
      "quantize in.safetensors -o q.safetensors --scheme symmetric:bits=4,group=32 --exclude copied --report "
      "r.json");
  const json rows = report("r.json");
  const double error = rows[0]["mse"].get<double>() * 4096 + rows[1]["mse"].get<double>() * 2048;
  const double sqnr = 10 * std::log10((a.squaredNorm() + b.squaredNorm()) / error);
  EXPECT_TRUE(rows[2]["gap_db"].is_null());
  for (const char* command : {"quantize in.safetensors -o q.safetensors --scheme symmetric:bits=4,group=32 "
                              "--exclude copied",
                              "compare in.safetensors q.safetensors"}) {
    const std::vector<std::string> lines = lines_of(run(command).out);
    const auto total = std::find_if(lines.begin(), lines.end(),
                                    [](const std::string& line) { return line.starts_with("total"); });
    ASSERT_NE(total, lines.end());
    std::istringstream cells(total->substr(5));
    double bits = 0, mse = 0, db = 0, cosine = 0, largest = 0, gap = 0;
    cells >> bits >> mse >> db >> cosine >> largest >> gap;
    EXPECT_EQ(bits, 5) << *total;  // 4 and an f32 scale for 32
    EXPECT_NEAR(db, sqnr, 0.02);
    EXPECT_NEAR(gap, 6.0206 * 5 - sqnr, 0.02);
    EXPECT_NE(total->find("6144 weights"), std::string::npos);
    EXPECT_NE(run(command).out.find("1 other tensors in 0.02 MB"), std::string::npos);
  }
  // restored floats take 32 bits each, which say nothing of what was stored
  succeed("dequantize q.safetensors -o d.safetensors");
  for (const json& row : json::parse(run("compare --json in.safetensors d.safetensors").out))
    EXPECT_TRUE(row["gap_db"].is_null());
}

// Catches a distance from the bound that the table, the file or a comparison lacks, and one of floats, which store no
// error. Every row has its own variance v: half of log2(v / mse), a mean over rows.
TEST_F(reports, say_how_many_bits_above_the_bound) {
  Eigen::MatrixXf w = Eigen::MatrixXf::Random(32, 64);
  w.bottomRows(16) *= 8;
  write("in.safetensors", {{"w", w}});
  succeed("quantize in.safetensors -o q.safetensors --scheme affine:bits=8,group=32 --report r.json");
  const json row = report("r.json")[0];
  double bound = 0;
  for (int r = 0; r < 32; ++r)
    bound += std::log2(static_cast<double>(w.row(r).squaredNorm()) / 64 / row["mse"].get<double>()) / 2 / 32;
  EXPECT_NEAR(row["bound_bits"], bound, 1e-5);
  EXPECT_NEAR(row["gap_bits"], row["bits_per_weight"].get<double>() - bound, 1e-5);
  EXPECT_NEAR(json::parse(run("compare --json in.safetensors q.safetensors").out)[0]["bound_bits"], bound,
              1e-5);
  EXPECT_NE(run("compare in.safetensors q.safetensors").out.find("gap bits"), std::string::npos);
  succeed("quantize in.safetensors -o q.safetensors --scheme affine:bits=8,group=32 --report r.csv");
  EXPECT_NE(test::text_of_file(path("r.csv")).find(",gap_db,bound_bits,gap_bits,"), std::string::npos);
  succeed("dequantize q.safetensors -o d.safetensors");
  EXPECT_FALSE(json::parse(run("compare --json in.safetensors d.safetensors").out)[0].contains("bound_bits"));
}

// Catches lines wider than the terminal, cut numbers, names that can no longer be told apart, a bar in a
// pipe.
TEST_F(reports, fit_the_terminal) {
  std::vector<std::pair<std::string, Eigen::MatrixXf>> all;
  for (const char* layer : {"0", "1", "2"})
    all.emplace_back(std::string("model.language_model.layers.") + layer + ".mlp.experts.gate_up_proj.weight",
                     Eigen::MatrixXf::Random(64, 64));
  write("in.safetensors", all);
  const std::string command =
      "quantize in.safetensors -o q.safetensors --scheme affine:bits=4,group=32,scale=f16";
  const std::string piped = run(command).out;
  EXPECT_NE(piped.find(all[1].first), std::string::npos);
  EXPECT_EQ(run(command).err, "");
  EXPECT_GT(longest(lines_of(piped)), 130u);
  std::istringstream figures(lines_of(piped)[1].substr(all[0].first.size()));
  std::string word, bits, sqnr;
  for (int i = 0; i < 7 && figures >> word; ++i) {  // rows x cols scheme bits mse sqnr
    if (i == 4) bits = word;
    if (i == 6) sqnr = word;
  }
  for (const unsigned short columns : std::initializer_list<unsigned short>{40, 60, 80, 200}) {
    for (const char* each :
         {"quantize in.safetensors -o q.safetensors --scheme affine:bits=4,group=32,scale=f16",
          "compare in.safetensors q.safetensors", "inspect q.safetensors", "schemes"}) {
      const auto lines = lines_of(test::run_on_terminal(folder_.path(), each, columns));
      EXPECT_LE(longest(lines), columns) << each;
    }
    const auto lines = lines_of(test::run_on_terminal(folder_.path(), command, columns));
    std::vector<std::string> names;
    for (const std::string& line : lines)
      if (line.starts_with("model.") && line.find(bits) != std::string::npos)
        names.push_back(line.substr(0, line.find("  ")));
    std::sort(names.begin(), names.end());
    ASSERT_EQ(names.size(), 3u) << columns;
    EXPECT_EQ(std::unique(names.begin(), names.end()), names.end()) << names[0];
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(bits) != std::string::npos && line.find(sqnr) != std::string::npos;
    })) << columns;
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(),
                            [](const std::string& line) { return line.find("100%") != std::string::npos; }));
    EXPECT_EQ(lines_of(test::run_on_terminal(folder_.path(), command + " --quiet", columns)),
              std::vector<std::string>(1));
  }
}

// Catches a list that names what is not taken, or with other bits than are stored.
TEST_F(reports, schemes_are_what_quantize_takes) {
  const json list = json::parse(run("schemes --json").out);
  write("in.safetensors", {{"w", Eigen::MatrixXf::Random(64, 4096)}});
  ASSERT_GE(list["grids"].size(), 19u);
  for (const json& grid : list["grids"]) {
    const std::string name = grid["name"];
    succeed("quantize in.safetensors -o q.safetensors --report r.json --scheme " + name);
    // the table of levels is shared by a whole model
    EXPECT_NEAR(report("r.json")[0]["bits_per_weight"], grid["bits_per_weight"].get<double>(), 0.05) << name;
  }
  write("in.safetensors", {{"w", Eigen::MatrixXf::Random(1, 256)}});
  ASSERT_EQ(list["blocks"].size(), 27u);
  for (const char* kind : {"blocks", "floats"}) {
    for (const json& type : list[kind]) {
      const std::string name = type["name"];
      succeed("quantize in.safetensors -o q.gguf --report r.json --scheme " + name);
      EXPECT_EQ(report("r.json")[0]["bits_per_weight"], type["bits_per_weight"]) << name;
    }
  }
  std::vector<std::string> keys;
  for (const json& key : list["keys"]) keys.push_back(key["name"]);
  for (const char* key : {"bits", "full", "group", "range", "percentile", "rounding", "act_order", "damping",
                          "scale", "double", "effort"})
    EXPECT_NE(std::find(keys.begin(), keys.end(), key), keys.end()) << key;
  const std::string text = run("schemes").out;
  for (const char* word : {"nf4", "q4_K", "percentile", "row|column|tensor", "minmax", "4.5000"})
    EXPECT_NE(text.find(word), std::string::npos) << word;
}

TEST_F(reports, near_misses_of_commands_and_options_are_suggested) {
  expect_refused("quantise in.npy -o x",
                 {"unknown command \"quantise\"", "did you mean quantize?", "inspect"});
  expect_refused("inspetc in.npy", {"did you mean inspect?"});
  expect_refused("zzzzzz in.npy", {"unknown command \"zzzzzz\": expected one of quantize, "});
  expect_refused("quantize in.npy -o x --shceme affine",
                 {"quantize: unknown option \"--shceme\"", "--scheme?"});
  expect_refused("compare a b --jsn", {"did you mean --json?"});
  expect_refused("--vers", {"did you mean --version?"});
}

// Catches inspect that keeps the activation scheme to itself.
TEST_F(reports, inspect_shows_how_inputs_are_quantized) {
  write("in.safetensors", {{"w", Eigen::MatrixXf::Random(8, 32)}});
  write("x.safetensors", {{"w", Eigen::MatrixXf::Random(20, 32)}});
  succeed(
      "quantize in.safetensors -o q.safetensors --scheme symmetric --calibration x.safetensors --activations "
      "static:affine");
  EXPECT_NE(run("inspect q.safetensors").out.find("static:affine (scale 0.0"), std::string::npos);
  const json activations = json::parse(run("inspect q.safetensors --json").out)["tensors"][0]["activations"];
  EXPECT_EQ(activations["scheme"], "static:affine");
  EXPECT_GT(activations["scale"], 0);
  succeed("quantize in.safetensors -o q.safetensors --scheme symmetric --activations dynamic");
  EXPECT_NE(run("inspect q.safetensors").out.find("dynamic"), std::string::npos);
}

}  // namespace
