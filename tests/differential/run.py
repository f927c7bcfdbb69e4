#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our judgement of profiles against the real runc and crun, and against the kernel.

    tests/differential/run.py [COUNT]      generated profiles; default 2000

Every profile of tests/testdata and COUNT generated ones (fixed seed) goes through seccompd-compile. What it accepts, each
runtime must start a container under, from our canonical bytes; in it, one system call is made, and its errno or SIGSYS must
be what the canonical rules say. What it refuses because no runtime can load it must fail in both, raw. The generated ones
allow what the runtimes themselves need; those of testdata are only loaded where they allow that.
"""
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SECCOMPD_BUILD", REPO / "build/dev"))
# crun 1.8 starts nothing where it sees both cgroup versions; it sees none, and the filter has nothing to do with it.
NO_CGROUPS = 'mount -t tmpfs none /sys/fs/cgroup && exec crun --cgroup-manager=disabled "$@"'
RUNTIMES = {"runc": ["runc"], "crun": ["unshare", "--mount", "sh", "-c", NO_CGROUPS, "crun"]}
# What runc 1.1 and crun 1.8 to 1.21 need with no_new_privs, KILL defaults and the Go runtime's timing included.
START = ("close execve fstatfs futex getdents64 openat write rt_sigreturn epoll_ctl getpid fcntl exit_group tgkill nanosleep "
         "sched_yield epoll_pwait mmap madvise rt_sigprocmask sigaltstack clone exit read fstat newfstatat munmap "
         "close_range").split()
# They take no arguments: whatever is passed, they answer 0, so that conditions can be tried on them.
PROBES = {"getppid": 110, "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "getpgrp": 111}
OPERATORS = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"]
VALUES = [0, 1, 2, 7, 0x7fffffff, 0x80000000, 0xffffffff, 2**32, 2**32 + 1, 0x1ffffffff, 2**63, 2**64 - 1]
# The example profiles that the project grew from, as they are: does a container start? With no_new_privs or without.
# None: whether Go's runtime asks for futex, which "basic" denies, is a matter of timing (of 24 starts 4 succeeded).
SEEDS = {
    "basic": {"runc": None, "crun": True},
    "restrictive": {"runc": True, "crun": True},
    "web-server": {"runc": False, "crun": False},
    "database": {"runc": False, "crun": False},
}
# Codes that mean: no runtime can load it as it is.
CANNOT_LOAD = {"ForeignArchitecture", "InvalidValue", "OutOfRange"}


def action(rng, deny_only=False):
    name = rng.choice(["ERRNO", "ERRNO", "ERRNO", "KILL_PROCESS", "TRAP", "TRACE"] + ([] if deny_only else ["ALLOW", "LOG"]))
    result = {"action": "SCMP_ACT_" + name}
    if name in ("ERRNO", "TRACE") and rng.random() < 0.7:
        result["errnoRet"] = rng.choice([0, 1, 2, 38, 95, 255, 1000, 4094])
    return result


def condition(rng, index):
    op = rng.choice(OPERATORS)
    result = {"index": index, "op": "SCMP_CMP_" + op, "value": rng.choice(VALUES)}
    if op == "MASKED_EQ":
        result["valueTwo"] = rng.choice(VALUES)
    return result


def generate(rng):
    default = rng.choice(["ERRNO", "ERRNO", "KILL_PROCESS", "TRAP", "ALLOW", "LOG"])
    profile = {"defaultAction": "SCMP_ACT_" + default, "syscalls": [{"names": START, "action": "SCMP_ACT_ALLOW"}]}
    if default == "ERRNO" and rng.random() < 0.5:
        profile["defaultErrnoRet"] = rng.choice([0, 1, 38, 4094])
    profile["architectures"] = rng.sample(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64"],
                                          rng.randint(1, 3))
    for name in rng.sample(sorted(PROBES), rng.randint(1, 2)):
        for _ in range(rng.choice([1, 1, 1, 2])):
            rule = {"names": [name], **action(rng)}
            if rng.random() < 0.7:
                rule["args"] = [condition(rng, index) for index in rng.sample(range(6), rng.choice([1, 1, 1, 2]))]
            profile["syscalls"].append(rule)
    odd = rng.random()  # a twentieth is odd in a way that no runtime takes
    if odd < 0.01:
        profile["architectures"].append("SCMP_ARCH_S390X")
    elif odd < 0.02:
        profile["architectures"].append("SCMP_ARCH_NATIVE")
    elif odd < 0.03:
        profile["syscalls"].append({"names": ["mkdir"], "action": "SCMP_ACT_NONE"})
    elif odd < 0.04:
        profile["syscalls"].append({"names": ["mkdir"], "action": "SCMP_ACT_KILL",
                                    "args": [{"index": 6, "op": "SCMP_CMP_EQ", "value": 1}]})
    elif odd < 0.05:
        profile["syscalls"].append({"names": ["mkdir"], "action": "SCMP_ACT_KILL",
                                    "args": [{"index": 0, "op": "SCMP_CMP_IS", "value": 1}]})
    return profile


def holds(arg, values):
    have, want = values[arg["index"]], arg.get("value", 0)
    op = arg["op"].removeprefix("SCMP_CMP_")
    if op == "MASKED_EQ":
        return have & want == arg.get("valueTwo", 0) & want
    return {"NE": have != want, "LT": have < want, "LE": have <= want, "EQ": have == want, "GE": have >= want,
            "GT": have > want}[op]


def verdicts(profile, name, values):
    """The exit codes that the rules allow for: several where rules with different actions both match."""
    matching = [rule for rule in profile.get("syscalls", [])
                if name in rule["names"] and all(holds(arg, values) for arg in rule.get("args", []))]
    found = [(rule["action"], rule.get("errnoRet", 1)) for rule in matching]
    if not found:
        found = [(profile["defaultAction"], profile.get("defaultErrnoRet", 1))]
    codes = set()
    for act, errno in found:
        act = act.removeprefix("SCMP_ACT_")
        codes.add({"ALLOW": 0, "LOG": 0, "ERRNO": errno & 0xff, "TRACE": 38}.get(act, 128 + 31))
    return codes


def run(work, runtime, number, profile, command, no_new_privs=True):
    bundle = work / f"{runtime}-{number}"
    (bundle / "rootfs/proc").mkdir(parents=True)  # of its own: runc makes /dev in it
    (bundle / "rootfs/dev").mkdir()
    os.link(work / "probe", bundle / "rootfs/probe")
    config = {
        "ociVersion": "1.0.2",
        "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": command, "env": [], "cwd": "/",
                    "noNewPrivileges": no_new_privs, "capabilities": {}},
        "root": {"path": "rootfs", "readonly": True},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}], "seccomp": profile},
    }
    (bundle / "config.json").write_text(json.dumps(config))
    name = f"diff-{os.getpid()}-{runtime}-{number}"
    base = RUNTIMES[runtime] + ["--root", str(work / ("state-" + runtime))]
    try:
        done = subprocess.run(base + ["run", "--bundle", str(bundle), name], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
        result = done.returncode, done.stdout.decode(errors="replace").strip()
    except subprocess.TimeoutExpired:
        subprocess.run(base + ["delete", "--force", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        result = -1, "it hangs"
    shutil.rmtree(bundle)
    return result


def judge(work, number, raw, canonical, rng_seed):
    """The disagreements over one profile; and what was compared: loaded, refused or nothing."""
    if canonical.startswith("!"):
        codes = set(canonical[1:].split())
        if not codes or not codes <= CANNOT_LOAD:
            return "", []
        wrong = []
        for runtime in RUNTIMES:
            code, text = run(work, runtime, number, raw, ["/probe", "39"])
            # A runtime's own failure is said in words; the probe says none.
            if code == 0 or not text:
                wrong.append(f"{runtime} loads what we refuse for {sorted(codes)}")
        return "refused", wrong
    profile = json.loads(canonical)
    if any(verdicts(profile, name, [0] * 6) != {0} for name in START):
        return "", []
    rng = random.Random(rng_seed)
    name = rng.choice(sorted(PROBES))
    arguments = [arg for rule in profile.get("syscalls", []) if name in rule["names"] for arg in rule.get("args", [])]
    values = [rng.choice(VALUES) for _ in range(6)]
    for arg in arguments:
        if rng.random() < 0.8:
            values[arg["index"]] = (arg.get("value", 0) + rng.choice([-1, 0, 0, 1])) % 2**64
    want = verdicts(profile, name, values)
    wrong = []
    for runtime in RUNTIMES:
        code, text = run(work, runtime, number, profile, ["/probe", str(PROBES[name])] + [str(value) for value in values])
        if code not in want or text:
            wrong.append(f"{runtime}: {name}{tuple(values)}: want {sorted(want)}, got {code} {text[:300]}")
    return "loaded", wrong


def judge_seed(work, case):
    """The outcome of one example profile under one runtime, held against SEEDS."""
    name, runtime, no_new_privs = case
    profile = json.loads((REPO / f"tests/testdata/seed/{name}.json").read_text())
    code, text = run(work, runtime, f"{name}-{no_new_privs}", profile, ["/probe", "39"], no_new_privs)
    starts, wanted = code == 0 and not text, SEEDS[name][runtime]
    if wanted is None or starts == wanted:
        return ""
    return f"{runtime}, no_new_privs {no_new_privs}: {name} {'starts' if starts else 'does not start'}: {code} {text[:300]}"


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    missing = [tool for tool in RUNTIMES if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        print(f"\n*** SKIPPED: differential: {'not root' if not missing else 'no ' + ', '.join(missing)} ***\n")
        print("0 passed, %d failed" % (os.environ.get("CI") == "true"))
        return 1 if os.environ.get("CI") == "true" else 0
    rng = random.Random(20240611)
    raws = []
    for path in sorted((REPO / "tests/testdata").glob("seed/*.json")) + sorted((REPO / "tests/testdata").glob("profiles/*.json")):
        content = json.loads(path.read_text())
        content = content.get("profile", content)
        raws.append(content)
        # And able to start something.
        raws.append({**content, "syscalls": [rule for rule in content["syscalls"]] +
                     [{"names": START, "action": "SCMP_ACT_ALLOW"}]})
    raws += [generate(rng) for _ in range(count)]
    specs = "".join(json.dumps({"profile": raw, "unknownSyscalls": "Warn"}) + "\n" for raw in raws)
    answers = subprocess.run([BUILD / "tests/differential/differential_render", BUILD / "src/seccompd-compile"], input=specs,
                             stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    assert len(answers) == len(raws), (len(answers), len(raws))
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        shutil.copy(BUILD / "tests/differential/differential_probe", work / "probe")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda at: judge(work, at, raws[at], answers[at], at), range(len(raws))))
            cases = [(name, runtime, flag) for name in SEEDS for runtime in RUNTIMES for flag in (True, False)]
            seeds = list(pool.map(lambda case: judge_seed(work, case), cases))
    tally = {"loaded": 0, "refused": 0, "": 0}
    failed = 0
    for (kind, wrong), raw in zip(results, raws):
        tally[kind] += 0 if wrong else 1
        failed += 1 if wrong else 0
        if wrong and failed <= 10:
            print("FAIL: " + "; ".join(wrong) + "\n    " + json.dumps(raw))
    print(f"{len(raws)} profiles: {tally['loaded']} loaded by both and one call in each as predicted, {tally['refused']} "
          f"refused by us and both, {tally['']} refused for other reasons or without what a runtime needs")
    for wrong in filter(None, seeds):
        failed += 1
        print("FAIL: " + wrong)
    print(f"{len(SEEDS)} example profiles start a container, or do not, as is known of them ({len(seeds)} cases)")
    if tally["loaded"] == 0 or tally["refused"] == 0:
        failed += 1
        print("FAIL: nothing was compared")
    print(f"{len(raws) + len(seeds) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
