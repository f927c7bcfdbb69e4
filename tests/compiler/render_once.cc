// SPDX-License-Identifier: Apache-2.0
// render_once SPEC_FILE [CEILING [thorough]]: what one child does with its request, in a process
// that valgrind can count:
//   valgrind --tool=callgrind --toggle-collect='*AnswerOnce*' render_once SPEC_FILE CEILING
// Not a test: see tests/bench.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "seccompd/compiler/protocol.h"
#include "seccompd/profile/render.h"

namespace seccompd::compiler {

[[gnu::noinline]] std::string AnswerOnce(const std::string& bytes,
                                         const profile::Ceiling* ceiling) {
  const Result<Request> request = DecodeRequest(bytes);
  if (!request.ok()) return "";
  const Result<profile::Rendered> rendered = profile::Render(
      {request->text, request->node, request->bases, request->ceiling, request->is_thorough},
      ceiling);
  return rendered.ok() ? EncodeCompileAnswer(*rendered) : "";
}

}  // namespace seccompd::compiler

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::ifstream in(argv[1]);
  seccompd::compiler::Request request;
  request.text = std::string(std::istreambuf_iterator<char>(in), {});
  request.node = {"SCMP_ARCH_X86_64", "6.1.0", {}, "both"};
  if (argc > 2) request.ceiling = argv[2];
  request.is_thorough = argc > 3 && std::string_view(argv[3]) == "thorough";
  // As the zygote has it: not counted.
  const auto ceiling = seccompd::profile::Ceiling::Make(request.ceiling, request.node);
  const std::string answer = seccompd::compiler::AnswerOnce(
      seccompd::compiler::EncodeRequest(request), ceiling.ok() ? &*ceiling : nullptr);
  const auto decoded = seccompd::compiler::DecodeCompileAnswer(answer);
  if (!decoded.ok()) return 1;
  std::printf("%zu bytes, %u instructions, %zu findings\n", decoded->bytes.size(),
              decoded->instructions, decoded->findings.size());
  return 0;
}
