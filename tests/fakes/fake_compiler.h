// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stands in for the compiler where a test is about something else: what happens to an answer, not
// how it is made. Thread-safe.

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "seccompd/compiler/compiler.h"

namespace seccompd::fakes {

class FakeCompiler final : public compiler::Compiler {
 public:
  // A canonical profile; equal specs give equal bytes, other ones other bytes (their length as
  // errnoRet).
  static std::string BytesFor(const std::string& spec);

  Result<compiler::CompileAnswer> Compile(const compiler::CompileRequest& request) override {
    std::function<Result<compiler::CompileAnswer>(const std::string&)> answer;
    {
      const std::lock_guard lock(mutex_);
      specs_.push_back(request.spec);
      answer = answer_;
    }
    if (answer) return answer(request.spec);
    compiler::CompileAnswer good;
    good.bytes = BytesFor(request.spec);
    good.instructions = 7;
    return good;
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
  static compiler::CompileAnswer Refusal(const std::string& code, const std::string& message) {
    compiler::CompileAnswer answer;
    answer.findings.push_back({profile::Severity::kError, code, "/profile", message});
    return answer;
  }
  std::vector<std::string> specs() const {
    const std::lock_guard lock(mutex_);
    return specs_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> specs_;
  std::function<Result<compiler::CompileAnswer>(const std::string&)> answer_;
};

}  // namespace seccompd::fakes
