#pragma once

// Runs the program as a user would and keeps what it says.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/wait.h>

namespace test {

struct run_result {
  int exit_code;
  std::string out, err;
};

inline std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Runs `bitgauge ARGUMENTS` in `folder`; `before` is shell text such as "ulimit -f 1;".
inline run_result run_program(const std::filesystem::path& folder, const std::string& arguments,
                              const std::string& before = "") {
  const auto out = folder / "stdout.txt", err = folder / "stderr.txt";
  const std::string command = "cd '" + folder.string() + "' && (" + before + " '" BITGAUGE_PROGRAM "' " +
                              arguments + ") >'" + out.string() + "' 2>'" + err.string() + "'";
  const int status = std::system(command.c_str());
  run_result result{WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of_file(out), text_of_file(err)};
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  return result;
}

}  // namespace test
