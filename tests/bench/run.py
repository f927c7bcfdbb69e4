#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How fast is seccompd? One command, one table; not a test: nothing here passes or fails.

  tests/bench/run.py [--build DIR] [--profiles N] [--large N] [--idle SECONDS] [--only PART[,PART]] [--keep]

Runs the release build's agent against a real kube-apiserver and etcd on this machine (../shared/kube/cluster, or
SECCOMPD_KUBE_CLUSTER), with profiles of about 6 KB and 350 names, each of its own content, beside a bare `curl` watch
in the same run and the disk's own fsync time. Parts: latency, burst, cold, memory, idle.

The CPU time that the host gave to others is told at the end: with much of it everything is slower. Look at several
runs, and give each --keep: on an ext4 without a journal, what one removes at its end slows the next (see spread).
"""
import argparse
import array
import ctypes
import fcntl
import http.client
import json
import os
import platform
import re
import select
import shutil
import signal
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import base64

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLUSTER = os.environ.get("SECCOMPD_KUBE_CLUSTER", os.path.join(REPO, "..", "shared", "kube", "cluster"))
API = "/apis/seccompd.io/v1alpha1"
NODE = "bench-node"
NAMES = []
ARCHES = {"x86_64": ["SCMP_ARCH_X86_64"], "three": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]}
rows = []


def row(what, value, goal=""):
    rows.append((what, value, goal))
    print(f"  {what}: {value}" + (f"   (goal {goal})" if goal else ""), flush=True)


def names(build):
    """350 names that the default ceiling allows whatever their arguments: what a profile that is Installed may have."""
    rendered = subprocess.run([os.path.join(build, "src/seccompd"), "render", "builtin/runtime-default-v1"], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = set()
    for rule in json.loads(rendered.stdout)["syscalls"]:
        if rule["action"] == "SCMP_ACT_ALLOW" and "args" not in rule:
            found.update(rule["names"])
    return sorted(found)[:350]


def manifest(name, number, arches):
    rules = [
        {"names": NAMES, "action": "SCMP_ACT_ALLOW"},
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [
            {"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"},
            {"index": 5, "value": number, "op": "SCMP_CMP_EQ"}]},
    ]
    return {"apiVersion": "seccompd.io/v1alpha1", "kind": "TenantSeccompProfile",
            "metadata": {"name": name, "namespace": "bench"},
            "spec": {"profile": {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ARCHES[arches], "syscalls": rules}}}


class Api:
    """One keep-alive connection to the API server with the admin's client certificate."""

    def __init__(self, kubeconfig):
        text = open(kubeconfig).read()
        self.dir = tempfile.mkdtemp()
        self.files = {}
        for key in ("certificate-authority-data", "client-certificate-data", "client-key-data"):
            path = os.path.join(self.dir, key)
            with open(path, "wb") as f:
                f.write(base64.b64decode(re.search(key + r": ([A-Za-z0-9+/=]+)", text)[1]))
            self.files[key] = path
        self.server = re.search(r"server: \"?https://([^\"},]+)", text)[1]
        self.local = threading.local()

    def connection(self):
        if not hasattr(self.local, "c"):
            context = ssl.create_default_context(cafile=self.files["certificate-authority-data"])
            context.load_cert_chain(self.files["client-certificate-data"], self.files["client-key-data"])
            self.local.c = http.client.HTTPSConnection(self.server, context=context)
        return self.local.c

    def send(self, method, path, body=None):
        connection = self.connection()
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 300 and answer.status not in (404, 409):
            sys.exit(f"{method} {path}: {answer.status} {data[:300]!r}")
        return answer.status, data

    def curl_watch(self):
        status, data = self.send("GET", f"{API}/tenantseccompprofiles?limit=1")
        version = json.loads(data)["metadata"]["resourceVersion"]
        return subprocess.Popen(
            ["curl", "-sN", "--cacert", self.files["certificate-authority-data"], "--cert",
             self.files["client-certificate-data"], "--key", self.files["client-key-data"],
             f"https://{self.server}{API}/tenantseccompprofiles?watch=1&resourceVersion={version}"],
            stdout=subprocess.PIPE, bufsize=0)


class Arrivals:
    """Notes when files appear in a directory (inotify: a rename into place is the moment a reader sees them)."""
    IN_MOVED_TO = 0x80

    def __init__(self, directory):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC)
        if libc.inotify_add_watch(self.fd, directory.encode(), self.IN_MOVED_TO) < 0:
            sys.exit(f"inotify on {directory}: {os.strerror(ctypes.get_errno())}")
        self.seen, self.condition = {}, threading.Condition()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            data, now = os.read(self.fd, 65536), time.perf_counter()
            at = 0
            with self.condition:
                while at < len(data):
                    _, _, _, length = struct.unpack_from("iIII", data, at)
                    name = data[at + 16:at + 16 + length].rstrip(b"\0").decode()
                    if not name.startswith(".tmp-"):
                        self.seen[name] = now
                    at += 16 + length
                self.condition.notify_all()

    def wait(self, wanted, limit=120):
        with self.condition:
            if not self.condition.wait_for(lambda: wanted <= self.seen.keys(), limit):
                sys.exit(f"{len(wanted - self.seen.keys())} files did not come within {limit} s; the agent's last lines:\n"
                         + "".join(Agent.running.lines[-5:]))
            return {name: self.seen[name] for name in wanted}


class CurlArrivals:
    """Notes when a bare curl watch prints an object."""

    def __init__(self, process):
        self.seen, self.condition = {}, threading.Condition()
        threading.Thread(target=self.run, args=(process,), daemon=True).start()

    def run(self, process):
        pending = b""
        while True:
            data = os.read(process.stdout.fileno(), 65536)
            now = time.perf_counter()
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            with self.condition:
                for line in lines:
                    meta = json.loads(line)["object"]["metadata"]
                    self.seen[meta["name"] + ".json"] = now
                self.condition.notify_all()

    wait = Arrivals.wait


def stat(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1].split()
    tick = os.sysconf("SC_CLK_TCK")
    return {"own": (int(fields[11]) + int(fields[12])) / tick, "children": (int(fields[13]) + int(fields[14])) / tick}


def children(pid):
    return [int(child) for child in open(f"/proc/{pid}/task/{pid}/children").read().split()]


def memory(pid):
    values = {}
    for line in open(f"/proc/{pid}/smaps_rollup"):
        match = re.match(r"(\w+):\s+(\d+) kB", line)
        if match:
            values[match[1]] = int(match[2]) / 1024
    return values


def await_rest(pid):
    """Until it waits for something: the zygote may still be making its ceiling when the agent is ready."""
    while open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1][0] != "S":
        time.sleep(0.01)


class Agent:
    running = None

    def __init__(self, options, directory, metrics=False):
        self.begin = time.perf_counter()
        self.process = subprocess.Popen(
            [os.path.join(options.build, "src/seccompd"), "agent", "--node-name", NODE, "--kubeconfig",
             options.kubeconfig, "--seccomp-root", f"{directory}/seccomp", "--state-dir", f"{directory}/state",
             "--lease-namespace", "bench", "--listen-health", "", "--listen-metrics", "127.0.0.1:19797" if metrics else ""],
            stderr=subprocess.PIPE)
        Agent.running = self
        self.lines, self.ready_after = [], None
        self.ready = threading.Event()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line.decode())
            if b": ready" in line:
                self.ready_after = time.perf_counter() - self.begin
                self.ready.set()

    def wait_ready(self):
        if not self.ready.wait(180):
            sys.exit("the agent did not become ready:\n" + "".join(self.lines[-20:]))
        return self.ready_after

    def zygote(self):
        return children(self.process.pid)[0]

    def cpu(self):
        """Of the agent, the zygote and all its children; those that still wait for work are not in its sum yet."""
        pid = self.zygote()
        while True:
            before = children(pid)
            try:
                waiting = sum(stat(child)["own"] for child in before)
            except FileNotFoundError:
                continue
            agent, zygote = stat(self.process.pid), stat(pid)
            if children(pid) == before:
                return agent["own"] + zygote["own"] + zygote["children"] + waiting

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        Agent.running = None


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p))]


def stolen():
    """Seconds of CPU time that the host gave to others since the boot."""
    return int(open("/proc/stat").readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def spread(directory):
    """Has ext4 place each directory below far from the others, as it does at the top of a file system (chattr +T).

    Where it has no journal, it goes one by one through the inodes of a group that were freed within the last minutes,
    by whomever, before it takes one: with 20,000 of them, a cold start takes 0.8 s longer. With a journal it does not.
    """
    fs_ioc_getflags, fs_ioc_setflags, fs_topdir_fl = 0x80086601, 0x40086602, 0x00020000
    fd = os.open(directory, os.O_RDONLY)
    try:
        flags = array.array("l", [0])
        fcntl.ioctl(fd, fs_ioc_getflags, flags)
        flags[0] |= fs_topdir_fl
        fcntl.ioctl(fd, fs_ioc_setflags, flags)
    except OSError:
        pass  # not ext4
    finally:
        os.close(fd)


def fresh(options, name):
    """A new directory, never an emptied one: see spread."""
    directory = tempfile.mkdtemp(prefix=name + "-", dir=options.work)
    os.makedirs(f"{directory}/seccomp/tenants/bench", mode=0o700)
    return directory


def clear(api):
    api.send("DELETE", f"{API}/namespaces/bench/tenantseccompprofiles")


def create(api, name, number, arches):
    api.send("POST", f"{API}/namespaces/bench/tenantseccompprofiles", manifest(name, number, arches))
    return time.perf_counter()


def bench_latency(options, api, arches, count):
    directory = fresh(options, "latency")
    clear(api)
    agent = Agent(options, directory)
    agent.wait_ready()
    files, curl = Arrivals(f"{directory}/seccomp/tenants/bench"), api.curl_watch()
    events = CurlArrivals(curl)
    to_file, to_curl = [], []
    for i in range(count + 5):
        name = f"l{i}"
        answered = create(api, name, i, arches)
        there = files.wait({name + ".json"})[name + ".json"]
        seen = events.wait({name + ".json"})[name + ".json"]
        if i >= 5:  # the first few warm connections and caches
            to_file.append((there - answered) * 1e3)
            to_curl.append((seen - answered) * 1e3)
    curl.kill()
    agent.stop()
    goal = "p50 <= 5 ms, p99 <= 20 ms" if arches == "x86_64" else "p50 <= 35 ms"
    row(f"{arches}: apply answered -> file, one at a time ({count}x)",
        f"p50 {statistics.median(to_file):.1f} ms, p99 {percentile(to_file, .99):.1f} ms", goal)
    row(f"{arches}: the same, to a bare curl watch",
        f"p50 {statistics.median(to_curl):.1f} ms, p99 {percentile(to_curl, .99):.1f} ms")


def create_many(api, count, arches, prefix="b"):
    """8 connections at once; the time of the last answer."""
    last, lock, todo = [0.0], threading.Lock(), iter(range(count))

    def work():
        while True:
            with lock:
                i = next(todo, None)
            if i is None:
                return
            answered = create(api, f"{prefix}{i}", i, arches)
            with lock:
                last[0] = max(last[0], answered)

    threads = [threading.Thread(target=work) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return last[0]


def bench_burst(options, api, arches):
    directory = fresh(options, "burst")
    clear(api)
    agent = Agent(options, directory)
    agent.wait_ready()
    files = Arrivals(f"{directory}/seccomp/tenants/bench")
    before, begin = agent.cpu(), time.perf_counter()
    last = create_many(api, options.profiles, arches)
    seen = files.wait({f"b{i}.json" for i in range(options.profiles)}, 600)
    took = max(seen.values()) - last
    used = agent.cpu() - before
    row(f"{arches}: {options.profiles} created at once ({last - begin:.1f} s): all files after the last answer",
        f"{max(took, 0):.2f} s", "<= 1 s" if arches == "x86_64" else "<= 20 s")
    if arches == "x86_64":
        row(f"CPU for {options.profiles} installs, children included", f"{used:.2f} s", "<= 2 s")
    agent.stop()
    return directory


def bench_cold(options, api):
    directory = bench_burst(options, api, "x86_64")
    agent = Agent(options, directory)
    there = agent.wait_ready()
    agent.stop()
    nothing = []
    for _ in range(options.cold):
        directory = fresh(options, "cold")
        agent = Agent(options, directory)
        nothing.append(agent.wait_ready())
        agent.stop()
    row(f"cold start with {options.profiles} profiles, no file there ({options.cold}x)",
        f"p50 {statistics.median(nothing):.2f} s, best {min(nothing):.2f} s", "<= 0.8 s")
    row(f"cold start with {options.profiles} profiles, all there", f"{there:.2f} s", "<= 0.2 s")


def bench_memory(options, api):
    directory = fresh(options, "memory")
    clear(api)
    agent = Agent(options, directory)
    agent.wait_ready()
    files = Arrivals(f"{directory}/seccomp/tenants/bench")
    row("resident memory, idle", f"{memory(agent.process.pid)['Rss']:.1f} MiB", "<= 16 MiB")
    await_rest(agent.zygote())
    zygote = memory(agent.zygote())
    row("zygote, idle", f"{zygote['Rss']:.1f} MiB resident, {zygote['Pss']:.1f} MiB of its own share", "<= 2 MiB")
    done = 0
    for count, goal in ((options.profiles, "<= 20 MiB"), (options.large, "<= 48 MiB")):
        create_many_from(api, done, count)
        files.wait({f"m{i}.json" for i in range(count)}, 900)
        done = count
        row(f"resident memory, {count} profiles", f"{memory(agent.process.pid)['Rss']:.1f} MiB", goal)
    agent.stop()
    agent = Agent(options, directory)
    agent.wait_ready()
    row(f"resident memory, {options.large} profiles, after a restart", f"{memory(agent.process.pid)['Rss']:.1f} MiB",
        "<= 48 MiB")
    agent.stop()


def create_many_from(api, begin, end):
    lock, todo = threading.Lock(), iter(range(begin, end))

    def work():
        while True:
            with lock:
                i = next(todo, None)
            if i is None:
                return
            create(api, f"m{i}", i, "x86_64")

    threads = [threading.Thread(target=work) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]


def bench_idle(options, api):
    directory = fresh(options, "idle")
    clear(api)
    create_many(api, 50, "x86_64", "i")
    agent = Agent(options, directory, metrics=True)
    agent.wait_ready()

    def requests():
        connection = http.client.HTTPConnection("127.0.0.1", 19797)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith("seccompd_api_requests_total"))

    select.select([], [], [], 5)  # the first report and the Lease
    before, asked = agent.cpu(), requests()
    select.select([], [], [], options.idle)
    used, more = agent.cpu() - before, requests() - asked
    row(f"idle for {options.idle} s: CPU", f"{100 * used / options.idle:.3f} % of a core", "< 0.1 %")
    row(f"idle for {options.idle} s: requests beside the watch", f"{more:.0f}", "<= 1 a minute")
    agent.stop()


def fsync_time(directory):
    times = []
    for i in range(200):
        begin = time.perf_counter()
        fd = os.open(f"{directory}/f{i}", os.O_CREAT | os.O_WRONLY)
        os.write(fd, b"x" * 6000)
        os.fsync(fd)
        os.close(fd)
        times.append((time.perf_counter() - begin) * 1e3)
    return times


def libseccomp_time():
    """What libseccomp alone takes to export the filter of one such profile: a part of each profile's way."""
    lib, libc = ctypes.CDLL("libseccomp.so.2"), ctypes.CDLL(None)
    lib.seccomp_init.restype = ctypes.c_void_p
    times = []
    for _ in range(30):
        context = ctypes.c_void_p(lib.seccomp_init(0x00050001))  # SCMP_ACT_ERRNO(EPERM)
        numbers = [lib.seccomp_syscall_resolve_name(name.encode()) for name in NAMES]
        for number in sorted(numbers, reverse=True):
            lib.seccomp_rule_add_array(context, 0x7fff0000, number, 0, None)  # SCMP_ACT_ALLOW
        fd = libc.memfd_create(b"filter", 0)
        begin = time.perf_counter()
        lib.seccomp_export_bpf(context, fd)
        times.append((time.perf_counter() - begin) * 1e3)
        os.close(fd)
        lib.seccomp_release(context)
    return times


def cluster_lock():
    """One cluster a machine: its ports are fixed. The same lock as tests/lib.sh takes."""
    lock = open(os.environ.get("SECCOMPD_CLUSTER_LOCK", os.path.join(tempfile.gettempdir(), "seccompd-cluster.lock")), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"waiting for the cluster: {lock.name} is locked", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(REPO, "build/release"))
    parser.add_argument("--profiles", type=int, default=500)
    parser.add_argument("--large", type=int, default=5000)
    parser.add_argument("--idle", type=int, default=60)
    parser.add_argument("--latency", type=int, default=300, help="objects in the one-at-a-time part")
    parser.add_argument("--cold", type=int, default=5, help="cold starts without files")
    parser.add_argument("--only", default="latency,burst,cold,memory,idle")
    parser.add_argument("--keep", action="store_true", help="leave the files that were written, and say where")
    options = parser.parse_args()
    if not os.access(f"{options.build}/src/seccompd", os.X_OK):
        sys.exit("no release build: run cmake --workflow --preset release first, or give --build")
    parts = options.only.split(",")
    stolen_before, begin = stolen(), time.monotonic()
    NAMES.extend(names(options.build))
    options.work = tempfile.mkdtemp(prefix="seccompd-bench-", dir=os.environ.get("BENCH_DIR", "/var/tmp"))
    spread(options.work)
    lock = cluster_lock()
    subprocess.run([CLUSTER, "up", "api"], check=True)  # its processes do not inherit the lock
    try:
        state = os.environ.get("KUBE_STATE", "/tmp/kube-cluster")
        options.kubeconfig = f"{state}/admin.kubeconfig"
        kubectl = ["kubectl", "--kubeconfig", options.kubeconfig]
        subprocess.run(kubectl + ["apply", "-f", f"{REPO}/deploy/crds.yaml"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(kubectl + ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run(kubectl + ["create", "namespace", "bench"], check=True, stdout=subprocess.DEVNULL)
        api = Api(options.kubeconfig)
        api.send("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}})
        example = json.dumps(manifest("x", 1, "x86_64")["spec"]["profile"], separators=(",", ":"))
        model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())[1]
        print(f"{model}, {os.cpu_count()} cores, Linux {platform.release()}; "
              f"a profile has {len(NAMES) + 2} names and {len(example)} bytes", flush=True)
        disk = fsync_time(options.work)
        row("the disk: write 6 KB and fsync", f"p50 {statistics.median(disk):.2f} ms, p99 {percentile(disk, .99):.2f} ms")
        row("libseccomp: to export one such filter, once its rules are added",
            f"p50 {statistics.median(libseccomp_time()):.2f} ms")
        if "latency" in parts:
            bench_latency(options, api, "x86_64", options.latency)
            bench_latency(options, api, "three", options.latency // 2)
        if "burst" in parts:
            bench_burst(options, api, "three")
        if "cold" in parts or "burst" in parts:
            bench_cold(options, api)
        if "memory" in parts:
            bench_memory(options, api)
        if "idle" in parts:
            bench_idle(options, api)
    finally:
        if Agent.running:
            Agent.running.process.kill()
        subprocess.run([CLUSTER, "down"], check=False)
        lock.close()
        if options.keep:
            print(f"kept: {options.work}")
        else:
            shutil.rmtree(options.work, ignore_errors=True)
    print(f"the host gave {stolen() - stolen_before:.1f} s of our CPU time to others, in {time.monotonic() - begin:.0f} s")
    print("\n| what | measured | goal |\n|---|---|---|")
    for what, value, goal in rows:
        print(f"| {what} | {value} | {goal} |")


main()
