# SPDX-License-Identifier: Apache-2.0
"""The agent as a plain process that is killed and started again, and what it costs."""
import os
import signal
import subprocess
import time

from cluster import is_running

TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """Seconds of a process and of its children that have ended."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / TICK


def peak_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM:"))


class Agent:
    def __init__(self, command, log):
        self.command, self.log = command, log
        self.peak = self.cpu = 0.0
        self.kills = 0
        self.kill_times = []
        self.zygotes = []
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def zygote(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return [int(pid) for pid in file.read().split()]

    def measure(self):
        """Before its end: what this life cost."""
        zygotes = self.zygote()
        self.zygotes += zygotes
        self.peak = max(self.peak, peak_of(self.process.pid))
        self.cpu += sum(cpu_of(pid) for pid in [self.process.pid, *zygotes])

    def ended_by_itself(self):
        return self.process.poll() is not None

    def kill(self):
        self.measure()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1
        self.kill_times.append(time.monotonic())

    def stop(self):
        """SIGTERM; how it ended."""
        if self.ended_by_itself():
            return self.process.returncode
        self.measure()
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "not within 15 s"

    def orphans(self):
        """Compilers that outlived their agent."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and any(is_running(pid) for pid in self.zygotes):
            time.sleep(0.05)
        return [pid for pid in self.zygotes if is_running(pid)]
