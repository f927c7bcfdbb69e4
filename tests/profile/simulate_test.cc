// SPDX-License-Identifier: Apache-2.0
// The simulator: every operation, programs that the kernel would refuse, random bytes; and the
// classes of values that the validation rests on.
#include "seccompd/profile/simulate.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "profile/decision.h"

namespace seccompd::profile {
namespace {

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kReturn = BPF_RET | BPF_K;
constexpr std::uint16_t kReturnA = BPF_RET | BPF_A;

CallData SomeCall() {
  CallData call;
  call.number = 7;
  call.architecture = AUDIT_ARCH_X86_64;
  call.instruction_pointer = 0x1122334455667788;
  call.args = {0xaaaaaaaabbbbbbbb, 1, 2, 3, 4, 0xffffffff00000005};
  return call;
}

std::uint32_t MustRun(std::vector<Instruction> instructions, bool is_big_endian = false) {
  const Result<Program> program = Program::Make(std::move(instructions), is_big_endian);
  EXPECT_TRUE(program.ok()) << program.error().message;
  return program.ok() ? program->Run(SomeCall()) : 0;
}

struct OperationRow {
  std::string name;
  std::vector<Instruction> body;  // then RET A
  std::uint32_t result;
};

class OperationTable : public testing::TestWithParam<OperationRow> {};

TEST_P(OperationTable, Gives) {
  std::vector<Instruction> program = GetParam().body;
  program.push_back({kReturnA, 0, 0, 0});
  EXPECT_EQ(MustRun(program), GetParam().result);
}

constexpr Instruction kA(std::uint32_t value) { return {BPF_LD | BPF_IMM, 0, 0, value}; }
constexpr Instruction kX(std::uint32_t value) { return {BPF_LDX | BPF_IMM, 0, 0, value}; }
Instruction Alu(int operation, std::uint32_t k) {
  return {static_cast<std::uint16_t>(BPF_ALU | operation), 0, 0, k};
}
// A is 1 where the comparison holds, else 2.
std::vector<Instruction> Branch(std::uint32_t a, std::uint32_t x, int comparison, std::uint32_t k) {
  return {kX(x),
          kA(a),
          {static_cast<std::uint16_t>(BPF_JMP | comparison), 1, 0, k},
          {BPF_JMP | BPF_JA, 0, 0, 2},
          kA(1),
          {BPF_JMP | BPF_JA, 0, 0, 1},
          kA(2)};
}

const OperationRow kOperations[] = {
    {"LoadNumber", {{kLoad, 0, 0, 0}}, 7},
    {"LoadArchitecture", {{kLoad, 0, 0, 4}}, AUDIT_ARCH_X86_64},
    {"LoadIpLow", {{kLoad, 0, 0, 8}}, 0x55667788},
    {"LoadIpHigh", {{kLoad, 0, 0, 12}}, 0x11223344},
    {"LoadFirstArgLow", {{kLoad, 0, 0, 16}}, 0xbbbbbbbb},
    {"LoadFirstArgHigh", {{kLoad, 0, 0, 20}}, 0xaaaaaaaa},
    {"LoadLastArgLow", {{kLoad, 0, 0, 56}}, 5},
    {"LoadLastArgHigh", {{kLoad, 0, 0, 60}}, 0xffffffff},
    {"LoadLength", {{BPF_LD | BPF_W | BPF_LEN, 0, 0, 0}}, 64},
    {"LoadLengthToX", {{BPF_LDX | BPF_W | BPF_LEN, 0, 0, 0}, {BPF_MISC | BPF_TXA, 0, 0, 0}}, 64},
    {"LoadImmediate", {kA(9)}, 9},
    {"CellsBeginAtZero", {{BPF_LD | BPF_MEM, 0, 0, 15}}, 0},
    {"StoreAndLoad", {kA(9), {BPF_ST, 0, 0, 15}, kA(1), {BPF_LD | BPF_MEM, 0, 0, 15}}, 9},
    {"StoreXAndLoad", {kX(8), {BPF_STX, 0, 0, 0}, {BPF_LD | BPF_MEM, 0, 0, 0}}, 8},
    {"LoadCellToX",
     {kA(9), {BPF_ST, 0, 0, 1}, kA(1), {BPF_LDX | BPF_MEM, 0, 0, 1}, {BPF_MISC | BPF_TXA, 0, 0, 0}},
     9},
    {"MoveToX", {kA(9), {BPF_MISC | BPF_TAX, 0, 0, 0}, kA(1), {BPF_MISC | BPF_TXA, 0, 0, 0}}, 9},
    {"Add", {kA(~0U), Alu(BPF_ADD | BPF_K, 2)}, 1},
    {"AddX", {kX(3), kA(2), Alu(BPF_ADD | BPF_X, 0)}, 5},
    {"Sub", {kA(1), Alu(BPF_SUB | BPF_K, 2)}, ~0U},
    {"SubX", {kX(3), kA(5), Alu(BPF_SUB | BPF_X, 0)}, 2},
    {"Mul", {kA(0x80000001), Alu(BPF_MUL | BPF_K, 2)}, 2},
    {"MulX", {kX(3), kA(5), Alu(BPF_MUL | BPF_X, 0)}, 15},
    {"Div", {kA(7), Alu(BPF_DIV | BPF_K, 2)}, 3},
    {"DivX", {kX(2), kA(7), Alu(BPF_DIV | BPF_X, 0)}, 3},
    {"DivByZeroX", {kX(0), kA(7), Alu(BPF_DIV | BPF_X, 0)}, 0},
    {"And", {kA(0xff), Alu(BPF_AND | BPF_K, 0x3c)}, 0x3c},
    {"AndX", {kX(6), kA(3), Alu(BPF_AND | BPF_X, 0)}, 2},
    {"Or", {kA(1), Alu(BPF_OR | BPF_K, 6)}, 7},
    {"OrX", {kX(4), kA(1), Alu(BPF_OR | BPF_X, 0)}, 5},
    {"Xor", {kA(5), Alu(BPF_XOR | BPF_K, 6)}, 3},
    {"XorX", {kX(1), kA(5), Alu(BPF_XOR | BPF_X, 0)}, 4},
    {"ShiftLeft", {kA(3), Alu(BPF_LSH | BPF_K, 31)}, 0x80000000},
    {"ShiftLeftX", {kX(4), kA(1), Alu(BPF_LSH | BPF_X, 0)}, 16},
    {"ShiftRight", {kA(0x80000000), Alu(BPF_RSH | BPF_K, 31)}, 1},
    {"ShiftRightXTooFar", {kX(33), kA(8), Alu(BPF_RSH | BPF_X, 0)}, 4},
    {"Negate", {kA(1), Alu(BPF_NEG, 0)}, ~0U},
    {"Equal", Branch(5, 0, BPF_JEQ | BPF_K, 5), 1},
    {"NotEqual", Branch(5, 0, BPF_JEQ | BPF_K, 6), 2},
    {"EqualX", Branch(5, 5, BPF_JEQ | BPF_X, 6), 1},
    {"GreaterIsUnsigned", Branch(0x80000000, 0, BPF_JGT | BPF_K, 1), 1},
    {"NotGreater", Branch(5, 0, BPF_JGT | BPF_K, 5), 2},
    {"GreaterX", Branch(5, 4, BPF_JGT | BPF_X, 9), 1},
    {"GreaterOrEqual", Branch(5, 0, BPF_JGE | BPF_K, 5), 1},
    {"NotGreaterOrEqual", Branch(5, 0, BPF_JGE | BPF_K, 6), 2},
    {"GreaterOrEqualX", Branch(5, 6, BPF_JGE | BPF_X, 0), 2},
    {"AnyBit", Branch(6, 0, BPF_JSET | BPF_K, 3), 1},
    {"NoBit", Branch(6, 0, BPF_JSET | BPF_K, 9), 2},
    {"AnyBitX", Branch(6, 9, BPF_JSET | BPF_X, 2), 2},
};
INSTANTIATE_TEST_SUITE_P(Operations, OperationTable, testing::ValuesIn(kOperations),
                         [](const auto& row) { return row.param.name; });

TEST(SimulateTest, BigEndianHasTheHighWordFirst) {
  EXPECT_EQ(MustRun({{kLoad, 0, 0, 16}, {kReturnA, 0, 0, 0}}, true), 0xaaaaaaaaU);
  EXPECT_EQ(MustRun({{kLoad, 0, 0, 20}, {kReturnA, 0, 0, 0}}, true), 0xbbbbbbbbU);
  EXPECT_EQ(MustRun({{kLoad, 0, 0, 0}, {kReturnA, 0, 0, 0}}, true), 7U);
}

TEST(SimulateTest, DecodesBothByteOrders) {
  const std::string little = {0x06, 0, 0, 0, 0x26, 0, 0x05, 0};
  const std::string big = {0, 0x06, 0, 0, 0, 0x05, 0, 0x26};
  EXPECT_EQ(Program::Decode(little, false)->Run(SomeCall()), 0x50026U);
  EXPECT_EQ(Program::Decode(big, true)->Run(SomeCall()), 0x50026U);
  EXPECT_FALSE(Program::Decode(big, false).ok());
  EXPECT_FALSE(Program::Decode(little.substr(1), false).ok());
  EXPECT_FALSE(Program::Decode("", false).ok());
}

struct HostileRow {
  std::string name;
  std::vector<Instruction> program;
};
class HostileTable : public testing::TestWithParam<HostileRow> {};
TEST_P(HostileTable, IsRefused) { EXPECT_FALSE(Program::Make(GetParam().program, false).ok()); }

constexpr Instruction kEnd = {kReturn, 0, 0, 0};
const HostileRow kHostile[] = {
    {"Empty", {}},
    {"TooLong", std::vector<Instruction>(kMaxProgramLength + 1, kEnd)},
    {"NoReturn", {kA(1)}},
    {"JumpBehindTheEnd", {{BPF_JMP | BPF_JA, 0, 0, 1}, kEnd}},
    {"JumpAround", {{BPF_JMP | BPF_JA, 0, 0, 0xffffffff}, kEnd}},
    {"TrueBehindTheEnd", {{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0}, kEnd}},
    {"FalseBehindTheEnd", {{BPF_JMP | BPF_JEQ | BPF_K, 0, 255, 0}, kEnd}},
    {"LastJumps", {kEnd, {BPF_JMP | BPF_JA, 0, 0, 0}}},
    {"OffsetBehindTheCall", {{kLoad, 0, 0, 64}, kEnd}},
    {"OffsetUnaligned", {{kLoad, 0, 0, 2}, kEnd}},
    {"OffsetHuge", {{kLoad, 0, 0, 0xfffffffc}, kEnd}},
    {"HalfWord", {{BPF_LD | BPF_H | BPF_ABS, 0, 0, 0}, kEnd}},
    {"Indirect", {{BPF_LD | BPF_W | BPF_IND, 0, 0, 0}, kEnd}},
    {"CellBehindTheLast", {{BPF_LD | BPF_MEM, 0, 0, 16}, kEnd}},
    {"StoreBehindTheLast", {{BPF_ST, 0, 0, 16}, kEnd}},
    {"StoreXBehindTheLast", {{BPF_STX, 0, 0, 99}, kEnd}},
    {"DivideByZero", {Alu(BPF_DIV | BPF_K, 0), kEnd}},
    {"ShiftTooFar", {Alu(BPF_LSH | BPF_K, 32), kEnd}},
    {"Modulo", {Alu(BPF_MOD | BPF_K, 2), kEnd}},
    {"ReturnX", {{BPF_RET | BPF_X, 0, 0, 0}}},
    {"Unknown", {{0xffff, 0, 0, 0}, kEnd}},
};
INSTANTIATE_TEST_SUITE_P(Hostile, HostileTable, testing::ValuesIn(kHostile),
                         [](const auto& row) { return row.param.name; });

TEST(SimulateTest, TakesTheLongestProgram) {
  std::vector<Instruction> program(kMaxProgramLength, kA(3));
  program.back() = {kReturnA, 0, 0, 0};
  EXPECT_EQ(MustRun(program), 3U);
}

// For the sanitizers: whatever is taken runs without reading outside.
TEST(SimulateTest, RandomProgramsEnd) {
  std::mt19937 random(3);  // NOLINT(cert-msc51-cpp): the same every time
  const std::uint16_t codes[] = {kLoad,
                                 BPF_LD | BPF_MEM,
                                 BPF_ST,
                                 BPF_ALU | BPF_AND,
                                 BPF_JMP | BPF_JA,
                                 BPF_JMP | BPF_JEQ,
                                 BPF_JMP | BPF_JSET,
                                 kReturn,
                                 kReturnA};
  std::size_t taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Instruction> program(1 + random() % 12);
    for (Instruction& instruction : program) {
      instruction = {codes[random() % std::size(codes)], static_cast<std::uint8_t>(random() % 4),
                     static_cast<std::uint8_t>(random() % 4),
                     static_cast<std::uint32_t>(random() % 5 * 4)};
    }
    program.back().code = kReturn;
    const Result<Program> good = Program::Make(program, random() % 2 == 0);
    if (!good.ok()) continue;
    ++taken;
    const std::uint32_t result = good->Run(SomeCall());
    const Result<Decisions> decisions = Decisions::Of(*good);
    if (!decisions.ok()) continue;
    Words words;
    const CallData call = SomeCall();
    words.Set(kNumberWord, call.number);
    words.Set(kArchitectureWord, call.architecture);
    const auto set = [&](std::uint8_t at, std::uint64_t value) {
      const auto low = static_cast<std::uint32_t>(value);
      const auto high = static_cast<std::uint32_t>(value >> 32);
      words.Set(at, good->is_big_endian() ? high : low);
      words.Set(static_cast<std::uint8_t>(at + 1), good->is_big_endian() ? low : high);
    };
    set(2, call.instruction_pointer);
    for (std::uint8_t i = 0; i < kMaxArgs; ++i) {
      set(static_cast<std::uint8_t>(kFirstArgWord + 2 * i), call.args.at(i));
    }
    ASSERT_EQ(decisions->node(decisions->Advance(decisions->entry(), words)).k, result);
  }
  EXPECT_GT(taken, 1'000U);
}

TEST(SimulateTest, KnowsTheKernelsActions) {
  EXPECT_EQ(VerdictOf(SECCOMP_RET_ALLOW | 5), (Verdict{Action::kAllow, 0}));
  EXPECT_EQ(VerdictOf(SECCOMP_RET_ERRNO | 38), (Verdict{Action::kErrno, 38}));
  EXPECT_EQ(VerdictOf(SECCOMP_RET_ERRNO | 0xffff), (Verdict{Action::kErrno, 4095}));
  EXPECT_EQ(VerdictOf(SECCOMP_RET_TRACE | 7), (Verdict{Action::kTrace, 7}));
  EXPECT_EQ(VerdictOf(SECCOMP_RET_LOG), (Verdict{Action::kLog, 0}));
  EXPECT_EQ(VerdictOf(SECCOMP_RET_TRAP), (Verdict{Action::kTrap, 0}));
  EXPECT_EQ(VerdictOf(SECCOMP_RET_USER_NOTIF), (Verdict{Action::kNotify, 0}));
  EXPECT_EQ(VerdictOf(0), (Verdict{Action::kKillThread, 0}));
  EXPECT_EQ(VerdictOf(SECCOMP_RET_KILL_PROCESS), (Verdict{Action::kKillProcess, 0}));
  EXPECT_EQ(VerdictOf(0x12340000), (Verdict{Action::kKillProcess, 0}));
  EXPECT_EQ(VerdictText({Action::kErrno, 38}), "ERRNO 38 (ENOSYS)");
  EXPECT_EQ(VerdictText({Action::kErrno, 0}), "ERRNO 0");
  EXPECT_EQ(VerdictText({Action::kTrace, 2}), "TRACE 2");
  EXPECT_EQ(VerdictText({Action::kKillProcess, 0}), "KILL_PROCESS");
}

TEST(DecisionTest, RefusesWhatComputes) {
  const auto of = [](std::vector<Instruction> program) {
    return Decisions::Of(*Program::Make(std::move(program), false)).ok();
  };
  EXPECT_TRUE(of({{kLoad, 0, 0, 0}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1}, kEnd}));
  EXPECT_TRUE(of({{kLoad, 0, 0, 0}, Alu(BPF_OR | BPF_K, 1), kEnd}));  // nobody asks
  EXPECT_FALSE(of({{kLoad, 0, 0, 0}, Alu(BPF_OR | BPF_K, 1), {BPF_JMP | BPF_JEQ, 0, 0, 1}, kEnd}));
  EXPECT_FALSE(of({{BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1}, kEnd}));
  EXPECT_FALSE(of({{kLoad, 0, 0, 0}, {kReturnA, 0, 0, 0}}));
}

// One way here, another there: what libseccomp's wrong filters look like.
TEST(DecisionTest, FollowsEachWay) {
  const Result<Program> program = Program::Make({{kLoad, 0, 0, 0},
                                                 {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 1},
                                                 {kLoad, 0, 0, 4},
                                                 {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 2},
                                                 {kReturn, 0, 0, 5},
                                                 kEnd},
                                                false);
  const Result<Decisions> decisions = Decisions::Of(*program);
  ASSERT_TRUE(decisions.ok()) << decisions.error().message;
  for (std::uint32_t number = 0; number < 4; ++number) {
    for (std::uint32_t architecture = 0; architecture < 4; ++architecture) {
      Words words;
      words.Set(kNumberWord, number);
      words.Set(kArchitectureWord, architecture);
      EXPECT_EQ(decisions->node(decisions->Advance(decisions->entry(), words)).k,
                program->Run({number, architecture, 0, {}}));
    }
  }
}

// Over a small space: whatever any value answers to the predicates, a representative answers too.
TEST(DecisionTest, ClassesAreComplete) {
  std::mt19937 random(11);  // NOLINT(cert-msc51-cpp): the same every time
  for (int round = 0; round < 2'000; ++round) {
    std::vector<Predicate> predicates;
    const bool has_masks = random() % 2 == 0;
    const auto shift =
        static_cast<std::uint32_t>(random() % 28);  // where in the word the eight bits lie
    for (std::size_t i = random() % (has_masks ? 6 : 24); i > 0; --i) {
      const auto bits = [&] { return static_cast<std::uint32_t>(random() % 16) << shift; };
      predicates.push_back({has_masks ? bits() : ~0U, bits(), random() % 2 == 0});
    }
    const std::vector<Predicate> asked = predicates;
    const auto answers = [&](std::uint32_t value) {
      std::vector<bool> all;
      for (const Predicate& predicate : asked) all.push_back(predicate.Holds(value));
      return all;
    };
    const auto classes = Classes(predicates, 100);
    ASSERT_TRUE(classes.has_value());
    std::set<std::vector<bool>> known;
    for (const Representative& one : *classes) known.insert(answers(one.value));
    for (std::uint32_t high = 0; high < 17; ++high) {
      for (const std::uint32_t low : {0U, 1U, ~0U}) {
        const std::uint32_t value = (high << shift) + low;
        ASSERT_TRUE(known.contains(answers(value))) << value << " in round " << round;
      }
    }
  }
}

// All numbers at once go where each goes alone: equalities, bounds, masks and JSET, in any order.
TEST(DecisionTest, AdvanceAllIsAdvanceForEach) {
  std::mt19937 engine(13);  // NOLINT(cert-msc51-cpp): the same every time
  const auto below = [&](std::uint32_t limit) {
    return static_cast<std::uint32_t>(engine() % limit);
  };
  const std::uint16_t comparisons[] = {BPF_JEQ, BPF_JEQ, BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
  for (int round = 0; round < 3'000; ++round) {
    std::vector<Instruction> program = {{kLoad, 0, 0, 0}};
    const std::size_t length = 2 + below(24);
    while (program.size() < length) {
      const auto left = static_cast<std::uint32_t>(length - program.size());
      const auto jump = [&] { return static_cast<std::uint8_t>(below(std::min(left, 4U))); };
      const std::uint32_t kind = below(12);
      if (kind == 0) {
        program.push_back({kLoad, 0, 0, below(3) == 0 ? 16U : 0U});
      } else if (kind == 1) {
        program.push_back(Alu(BPF_AND | BPF_K, below(32)));
      } else if (kind == 2) {
        program.push_back({kReturn, 0, 0, below(4)});
      } else {
        std::uint32_t k = below(24);
        if (below(8) == 0) k = below(2) == 0 ? 0 : ~0U;
        const auto code = static_cast<std::uint16_t>(BPF_JMP | BPF_K | comparisons[below(6)]);
        program.push_back({code, jump(), jump(), k});
      }
    }
    program.push_back({kReturn, 0, 0, 9});
    const Result<Program> good = Program::Make(program, false);
    ASSERT_TRUE(good.ok()) << good.error().message;
    const Result<Decisions> decisions = Decisions::Of(*good);
    if (!decisions.ok()) continue;
    std::vector<Representative> numbers;
    for (std::uint32_t value = 0; value < 26; value += 1 + below(2)) {
      numbers.push_back({value, true});
    }
    numbers.push_back({~0U, true});
    Words words;
    words.Set(kArchitectureWord, 7);
    std::vector<std::uint16_t> reached;
    decisions->AdvanceAll(decisions->entry(), words, numbers, reached);
    ASSERT_EQ(reached.size(), numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      Words alone = words;
      alone.Set(kNumberWord, numbers[i].value);
      ASSERT_EQ(reached[i], decisions->Advance(decisions->entry(), alone))
          << "number " << numbers[i].value << " in round " << round;
    }
  }
}

TEST(DecisionTest, TooManyClassesAreNotTried) {
  std::vector<Predicate> predicates;
  for (std::uint32_t bit = 0; bit < 20; ++bit) predicates.push_back({1U << bit, 0, true});
  EXPECT_FALSE(Classes(predicates, 1U << 16).has_value());
}

}  // namespace
}  // namespace seccompd::profile
