// SPDX-License-Identifier: Apache-2.0
#include "seccompd/cli/commands.h"

#include <algorithm>
#include <ostream>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "seccompd/profile/text.h"

#include "file_commands.h"

namespace seccompd::cli {
namespace {

constexpr const char* kFileHelp =
    "A Docker or OCI profile, or a manifest; - is standard input, builtin/NAME what seccompd ships";

CLI::Option* AddOutput(CLI::App& command, std::string& output, std::vector<std::string> forms) {
  std::string help = forms.front();
  for (std::size_t i = 1; i < forms.size(); ++i) {
    help += (i + 1 == forms.size() ? " or " : ", ") + forms[i];
  }
  return command.add_option("-o,--output", output, help)
      ->type_name("FORMAT")
      ->check(CLI::IsMember(std::move(forms)))
      ->capture_default_str();
}

void AddArch(CLI::App& command, TargetOptions& target) {
  command
      .add_option("--arch", target.arch,
                  "The node's architecture: x86_64, arm64, ... (default: this machine's)")
      ->type_name("ARCH");
}

// What of a node a judgement depends on.
void AddTarget(CLI::App& command, TargetOptions& target) {
  AddArch(command, target);
  command
      .add_option("--kernel", target.kernel,
                  "The node's kernel, as uname -r tells it (default: this machine's)")
      ->type_name("RELEASE");
  command
      .add_option("--runtime", target.runtime, "The runtime that must be able to start a container")
      ->type_name("NAME")
      ->check(CLI::IsMember({"runc", "crun", "both"}))
      ->capture_default_str();
  // May be given again; takes one value each time, so that FILE may follow.
  command
      .add_option("--label", target.labels,
                  "A label of the node, for spec.nodeSelector; may be given again")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void AddCeiling(CLI::App& command, TargetOptions& target) {
  command
      .add_option("--ceiling", target.ceiling,
                  "What the profile may let through no more than: builtin/NAME or none")
      ->type_name("NAME")
      ->capture_default_str();
}

void AddSelect(CLI::App& command, const std::string& flag, std::string& select) {
  command
      .add_option(flag, select,
                  "Which profile of a file with several: its name, NAMESPACE/NAME or container")
      ->type_name("NAME");
}

void DeclareLint(CLI::App& app, LintOptions& options) {
  CLI::App* lint = app.add_subcommand("lint", "Say what is wrong with profiles, and where");
  lint->add_option(
          "FILE", options.files,
          std::string(kFileHelp) + "; a directory stands for its *.json, *.yaml and *.yml files")
      ->type_name("");
  AddOutput(*lint, options.output, {"text", "json", "sarif"});
  lint->add_option("--color", options.color, "auto: on a terminal, unless NO_COLOR is set")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  lint->add_flag("--strict", options.strict, "Exit with 1 for warnings as well");
  lint->add_flag("--codes", options.codes, "Print every code there is, and what to do about it");
  AddTarget(*lint, options.target);
  AddCeiling(*lint, options.target);
  lint->footer(
      "Exit codes: 0 no errors, 1 errors (--strict: or warnings), 2 wrong usage, 3 a file could "
      "not be read.\n"
      "Examples:\n"
      "  seccompd lint web.json\n"
      "  seccompd lint --strict profiles/             # every *.json, *.yaml and *.yml in it\n"
      "  kubectl get tsp -A -o json | seccompd lint -\n"
      "  seccompd lint -o sarif profiles/ >lint.sarif # for a code host");
}

void DeclareRender(CLI::App& app, RenderOptions& options) {
  CLI::App* render =
      app.add_subcommand("render", "Print the file that a node would get for a profile");
  render->add_option("FILE", options.file, kFileHelp)->type_name("")->required();
  AddSelect(*render, "--select", options.select);
  render
      ->add_option("--base", options.bases,
                   "A file with profiles that spec.bases names; may be given again")
      ->type_name("FILE")
      ->allow_extra_args(false);
  AddTarget(*render, options.target);
  AddCeiling(*render, options.target);
  render->footer(
      "Exit codes: 0 printed, 1 refused (see standard error), 2 wrong usage, 3 could not do it.\n"
      "Examples:\n"
      "  seccompd render web.yaml >web.json\n"
      "  seccompd render web.yaml --arch arm64 --kernel 6.1");
}

void DeclareExplain(CLI::App& app, ExplainOptions& options) {
  CLI::App* explain =
      app.add_subcommand("explain", "Say what happens to a system call under a profile, and why");
  explain->add_option("FILE", options.file, kFileHelp)->type_name("")->required();
  explain->add_option("--syscall", options.syscall, "The system call to explain: its name")
      ->type_name("NAME");
  explain->add_flag("--all", options.all,
                    "Instead of --syscall: all system calls, by what happens to them");
  explain
      ->add_option("--arg", options.args,
                   "The value of argument INDEX (0 to 5); may be given again")
      ->type_name("INDEX=VALUE")
      ->allow_extra_args(false);
  AddSelect(*explain, "--select", options.select);
  AddArch(*explain, options.target);
  explain->add_option("--runtime", options.target.runtime, "The container's runtime")
      ->type_name("NAME")
      ->check(CLI::IsMember({"runc", "crun", "both"}))
      ->capture_default_str();
  AddOutput(*explain, options.output, {"text", "json"});
  explain->footer(
      "Exit codes: 0 explained, 2 wrong usage, 3 could not do it.\n"
      "Examples:\n"
      "  seccompd explain web.json --syscall mkdir\n"
      "  seccompd explain web.json --syscall socket --arg 0=38   # AF_ALG\n"
      "  seccompd explain web.json --all --arch arm64");
}

void DeclareConvert(CLI::App& app, ConvertOptions& options) {
  CLI::App* convert = app.add_subcommand(
      "convert", "Turn a profile, or another tool's manifest, into a TenantSeccompProfile");
  convert->add_option("FILE", options.file, kFileHelp)->type_name("")->required();
  convert
      ->add_option("--name", options.name,
                   "The object's name (default: the manifest's own, else the file's)")
      ->type_name("NAME");
  convert
      ->add_option("-n,--namespace", options.name_space,
                   "The object's namespace (default: the manifest's own, else none)")
      ->type_name("NAMESPACE");
  AddTarget(*convert, options.target);
  convert->footer(
      "What cannot be said the same way is told on standard error, and so are the result's "
      "findings.\n"
      "Exit codes: 0 converted, 1 converted, but nodes would refuse it, 2 wrong usage, 3 could not "
      "do it.\n"
      "Examples:\n"
      "  seccompd convert web.json --name web -n team-a | kubectl apply -f -\n"
      "  seccompd convert spo-profile.yaml >tsp.yaml");
}

void DeclareDiff(CLI::App& app, DiffOptions& options) {
  CLI::App* diff =
      app.add_subcommand("diff", "Say which system calls two profiles treat differently");
  diff->add_option("A", options.a, kFileHelp)->type_name("")->required();
  diff->add_option("B", options.b, "The other one, likewise")->type_name("")->required();
  AddSelect(*diff, "--select-a", options.select_a);
  AddSelect(*diff, "--select-b", options.select_b);
  AddArch(*diff, options.target);
  AddOutput(*diff, options.output, {"text", "json"});
  diff->footer(
      "What is compared: what the compiled filters do with every call, on all their architectures. "
      "What "
      "a runtime answers by itself is left out.\n"
      "Exit codes: 0 no difference, 1 differences, 2 wrong usage, 3 could not do it.\n"
      "Examples:\n"
      "  seccompd diff old.json new.json\n"
      "  git show HEAD:web.yaml | seccompd diff - web.yaml");
}

}  // namespace

struct FileCommands::Options {
  CLI::App* app = nullptr;
  LintOptions lint;
  RenderOptions render;
  ExplainOptions explain;
  ConvertOptions convert;
  DiffOptions diff;
  std::string shell;
};

FileCommands::FileCommands() : options_(std::make_unique<Options>()) {}
FileCommands::~FileCommands() = default;

void FileCommands::Declare(CLI::App& app) {
  options_->app = &app;
  DeclareLint(app, options_->lint);
  DeclareExplain(app, options_->explain);
  DeclareRender(app, options_->render);
  DeclareConvert(app, options_->convert);
  DeclareDiff(app, options_->diff);
  CLI::App* completion =
      app.add_subcommand("completion", "Print a shell's completion script for seccompd");
  completion->add_option("SHELL", options_->shell, "bash, zsh or fish")
      ->type_name("")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->required();
  completion->footer(
      "Examples:\n"
      "  source <(seccompd completion bash)\n"
      "  seccompd completion fish >~/.config/fish/completions/seccompd.fish");
}

std::optional<int> FileCommands::Run(const Console& console) const {
  const auto is_given = [&](const char* name) { return options_->app->got_subcommand(name); };
  if (is_given("lint")) return Lint(options_->lint, console);
  if (is_given("render")) return Render(options_->render, console);
  if (is_given("explain")) return Explain(options_->explain, console);
  if (is_given("convert")) return Convert(options_->convert, console);
  if (is_given("diff")) return Diff(options_->diff, console);
  if (is_given("completion")) {
    console.out << CompletionScript(*options_->app, options_->shell);
    return kExitFine;
  }
  return std::nullopt;
}

std::string UnknownCommand(const CLI::App& app, const std::string& word) {
  if (word.empty() || word.starts_with('-')) return "";
  const auto commands = app.get_subcommands(nullptr);
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), word) != names.end()) return "";
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string_view nearest = profile::Nearest(word, views);
  std::string message = "no command '" + profile::CleanText(word) + "'";
  if (!nearest.empty()) message += "; did you mean '" + std::string(nearest) + "'?";
  return message + " (seccompd --help lists them)";
}

std::string WrongUsage(const CLI::App& app, const std::string& what) {
  const auto parsed = app.get_subcommands();
  const CLI::App& command = parsed.empty() ? app : *parsed.front();
  const std::string name = parsed.empty() ? "" : command.get_name() + ": ";
  std::string meant;
  constexpr std::string_view kUnexpected = "not expected: ";
  if (const auto at = what.find(kUnexpected); at != std::string::npos) {
    std::vector<std::string> options;
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& word : option->get_lnames()) options.push_back("--" + word);
    }
    const std::vector<std::string_view> views(options.begin(), options.end());
    const std::string word = what.substr(at + kUnexpected.size());
    meant = profile::DidYouMean(word.substr(0, word.find('=')), views);
  }
  const std::string help =
      parsed.empty() ? "seccompd --help" : "seccompd " + command.get_name() + " --help";
  return name + profile::CleanText(what) + meant + " (" + help + " tells how)";
}

}  // namespace seccompd::cli
