// SPDX-License-Identifier: Apache-2.0
// Completion scripts, made from the tree of commands that the parser itself uses, so that they
// cannot know other options than it does.
#include <algorithm>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "seccompd/cli/commands.h"

#include "input.h"

namespace seccompd::cli {
namespace {

struct Flag {
  std::string name;  // "--output"
  std::string help;
  bool takes_value = false;
  std::vector<std::string> values;  // empty: anything
};
struct Command {
  std::string name, help;
  std::vector<Flag> flags;
  std::vector<std::string> words;  // of a positional that takes one of a few
  bool takes_files = false;
};

// "{a,b,c}" is how a check that takes one of a few tells of itself.
std::vector<std::string> ValuesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto begin = type.find('{');
  const auto end = type.find('}', begin);
  std::vector<std::string> values;
  if (begin == std::string::npos || end == std::string::npos) return values;
  std::string value;
  for (const char c : type.substr(begin + 1, end - begin - 1) + ",") {
    if (c != ',') {
      value.push_back(c);
      continue;
    }
    if (!value.empty()) values.push_back(value);
    value.clear();
  }
  return values;
}

void Collect(const CLI::App& app, Command& command) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      command.words = ValuesOf(*option);
      command.takes_files = command.takes_files || command.words.empty();
      continue;
    }
    Flag flag{"", option->get_description(), option->get_items_expected_max() > 0,
              ValuesOf(*option)};
    for (const std::string& name : option->get_lnames()) {
      flag.name = "--" + name;
      command.flags.push_back(flag);
    }
    for (const std::string& name : option->get_snames()) {
      flag.name = "-" + name;
      command.flags.push_back(flag);
    }
  }
}

std::vector<Command> CommandsOf(const CLI::App& app) {
  std::vector<Command> commands;
  for (const CLI::App* sub : app.get_subcommands(nullptr)) {
    if (sub->get_group().empty()) continue;
    Command command{sub->get_name(), sub->get_description(), {}, {}, false};
    Collect(*sub, command);
    commands.push_back(std::move(command));
  }
  return commands;
}

template <class Rows, class TextOf>
std::string Joined(const Rows& rows, TextOf text_of) {
  std::string joined;
  for (const auto& row : rows) joined += (joined.empty() ? "" : " ") + text_of(row);
  return joined;
}

std::string Words(const std::vector<std::string>& words) {
  return Joined(words, [](const std::string& word) { return word; });
}

// For a string in single quotes.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string BashScript(const std::vector<Command>& commands) {
  std::string script =
      "# bash completion for seccompd\n"
      "_seccompd() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= files=\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '" +
      Joined(commands, [](const Command& c) { return c.name; }) +
      " --help --version' -- \"$cur\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${COMP_WORDS[1]}:$prev in\n";
  for (const Command& command : commands) {
    for (const Flag& flag : command.flags) {
      if (!flag.takes_value) continue;
      script += "    " + command.name + ":" + flag.name + ") ";
      script += flag.values.empty()
                    ? "COMPREPLY=($(compgen -f -- \"$cur\"))"
                    : "COMPREPLY=($(compgen -W '" + Words(flag.values) + "' -- \"$cur\"))";
      script += "; return ;;\n";
    }
  }
  script += "  esac\n  case ${COMP_WORDS[1]} in\n";
  for (const Command& command : commands) {
    script += "    " + command.name + ") words='" +
              Joined(command.flags, [](const Flag& f) { return f.name; }) + "'";
    if (command.takes_files) script += " files=1";
    if (!command.words.empty()) {
      script += "; [ \"${cur#-}\" = \"$cur\" ] && words='" + Words(command.words) + "'";
    }
    script += " ;;\n";
  }
  script +=
      "  esac\n"
      "  if [ -n \"$files\" ] && [ \"${cur#-}\" = \"$cur\" ]; then\n"
      "    compopt -o filenames 2>/dev/null\n"
      "    COMPREPLY=($(compgen -f -- \"$cur\") $(compgen -W '" +
      Words(BuiltinNames()) +
      "' -- \"$cur\"))\n"
      "  else\n"
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "  fi\n"
      "  return 0\n"
      "}\n"
      "complete -F _seccompd seccompd\n";
  return script;
}

// A word of zsh's _arguments: colons and brackets of a description are escaped.
std::string ZshHelp(const std::string& text) {
  std::string help;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') help.push_back('\\');
    help.push_back(c);
  }
  return help;
}

std::string ZshScript(const std::vector<Command>& commands) {
  std::string script =
      "#compdef seccompd\n"
      "_seccompd() {\n"
      "  if (( CURRENT == 2 )); then\n"
      "    local -a commands=(\n";
  for (const Command& command : commands) {
    script += "      " + Quoted(command.name + ":" + ZshHelp(command.help)) + "\n";
  }
  script +=
      "    )\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  shift words; (( CURRENT-- ))\n"
      "  case $words[1] in\n";
  for (const Command& command : commands) {
    script += "    " + command.name + ")\n      _arguments";
    for (const Flag& flag : command.flags) {
      std::string spec = flag.name + "[" + ZshHelp(flag.help) + "]";
      if (flag.takes_value) {
        spec += flag.values.empty() ? ":value:_files" : ":value:(" + Words(flag.values) + ")";
      }
      script += " \\\n        " + Quoted(spec);
    }
    if (command.takes_files) {
      script += " \\\n        '*:file:{_files; compadd -- " + Words(BuiltinNames()) + "}'";
    }
    if (!command.words.empty()) script += " \\\n        '1:word:(" + Words(command.words) + ")'";
    script += "\n      ;;\n";
  }
  return script + "  esac\n}\ncompdef _seccompd seccompd\n";
}

std::string FishScript(const std::vector<Command>& commands) {
  std::string script = "# fish completion for seccompd\ncomplete -c seccompd -f\n";
  for (const Command& command : commands) {
    script += "complete -c seccompd -n __fish_use_subcommand -a " + command.name + " -d " +
              Quoted(command.help) + "\n";
  }
  for (const Command& command : commands) {
    const std::string when =
        "complete -c seccompd -n '__fish_seen_subcommand_from " + command.name + "'";
    if (command.takes_files) script += when + " -F -a '" + Words(BuiltinNames()) + "'\n";
    if (!command.words.empty()) script += when + " -a '" + Words(command.words) + "'\n";
    for (const Flag& flag : command.flags) {
      const bool is_long = flag.name.starts_with("--");
      script += when + (is_long ? " -l " + flag.name.substr(2) : " -s " + flag.name.substr(1));
      if (flag.takes_value)
        script += flag.values.empty() ? " -r" : " -x -a '" + Words(flag.values) + "'";
      script += " -d " + Quoted(flag.help) + "\n";
    }
  }
  return script;
}

}  // namespace

std::string CompletionScript(const CLI::App& app, const std::string& shell) {
  const std::vector<Command> commands = CommandsOf(app);
  if (shell == "bash") return BashScript(commands);
  if (shell == "zsh") return ZshScript(commands);
  return shell == "fish" ? FishScript(commands) : "";
}

}  // namespace seccompd::cli
