#pragma once

// Standard output, and the signals that a terminal or a pipe sends.

#include <string_view>

namespace program {

/// Writes `text` to standard output and flushes it. Throws io_error where the system does not take all of it:
/// a full disk, a pipe that nobody reads.
void print(std::string_view text);

/// From now on SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGPIPE remove the files that are being written and then
/// end the program as they would have, unless they were ignored when it began (as `nohup` does). SIGXFSZ is
/// ignored: the write that is too large fails by name.
void end_cleanly_on_signals();

}  // namespace program
