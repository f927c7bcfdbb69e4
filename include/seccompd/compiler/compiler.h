// SPDX-License-Identifier: Apache-2.0
#pragma once
// The agent's side of the compiler: profiles are judged in processes of their own, never in the
// agent. Each reads the texts of one tenant's namespace only, and soon dies.
// Implementations are thread-safe: several threads may each have a request under way.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/profile/request.h"

namespace seccompd::compiler {

inline constexpr std::size_t kMaxToolBytes = std::size_t{5} << 20;
inline constexpr std::size_t kMaxTogether = 16;

// A spec of at most 1.5 MiB; the child judges its limits.
using CompileRequest = profile::RenderRequest;
using CompileAnswer = profile::Rendered;

struct TenantAnswer {
  CompileAnswer answer;
  bool is_alone = true;  // by a child that had read nothing else
};

// One document of a manifest file.
struct Manifest {
  std::uint32_t line = 1;  // where the document begins in its file
  std::string api_version, kind, name_space, name;
  std::string spec;  // raw JSON; empty when the document has no object .spec
};

struct ManifestAnswer {
  std::vector<Manifest> documents;
  std::vector<profile::Diagnostic>
      findings;  // about the file as a whole (syntax, too many nodes, ...)
};

class Compiler {
 public:
  virtual ~Compiler() = default;
  // kInvalid: a verdict on the input: it overran its CPU time or memory, or crashed two fresh
  // children, one after the other. kTransient: wall-clock overrun, or the child was killed from
  // outside. kDenied: a person must act: the compiler is gone and does not come back, or the
  // request's ceiling or architecture is none that it knows.
  virtual Result<CompileAnswer> Compile(const CompileRequest& request) = 0;
  // The same, by a child that has answered for this namespace a moment ago, where there is one: a
  // fresh one takes half as long again. What goes wrong there is no verdict: a fresh one is asked.
  virtual Result<TenantAnswer> CompileFor(std::string_view name_space,
                                          const CompileRequest& request) = 0;
  // At most kMaxTogether specs of one namespace, judged one after another by one such child as
  // `common` (whose own spec is not read) says. One answer per spec, in order, or an error, which
  // is a verdict on none of them: ask about each by itself then.
  virtual Result<std::vector<CompileAnswer>> CompileTogether(
      std::string_view name_space, const CompileRequest& common,
      std::span<const std::string> specs) = 0;
  // A file's canonical bytes -> what is wrong with the filter that runc from 1.2 on makes of them
  // (profile/check_tree.h); mostly nothing. Errors as Compile.
  virtual Result<std::vector<profile::Diagnostic>> CheckTree(std::string_view canonical) = 0;
  // YAML (several documents) or JSON text of at most 256 KiB -> its documents. Errors as Compile.
  virtual Result<ManifestAnswer> ParseManifests(std::string_view text) = 0;
  // The command line's questions about files: a JSON text of at most kMaxToolBytes -> a JSON text
  // (compiler/tools.h says which). An answer is not checked further, so the agent asks one such
  // question only, about a constant and before any tenant's byte: for its own filter. Errors as
  // Compile.
  virtual Result<std::string> RunTool(std::string_view request) = 0;
};

}  // namespace seccompd::compiler
