#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The soak: does everything still agree after all that can happen at once?

  tests/soak/run.py [--minutes 30] [--seed N] [--build build/release] [--cluster api|node] [AGENT-FLAG...]

On a real kube-apiserver (../shared/kube/cluster, or SECCOMPD_KUBE_CLUSTER) profiles are applied, changed, refused,
deleted and made anew, and files and directories tampered with, at random; the API server is ended and started every
--restart-every seconds, the agent killed with SIGKILL every --kill-every and started at once. A process reads all
profiles all the time. In the end, once it is quiet, the disk, the node's report and the API must agree, and no reader
have seen a byte that is not a whole version of the very profile. Prints a table; exit code 1 if anything was wrong.
What follows `--` is given to the agent, as in: tests/soak/run.py --minutes 3 -- --resync 5s
"""
import argparse
import multiprocessing
import os
import random
import resource
import shutil
import statistics
import sys
import threading
import time
import traceback

from agent import Agent
from agreement import differences, is_invalid, objects, plain, render_all
from cluster import APPLY, NAMESPACE, REPO, Api, Cluster, kubectl, scratch
from profiles import API, MARK, NAMESPACES, STEP, Reader, Versions, key_of, manifest
from tamper import Tamperer

NODE = "soak-node"
STAYS_DELETED_A_MINUTE = 8  # below what the guard against mass deletion lets go
QUIET_WITHIN = 240


class Workload:
    """Changes objects at random, and knows which of them exist."""

    def __init__(self, options, api, newest):
        self.options, self.api, self.newest = options, api, newest
        self.random = random.Random(options.seed)
        self.live = {}  # profile -> is its newest version valid
        self.installed = set()  # has or had a valid version since it was made
        self.deleted_at = []
        self.counts = {"applied": 0, "refused": 0, "deleted": 0, "made anew": 0}

    def target(self, profile):
        name_space, name = key_of(profile)
        return f"{API}/namespaces/{name_space}/tenantseccompprofiles/{name}"

    def apply(self, profile, is_valid=True):
        with self.newest.get_lock():
            self.newest.value += 1
            number = MARK + profile * STEP + self.newest.value
        self.api.send("PATCH", self.target(profile) + "?fieldManager=soak&force=true",
                      manifest(profile, number, is_valid), APPLY)
        self.live[profile] = is_valid
        if is_valid:
            self.installed.add(profile)
        self.counts["applied" if is_valid else "refused"] += 1

    def delete(self, profile):
        self.installed.discard(profile)
        self.api.send("DELETE", self.target(profile))
        del self.live[profile]
        self.counts["deleted"] += 1
        now = time.monotonic()
        self.deleted_at = [t for t in self.deleted_at if now - t < 60]
        if len(self.deleted_at) >= STAYS_DELETED_A_MINUTE or self.random.random() < 0.3:
            self.apply(profile)  # at once: the same name, another uid
            self.counts["made anew"] += 1
        else:
            self.deleted_at.append(now)

    def step(self):
        profile = self.random.randrange(self.options.profiles)
        if profile not in self.live:
            return self.apply(profile)
        draw = self.random.random()
        if draw < 0.08:
            return self.delete(profile)
        return self.apply(profile, is_valid=draw > 0.13)


class Soak:
    def __init__(self, options):
        self.options = options
        self.directory = scratch()
        self.tenants = f"{self.directory}/seccomp/tenants"
        self.wrong = []
        self.agent = self.reader = self.tamperer = None
        # One for each thread that draws.
        self.chooser = random.Random(options.seed + 1)
        self.chooser_restarts = random.Random(options.seed + 3)
        self.stopping = threading.Event()
        os.makedirs(f"{self.directory}/seccomp")
        os.makedirs(f"{self.directory}/elsewhere")
        self.versions = Versions(options.build)
        self.newest = multiprocessing.Value("Q", 0)
        self.cluster = Cluster(options.cluster)

    def prepare(self):
        self.cluster.install(NODE)
        self.api = Api(self.directory)
        for i in range(NAMESPACES):
            kubectl("create", "namespace", f"soak-{i}")
        kubeconfig = self.cluster.agent_kubeconfig(self.api, self.directory)
        self.agent = Agent(
            [os.path.join(self.options.build, "src/seccompd"), "agent", "--node-name", NODE, "--kubeconfig", kubeconfig,
             "--seccomp-root", f"{self.directory}/seccomp", "--state-dir", f"{self.directory}/state",
             "--lease-namespace", NAMESPACE, "--listen-health", "", "--listen-metrics", "", "--delete-grace", "2s",
             *self.options.agent_flags], f"{self.directory}/agent.log")
        self.agent.start()
        self.workload = Workload(self.options, self.api, self.newest)
        for profile in range(self.options.profiles):
            self.workload.apply(profile)
        self.await_agreement("before the soak")

    def repeat(self, pause, act):
        """On a thread of its own until the end; an exception is a failure of the soak."""
        def run():
            try:
                while not self.stopping.wait(pause):
                    act()
            except Exception:
                self.wrong.append(traceback.format_exc())
        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def strike(self):
        profile = self.chooser.randrange(self.options.profiles)
        if profile in self.workload.installed:
            name_space, name = key_of(profile)
            self.tamperer.strike(profile, f"{self.tenants}/{name_space}/{name}.json")

    def run(self):
        self.tamperer = Tamperer(self.tenants, f"{self.directory}/elsewhere", random.Random(self.options.seed + 2),
                                 lambda profile: profile in self.workload.installed)
        self.reader = Reader(self.tenants, self.options.profiles, self.versions, self.newest)
        self.begun = time.monotonic()
        threads = [self.repeat(1 / self.options.changes, self.workload.step),
                   self.repeat(1 / self.options.tampers, self.strike),
                   self.repeat(self.options.restart_every, self.restart_api_server)]
        chance = random.Random(self.options.seed + 4)
        end = self.begun + self.options.minutes * 60
        kill_at = self.begun + self.options.kill_every
        while (now := time.monotonic()) < end and not self.wrong:
            if self.agent.ended_by_itself():
                self.wrong.append(f"the agent ended by itself with {self.agent.process.returncode}")
                break
            if now >= kill_at:
                self.agent.kill()
                self.agent.start()
                kill_at = now + self.options.kill_every * chance.uniform(0.5, 1.5)
            time.sleep(0.02)
        self.stopping.set()
        for thread in threads:
            thread.join()
        self.soaked = time.monotonic() - self.begun

    def restart_api_server(self):
        self.cluster.restart_api_server(self.chooser_restarts.random() < 0.5, self.chooser_restarts.uniform(0, 5))

    def await_agreement(self, when):
        """The condition itself, asked again and again: nothing tells of it."""
        items = objects(self.api)
        refused = {key: lambda data, p=int(key.rsplit("p", 1)[1]): self.versions.is_whole(p, data, self.newest.value)
                   for key, item in items.items() if is_invalid(item)}
        wanted = render_all(self.options.build, {k: plain(i) for k, i in items.items() if k not in refused})
        deadline = time.monotonic() + QUIET_WITHIN
        begun = time.monotonic()
        while said := differences(self.api, NODE, self.tenants, wanted, refused):
            if time.monotonic() > deadline:
                self.wrong += [f"{when}: {line}" for line in said[:20]]
                break
            time.sleep(0.1)
        return len(wanted), len(refused), time.monotonic() - begun

    def finish(self):
        deadline = time.monotonic() + QUIET_WITHIN
        while self.tamperer.pending() and time.monotonic() < deadline and not self.wrong:
            time.sleep(0.05)
        self.wrong += [f"not repaired: {fault}" for fault in self.tamperer.pending()]
        self.tamperer.stop()
        self.agreed = self.await_agreement("in the end")
        self.torn = self.reader.stop()
        self.wrong += [f"torn or foreign: {line}" for line in self.torn[:20]]
        code = self.agent.stop()
        if code != 0:
            self.wrong.append(f"SIGTERM ended the agent with {code}")
        self.wrong += [f"compiler {pid} outlived its agent" for pid in self.agent.orphans()]

    def table(self):
        counts, repairs = self.workload.counts, self.tamperer.repairs
        times = sorted(seconds for _, seconds, _ in repairs)
        undisturbed = sorted(seconds for _, seconds, begun in repairs
                             if not any(begun - 2 < kill <= begun + seconds for kill in self.agent.kill_times))
        kinds = {}
        for kind, _, _ in repairs:
            kinds[kind] = kinds.get(kind, 0) + 1
        struck = sum(self.tamperer.counts.values())

        def spread(values):
            if not values:
                return "-"
            return (f"p50 {statistics.median(values):.3f} s, p99 {values[int(len(values) * 0.99)]:.2f} s, "
                    f"longest {values[-1]:.2f} s")
        rows = [
            ("how long, seed", f"{self.soaked / 60:.1f} min, {self.options.seed}"),
            ("profiles", f"{self.options.profiles} in {NAMESPACES} namespaces"),
            ("changes through the API", ", ".join(f"{n} {what}" for what, n in counts.items())),
            ("API server restarted, agent killed", f"{self.cluster.restarts} times, {self.agent.kills} times"),
            ("tampered with", f"{struck} times, {len(self.tamperer.KINDS)} ways"),
            ("repaired", ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))),
            ("tampering to repair, kills included", spread(times)),
            ("tampering to repair, agent alive throughout", spread(undisturbed)),
            ("reads of profiles", f"{self.reader.reads.value:,}, of them {self.reader.seen_tampered.value:,} of bytes that "
             f"the soak itself had put there; torn or foreign: {len(self.torn)}"),
            ("in the end", f"{self.agreed[0]} files, {self.agreed[1]} refused; disk, report and API "
             f"{'agree' if not self.wrong else 'DO NOT AGREE'}, {self.agreed[2]:.1f} s after the last change"),
            ("agent", f"{self.agent.peak:.1f} MiB at most, {100 * self.agent.cpu / self.soaked:.1f} % of a core "
             "(compilers and starts included)"),
        ]
        print("\n| what | seen |\n|---|---|")
        for row in rows:
            print("| {} | {} |".format(*row))

    def close(self, keep):
        """Whatever happened: no process is left."""
        self.stopping.set()
        if self.agent is not None and not self.agent.ended_by_itself():
            self.agent.kill()
        if self.reader is not None and self.reader.process.is_alive():
            self.reader.process.kill()
        if self.tamperer is not None:
            self.tamperer.stopping.set()
        self.cluster.down()
        if keep:
            print(f"kept for a look: {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=20261125)
    parser.add_argument("--build", default=os.path.join(REPO, "build/release"))
    parser.add_argument("--cluster", choices=("api", "node"), default="api")
    parser.add_argument("--profiles", type=int, default=100)
    parser.add_argument("--changes", type=float, default=8, help="a second")
    parser.add_argument("--tampers", type=float, default=2, help="a second")
    parser.add_argument("--restart-every", type=float, default=180, help="seconds, for the API server")
    parser.add_argument("--kill-every", type=float, default=60, help="seconds on average, for the agent")
    parser.add_argument("agent_flags", nargs="*", metavar="AGENT-FLAG")
    options = parser.parse_args()
    if not os.access(f"{options.build}/src/seccompd", os.X_OK):
        sys.exit(f"no {options.build}/src/seccompd: run cmake --workflow --preset release first, or give --build")
    return options


def main():
    options = parse()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    soak = Soak(options)
    try:
        soak.prepare()
        if not soak.wrong:
            print("begins", flush=True)
            soak.run()
            soak.finish()
            soak.table()
    finally:
        soak.close(keep=bool(soak.wrong))
    for line in soak.wrong:
        print(f"WRONG: {line}")
    print(f"{0 if soak.wrong else 1} passed, {1 if soak.wrong else 0} failed")
    sys.exit(1 if soak.wrong else 0)


main()
