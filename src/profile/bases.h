// SPDX-License-Identifier: Apache-2.0
#pragma once
// The profiles that a spec builds on, directly or not: which ones are needed, what is wrong with
// them, and each as one layer with its own bases merged in. Internal to the resolver.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/request.h"

#include "profile/layer.h"

namespace seccompd::profile {

class Bases {
 public:
  // `request` and `facts` outlive it.
  Bases(const RenderRequest& request, const Facts& facts) : request_(request), facts_(facts) {}

  // Finds all names that can be known from the texts given, breadth first down to the deepest level
  // that is taken.
  void Collect(const std::vector<std::string>& direct);
  // Of the namespace, at most kMaxBases.
  const std::set<std::string>& names() const { return names_; }
  bool has_too_many() const { return has_too_many_; }
  // Not every text that is needed was given.
  bool is_waiting() const { return is_waiting_; }

  struct Fault {
    Code code;
    std::string message;
  };
  struct Base {
    Layer layer;
    std::size_t levels = 1;  // with its own bases
    std::optional<Fault> fault;
    Gaps gaps;             // its own and those of its bases
    bool is_open = false;  // being loaded: who meets it closes a circle
  };
  // Call Collect first.
  const Base& Load(const std::string& name);

 private:
  // Null: the text is not there.
  const DecodedSpec* Find(const std::string& name);
  void Fill(const std::string& name, const DecodedSpec& spec, Base& base);
  std::optional<Fault> FindFault(const std::string& name, const DecodedSpec* spec) const;
  Fault Circle(const std::string& name) const;

  const RenderRequest& request_;
  const Facts& facts_;
  std::set<std::string> names_;
  bool has_too_many_ = false;
  bool is_waiting_ = false;
  std::map<std::string, std::optional<DecodedSpec>> specs_;
  std::map<std::string, Base> bases_;
  std::vector<std::string> open_;  // from the first to the one being loaded
};

}  // namespace seccompd::profile
