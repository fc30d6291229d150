#pragma once

// What tests of the program from the outside share.

#include "run_program.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace test {

/// A folder of its own, the program run there, and what is asked of every refusal.
class program_test : public testing::Test {
 protected:
  /// Names of the files in the folder.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
  run_result run(const std::string& arguments, const std::string& before = "") const {
    return run_program(folder_.path(), arguments, before);
  }
  nlohmann::json report(const std::string& name) const {
    return nlohmann::json::parse(text_of_file(path(name)));
  }

  /// Fails where the program does not succeed.
  void succeed(const std::string& arguments) const {
    const run_result result = run(arguments);
    EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.err;
  }

  /// Exit 2, one line on stderr holding every text, and no file more than before.
  void expect_refused(const std::string& arguments, const std::vector<std::string>& texts,
                      const std::string& before = "") const {
    const auto before_files = files();
    const auto result = run(arguments, before);
    EXPECT_EQ(result.exit_code, 2) << arguments << "\n" << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    for (const std::string& text : texts)
      EXPECT_NE(result.err.find(text), std::string::npos) << text << "\n" << result.err;
    EXPECT_EQ(files(), before_files) << arguments;
  }

  temporary_directory folder_;
};

}  // namespace test
