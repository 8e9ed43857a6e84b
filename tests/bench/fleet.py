"""What the benchmarks of the whole daemon share: fleets of targets on
loopback, and what a process costs. They print figures and judge nothing."""

import contextlib
import os
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness import RELEASE, Bench  # noqa: E402, F401

DAY = 86400


def address(i, net="127.1"):
    """Address i of a fleet: any of 127/8 is ours."""
    return f"{net}.{i // 200}.{i % 200 + 1}"


def config(n, port, interval, probe="stun", net="127.1"):
    lines = [f"defaults: {{interval: {interval}, timeout: 900ms, count: 1}}",
             "limits: {requests_per_second: 20000}", "targets:"]
    to = f":{port}" if probe != "icmp" else ""
    lines += [f"  - {{name: t{i:05d}, probe: {probe}, address: '{address(i, net)}{to}'}}"
              for i in range(n)]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def bench():
    with tempfile.TemporaryDirectory() as d:
        b = Bench(d)
        try:
            yield b
        finally:
            b.close()


class Cost:
    """CPU seconds and voluntary switches of all threads since it was made."""

    def __init__(self, pid):
        self.pid = pid
        self.began = time.monotonic()
        self.cpu0, self.wakes0 = self._read()

    def _read(self):
        cpu = wakes = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            cpu += int((task / "schedstat").read_text().split()[0]) / 1e9
            status = (task / "status").read_text()
            wakes += int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
        return cpu, wakes

    def end(self):
        """(CPU seconds, wakeups, seconds)"""
        cpu, wakes = self._read()
        return cpu - self.cpu0, wakes - self.wakes0, time.monotonic() - self.began


def measured(pid, seconds):
    c = Cost(pid)
    time.sleep(seconds)
    return c.end()


def memory(pid):
    """RSS in kB: (all of it, private, of mapped files)"""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return tuple(int(status.split(f"{k}:")[1].split()[0])
                 for k in ("VmRSS", "RssAnon", "RssFile"))


def build(name):
    """A program that make has built beside the daemon."""
    return os.path.join(os.path.dirname(RELEASE), "tests", "bench", name)
