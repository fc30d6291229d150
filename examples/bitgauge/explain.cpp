#include "explain.hpp"

#include "suggestion.hpp"

#include <string_view>
#include <vector>

namespace program {
namespace {

std::string meant(const std::string& nearest) {
  return nearest.empty() ? std::string() : "did you mean " + nearest + "? ";
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

std::string explained(const CLI::App& app, const CLI::ParseError& failure, int argc,
                      const char* const* argv) {
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
  const CLI::App* command = nullptr;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (command == nullptr && !argument.starts_with("-")) {
      const std::string name(argument);
      for (const CLI::App* known : app.get_subcommands({}))
        if (known->get_name() == name) command = known;
      if (command == nullptr)
        return "unknown command \"" + name + "\": " + meant(nearest_word(name, commands)) +
               "expected one of " + listed(commands);
    } else if (argument.size() > 2 && argument.starts_with("--")) {
      const CLI::App& owner = command != nullptr ? *command : app;
      const std::string name(argument.substr(0, argument.find('=')));
      if (owner.get_option_no_throw(name) != nullptr) continue;
      std::vector<std::string> options;
      for (const CLI::Option* option : owner.get_options())
        for (const std::string& known : option->get_lnames()) options.push_back("--" + known);
      return (command != nullptr ? command->get_name() + ": " : "") + "unknown option \"" + name +
             "\": " + meant(nearest_word(name, options)) + "expected one of " + listed(options);
    }
  }
  return failure.what();
}

}  // namespace program
