// SPDX-License-Identifier: Apache-2.0
#pragma once
// Columns as kubectl prints them: upper-case heads, three spaces between. Not thread-safe.

#include <ostream>
#include <string>
#include <vector>

namespace seccompd::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool is_empty() const { return rows_.size() == 1; }
  void Print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace seccompd::cli
