// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/flags.h"

#include <algorithm>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "seccompd/node/directory_watch.h"
#include "seccompd/profile/builtins.h"
#include "seccompd/profile/text.h"
#include "seccompd/profile/yaml.h"

namespace seccompd::agent {
namespace {

constexpr std::size_t kMaxConfigBytes = 65'536;
constexpr char kGroup[] = "Settings (flag beats $SECCOMPD_... beats --config file)";
constexpr char kDefaultCeiling[] = "builtin/runtime-default-v1";

using Apply = Result<void> (*)(AgentConfig&, const std::string&);

struct Setting {
  const char* name;
  const char* value_name;  // nullptr: a switch
  const char* help;
  Apply apply;
};

Error Bad(const std::string& why) { return Error{ErrorCode::kInvalid, why}; }

template <std::string AgentConfig::*kField>
Result<void> Text(AgentConfig& config, const std::string& value) {
  config.*kField = value;
  return {};
}

template <std::string AgentConfig::*kField>
Result<void> AbsolutePath(AgentConfig& config, const std::string& value) {
  if (!value.starts_with('/')) return Bad("must be an absolute path");
  config.*kField = value;
  return {};
}

template <std::chrono::milliseconds AgentConfig::*kField, int kLeastMs>
Result<void> Duration(AgentConfig& config, const std::string& value) {
  const auto parsed = ParseDuration(value);
  if (!parsed.ok()) return parsed.error();
  if (parsed->count() < kLeastMs) return Bad("must be at least " + std::to_string(kLeastMs) + "ms");
  config.*kField = *parsed;
  return {};
}

template <bool AgentConfig::*kField>
Result<void> Switch(AgentConfig& config, const std::string& value) {
  if (value != "true" && value != "false") return Bad("must be true or false");
  config.*kField = value == "true";
  return {};
}

// Or the very directory. By the text: what links lead to is for whoever opens them.
bool IsBelow(const std::filesystem::path& path, const std::filesystem::path& directory) {
  const auto relative = path.lexically_normal().lexically_relative(directory.lexically_normal());
  return !relative.empty() && *relative.begin() != "..";
}

Result<void> OneOf(std::string& field, const std::string& value,
                   std::initializer_list<const char*> allowed) {
  std::string all;
  for (const char* word : allowed) {
    if (value == word) {
      field = value;
      return {};
    }
    all += (all.empty() ? "" : ", ") + std::string(word);
  }
  return Bad("must be one of " + all);
}

Result<void> Report(AgentConfig& config, const std::string& value) {
  std::string mode;
  Result<void> known = OneOf(mode, value, {"exceptions", "full"});
  if (!known.ok()) return known;
  config.report = mode == "full" ? ReportMode::kFull : ReportMode::kExceptions;
  return {};
}

Result<void> Ceiling(AgentConfig& config, const std::string& value) {
  if (value != "none" && !value.starts_with(profile::kBuiltinPrefix))
    return Bad("must be none or builtin/<name>-v<N>");
  if (value != "none" && profile::FindBuiltin(value) == nullptr) {
    std::string listed;
    std::vector<std::string_view> names;
    for (const profile::Builtin& builtin : profile::AllBuiltins()) {
      names.push_back(builtin.name);
      listed += std::string(builtin.name) + ", ";
    }
    return Bad("is none that this version ships" + profile::DidYouMean(value, names) +
               "; give one of " + listed + "or none");
  }
  config.ceiling = value;
  return {};
}

constexpr Setting kSettings[] = {
    {"node-name", "NAME",
     "Name of this node's Node object (default: $NODE_NAME, else the host's name)",
     Text<&AgentConfig::node_name>},
    {"kubeconfig", "FILE",
     "Reach the API server by this kubeconfig (default: in-cluster, else $KUBECONFIG)",
     Text<&AgentConfig::kubeconfig>},
    {"seccomp-root", "DIR",
     "The kubelet's seccomp directory; profiles go below DIR/tenants "
     "(default: /var/lib/kubelet/seccomp)",
     AbsolutePath<&AgentConfig::seccomp_root>},
    {"state-dir", "DIR",
     "The agent's own state: record, cache, lock, state.sock (default: /var/lib/seccompd)",
     AbsolutePath<&AgentConfig::state_dir>},
    {"manifests", "DIR",
     "Standalone: take profiles from the YAML and JSON manifests in DIR instead of an API server",
     AbsolutePath<&AgentConfig::manifests>},
    {"listen-health", "ADDR",
     "Address of /healthz and /readyz; empty: off (default: 127.0.0.1:9798)",
     Text<&AgentConfig::listen_health>},
    {"listen-metrics", "ADDR", "Address of /metrics; empty: off (default: :9797)",
     Text<&AgentConfig::listen_metrics>},
    {"log-format", "FORMAT", "text or json (default: text)",
     [](AgentConfig& c, const std::string& v) {
       return OneOf(c.log_format, v, {"text", "json"});
     }},
    {"log-level", "LEVEL", "debug, info, warn or error (default: info)",
     [](AgentConfig& c, const std::string& v) {
       return OneOf(c.log_level, v, {"debug", "info", "warn", "error"});
     }},
    {"lease-namespace", "NAMESPACE", "Namespace of this node's Lease (default: seccompd-system)",
     Text<&AgentConfig::lease_namespace>},
    {"resync", "DURATION", "Time between two full audits of the disk (default: 10m)",
     Duration<&AgentConfig::resync, 1000>},
    {"report-interval", "DURATION", "Least time between two reports (default: 1s)",
     Duration<&AgentConfig::report_interval, 100>},
    {"report-spread", "DURATION",
     "Longest random wait before a report; larger clusters want more (default: 0s)",
     Duration<&AgentConfig::report_spread, 0>},
    {"report", "MODE",
     "exceptions: report what is not installed; full: every profile (default: exceptions)", Report},
    {"delete-grace", "DURATION",
     "How long a file stays after its object was deleted (default: 60s)",
     Duration<&AgentConfig::delete_grace, 0>},
    {"ceiling", "NAME",
     "What no profile may let through more than: builtin/<name>-v<N> or none (default: "
     "builtin/runtime-default-v1; with --manifests: none)",
     Ceiling},
    {"runtime", "NAME",
     "runc, crun or both: the runtimes that a profile must let start (default: both)",
     [](AgentConfig& c, const std::string& v) {
       return OneOf(c.runtime, v, {"runc", "crun", "both"});
     }},
    {"sandbox", "MODE",
     "The agent's own Landlock and seccomp filter: off; try: what the kernel gives; require: do "
     "not start without (default: try)",
     [](AgentConfig& c, const std::string& v) {
       return OneOf(c.sandbox, v, {"off", "try", "require"});
     }},
    {"foreign", "MODE",
     "report: tell of files below tenants/ that no profile accounts for; quarantine: move them to "
     "the state directory as well (default: report)",
     [](AgentConfig& c, const std::string& v) {
       std::string mode;
       Result<void> known = OneOf(mode, v, {"report", "quarantine"});
       if (known.ok()) c.quarantine_foreign = mode == "quarantine";
       return known;
     }},
    {"insecure-skip-tls-verify", nullptr,
     "Accept a kubeconfig that does not verify the API server (never in production)",
     Switch<&AgentConfig::insecure_skip_tls_verify>},
    {"once", nullptr, "Sync, report and exit: 0, or 1 if any profile is not installed",
     Switch<&AgentConfig::once>},
};

const Setting* FindSetting(const std::string& name) {
  const auto* const row =
      std::find_if(std::begin(kSettings), std::end(kSettings),
                   [&](const Setting& setting) { return name == setting.name; });
  return row == std::end(kSettings) ? nullptr : row;
}

std::string VariableOf(const std::string& name) {
  std::string variable = "SECCOMPD_";
  for (const char c : name)
    variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return variable;
}

// `where`: the setting as whoever gave it wrote it: "--resync", "$SECCOMPD_RESYNC", "FILE: resync".
Result<void> ApplyOne(AgentConfig& config, const std::string& name, const std::string& value,
                      const std::string& where) {
  const Setting* setting = FindSetting(name);
  if (setting == nullptr) return Bad(where + ": no such setting; see seccompd agent --help");
  const Result<void> applied = setting->apply(config, value);
  if (!applied.ok()) return Wrap(applied.error(), where + "=" + value);
  return {};
}

// The --config file as name -> value.
Result<std::map<std::string, std::string>> ReadConfigFile(const std::string& path) {
  const auto text = node::ReadSmallFile(path, kMaxConfigBytes, true);
  if (!text.ok()) return Wrap(text.error(), "--config");
  const auto documents = profile::YamlToJson(*text);
  if (!documents.ok()) return Wrap(documents.error(), "--config " + path);
  std::map<std::string, std::string> values;
  if (documents->empty()) return values;
  const auto parsed = nlohmann::json::parse(documents->front().json, nullptr, false);
  if (parsed.is_null()) return values;
  if (documents->size() > 1 || !parsed.is_object()) {
    return Bad("--config " + path + ": must be one YAML mapping of setting to value");
  }
  for (const auto& [key, value] : parsed.items()) {
    if (value.is_structured()) {
      return Bad(std::string("--config ")
                     .append(path)
                     .append(": ")
                     .append(key)
                     .append(" must be a single value"));
    }
    values[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return values;
}

}  // namespace

void AgentFlags::Declare(CLI::App& app) {
  app_ = &app;
  app.add_option("--config", config_file_,
                 "YAML file of the settings below, each under its flag's name")
      ->type_name("FILE")
      ->group(kGroup);
  for (const Setting& setting : kSettings) {
    const std::string name = setting.name;
    if (setting.value_name == nullptr) {
      app.add_flag_callback(
             "--" + name, [this, name] { given_[name] = "true"; }, setting.help)
          ->group(kGroup);
    } else {
      app.add_option_function<std::string>(
             "--" + name, [this, name](const std::string& value) { given_[name] = value; },
             setting.help)
          ->take_last()
          ->type_name(setting.value_name)
          ->group(kGroup);
    }
  }
}

Result<AgentConfig> AgentFlags::Resolve(const Environment& environment) const {
  AgentConfig config;
  config.ceiling.clear();
  const auto get = [&](const std::string& variable) {
    const auto it = environment.find(variable);
    return it == environment.end() ? std::string() : it->second;
  };
  config.node_name = get("NODE_NAME");
  const std::string file = config_file_.empty() ? get("SECCOMPD_CONFIG") : config_file_;
  if (!file.empty()) {
    const auto values = ReadConfigFile(file);
    if (!values.ok()) return values.error();
    for (const auto& [name, value] : *values) {
      if (const auto applied =
              ApplyOne(config, name, value, std::string(file).append(": ").append(name));
          !applied.ok())
        return applied.error();
    }
  }
  for (const Setting& setting : kSettings) {
    const std::string variable = VariableOf(setting.name);
    if (!environment.contains(variable)) continue;
    const auto applied = ApplyOne(config, setting.name, environment.at(variable), "$" + variable);
    if (!applied.ok()) return applied.error();
  }
  for (const auto& [name, value] : given_) {
    if (const auto applied = ApplyOne(config, name, value, "--" + name); !applied.ok())
      return applied.error();
  }
  if (config.kubeconfig.empty() && get("KUBERNETES_SERVICE_HOST").empty())
    config.kubeconfig = get("KUBECONFIG");
  if (config.ceiling.empty()) config.ceiling = config.standalone() ? "none" : kDefaultCeiling;
  if (IsBelow(config.state_dir, config.seccomp_root)) {
    return Bad("--state-dir " + config.state_dir + " is below --seccomp-root " +
               config.seccomp_root +
               ", where a pod could name what is in it as its profile; choose a directory outside");
  }
  return config;
}

std::vector<AgentFlags::Row> AgentFlags::Table() {
  std::vector<Row> rows;
  for (const Setting& setting : kSettings) {
    rows.push_back({setting.name, VariableOf(setting.name), setting.help});
  }
  return rows;
}

}  // namespace seccompd::agent
