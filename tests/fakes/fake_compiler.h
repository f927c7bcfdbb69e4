// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stands in for the compiler where a test is about something else: what happens to an answer, not
// how it is made. Thread-safe.

#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/compiler/compiler.h"

namespace seccompd::fakes {

class FakeCompiler final : public compiler::Compiler {
 public:
  // An answer to the whole request.
  using Judgement = std::function<Result<compiler::CompileAnswer>(const compiler::CompileRequest&)>;

  // To one of a namespace, and to one for several of it, which else are answered, and noted, as if
  // each were asked about by itself.
  using TenantJudgement = std::function<Result<compiler::TenantAnswer>(
      std::string_view, const compiler::CompileRequest&)>;
  using TogetherJudgement = std::function<Result<std::vector<compiler::CompileAnswer>>(
      std::string_view, const compiler::CompileRequest&, std::span<const std::string>)>;

  // A canonical profile; equal specs give equal bytes, other ones other bytes (their length as
  // errnoRet).
  static std::string BytesFor(const std::string& spec) {
    const auto number = std::hash<std::string>{}(spec) % 4000 + 2;  // not 1: EPERM is left out
    return R"({"architectures":["SCMP_ARCH_X86_64"],"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO","errnoRet":)" +
           std::to_string(number) + R"(,"names":["mkdir"]}]})" + "\n";
  }

  Result<compiler::CompileAnswer> Compile(const compiler::CompileRequest& request) override {
    std::function<Result<compiler::CompileAnswer>(const std::string&)> answer;
    Judgement judge;
    {
      const std::lock_guard lock(mutex_);
      specs_.push_back(request.spec);
      requests_.push_back(request);
      answer = answer_;
      judge = judge_;
    }
    if (judge) return judge(request);
    if (answer) return answer(request.spec);
    compiler::CompileAnswer good;
    good.bytes = BytesFor(request.spec);
    good.instructions = 7;
    return good;
  }
  Result<compiler::TenantAnswer> CompileFor(std::string_view name_space,
                                            const compiler::CompileRequest& request) override {
    TenantJudgement judge;
    bool is_alone = true;
    {
      const std::lock_guard lock(mutex_);
      judge = tenant_judge_;
      tenants_[request.spec].emplace_back(name_space);
      is_alone = are_alone_;
      if (judge) specs_.push_back(request.spec);
    }
    if (judge) return judge(name_space, request);
    Result<compiler::CompileAnswer> answer = Compile(request);
    if (!answer.ok()) return answer.error();
    return compiler::TenantAnswer{*std::move(answer), is_alone};
  }
  Result<std::vector<compiler::CompileAnswer>> CompileTogether(
      std::string_view name_space, const compiler::CompileRequest& common,
      std::span<const std::string> specs) override {
    TogetherJudgement judge;
    {
      const std::lock_guard lock(mutex_);
      together_.emplace_back(specs.begin(), specs.end());
      judge = together_judge_;
    }
    if (judge) return judge(name_space, common, specs);
    std::vector<compiler::CompileAnswer> answers;
    for (const std::string& spec : specs) {
      compiler::CompileRequest request = common;
      request.spec = spec;
      Result<compiler::CompileAnswer> answer = Compile(request);
      if (!answer.ok()) return answer.error();
      answers.push_back(*std::move(answer));
    }
    return answers;
  }
  Result<std::vector<profile::Diagnostic>> CheckTree(std::string_view canonical) override {
    const std::lock_guard lock(mutex_);
    trees_.emplace_back(canonical);
    return tree_answer_;
  }
  Result<compiler::ManifestAnswer> ParseManifests(std::string_view) override {
    return Error{ErrorCode::kInvalid, "the fake compiler parses no manifests"};
  }
  Result<std::string> RunTool(std::string_view) override {
    return Error{ErrorCode::kInvalid, "the fake compiler has no tools"};
  }

  void AnswerWith(std::function<Result<compiler::CompileAnswer>(const std::string&)> answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  void JudgeWith(Judgement judge) {
    const std::lock_guard lock(mutex_);
    judge_ = std::move(judge);
  }
  void JudgeForWith(TenantJudgement judge) {
    const std::lock_guard lock(mutex_);
    tenant_judge_ = std::move(judge);
  }
  // Whether the children that are asked about a namespace's have read nothing else.
  void AnswerAlone(bool are_alone) {
    const std::lock_guard lock(mutex_);
    are_alone_ = are_alone;
  }
  void JudgeTogetherWith(TogetherJudgement judge) {
    const std::lock_guard lock(mutex_);
    together_judge_ = std::move(judge);
  }
  static compiler::CompileAnswer Refusal(const std::string& code, const std::string& message) {
    compiler::CompileAnswer answer;
    answer.findings.push_back({profile::Severity::kError, code, "/profile", message});
    return answer;
  }
  std::vector<std::string> specs() const {
    const std::lock_guard lock(mutex_);
    return specs_;
  }
  // What each check of a tree answers; nothing by default.
  void FindInTrees(Result<std::vector<profile::Diagnostic>> findings) {
    const std::lock_guard lock(mutex_);
    tree_answer_ = std::move(findings);
  }
  std::vector<std::string> trees() const {
    const std::lock_guard lock(mutex_);
    return trees_;
  }
  // The specs of each request for several.
  std::vector<std::vector<std::string>> together() const {
    const std::lock_guard lock(mutex_);
    return together_;
  }
  // For which namespaces a spec was asked about, each time when it need not be by a fresh child.
  std::vector<std::string> tenants(const std::string& spec) const {
    const std::lock_guard lock(mutex_);
    const auto found = tenants_.find(spec);
    return found == tenants_.end() ? std::vector<std::string>{} : found->second;
  }
  std::vector<compiler::CompileRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> specs_;
  std::vector<compiler::CompileRequest> requests_;
  std::vector<std::vector<std::string>> together_;
  std::function<Result<compiler::CompileAnswer>(const std::string&)> answer_;
  Judgement judge_;
  TenantJudgement tenant_judge_;
  bool are_alone_ = true;
  std::map<std::string, std::vector<std::string>> tenants_;
  TogetherJudgement together_judge_;
  std::vector<std::string> trees_;
  Result<std::vector<profile::Diagnostic>> tree_answer_ = std::vector<profile::Diagnostic>();
};

}  // namespace seccompd::fakes
