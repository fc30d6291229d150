#pragma once

// Runs the program as a user would and keeps what it says.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <pty.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

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

/// The same on a terminal of so many columns: what it shows of standard output and error together.
inline std::string run_on_terminal(const std::filesystem::path& folder, const std::string& arguments,
                                   unsigned short columns) {
  winsize size{};
  size.ws_col = columns;
  size.ws_row = 50;
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    unsetenv("COLUMNS");
    const std::string command = "cd '" + folder.string() + "' && '" BITGAUGE_PROGRAM "' " + arguments;
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  std::string text;
  char some[4096];
  for (ssize_t count; (count = read(terminal, some, sizeof some)) > 0;)
    text.append(some, static_cast<std::size_t>(count));
  close(terminal);
  waitpid(child, nullptr, 0);
  return text;
}

}  // namespace test
