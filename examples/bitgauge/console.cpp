#include "console.hpp"

#include <bitgauge/io/bytes/partial_files.hpp>
#include <bitgauge/io/bytes/system_failure.hpp>

#include <cerrno>
#include <csignal>
#include <cstdio>

namespace program {

void print(std::string_view text) {
  errno = 0;
  const std::size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written != text.size() || std::fflush(stdout) != 0)
    bitgauge::io::detail::raise_system_failure("standard output", "write", errno);
}

namespace {

/// Only what may be called in a signal handler.
void remove_files_and_end(int number) {
  bitgauge::io::remove_partial_files();
  std::signal(number, SIG_DFL);
  std::raise(number);  // delivered when the handler returns
}

}  // namespace

void end_cleanly_on_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
    struct sigaction before = {};
    if (sigaction(number, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
    struct sigaction action = {};
    action.sa_handler = remove_files_and_end;
    sigfillset(&action.sa_mask);
    sigaction(number, &action, nullptr);
  }
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace program
