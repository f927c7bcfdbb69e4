#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast drift is put right, and what a storm costs. Not a test.

  tests/bench/drift.py build/release/src/seccompd --profiles 5000 --rounds 200
  tests/bench/drift.py build/release/src/seccompd --profiles 500 --storm 30

Prints milliseconds from the tampering to the repaired file, the CPU time and memory of the agent,
and the CPU time of a full audit. After a storm every file must be as written within 60 s: else 1.
"""
import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

MANIFEST = """apiVersion: seccompd.io/v1alpha1
kind: TenantSeccompProfile
metadata: {name: p%d, namespace: team}
spec:
  profile:
    defaultAction: SCMP_ACT_ALLOW
    syscalls:
    - names: [%s]
      action: SCMP_ACT_ERRNO
      errnoRet: %d
---
"""


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kib(pid, what):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(what):
            return int(line.split()[1])
    return 0


def write_profiles(directory, count):
    calls = ["mkdir", "rmdir", "ptrace", "mount", "umount2", "reboot", "swapon", "swapoff"]
    for begin in range(0, count, 500):
        with open(f"{directory}/m{begin}.yaml", "w", encoding="utf-8") as out:
            for i in range(begin, min(begin + 500, count)):
                out.write(MANIFEST % (i, calls[i % len(calls)], i // len(calls) + 2))


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"not within {seconds} s: {what}")
        time.sleep(0.0005)


def digest(path):
    try:
        if os.stat(path).st_mode & 0o7777 != 0o644:
            return ""
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def tamper(path, how):
    try:
        if how == 0:
            os.unlink(path)
        elif how == 1:
            with open(path, "ab", buffering=0) as file:
                file.write(b" ")
        elif how == 2:
            os.chmod(path, 0o666)
        else:
            os.rename(path, path + ".moved")
            os.unlink(path + ".moved")
    except OSError:
        pass


def rounds(args, files, wanted):
    took = []
    names = list(files)
    for i in range(args.rounds):
        path = names[(i * 7919) % len(names)]
        begin = time.monotonic()
        tamper(path, i % 3)
        wait_for(lambda: digest(path) == wanted[path], 60, path)
        took.append((time.monotonic() - begin) * 1000)
        if len(names) < 100:  # three repairs a minute are a fight
            if i == 1:
                break
        time.sleep(0.02)
    took.sort()
    print(f"repair of one of {len(names)}: p50 {took[len(took) // 2]:.1f} ms, "
          f"p99 {took[min(len(took) - 1, len(took) * 99 // 100)]:.1f} ms, n={len(took)}")


def storm(args, pid, files, wanted):
    names = list(files)
    begin, cpu, changes = time.monotonic(), cpu_seconds(pid), 0
    peak = 0
    while time.monotonic() - begin < args.storm:
        for _ in range(100):
            tamper(random.choice(names), random.randrange(4))
            changes += 1
        peak = max(peak, memory_kib(pid, "VmRSS"))
        ahead = changes / args.rate - (time.monotonic() - begin)
        if ahead > 0:
            time.sleep(ahead)
    length = time.monotonic() - begin
    used = cpu_seconds(pid) - cpu
    print(f"storm: {changes / length:.0f} changes/s for {length:.0f} s: "
          f"{100 * used / length:.0f} % of one CPU, peak {peak} KiB")
    begin = time.monotonic()
    wait_for(lambda: all(digest(f) == wanted[f] for f in names), 60, "all true after the storm")
    print(f"all {len(names)} files true {time.monotonic() - begin:.1f} s after its end")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seccompd")
    parser.add_argument("--profiles", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--storm", type=float, default=0)
    parser.add_argument("--rate", type=float, default=10000)
    args = parser.parse_args()
    space = tempfile.mkdtemp()
    for name in ("seccomp", "manifests"):
        os.mkdir(f"{space}/{name}", 0o755)
    write_profiles(f"{space}/manifests", args.profiles)
    log = open(f"{space}/log", "wb")
    agent = subprocess.Popen([args.seccompd, "agent", "--manifests", f"{space}/manifests",
                              "--seccomp-root", f"{space}/seccomp", "--state-dir",
                              f"{space}/state", "--listen-health", "", "--listen-metrics", "",
                              "--resync", "20s"], stderr=log)
    try:
        files = {f"{space}/seccomp/tenants/team/p{i}.json" for i in range(args.profiles)}
        wait_for(lambda: sum(os.path.exists(f) for f in files) == len(files), 600, "all installed")
        time.sleep(8)  # memory is given back every 5 s
        wanted = {f: digest(f) for f in files}
        print(f"{args.profiles} profiles: {memory_kib(agent.pid, 'VmRSS')} KiB "
              f"(anonymous {memory_kib(agent.pid, 'RssAnon')} KiB)")
        before = cpu_seconds(agent.pid)
        time.sleep(21)
        print(f"idle with one full audit: {(cpu_seconds(agent.pid) - before) * 1000:.0f} ms of CPU")
        if args.storm:
            storm(args, agent.pid, files, wanted)
        else:
            rounds(args, files, wanted)
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait()
        if os.environ.get("KEEP"):
            print(space)
        else:
            shutil.rmtree(space)


if __name__ == "__main__":
    main()
