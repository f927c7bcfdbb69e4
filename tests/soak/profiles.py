# SPDX-License-Identifier: Apache-2.0
"""Profiles whose every version is known by its bytes, and the reader that checks that no other byte is ever seen."""
import errno
import fcntl
import json
import multiprocessing
import os
import re
import stat
import subprocess

API = "/apis/seccompd.io/v1alpha1"
NAMESPACES = 5
MARK = 1_000_000_000  # a version's number: MARK + profile * STEP + version; always ten digits
STEP = 1_000_000
NUMBER = re.compile(rb'"value":(1\d{9})')

# All within the ceiling; the last one is for three architectures, which takes the compiler several times as long.
SHAPES = (
    {"architectures": ["SCMP_ARCH_X86_64"], "defaultAction": "SCMP_ACT_ERRNO"},
    {"architectures": ["SCMP_ARCH_X86_64"], "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38},
    {"defaultAction": "SCMP_ACT_ERRNO"},
)


def key_of(profile):
    return f"soak-{profile % NAMESPACES}", f"p{profile}"


def spec_of(number, is_valid=True):
    shape = dict(SHAPES[shape_of(number)])
    shape["syscalls"] = [{"names": ["getpriority" if is_valid else "getpriorityy"], "action": "SCMP_ACT_ALLOW",
                          "args": [{"index": 1, "value": number, "op": "SCMP_CMP_NE"}]}]
    return {"bases": ["builtin/runtime-default-v1"], "profile": shape}


def shape_of(number):
    return number % STEP % 7 % len(SHAPES)


def manifest(profile, number, is_valid=True):
    name_space, name = key_of(profile)
    return {"apiVersion": "seccompd.io/v1alpha1", "kind": "TenantSeccompProfile",
            "metadata": {"name": name, "namespace": name_space}, "spec": spec_of(number, is_valid)}


def render(build, item):
    """What `seccompd render` says the file must be."""
    done = subprocess.run([os.path.join(build, "src/seccompd"), "render", "-"], input=json.dumps(item).encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise RuntimeError(f"seccompd render refuses {item['metadata']}: {done.stderr.decode()[-600:]}")
    return done.stdout


class Versions:
    """The bytes of any version: those of its shape, as rendered once, with its number in place."""

    def __init__(self, build):
        self.templates = []
        for shape in range(len(SHAPES)):
            number = next(n for n in range(MARK, MARK + 7) if shape_of(n) == shape)
            data = render(build, manifest(0, number))
            parts = data.split(str(number).encode())
            if len(parts) < 2:
                raise RuntimeError("the rendered profile does not hold its number")
            self.templates.append(parts)

    def bytes_of(self, number):
        return str(number).encode().join(self.templates[shape_of(number)])

    def is_whole(self, profile, data, newest):
        """Exactly one version of this very profile, and one that was applied."""
        found = NUMBER.search(data)
        if not found:
            return False
        number = int(found[1])
        return ((number - MARK) // STEP == profile and (number - MARK) % STEP <= newest
                and data == self.bytes_of(number))


def read_profile(path):
    """(bytes, descriptor) of a regular file; (None, -1) when there is none, or something else."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR):
            return None, -1
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None, -1
    data = b""
    while piece := os.read(fd, 65536):
        data += piece
    return data, fd


def is_tampered(fd):
    """The tamperer holds a lock on each inode whose bytes it changed, from before the first byte on."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError:
        return True


class Reader:
    """A process that reads all profiles over and over, as the runtime does at a container's start."""

    def __init__(self, tenants, profiles, versions, newest):
        self.reads = multiprocessing.Value("Q", 0)
        self.seen_tampered = multiprocessing.Value("Q", 0)
        self.torn = multiprocessing.Queue()
        self.stop_now = multiprocessing.Event()
        self.process = multiprocessing.Process(target=self.run, args=(tenants, profiles, versions, newest))
        self.process.start()

    def run(self, tenants, profiles, versions, newest):
        paths = [os.path.join(tenants, key_of(p)[0], key_of(p)[1] + ".json") for p in range(profiles)]
        while not self.stop_now.is_set():
            for profile, path in enumerate(paths):
                data, fd = read_profile(path)
                if data is None:
                    continue
                self.reads.value += 1
                if not versions.is_whole(profile, data, newest.value):
                    if is_tampered(fd):
                        self.seen_tampered.value += 1
                    else:
                        self.torn.put(f"{path}: {len(data)} bytes: {data[:60]!r} ... {data[-60:]!r}")
                os.close(fd)

    def stop(self):
        self.stop_now.set()
        torn = []
        while self.process.is_alive() or not self.torn.empty():
            try:
                torn.append(self.torn.get(timeout=0.2))
            except Exception:  # queue.Empty
                continue
        self.process.join()
        if self.process.exitcode != 0:
            torn.append(f"the reader itself ended with {self.process.exitcode}")
        return torn
