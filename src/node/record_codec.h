// SPDX-License-Identifier: Apache-2.0
#pragma once
// The record as text: one header line, one line per fact with its fields escaped and separated by
// tabs, and in the last line the SHA-256 of all before it. One record has exactly one text.

#include <string>
#include <string_view>

#include "seccompd/base/result.h"
#include "seccompd/node/record.h"

namespace seccompd::node {

std::string EncodeRecord(const Record& record);
// kInvalid: anything but what EncodeRecord makes.
Result<Record> DecodeRecord(std::string_view text);

}  // namespace seccompd::node
