#include "explain.hpp"

#include <bitgauge/base/closest_word.hpp>
#include <bitgauge/base/printable.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

namespace program {
namespace {

/// ": did you mean X? expected one of A, B, ...": what begins with the word, else what is near to it.
std::string meant(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t beginning = 5;  // "--ver" is the beginning of one thing
  const std::vector<std::string_view> words(known.begin(), known.end());
  const auto begun = std::find_if(words.begin(), words.end(), [&](std::string_view candidate) {
    return word.size() >= beginning && candidate.starts_with(word);
  });
  std::string text = bitgauge::detail::did_you_mean(
      begun != words.end() ? *begun : bitgauge::detail::closest_word(word, words));
  text += text.empty() ? ": expected one of " : " expected one of ";
  for (std::size_t i = 0; i < known.size(); ++i) text += (i > 0 ? ", " : "") + known[i];
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
      for (const CLI::App* known : app.get_subcommands({}))
        if (known->get_name() == argument) command = known;
      if (command == nullptr)
        return "unknown command \"" + bitgauge::excerpt(argument) + "\"" + meant(argument, commands);
    } else if (argument.size() > 2 && argument.starts_with("--")) {
      const CLI::App& owner = command != nullptr ? *command : app;
      const std::string name(argument.substr(0, argument.find('=')));
      if (owner.get_option_no_throw(name) != nullptr) continue;
      std::vector<std::string> options;
      for (const CLI::Option* option : owner.get_options())
        for (const std::string& known : option->get_lnames()) options.push_back("--" + known);
      return (command != nullptr ? command->get_name() + ": " : "") + "unknown option \"" +
             bitgauge::excerpt(name) + "\"" + meant(name, options);
    }
  }
  return failure.what();
}

}  // namespace program
