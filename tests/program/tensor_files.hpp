#pragma once

// Files of tensors for tests of the program.

#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/io/gguf/writer.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/safetensors/writer.hpp>

#include "program_test.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace test {

using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using shape = std::vector<std::uint64_t>;

struct named_matrix {
  std::string name;
  row_major values;
  shape extents;  ///< outermost first
};

inline row_major random_rows(Eigen::Index rows, Eigen::Index cols, unsigned seed) {
  std::srand(seed);
  return row_major::Random(rows, cols);
}

class tensor_files : public program_test {
 protected:
  void write_safetensors(const std::string& name, const std::vector<named_matrix>& all) const {
    bitgauge::io::safetensors_writer writer(path(name));
    for (const named_matrix& t : all) writer.declare(t.name, bitgauge::io::dtype::f32, t.extents);
    for (const named_matrix& t : all) writer.write(t.name, t.values);
    writer.commit();
  }
  void write_gguf(const std::string& name, const std::vector<named_matrix>& all) const {
    bitgauge::io::gguf_writer writer(path(name));
    for (const named_matrix& t : all)
      writer.declare(t.name, bitgauge::gguf::tensor_type::f32, {t.extents.rbegin(), t.extents.rend()});
    for (const named_matrix& t : all) writer.write(t.name, t.values);
    writer.commit();
  }
  nlohmann::json inspect(const std::string& name) const {
    return nlohmann::json::parse(run("inspect --json " + name).out);
  }
  nlohmann::json compare(const std::string& a, const std::string& b) const {
    const run_result result = run("compare --json " + a + " " + b);
    EXPECT_EQ(result.exit_code, 0) << a << " " << b << "\n" << result.err;
    return result.exit_code == 0 ? nlohmann::json::parse(result.out) : nlohmann::json::array();
  }
};

}  // namespace test
