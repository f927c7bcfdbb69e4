// SPDX-License-Identifier: Apache-2.0
// The decoders of what a hostile child, or a client, may send. The first byte chooses one.
// Property: there is one encoding only: what is decoded encodes to the same bytes.
#include "seccompd/compiler/protocol.h"

#include "fuzz/check.h"

namespace {

using namespace seccompd::compiler;  // NOLINT(google-build-using-namespace)

template <class Decoded, class Encode>
void Check(const Decoded& decoded, Encode encode, std::string_view bytes) {
  if (!decoded.ok()) return;
  seccompd::fuzz::Must(encode(*decoded) == bytes, "one encoding only");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes = seccompd::fuzz::TextOf(data + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
      Check(DecodeHello(bytes), EncodeHello, bytes);
      break;
    case 1:
      Check(DecodeOrder(bytes), EncodeOrder, bytes);
      break;
    case 2:
      Check(DecodeRequest(bytes), EncodeRequest, bytes);
      break;
    case 3:
      Check(DecodeCompileAnswer(bytes), EncodeCompileAnswer, bytes);
      break;
    case 4:
      Check(DecodeManifestAnswer(bytes), EncodeManifestAnswer, bytes);
      break;
    case 5:
      Check(DecodeFindings(bytes), EncodeFindings, bytes);
      break;
    case 6:
      Check(DecodeReport(bytes), EncodeReport, bytes);
      break;
    case 7:
      Check(DecodeCompileAnswers(bytes), EncodeCompileAnswers, bytes);
      break;
  }
  return 0;
}
