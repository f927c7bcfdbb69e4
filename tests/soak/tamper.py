# SPDX-License-Identifier: Apache-2.0
"""Somebody with root on the node who does not know what he does: changes files and directories behind the agent's back."""
import fcntl
import os
import shutil
import stat
import threading
import time

FORGET_AFTER = 5.0  # how long a repaired inode is kept, so that a slow reader still finds it locked


class Fault:
    def __init__(self, kind, profile, path, fd):
        self.kind, self.profile, self.path, self.fd = kind, profile, path, fd
        self.inode = os.fstat(fd).st_ino if fd >= 0 else 0
        self.begun = time.monotonic()
        self.ended = 0.0


def is_directory_right(path):
    try:
        return stat.S_IMODE(os.lstat(path).st_mode) == 0o700
    except OSError:
        return False


def is_file_right(path, inode):
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return (stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o600 and found.st_uid == os.geteuid()
            and found.st_nlink == 1 and found.st_ino != inode)


class Tamperer:
    """Not thread-safe but for `watch`, which runs on its own thread and times the repairs."""

    def __init__(self, tenants, elsewhere, random, is_live):
        self.tenants, self.elsewhere, self.random, self.is_live = tenants, elsewhere, random, is_live
        self.lock = threading.Lock()  # guards all below
        self.open, self.ended = [], []
        self.repairs = []  # (kind, seconds, moment of the tampering)
        self.counts = {}
        self.stopping = threading.Event()
        self.number = 0
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    KINDS = ("content", "truncated", "replaced", "mode", "owner", "missing", "symlink", "directory", "fifo", "hard link",
             "foreign file", "namespace removed", "namespace mode")

    def strike(self, profile, path):
        """Changes something of or beside this profile; its file must exist."""
        with self.lock:
            if any(fault.profile == profile for fault in self.open):
                return
        kind = self.random.choice(self.KINDS)
        self.number += 1
        fd = -1
        try:
            # The descriptor keeps the inode, so that no new file can have its number.
            fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            fault = Fault(kind, profile, path, fd)
            getattr(self, "do_" + kind.replace(" ", "_"))(fault)
        except FileNotFoundError:
            if fd >= 0:
                os.close(fd)
            return  # the agent or an earlier blow was faster
        with self.lock:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            if kind == "foreign file":
                self.ended.append(fault)  # left alone by the agent
                fault.ended = time.monotonic()
            else:
                self.open.append(fault)

    def do_content(self, fault):
        fcntl.flock(fault.fd, fcntl.LOCK_EX)
        os.pwrite(fault.fd, b'{"defaultAction":"SCMP_ACT_ALLOW"}', 0)

    def do_truncated(self, fault):
        fcntl.flock(fault.fd, fcntl.LOCK_EX)
        os.ftruncate(fault.fd, os.fstat(fault.fd).st_size // 2)

    def do_replaced(self, fault):
        new = self.new_name()
        fd = os.open(new, os.O_CREAT | os.O_RDWR | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.write(fd, b'{"defaultAction":"SCMP_ACT_ALLOW"}\n')
        os.close(fault.fd)
        fault.fd, fault.inode = fd, os.fstat(fd).st_ino
        self.move(new, fault)

    def do_mode(self, fault):
        os.fchmod(fault.fd, 0o644)

    def do_owner(self, fault):
        os.fchown(fault.fd, 65534, 65534)

    def do_missing(self, fault):
        os.unlink(fault.path)

    def do_symlink(self, fault):
        os.symlink("decoy", self.new_name())  # nothing of the host's
        self.move(self.new_name(), fault)

    def do_directory(self, fault):
        os.unlink(fault.path)
        try:
            os.mkdir(fault.path)
        except FileExistsError:
            pass  # repaired in between

    def do_fifo(self, fault):
        os.mkfifo(self.new_name())
        self.move(self.new_name(), fault)

    def do_hard_link(self, fault):
        os.link(fault.path, self.new_name())

    def do_foreign_file(self, fault):
        fault.path = os.path.join(os.path.dirname(fault.path), f"foreign-{self.number}.json")
        with open(fault.path, "w") as file:
            file.write('{"defaultAction":"SCMP_ACT_ALLOW"}\n')

    def do_namespace_removed(self, fault):
        shutil.rmtree(os.path.dirname(fault.path), ignore_errors=True)

    def do_namespace_mode(self, fault):
        fault.path = os.path.dirname(fault.path)
        os.chmod(fault.path, 0o777)

    def new_name(self):
        return f"{self.elsewhere}/{self.number}"

    def move(self, new, fault):
        try:
            os.rename(new, fault.path)
        except FileNotFoundError:
            os.unlink(new)
            raise

    def is_right(self, fault):
        if fault.kind == "namespace mode":
            return is_directory_right(fault.path)
        return is_file_right(fault.path, fault.inode)

    def watch(self):
        while not self.stopping.wait(0.002):
            now = time.monotonic()
            with self.lock:
                for fault in list(self.open):
                    live = self.is_live(fault.profile)
                    if live and not self.is_right(fault):
                        continue
                    if live:
                        self.repairs.append((fault.kind, now - fault.begun, fault.begun))
                    self.open.remove(fault)
                    self.ended.append(fault)
                    fault.ended = now
                self.forget(now)

    def forget(self, now):
        for fault in [f for f in self.ended if now - f.ended > FORGET_AFTER]:
            self.ended.remove(fault)
            os.close(fault.fd)
            if fault.kind == "foreign file" and os.path.lexists(fault.path):
                os.unlink(fault.path)

    def pending(self):
        with self.lock:
            return [f"{f.kind} of {f.path}" for f in self.open]

    def stop(self):
        """After this, nothing of ours is left below tenants/."""
        self.stopping.set()
        self.thread.join()
        self.forget(time.monotonic() + 2 * FORGET_AFTER)
