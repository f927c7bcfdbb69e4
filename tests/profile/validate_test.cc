// SPDX-License-Identifier: Apache-2.0
// Is what libseccomp makes of a profile what the profile says, and would we see it if not?
#include "seccompd/profile/validate.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "seccompd/profile/decode.h"
#include "seccompd/profile/meaning.h"
#include "seccompd/profile/rewrite.h"

#include "profile/profiles.h"
#include "profile/support.h"

namespace seccompd::profile {
namespace {

std::vector<Diagnostic> Validated(const Profile& profile, const Filters& filters) {
  std::vector<Diagnostic> findings;
  Validate(profile, filters, findings);
  return findings;
}
std::vector<Diagnostic> Validated(const Profile& profile) {
  return Validated(profile, MustCompile(profile));
}

std::vector<Rule> Start() {
  return {RuleFor("execve", Action::kAllow), RuleFor("exit_group", Action::kAllow)};
}

// A longer filter that was written before is not read with it.
TEST(CompileTest, AnExportFileGivesEachItsOwnFilter) {
  std::vector<Rule> many = Start();
  for (const char* name : {"getpid", "getppid", "getuid", "getgid"}) {
    many.push_back(RuleFor(name, Action::kAllow, {Cond(0, Operator::kEqual, 1)}));
  }
  std::sort(many.begin(), many.end(), ComesBefore);
  ExportFile file;
  for (const Profile& profile : {ProfileOf(many), ProfileOf(Start()), ProfileOf(many)}) {
    std::vector<Diagnostic> findings;
    const auto filters = Compile(profile, findings, Trees::kWhereRuncMakesThem, &file);
    ASSERT_TRUE(filters.ok() && filters->has_value()) << FindingsText(findings);
    EXPECT_EQ((*filters)->by_priority.program, MustCompile(profile).by_priority.program);
  }
}

TEST(ValidateTest, SeesWhatLibseccompMiscompiles) {
  // Behind the back of Lint, which refuses these.
  const Profile wide =
      ProfileOf({RuleFor("mkdir", Action::kAllow, {Cond(1, Operator::kLessOrEqual, 2)}),
                 RuleFor("mkdir", Action::kAllow, {Cond(1, Operator::kGreater, 0x1ffffffff)})});
  const std::vector<Diagnostic> findings = Validated(wide);
  ASSERT_EQ(CodesAt(findings), std::vector<std::string>{"Mistranslated "});
  EXPECT_NE(findings[0].message.find("mkdir(a1=0x3) on SCMP_ARCH_X86_64 would be ALLOW where the "
                                     "profile says ERRNO 1 (EPERM)"),
            std::string::npos)
      << findings[0].message;
}

TEST(ValidateTest, SeesNotEqualAmongSeveral) {
  // Which of them go wrong is libseccomp's affair; that some do, and are seen, is ours.
  RandomRules random(5);
  constexpr Operator kOperators[] = {Operator::kNotEqual, Operator::kEqual};
  int wrong = 0;
  for (int round = 0; round < 200; ++round) {
    const Profile profile =
        ProfileOf({random.AnyRule("mkdir", Action::kAllow, 2, kOperators, true),
                   random.AnyRule("mkdir", Action::kAllow, 1, kOperators, true)});
    if (profile.rules.size() == 2 && HasError(Validated(profile))) ++wrong;
  }
  EXPECT_GT(wrong, 0);
}

// Every constant, target and offset of a good filter, made wrong one at a time.
TEST(ValidateTest, SeesEveryCorruptedInstruction) {
  std::vector<Rule> rules = Start();
  rules.push_back(RuleFor("personality", Action::kAllow, {Cond(0, Operator::kEqual, 8)}));
  rules.push_back(RuleFor("personality", Action::kLog, {Cond(0, Operator::kEqual, 0x20008)}));
  rules.push_back(
      RuleFor("clone", Action::kAllow, {Cond(0, Operator::kMaskedEqual, 0x17e020000, 0x20000)}));
  rules.push_back(RuleFor("mkdir", Action::kErrno, {Cond(1, Operator::kGreater, 5)}, 13));
  const Profile profile = ProfileOf(rules, {Architecture::kX86, Architecture::kX8664});
  const Filters good = MustCompile(profile);
  ASSERT_EQ(FindingsText(Validated(profile, good)), "");
  std::vector<sock_filter> program(good.by_priority.instructions);
  std::memcpy(program.data(), good.by_priority.program.data(), good.by_priority.program.size());
  const auto is_seen = [&](const std::vector<sock_filter>& changed) {
    Filters filters = good;
    std::memcpy(filters.by_priority.program.data(), changed.data(),
                filters.by_priority.program.size());
    return HasError(Validated(profile, filters));
  };
  for (std::size_t i = 0; i < program.size(); ++i) {
    std::vector<sock_filter> changed = program;
    changed[i].k ^= BPF_CLASS(program[i].code) == BPF_RET ? 0x10000 : 4;
    EXPECT_TRUE(is_seen(changed)) << "constant of instruction " << i;
    if (BPF_CLASS(program[i].code) != BPF_JMP || program[i].jt == program[i].jf) continue;
    changed = program;
    std::swap(changed[i].jt, changed[i].jf);
    EXPECT_TRUE(is_seen(changed)) << "targets of instruction " << i;
  }
}

TEST(ValidateTest, SeesAFilterThatCannotBeChecked) {
  const Profile profile = ProfileOf(Start());
  Filters filters = MustCompile(profile);
  filters.by_priority.program[0] = '\x7f';
  EXPECT_EQ(CodesAt(Validated(profile, filters)),
            std::vector<std::string>{"Mistranslated /profile"});
}

TEST(ValidateTest, LooksAtTheTreeToo) {
  Profile profile = ProfileOf(Start());
  Filters filters = MustCompile(profile);
  EXPECT_FALSE(filters.by_tree.has_value());
  filters.by_tree = MustCompile(ProfileOf({RuleFor("execve", Action::kAllow)})).by_priority;
  const std::vector<Diagnostic> findings = Validated(profile, filters);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].message.find("as runc from 1.2 on has it do"), std::string::npos);
}

TEST(ValidateTest, RefusesTooManyCases) {
  std::vector<Rule> rules;
  for (std::uint32_t bit = 0; bit < 20; ++bit) {
    rules.push_back(
        RuleFor("mkdir", Action::kAllow, {Cond(1, Operator::kMaskedEqual, 1U << bit, 1U << bit)}));
  }
  // The filter does not matter: the rules alone make 2^20 classes of one word.
  EXPECT_EQ(CodesAt(Validated(ProfileOf(rules), MustCompile(ProfileOf(Start())))),
            (std::vector<std::string>{"Mistranslated /profile", "Mistranslated /profile",
                                      "TooManyCases "}));
}

TEST(ValidateTest, WideConstantsOn32Bits) {
  const auto of = [](const Arg& arg) {
    return CodesAt(Validated(ProfileOf({RuleFor("mkdir", Action::kAllow, {arg})},
                                       {Architecture::kX86, Architecture::kX8664})));
  };
  // -1 is -1 there; 2^32+2 would be 2.
  EXPECT_EQ(of(Cond(1, Operator::kEqual, ~0ULL)), std::vector<std::string>{});
  EXPECT_EQ(of(Cond(1, Operator::kEqual, 0x100000002)), std::vector<std::string>{"Mistranslated "});
}

const std::vector<std::string>& SomeNames() {
  static const std::vector<std::string> names = {
      "read",    "write",    "open",     "close",     "stat",   "fstat",   "lstat",
      "poll",    "lseek",    "mmap",     "mprotect",  "munmap", "brk",     "ioctl",
      "pread64", "pwrite64", "readv",    "writev",    "access", "pipe",    "select",
      "mremap",  "msync",    "mincore",  "madvise",   "shmget", "shmat",   "shmctl",
      "dup",     "dup2",     "pause",    "nanosleep", "socket", "connect", "accept",
      "sendto",  "recvfrom", "shutdown", "bind",      "listen", "clone",   "setitimer"};
  return names;
}

// Rules of the shapes that Lint lets pass, for one call, of one verdict.
std::vector<Rule> SafeGroup(const std::string& name, RandomRules& random) {
  std::vector<Rule> rules;
  const std::size_t shape = random.Below(4);
  const std::size_t count = shape == 0 ? 1 : 2 + random.Below(2);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t conditions = shape == 0 || shape == 2 ? 1 + random.Below(3) : 1;
    std::span<const Operator> operators = kAllOperators;
    if (shape == 2) operators = kEqualities;
    if (shape == 3) operators = kNoLess;
    rules.push_back(random.AnyRule(name, Action::kAllow, conditions, operators, shape == 1));
  }
  return rules;
}

TEST(ValidateTest, SafeShapesPassInBothOrders) {
  RandomRules random(23);
  for (int round = 0; round < 60; ++round) {
    std::vector<Rule> rules;
    for (const std::string& name : SomeNames()) {
      const std::vector<Rule> group = SafeGroup(name, random);
      rules.insert(rules.end(), group.begin(), group.end());
    }
    const Profile profile = ProfileOf(rules);
    const Filters filters = MustCompile(profile);
    ASSERT_TRUE(filters.by_tree.has_value());
    ASSERT_EQ(FindingsText(Validated(profile, filters)), "") << "round " << round;
  }
}

// The judge of a whole profile, as Render does it: none where it is refused.
std::optional<Filters> Accepted(const Profile& meant, bool& was_rewritten) {
  std::vector<Diagnostic> findings;
  const std::optional<Profile> rewritten = Rewrite(meant, findings);
  was_rewritten = rewritten.has_value();
  const Profile& profile = rewritten.has_value() ? *rewritten : meant;
  Lint(profile, findings);
  if (HasError(findings)) return std::nullopt;
  const auto filters = Compile(profile, findings);
  if (!filters.ok() || !filters->has_value()) return std::nullopt;
  Validate(meant, **filters, findings);
  if (HasError(findings)) return std::nullopt;
  return **filters;
}

TEST(ValidateTest, NothingWrongGetsThrough) {
  RandomRules random(42);
  int accepted = 0;
  int rewritten = 0;
  for (int round = 0; round < 2'000; ++round) {
    std::vector<Rule> original;
    for (std::size_t i = 1 + random.Below(3); i > 0; --i) {
      const Action action = random.Below(4) == 0 ? Action::kLog : Action::kAllow;
      original.push_back(
          random.AnyRule("mkdir", action, 1 + random.Below(2), kAllOperators, false));
    }
    std::vector<Rule> rules = Start();
    rules.insert(rules.end(), original.begin(), original.end());
    bool was_rewritten = false;
    const std::optional<Filters> filters = Accepted(ProfileOf(rules), was_rewritten);
    if (!filters.has_value()) continue;
    ++accepted;
    if (was_rewritten) ++rewritten;
    const Result<Program> program = Program::Decode(filters->by_priority.program, false);
    ASSERT_TRUE(program.ok());
    for (int point = 0; point < 100; ++point) {
      CallData call{*SyscallNumber("mkdir", Architecture::kX8664), AUDIT_ARCH_X86_64, 0, {}};
      for (std::uint64_t& value : call.args) value = random.Value() + random.Below(3) - 1;
      Action expected = Action::kErrno;
      for (const Rule& rule : original) {
        if (Matches(rule, call.args)) expected = rule.action;
      }
      ASSERT_EQ(VerdictOf(program->Run(call)).action, expected) << "round " << round;
    }
  }
  EXPECT_GT(accepted, 1'000);
  EXPECT_GT(rewritten, 150);
}

// Which x86_64 does not have; the last two x86 neither.
const std::vector<std::string>& ForeignNames() {
  static const std::vector<std::string> names = {"_llseek",    "chown32",    "mmap2",
                                                 "stat64",     "waitpid",    "fcntl64",
                                                 "ugetrlimit", "cacheflush", "arm_fadvise64_64"};
  return names;
}

// In the order of the file, as the runtimes do it.
std::string RuntimesProgram(const Profile& profile, std::uint32_t optimize) {
  scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(1));
  for (const Architecture architecture : profile.architectures) {
    if (architecture == Architecture::kX86) seccomp_arch_add(context, SCMP_ARCH_X86);
    if (architecture == Architecture::kX32) seccomp_arch_add(context, SCMP_ARCH_X32);
  }
  EXPECT_EQ(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, optimize), 0);
  for (const Rule& rule : profile.rules) {
    std::vector<scmp_arg_cmp> args;
    for (const Arg& arg : rule.args) {
      args.push_back({arg.index, arg.op == Operator::kEqual ? SCMP_CMP_EQ : SCMP_CMP_MASKED_EQ,
                      arg.value, arg.value_two});
    }
    EXPECT_EQ(seccomp_rule_add_array(context, SCMP_ACT_ALLOW,
                                     seccomp_syscall_resolve_name(rule.name.c_str()),
                                     static_cast<unsigned int>(args.size()), args.data()),
              0);
  }
  const int memfd = ::memfd_create("filter", 0);
  EXPECT_EQ(seccomp_export_bpf(context, memfd), 0);
  seccomp_release(context);
  std::string program(1U << 19, '\0');
  program.resize(static_cast<std::size_t>(::pread(memfd, program.data(), program.size(), 0)));
  ::close(memfd);
  return program;
}

TEST(CompileTest, OurOrderGivesTheRuntimesFilter) {
  RandomRules random(31);
  for (int round = 0; round < 30; ++round) {
    std::vector<Rule> rules;
    for (const std::string& name : SomeNames()) {
      for (std::size_t i = random.Below(4); i > 0; --i) {
        rules.push_back(random.AnyRule(name, Action::kAllow, random.Below(3), kEqualities, false));
      }
      if (random.Below(2) == 0) rules.push_back(RuleFor(name, Action::kAllow));
    }
    for (const std::string& name : ForeignNames()) {
      for (std::size_t i = random.Below(3); i > 0; --i) {
        rules.push_back(random.AnyRule(name, Action::kAllow, random.Below(2), kEqualities, false));
      }
    }
    for (const char* name : {"recv", "socketcall", "msgget"}) {  // x86 has them, one by the other
      if (random.Below(2) == 0) rules.push_back(RuleFor(name, Action::kAllow));
    }
    std::vector<Architecture> architectures = {Architecture::kX8664};
    if (round % 3 > 0) architectures.push_back(Architecture::kX86);
    if (round % 3 > 1) architectures.push_back(Architecture::kX32);
    const Profile profile = ProfileOf(rules, architectures);
    const Filters filters = MustCompile(profile);
    ASSERT_EQ(filters.by_priority.program, RuntimesProgram(profile, 1)) << "round " << round;
    if (filters.by_tree.has_value()) {
      ASSERT_EQ(filters.by_tree->program, RuntimesProgram(profile, 2)) << "round " << round;
    }
  }
}

// libseccomp refuses them for a name that leaves no trace in the filter, too.
TEST(CompileTest, ContradictionsAboutANameOfNoArchitectureAreFound) {
  const std::vector<Arg> same = {Cond(1, Operator::kEqual, 2)};
  Profile profile = ProfileOf({});
  profile.rules = {RuleFor("chown32", Action::kAllow, same),
                   RuleFor("chown32", Action::kLog, same)};  // not normalized, which finds it too
  std::vector<Diagnostic> findings;
  const auto filters = Compile(profile, findings);
  ASSERT_TRUE(filters.ok());
  EXPECT_FALSE(filters->has_value());
  EXPECT_NE(FindingsText(findings).find("ConflictingRules"), std::string::npos)
      << FindingsText(findings);
}

}  // namespace
}  // namespace seccompd::profile
