// SPDX-License-Identifier: Apache-2.0
#pragma once
// The client's side of its children: those at work, and those that answered for a namespace and
// wait a moment for its next request. A text goes to no child that has read another namespace's.
// Thread-safe.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "seccompd/base/unique_fd.h"
#include "seccompd/compiler/io.h"

namespace seccompd::compiler {

class Conversations;
struct LeaveWork {
  void operator()(Conversations* conversations) const;
};

// With one child.
struct Conversation {
  UniqueFd data, report;
  std::uint64_t id = 0;
  std::string name_space;
  Deadline until;         // the child takes no request after this
  std::size_t specs = 0;  // that it was asked about
  std::unique_ptr<Conversations, LeaveWork> at_work;
};

class Conversations {
 public:
  // Whoever is not to be asked again goes to `let_go`, without a lock held.
  using LetGo = std::function<void(Conversation)>;
  explicit Conversations(LetGo let_go) : let_go_(std::move(let_go)) {}

  // A new child goes to work: one that waits gives way, where there would be too many.
  void Begin(Conversation& conversation);
  // One that waits for this namespace, and takes so many specs more, goes to work.
  std::optional<Conversation> Resume(std::string_view name_space, std::size_t specs);
  // The child answered, and waits; or ends, when it has served its time.
  void Pause(Conversation conversation);

 private:
  friend LeaveWork;
  std::vector<Conversation> TakeEndedLocked();

  LetGo let_go_;
  std::mutex mutex_;  // guards the rest
  std::size_t at_work_ = 0;
  std::vector<Conversation> waiting_;  // the youngest last
};

}  // namespace seccompd::compiler
