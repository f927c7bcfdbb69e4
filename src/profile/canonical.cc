// SPDX-License-Identifier: Apache-2.0
// Two steps. A reader that knows only the form that Encode() writes, and no JSON library, makes a
// profile of the bytes and holds its values against the limits. Then that profile is encoded: only
// bytes that come out the same are canonical. So the reader may be plain: what it overlooks
// (spaces, zeros in front, order, defaults, what has no effect) shows there.
#include "seccompd/profile/canonical.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "seccompd/profile/encode.h"
#include "seccompd/profile/lint.h"

namespace seccompd::profile {
namespace {

Error NotCanonical(std::string_view what) {
  return Error{ErrorCode::kInvalid, "no canonical profile: " + std::string(what)};
}

class CanonicalReader {
 public:
  explicit CanonicalReader(std::string_view bytes) : bytes_(bytes), rest_(bytes) {}

  std::optional<Profile> Read() {
    Profile profile;
    const bool is_good =
        Take("{\"architectures\":[") && ReadArchitectures(profile) && Take(",\"defaultAction\":") &&
        ReadAction(profile.default_action) &&
        ReadErrno(",\"defaultErrnoRet\":", profile.default_action, profile.default_errno) &&
        (!Peek(",\"syscalls\":[") || ReadRules(profile)) && Take("}\n") &&
        (rest_.empty() || Fail("nothing more"));
    if (!is_good) return std::nullopt;
    return profile;
  }
  // Why Read() gave nothing.
  std::string problem() const {
    return "expected " + expected_ + " at byte " + std::to_string(bytes_.size() - rest_.size());
  }

 private:
  bool Fail(std::string_view expected) {
    expected_ = expected;
    return false;
  }
  bool Peek(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  bool Take(std::string_view text) { return Peek(text) || Fail(text); }

  bool ReadString(std::string_view& text) {
    if (!Take("\"")) return false;
    const std::size_t length = rest_.find('"');
    if (length == std::string_view::npos) return Fail("the end of a string");
    text = rest_.substr(0, length);
    rest_.remove_prefix(length + 1);
    return true;
  }
  template <class Number>
  bool ReadNumber(Number most, Number& number) {
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc() || number > most)
      return Fail("a number up to " + std::to_string(most));
    rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
    return true;
  }
  template <class T>
  bool ReadWord(std::optional<T> (*find)(std::string_view), std::string_view kind, T& value) {
    std::string_view text;
    if (!ReadString(text)) return false;
    const std::optional<T> known = find(text);
    if (!known.has_value()) return Fail(kind);
    value = *known;
    return true;
  }
  bool ReadAction(Action& action) {
    if (!ReadWord(FindAction, "an action", action)) return false;
    return action != Action::kNotify || Fail("an action other than SCMP_ACT_NOTIFY");
  }
  bool ReadErrno(std::string_view key, Action action, std::uint32_t& number) {
    number = HasErrno(action) ? kDefaultErrno : 0;
    return !Peek(key) || ReadNumber(kMaxErrno, number);
  }

  bool ReadArchitectures(Profile& profile) {
    do {
      if (profile.architectures.size() == kMaxArchitectures) return Fail("no more architectures");
      Architecture& added = profile.architectures.emplace_back();
      if (!ReadWord(FindArchitecture, "an architecture", added)) return false;
    } while (Peek(","));
    return Take("]");
  }

  bool ReadRules(Profile& profile) {
    profile.rules.reserve(std::min(kMaxRules, rest_.size() / kTypicalRuleBytes + 1));
    std::size_t with_args = 0;
    do {
      if (profile.rules.size() == kMaxRules) return Fail("no more rules");
      Rule& rule = profile.rules.emplace_back();
      if (!ReadRule(rule)) return false;
      if (!rule.args.empty() && ++with_args > kMaxRulesWithArgs) return Fail("no more conditions");
    } while (Peek(","));
    return Take("]");
  }

  bool ReadRule(Rule& rule) {
    std::string_view name;
    const bool is_like_last = !head_.empty() && Peek(head_);
    if (!is_like_last && !ReadHead()) return false;
    rule = head_rule_;
    if (!ReadString(name) || !Take("]}")) return false;
    if (!IsNameShaped(name)) return Fail("a system call's name");
    rule.name = name;
    return true;
  }

  // A rule up to its name. Most begin as the one before.
  bool ReadHead() {
    const std::string_view from = rest_;
    Rule& rule = head_rule_ = Rule();
    if (!Take("{\"action\":") || !ReadAction(rule.action)) return false;
    if (Peek(",\"args\":[") && !ReadArgs(rule.args)) return false;
    if (!ReadErrno(",\"errnoRet\":", rule.action, rule.errno_ret)) return false;
    if (!Take(",\"names\":[")) return false;
    head_ = from.substr(0, from.size() - rest_.size());
    return true;
  }

  bool ReadArgs(std::vector<Arg>& args) {
    do {
      Arg arg;
      if (!ReadArg(arg)) return false;
      if (!args.empty() && arg.index <= args.back().index) return Fail("an argument further on");
      args.push_back(arg);
    } while (Peek(","));
    return Take("]");
  }

  bool ReadArg(Arg& arg) {
    const bool is_good = Take("{\"index\":") && ReadNumber(kMaxArgIndex, arg.index) &&
                         Take(",\"op\":") && ReadWord(FindOperator, "an operator", arg.op) &&
                         Take(",\"value\":") && ReadNumber(~std::uint64_t{0}, arg.value) &&
                         (!Peek(",\"valueTwo\":") || ReadNumber(arg.value, arg.value_two)) &&
                         Take("}");
    if (!is_good) return false;
    return (arg.value_two & ~arg.value) == 0 || Fail("a valueTwo within its mask");
  }

  std::string_view bytes_, rest_;
  std::string_view head_;  // what ReadHead read last
  Rule head_rule_;         // and what it says
  std::string expected_;
};

}  // namespace

Result<void> CheckCanonical(std::string_view bytes) {
  if (bytes.size() > kMaxCanonicalBytes) return NotCanonical("too long");
  CanonicalReader reader(bytes);
  std::optional<Profile> profile = reader.Read();
  if (!profile.has_value()) return NotCanonical(reader.problem());
  std::vector<Diagnostic> findings;
  const Profile normal = Normalize(*std::move(profile), findings);
  if (!findings.empty()) return NotCanonical(findings.front().message);
  if (Encode(normal) != bytes) return NotCanonical("not as it would be encoded");
  return {};
}

}  // namespace seccompd::profile
