// SPDX-License-Identifier: Apache-2.0
// `audit --local` over directories that the real store and record wrote, with the real compiler.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "seccompd/base/digest.h"
#include "seccompd/cli/audit.h"
#include "seccompd/compiler/zygote.h"
#include "seccompd/node/record.h"
#include "seccompd/node/store.h"
#include "seccompd/profile/builtins.h"
#include "seccompd/profile/yaml.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr char kWeb[] =
    R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]}})";
constexpr char kOnRuntimeDefault[] =
    R"({"bases":["builtin/runtime-default-v1"],"profile":{"syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]}})";
constexpr char kDryRun[] =
    R"({"mode":"Log","bases":["builtin/runtime-default-v1"],"profile":{"syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]}})";

class AuditLocalTest : public ::testing::Test {
 protected:
  AuditLocalTest() {
    std::string pattern = ::testing::TempDir() + "seccompd-audit-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    ::chmod(directory_.c_str(), 0755);
    ::mkdir(root().c_str(), 0755);
    record_.cluster = "uid-of-kube-system";
    record_.resource_version = "7";
    auto zygote = compiler::Zygote::Start({.executable = SECCOMPD_COMPILE});
    EXPECT_TRUE(zygote.ok());
    compiler_ = *std::move(zygote);
    auto state_dir = node::StateDir::Open(node::RealFileSystem(), state());
    EXPECT_TRUE(state_dir.ok());
    state_dir_ = *std::move(state_dir);
    auto store = node::ProfileStore::Open(node::RealFileSystem(), {root(), state()});
    EXPECT_TRUE(store.ok());
    store_ = *std::move(store);
  }
  ~AuditLocalTest() override {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
  std::string root() const { return directory_ + "/seccomp"; }
  std::string state() const { return directory_ + "/state"; }
  std::string PathOf(const std::string& key) const { return root() + "/tenants/" + key + ".json"; }

  std::string Render(const std::string& spec) {
    const auto answer =
        compiler_->Compile({spec, {"SCMP_ARCH_X86_64", "6.1", {}, "both"}, {}, "none", true});
    EXPECT_TRUE(answer.ok());
    EXPECT_FALSE(answer->bytes.empty())
        << spec << (answer->findings.empty() ? "" : answer->findings.front().message);
    return answer->bytes;
  }
  // As an agent would have left it.
  void Install(const std::string& key, const std::string& bytes) {
    const auto slash = key.find('/');
    const auto path = node::ProfilePath::Make(key.substr(0, slash), key.substr(slash + 1));
    ASSERT_TRUE(store_->Put(*path, bytes).ok());
    node::RecordEntry entry;
    entry.uid = "uid-" + key;
    entry.desired_generation = entry.installed_generation = 1;
    entry.sha256 = Sha256Hex(bytes);
    entry.state = "Installed";
    record_.entries[key] = entry;
    Save();
  }
  void Save() { ASSERT_TRUE(state_dir_->SaveRecord(record_).ok()); }

  Result<bool> Audit(OutputFormat format = OutputFormat::kJson, bool compile = true,
                     const std::string& ceiling = "") {
    LocalAuditOptions options{root(), state(), false, ceiling, "both", "SCMP_ARCH_X86_64",
                              "6.1",  {}};
    if (compile) {
      options.start_compiler = []() -> Result<StartedCompiler> {
        auto zygote = compiler::Zygote::Start({.executable = SECCOMPD_COMPILE});
        if (!zygote.ok()) return zygote.error();
        return StartedCompiler{*std::move(zygote), "2.5"};
      };
    }
    std::ostringstream out;
    Result<bool> good = AuditLocal(options, RealClock(), format, out);
    text_ = out.str();
    return good;
  }
  // The codes found, each with where it was found.
  std::set<std::string> Found() const {
    std::set<std::string> found;
    const json report = json::parse(text_);
    for (const json& row : report["findings"])
      found.insert(row["code"].get<std::string>() + " " + row["where"].get<std::string>());
    return found;
  }

  std::string directory_;
  node::Record record_;
  std::unique_ptr<compiler::Compiler> compiler_;
  std::unique_ptr<node::StateDir> state_dir_;
  std::unique_ptr<node::ProfileStore> store_;
  std::string text_;
};

TEST_F(AuditLocalTest, FindsNothingWhereNothingIsWrongAndEveryFileCompilesToItself) {
  Install("team/web", Render(kOnRuntimeDefault));
  Install("team/dry", Render(kDryRun));
  for (const profile::Builtin& builtin : profile::AllBuiltins()) {
    const std::string name(builtin.name.substr(profile::kBuiltinPrefix.size()));
    Install("builtin/" + name, Render(std::string(builtin.spec)));
  }
  const auto good = Audit(OutputFormat::kJson, true, "none");
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_TRUE(*good) << text_;
  const json report = json::parse(text_);
  for (const json& row : report["profiles"]) EXPECT_EQ(row["compiled"], "same") << row;
}

TEST_F(AuditLocalTest, ADryRunIsNoHole) {
  Install("team/web", Render(kOnRuntimeDefault));
  Install("team/dry", Render(kDryRun));
  EXPECT_TRUE(*Audit()) << text_;
  EXPECT_EQ(json::parse(text_)["takenForDryRuns"], 1);
}

TEST_F(AuditLocalTest, NamesEachKindOfTampering) {
  struct Row {
    const char* name;
    std::function<void(const std::string& file)> tamper;
    std::set<std::string> found;
  };
  const std::string tenants = root() + "/tenants";
  const std::vector<Row> rows = {
      {"removed", [](const std::string& f) { ::unlink(f.c_str()); }, {"FileMissing team/web"}},
      {"other bytes",
       [](const std::string& f) { std::ofstream(f, std::ios::trunc) << "{}"; },
       {"FileContent team/web"}},
      {"a mode that others read",
       [](const std::string& f) { ::chmod(f.c_str(), 0644); },
       {"FileMode team/web"}},
      {"setuid", [](const std::string& f) { ::chmod(f.c_str(), 04600); }, {"FileMode team/web"}},
      {"a second name",
       [&](const std::string& f) { fs::create_hard_link(f, directory_ + "/held"); },
       {"FileLinks team/web"}},
      {"a symlink",
       [&](const std::string& f) {
         fs::rename(f, directory_ + "/moved");
         fs::create_symlink(directory_ + "/moved", f);
       },
       {"FileType team/web"}},
      {"a fifo",
       [](const std::string& f) {
         ::unlink(f.c_str());
         ::mkfifo(f.c_str(), 0600);
       },
       {"FileType team/web"}},
      {"a directory",
       [](const std::string& f) {
         ::unlink(f.c_str());
         ::mkdir(f.c_str(), 0700);
       },
       {"FileType team/web"}},
      {"a file beside",
       [&](const std::string&) { std::ofstream(tenants + "/team/other.json") << "{}"; },
       {"ForeignEntry tenants/team/other.json"}},
      {"an entry of tenants/",
       [&](const std::string&) { fs::create_symlink("/etc", tenants + "/link"); },
       {"ForeignEntry tenants/link"}},
      {"a name that is none",
       [&](const std::string&) { std::ofstream(tenants + "/team/a\nb\xff") << ""; },
       {"ForeignEntry tenants/team/a?b\xef\xbf\xbd"}},
      {"a temporary file",
       [&](const std::string&) {
         std::ofstream(tenants + "/team/.tmp-0123456789abcdef0123456789abcdef") << "{";
       },
       {"TemporaryLeft tenants/team/.tmp-0123456789abcdef0123456789abcdef"}},
      {"a directory's mode",
       [&](const std::string&) { ::chmod((tenants + "/team").c_str(), 0777); },
       {"DirectoryMode tenants/team"}},
      {"the directory of all",
       [&](const std::string&) { ::chmod(tenants.c_str(), 0755); },
       {"DirectoryMode " + tenants}},
      {"no directory of all",
       [&](const std::string&) { fs::remove_all(tenants); },
       {"DirectoryMissing " + tenants, "FileMissing team/web"}},
      {"a root that others write",
       [&](const std::string&) { ::chmod(root().c_str(), 0777); },
       {"RootUnsafe " + root()}},
      {"a root that is a symlink",
       [&](const std::string&) {
         fs::rename(root(), directory_ + "/away");
         fs::create_symlink(directory_ + "/away", root());
       },
       {"RootUnsafe " + root(), "FileMissing team/web"}},
      {"no root",
       [&](const std::string&) { fs::remove_all(root()); },
       {"RootUnsafe " + root(), "FileMissing team/web"}},
      {"an open state directory",
       [&](const std::string&) { ::chmod(state().c_str(), 0755); },
       {"StateDirUnsafe " + state()}},
      {"no copies",
       [&](const std::string&) { fs::remove_all(state() + "/cache"); },
       {"CopyMissing team/web"}},
      {"a damaged copy",
       [&](const std::string&) {
         const std::string copy = state() + "/cache/" + record_.entries["team/web"].sha256;
         std::ofstream(copy, std::ios::trunc) << "{}";
       },
       {"CopyDamaged team/web"}},
      {"no record",
       [&](const std::string&) { fs::remove(state() + "/record"); },
       {"RecordMissing " + state()}},
      {"half a record",
       [&](const std::string&) { fs::resize_file(state() + "/record", 40); },
       {"RecordDamaged " + state()}},
      {"a profile that was refused",
       [&](const std::string&) {
         record_.entries["team/web"].state = "Invalid";
         record_.entries["team/web"].desired_generation = 2;
         record_.entries["team/web"].message = "did you mean mkdir?";
         Save();
       },
       {"NotInstalled team/web"}},
  };
  const std::string bytes = Render(kOnRuntimeDefault);
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    fs::remove_all(root());
    fs::remove_all(directory_ + "/away");
    fs::remove_all(state() + "/cache");
    fs::remove(directory_ + "/held");
    fs::remove(directory_ + "/moved");
    ::mkdir(root().c_str(), 0755);
    ::chmod(root().c_str(), 0755);
    ::chmod(state().c_str(), 0700);
    store_ = *node::ProfileStore::Open(node::RealFileSystem(), {root(), state()});
    Install("team/web", bytes);
    ASSERT_TRUE(*Audit(OutputFormat::kJson, false)) << text_;
    row.tamper(PathOf("team/web"));
    const auto good = Audit(OutputFormat::kJson, false);
    ASSERT_TRUE(good.ok()) << good.error().message;
    EXPECT_FALSE(*good);
    EXPECT_EQ(Found(), row.found) << text_;
  }
}

TEST_F(AuditLocalTest, CompilesAnewWhatTheDigestsCannotTell) {
  // Their digests are the recorded ones: somebody changed record and file, or another version
  // wrote.
  Install("team/hole", Render(kWeb));  // allows all but mkdir
  Install("team/spaces", " " + Render(kOnRuntimeDefault));
  Install("team/broken", R"({"defaultAction":"SCMP_ACT_WHATEVER"})");
  EXPECT_FALSE(*Audit());
  EXPECT_EQ(Found(), (std::set<std::string>{"AboveCeiling team/hole", "OtherBytes team/spaces",
                                            "DoesNotCompile team/broken"}))
      << text_;
  EXPECT_FALSE(*Audit(OutputFormat::kJson, true, "none"));
  EXPECT_FALSE(Found().contains("AboveCeiling team/hole")) << text_;
  EXPECT_TRUE(*Audit(OutputFormat::kJson, false)) << text_;
}

TEST_F(AuditLocalTest, ChangesNothingAndTakesNoLock) {
  Install("team/web", Render(kOnRuntimeDefault));
  std::ofstream(root() + "/tenants/team/.tmp-0123456789abcdef0123456789abcdef") << "{";
  std::ofstream(state() + "/cache/" + std::string(64, 'a')) << "damaged";
  fs::resize_file(state() + "/record", 40);
  const auto snapshot = [&] {
    std::ostringstream all;
    for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
      struct stat found {};
      ::lstat(entry.path().c_str(), &found);
      all << entry.path() << ' ' << found.st_ino << ' ' << found.st_mode << ' '
          << found.st_mtim.tv_sec << '.' << found.st_mtim.tv_nsec << ' ' << found.st_ctim.tv_nsec
          << '\n';
    }
    return all.str();
  };
  const std::string before = snapshot();
  EXPECT_FALSE(*Audit());
  EXPECT_EQ(json::parse(text_)["agentRuns"], false);
  EXPECT_EQ(snapshot(), before);
  EXPECT_TRUE(state_dir_->TakeLock().ok());
}

TEST_F(AuditLocalTest, SeesARunningAgentByItsLock) {
  Install("team/web", Render(kOnRuntimeDefault));
  ASSERT_TRUE(state_dir_->TakeLock().ok());
  EXPECT_TRUE(*Audit()) << text_;
  EXPECT_EQ(json::parse(text_)["agentPid"], ::getpid());
  EXPECT_TRUE(*Audit(OutputFormat::kTable));
  EXPECT_NE(text_.find("agent: runs"), std::string::npos) << text_;
}

TEST_F(AuditLocalTest, YamlSaysWhatJsonSays) {
  Install("team/web", Render(kOnRuntimeDefault));
  Install("no/true", Render(kOnRuntimeDefault));
  std::ofstream(root() + "/tenants/team/1e3: {") << "";
  EXPECT_FALSE(*Audit(OutputFormat::kJson));
  const json as_json = json::parse(text_);
  EXPECT_FALSE(*Audit(OutputFormat::kYaml));
  const auto documents = profile::YamlToJson(text_);
  ASSERT_TRUE(documents.ok()) << documents.error().message << text_;
  ASSERT_EQ(documents->size(), 1U);
  EXPECT_EQ(json::parse(documents->front().json), as_json) << text_;
}

TEST_F(AuditLocalTest, TheTableSaysWhatToDo) {
  Install("team/web", Render(kOnRuntimeDefault));
  ::chmod(PathOf("team/web").c_str(), 0666);
  EXPECT_FALSE(*Audit(OutputFormat::kTable));
  for (const char* part : {"NAMESPACE", "team        web    Installed   1            mode   same",
                           "FileMode", "its mode is 0666 instead of 0600", "TO DO\nFileMode: "}) {
    EXPECT_NE(text_.find(part), std::string::npos) << part << '\n' << text_;
  }
}

TEST_F(AuditLocalTest, SaysWhichRightIsMissing) {
  Install("team/web", Render(kOnRuntimeDefault));
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(::seteuid(65534), 0);
  } else {
    ::chmod(state().c_str(), 0);
  }
  const auto result = Audit(OutputFormat::kTable, false);
  if (is_root) {
    ASSERT_EQ(::seteuid(0), 0);
  } else {
    ::chmod(state().c_str(), 0700);
  }
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("CAP_DAC_READ_SEARCH"), std::string::npos)
      << result.error().message;
}

TEST_F(AuditLocalTest, AHostWithoutAnAgentIsAnErrorThatSaysSo) {
  fs::remove_all(state());
  fs::remove_all(root() + "/tenants");
  const auto result = Audit();
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("--state-dir"), std::string::npos);
}

}  // namespace
}  // namespace seccompd::cli
