// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/resolve.h"

#include <algorithm>
#include <set>
#include <utility>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/syscalls.h"
#include "seccompd/profile/text.h"

#include "profile/bases.h"
#include "profile/layer.h"

namespace seccompd::profile {
namespace {

constexpr std::string_view kBasesPointer = "/bases";
constexpr std::size_t kMaxNamesShown = 8;

std::string Shown(const std::set<std::string>& names) {
  std::string shown;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (++count > kMaxNamesShown) break;
    shown += (shown.empty() ? "" : ", ") + name;
  }
  if (names.size() <= kMaxNamesShown) return shown;
  return shown + ", and " + std::to_string(names.size() - kMaxNamesShown) + " more";
}

Facts FactsOf(const DecodedSpec& spec, const NodeContext& node, Architecture native) {
  Facts facts{native, {}, KernelOfRelease(node.kernel)};
  if (spec.capabilities.has_value()) {
    facts.capabilities.insert(spec.capabilities->begin(), spec.capabilities->end());
  }
  return facts;
}

bool IsOfBase(const Rule& rule) { return rule.place.Text().starts_with(kBasesPointer); }

class Resolver {
 public:
  Resolver(const DecodedSpec& spec, const RenderRequest& request, Architecture native)
      : spec_(spec),
        node_(request.node),
        facts_(FactsOf(spec, request.node, native)),
        bases_(request, facts_) {}

  Resolved Run() {
    bases_.Collect(spec_.bases);
    resolved_.bases.assign(bases_.names().begin(), bases_.names().end());
    if (HasError(spec_.findings)) {
      JudgeOwn();
      Finish();
      return std::move(resolved_);
    }
    if (bases_.has_too_many()) {
      Report(Code::kTooLarge, std::string(kBasesPointer),
             "builds on more than " + std::to_string(kMaxBases) + " profiles, directly or not");
      return std::move(resolved_);
    }
    if (bases_.is_waiting()) {
      resolved_.needs_bases = true;
      return std::move(resolved_);
    }
    for (std::size_t i = 0; i < spec_.bases.size(); ++i) AddBase(i);
    JudgeOwn();
    DropDead();
    CheckSize();
    Finish();
    return std::move(resolved_);
  }

 private:
  void Report(Code code, std::string pointer, std::string message) {
    resolved_.findings.push_back(MakeFinding(code, std::move(pointer), std::move(message)));
  }

  void AddBase(std::size_t index) {
    const std::string pointer = Join(kBasesPointer, index);
    const RulePlace place(pointer);
    const Bases::Base& base = bases_.Load(spec_.bases[index]);
    if (base.fault.has_value()) return Report(base.fault->code, pointer, base.fault->message);
    if (base.levels > kMaxBaseLevels) {
      return Report(Code::kBaseTooDeep, pointer,
                    Quote(spec_.bases[index]) + " builds on others over more than " +
                        std::to_string(kMaxBaseLevels) +
                        " levels, itself included; build on fewer");
    }
    if (base.gaps.kernel_pointer.has_value()) ReportKernel(pointer);
    base_capabilities_.insert(base.gaps.capabilities.begin(), base.gaps.capabilities.end());
    Layer layer = base.layer;
    for (Rule& rule : layer.rules) rule.place = place;
    Overlay(merged_, std::move(layer));
  }

  void JudgeOwn() {
    Gaps gaps;
    std::vector<Rule> left_out;
    Layer own = MakeLayer(spec_, facts_, gaps, &left_out);
    for (const Rule& rule : left_out) {  // the others are judged by ResolveNames
      if (!IsLinuxSyscall(rule.name)) ReportUnknown(rule);
    }
    for (const Rule& rule : gaps.overruled) {
      Report(Code::kConflictingRules, rule.place.Text(),
             "another rule for " + rule.name +
                 " stands before this one, without conditions, and wins in every runtime: this "
                 "one has no effect; remove one of them");
      resolved_.findings.back().severity = Severity::kWarning;
    }
    if (gaps.kernel_pointer.has_value()) ReportKernel(*gaps.kernel_pointer);
    if (!spec_.capabilities.has_value()) ReportCapabilities(gaps.capabilities);
    const std::optional<Action> inherited = merged_.default_action;
    if (!own.default_action.has_value() && own.default_errno.has_value() && inherited.has_value() &&
        !HasErrno(*inherited)) {
      Report(Code::kErrnoRetIgnored, "/profile/defaultErrnoRet",
             "the default action that the bases give, " + std::string(ActionName(*inherited)) +
                 ", has no error number");
    }
    replaced_ = Overlay(merged_, std::move(own));
  }

  void ReportUnknown(const Rule& rule) {
    const bool warn = spec_.warn_unknown_syscalls;
    Report(Code::kUnknownSyscall, rule.place.Text(),
           "Linux has no system call " + Quote(rule.name) + DidYouMean(rule.name, LinuxSyscalls()) +
               (warn ? "; it is left out" : ""));
    if (warn) resolved_.findings.back().severity = Severity::kWarning;
  }

  void ReportKernel(std::string pointer) {
    Report(
        Code::kKernelUnknown, std::move(pointer),
        node_.kernel.empty()
            ? "minKernel cannot be judged: the kernel's version is not known here"
            : "minKernel cannot be judged: " + Quote(node_.kernel) + " is no version of a kernel");
  }

  // A base's conditions are not the tenant's to mend: worth knowing, no more.
  void ReportCapabilities(const std::set<std::string>& own) {
    const std::set<std::string>& names = own.empty() ? base_capabilities_ : own;
    if (names.empty()) return;
    Report(Code::kCapabilitiesAssumed, "/capabilities",
           "conditions ask for " + Shown(names) +
               ", and spec.capabilities does not say what the containers hold: none of them, it "
               "is assumed");
    if (own.empty()) resolved_.findings.back().severity = Severity::kInfo;
  }

  // What a base allows is denied by a rule that says no more than the default action does: once it
  // has replaced the base's, it has done its work. And a base's rule may say what the dependant's
  // default says already. Neither is a fault.
  void DropDead() {
    if (spec_.bases.empty()) return;
    Rule by_default;
    by_default.action = merged_.default_action.value_or(Action::kErrno);
    by_default.errno_ret = merged_.default_errno.value_or(0);
    std::set<std::string> alive;
    std::set<std::string> excused = replaced_;
    for (const Rule& rule : merged_.rules) {
      if (!rule.SameVerdict(by_default)) alive.insert(rule.name);
      if (IsOfBase(rule)) excused.insert(rule.name);
    }
    std::erase_if(merged_.rules, [&](const Rule& rule) {
      return excused.contains(rule.name) && !alive.contains(rule.name);
    });
  }

  void CheckSize() {
    if (spec_.bases.empty()) return;  // the decoder has counted
    const auto with_args = static_cast<std::size_t>(std::count_if(
        merged_.rules.begin(), merged_.rules.end(), [](const Rule& r) { return !r.args.empty(); }));
    if (merged_.rules.size() <= kMaxRules && with_args <= kMaxRulesWithArgs) return;
    Report(Code::kTooLarge, std::string(kBasesPointer),
           "with its bases the profile has " + std::to_string(merged_.rules.size()) + " rules, " +
               std::to_string(with_args) + " with args; at most " + std::to_string(kMaxRules) +
               " and " + std::to_string(kMaxRulesWithArgs) + " are taken");
  }

  void Finish() {
    Profile& profile = resolved_.profile;
    profile.default_action = merged_.default_action.value_or(Action::kErrno);
    if (HasErrno(profile.default_action)) {
      profile.default_errno = merged_.default_errno.value_or(kDefaultErrno);
    }
    if (merged_.architectures.has_value()) profile.architectures = *merged_.architectures;
    profile.rules = std::move(merged_.rules);
  }

  const DecodedSpec& spec_;
  const NodeContext& node_;
  Facts facts_;
  Bases bases_;
  Layer merged_;
  std::set<std::string> replaced_;           // names whose rules of a base the profile's replaced
  std::set<std::string> base_capabilities_;  // that conditions of bases name
  Resolved resolved_;
};

}  // namespace

Resolved Resolve(const DecodedSpec& spec, const RenderRequest& request, Architecture native) {
  return Resolver(spec, request, native).Run();
}

bool Selects(const DecodedSpec& spec, const NodeContext& node) {
  return std::all_of(spec.match_labels.begin(), spec.match_labels.end(), [&](const auto& wanted) {
    const auto label = node.labels.find(wanted.first);
    return label != node.labels.end() && label->second == wanted.second;
  });
}

Profile DryRun(Profile profile) {
  const auto log = [](Action& action, std::uint32_t& number) {
    if (LetsThrough(action)) return;
    action = Action::kLog;
    number = 0;
  };
  log(profile.default_action, profile.default_errno);
  for (Rule& rule : profile.rules) log(rule.action, rule.errno_ret);
  std::erase_if(profile.rules,
                [&](const Rule& rule) { return rule.action == profile.default_action; });
  return profile;
}

}  // namespace seccompd::profile
