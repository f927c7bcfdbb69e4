// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "seccompd/kube/credentials.h"

#include "kube/base64.h"
#include "kube/exec_plugin.h"
#include "kube/json.h"
#include "kube/token_source.h"

namespace seccompd::kube {
namespace {

using Json = nlohmann::json;

Error Bad(const std::string& what) { return {ErrorCode::kInvalid, "kubeconfig: " + what}; }

// The member `kind` of the element of the list `lists` whose name is `name`; null when there is
// none.
const Json& Named(const Json& config, const char* list, const char* kind, const std::string& name) {
  const auto& elements = Member(config, list);
  if (elements.is_array())
    for (const auto& element : elements)
      if (StringMember(element, "name") == name) return Member(element, kind);
  return Member(Json(), kind);
}

std::string Resolve(const std::string& path, const std::string& directory) {
  if (path.starts_with('/') || directory.empty()) return path;
  return directory + "/" + path;
}

// `key`-data inline wins over `key`'s file, as in kubectl.
// A file is noted in `access`.
Result<std::string> DataOrFile(const Json& from, const std::string& key,
                               const std::string& directory, ClusterAccess& access) {
  if (const std::string data = StringMember(from, (key + "-data").c_str()); !data.empty()) {
    auto decoded = DecodeBase64(data);
    if (!decoded) return Bad(key + "-data is no base64");
    return std::move(*decoded);
  }
  const std::string path = StringMember(from, key.c_str());
  if (path.empty()) return std::string();
  auto content = ReadSmallFile(Resolve(path, directory));
  if (!content.ok()) return Wrap(content.error(), "kubeconfig: " + key);
  if (content->empty()) return Bad(key + ": the file " + path + " is empty");
  access.reread_files.push_back(Resolve(path, directory));
  return content;
}

Result<void> ReadCluster(const Json& cluster, const KubeconfigOptions& options,
                         ClusterAccess& access) {
  access.origin = StringMember(cluster, "server");
  if (access.origin.empty()) return Bad("the cluster has no server");
  if (!StringMember(cluster, "proxy-url").empty())
    return Bad("proxy-url is not supported: reach the API server directly");
  access.tls.insecure_skip_verify = BoolMember(cluster, "insecure-skip-tls-verify");
  if (access.tls.insecure_skip_verify && !options.allow_insecure)
    return Bad("insecure-skip-tls-verify is refused: give certificate-authority instead");
  access.tls.server_name = StringMember(cluster, "tls-server-name");
  auto authorities = DataOrFile(cluster, "certificate-authority", options.directory, access);
  if (!authorities.ok()) return authorities.error();
  access.tls.ca_pem = std::move(*authorities);
  return {};
}

Result<ExecPlugin> ReadExec(const Json& exec, const Json& cluster, const ClusterAccess& access,
                            const std::string& directory) {
  ExecPlugin plugin;
  plugin.command = StringMember(exec, "command");
  if (plugin.command.empty()) return Bad("exec has no command");
  if (plugin.command.find('/') != std::string::npos)
    plugin.command = Resolve(plugin.command, directory);
  plugin.api_version = StringMember(exec, "apiVersion");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1")
    return Bad("exec's apiVersion must be client.authentication.k8s.io/v1 or v1beta1");
  plugin.install_hint = StringMember(exec, "installHint");
  if (StringMember(exec, "interactiveMode") == "Always")
    return Bad("exec wants a terminal (interactiveMode: Always), which is not supported");
  if (const auto& args = Member(exec, "args"); args.is_array())
    for (const auto& arg : args)
      if (const auto* text = arg.get_ptr<const std::string*>()) plugin.args.push_back(*text);
  if (const auto& env = Member(exec, "env"); env.is_array())
    for (const auto& entry : env)
      plugin.env.emplace_back(StringMember(entry, "name"), StringMember(entry, "value"));
  if (BoolMember(exec, "provideClusterInfo")) {
    Json info = {{"server", access.origin}};
    if (!access.tls.server_name.empty()) info["tls-server-name"] = access.tls.server_name;
    if (!access.tls.ca_pem.empty())
      info["certificate-authority-data"] = EncodeBase64(access.tls.ca_pem);
    if (access.tls.insecure_skip_verify) info["insecure-skip-tls-verify"] = true;
    for (const auto& extension : Member(cluster, "extensions"))
      if (StringMember(extension, "name") == "client.authentication.k8s.io/exec")
        info["config"] = Member(extension, "extension");
    plugin.cluster_json = info.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return plugin;
}

Result<void> UseExec(ExecPlugin plugin, ClusterAccess& access) {
  auto credential = RunExecPlugin(plugin);
  if (!credential.ok()) return credential.error();
  if (!credential->certificate_pem.empty()) {
    access.tls.certificate_pem = std::move(credential->certificate_pem);
    access.tls.private_key_pem = std::move(credential->private_key_pem);
  }
  access.token = ExecToken(std::move(plugin), std::move(credential->token));
  return {};
}

Result<void> ReadToken(const Json& user, const KubeconfigOptions& options, const Clock& clock,
                       ClusterAccess& access) {
  // tokenFile wins over token, as in kubectl.
  if (const std::string file = StringMember(user, "tokenFile"); !file.empty()) {
    access.token = FileToken(Resolve(file, options.directory), clock);
    access.reread_files.push_back(Resolve(file, options.directory));
    if (auto token = access.token->Token(); !token.ok())
      return Wrap(token.error(), "kubeconfig: tokenFile");
    return {};
  }
  const std::string text = StringMember(user, "token");
  if (text.empty()) return {};
  auto token = CleanToken(text, "the kubeconfig");
  if (!token.ok()) return token.error();
  access.token = FixedToken(std::move(*token));
  return {};
}

Result<void> ReadUser(const Json& user, const Json& cluster, const KubeconfigOptions& options,
                      const Clock& clock, ClusterAccess& access) {
  if (!StringMember(user, "username").empty() || !StringMember(user, "password").empty())
    return Bad(
        "username and password: no Kubernetes since 1.19 takes them, use a token or a certificate");
  if (Member(user, "auth-provider").is_object())
    return Bad("auth-provider is not supported: use an exec plugin, a token or a certificate");
  if (!StringMember(user, "as").empty()) return Bad("impersonation (as) is not supported");
  auto certificate = DataOrFile(user, "client-certificate", options.directory, access);
  if (!certificate.ok()) return certificate.error();
  auto key = DataOrFile(user, "client-key", options.directory, access);
  if (!key.ok()) return key.error();
  access.tls.certificate_pem = std::move(*certificate);
  access.tls.private_key_pem = std::move(*key);
  access.token = FixedToken("");
  if (auto token = ReadToken(user, options, clock, access); !token.ok()) return token;

  const auto& exec = Member(user, "exec");
  if (!exec.is_object()) return {};
  if (!options.allow_exec)
    return Bad(
        "exec plugins are for the command line only: give the agent a token or a certificate");
  auto plugin = ReadExec(exec, cluster, access, options.directory);
  if (!plugin.ok()) return plugin.error();
  return UseExec(std::move(*plugin), access);
}

}  // namespace

Result<ClusterAccess> FromKubeconfig(std::string_view json, const KubeconfigOptions& options,
                                     const Clock& clock) {
  const Json config = ParseJson(json);
  if (!config.is_object()) return Bad("it is no object");
  const std::string name =
      options.context.empty() ? StringMember(config, "current-context") : options.context;
  if (name.empty()) return Bad("it has no current-context: name a context");
  const auto& context = Named(config, "contexts", "context", name);
  if (!context.is_object()) return Bad("there is no context \"" + name + "\"");
  const std::string cluster_name = StringMember(context, "cluster");
  const auto& cluster = Named(config, "clusters", "cluster", cluster_name);
  if (!cluster.is_object()) return Bad("there is no cluster \"" + cluster_name + "\"");

  ClusterAccess access;
  access.name_space = StringMember(context, "namespace");
  if (auto read = ReadCluster(cluster, options, access); !read.ok()) return read.error();
  const std::string user_name = StringMember(context, "user");
  const auto& user = Named(config, "users", "user", user_name);
  if (!user_name.empty() && !user.is_object()) return Bad("there is no user \"" + user_name + "\"");
  if (auto read = ReadUser(user, cluster, options, clock, access); !read.ok()) return read.error();
  return access;
}

}  // namespace seccompd::kube
