// SPDX-License-Identifier: Apache-2.0
#include "compiler/conversations.h"

#include <poll.h>

#include <algorithm>
#include <iterator>

#include "seccompd/compiler/protocol.h"

namespace seccompd::compiler {
namespace {

// At work or waiting: as many as the agent has workers, so that those that wait take no memory that
// the chart's limit does not count on.
constexpr std::size_t kMostChildren = 4;

// Neither a byte that nobody asked for, nor its end.
bool IsQuiet(const Conversation& conversation) {
  pollfd entry{conversation.data.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) == 0;
}

}  // namespace

void LeaveWork::operator()(Conversations* conversations) const {
  const std::lock_guard lock(conversations->mutex_);
  --conversations->at_work_;
}

void Conversations::Begin(Conversation& conversation) {
  std::vector<Conversation> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = TakeEndedLocked();
    if (!waiting_.empty() && at_work_ + waiting_.size() >= kMostChildren) {
      ended.push_back(std::move(waiting_.front()));
      waiting_.erase(waiting_.begin());
    }
    ++at_work_;
    conversation.at_work.reset(this);
  }
  for (Conversation& one : ended) let_go_(std::move(one));
}

std::optional<Conversation> Conversations::Resume(std::string_view name_space, std::size_t specs) {
  std::optional<Conversation> resumed;
  std::vector<Conversation> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = TakeEndedLocked();
    const auto found =
        std::find_if(waiting_.begin(), waiting_.end(), [&](const Conversation& conversation) {
          return conversation.name_space == name_space &&
                 conversation.specs + specs <= kMaxSpecsOfChild;
        });
    if (found != waiting_.end()) {
      resumed = std::move(*found);
      waiting_.erase(found);
      ++at_work_;
      resumed->at_work.reset(this);
    }
  }
  for (Conversation& one : ended) let_go_(std::move(one));
  return resumed;
}

void Conversations::Pause(Conversation conversation) {
  conversation.at_work.reset();
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(conversation));
}

std::vector<Conversation> Conversations::TakeEndedLocked() {
  const Deadline now = std::chrono::steady_clock::now();
  const auto ended = std::stable_partition(
      waiting_.begin(), waiting_.end(), [&](const Conversation& conversation) {
        return now < conversation.until && IsQuiet(conversation);
      });
  std::vector<Conversation> taken(std::make_move_iterator(ended),
                                  std::make_move_iterator(waiting_.end()));
  waiting_.erase(ended, waiting_.end());
  return taken;
}

}  // namespace seccompd::compiler
