#pragma once

// What is wrong with a command line, in one line.

#include <CLI/CLI.hpp>

#include <string>

namespace program {

/// The failure's text, or where a sub-command or an option is not known, which one was perhaps meant.
std::string explained(const CLI::App& app, const CLI::ParseError& failure, int argc, const char* const* argv);

}  // namespace program
