// SPDX-License-Identifier: Apache-2.0
// Several profiles, one request: when many are in line (a start on an empty node, a tenant's
// release), an exchange for each costs as well. Those of one namespace may share one: they are one
// tenant's, and a child holds no two tenants' texts. It only saves time: what the child says is a
// first answer, and a child that fails is a word about none of them.
#include <utility>

#include "seccompd/agent/reconciler.h"

namespace seccompd::agent {

std::vector<Reconciler::Job> Reconciler::TakeJobs(const std::string& key) {
  std::vector<Job> jobs;
  const bool is_profile = !key.empty() && !IsTreesKey(key);
  jobs.push_back({key, is_profile ? desired_.Take(key) : std::nullopt, std::nullopt});
  if (!is_profile) return jobs;
  const std::string_view name_space = std::string_view(key).substr(0, key.find('/') + 1);
  for (std::string& next : queue_.TakeNext(name_space, compiler::kMaxTogether - 1)) {
    std::optional<Work> work = desired_.Take(next);
    jobs.push_back({std::move(next), std::move(work), std::nullopt});
  }
  AskTogether(jobs);
  return jobs;
}

void Reconciler::AskTogether(std::vector<Job>& jobs) {
  std::vector<Job*> asked;
  std::vector<const Work*> works;
  for (Job& job : jobs) {
    const bool is_present = job.work && !job.work->desired.absent_since && job.work->spec;
    if (!is_present || UpToDate(job.key, *job.work) || LabelsNeeded(job.key).is_expected) continue;
    asked.push_back(&job);
    works.push_back(&*job.work);
  }
  if (asked.size() < 2) return;
  auto answers =
      judge_.AskTogether(asked.front()->key.substr(0, asked.front()->key.find('/')), works);
  for (std::size_t i = 0; i < asked.size(); ++i) asked[i]->first = std::move(answers[i]);
}

}  // namespace seccompd::agent
