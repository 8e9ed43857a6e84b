#!/usr/bin/env python3
"""What a varbind costs in the agent and in its master, by snmpbulkwalk and by
GETBULK of ten columns at once, and whether that depends on the number of
rows; and what a walk does to round-trip times. Master and agent share a core,
the manager has another.

    REACHD_RELEASE=build/release/reachd bench_snmp.py [ROWS...]"""

import os
import pathlib
import socket
import subprocess
import sys
import time

from fleet import RELEASE, address, bench, build
from harness import free_port, tool, wait

ROWS = [int(a) for a in sys.argv[1:]] or [100, 1000, 10000, 50000]
OBJECTS = "1.3.6.1.4.1.8072.9999.9999.5004.1"
# Of numbers, of a word, of a time: as tables are read.
COLUMNS = [f"{OBJECTS}.3.1.1.{c}" for c in (5, 9, 11, 13, 17, 19, 20, 21, 25, 26)]
WALKED = f"{OBJECTS}.3.1.1.25"
SECONDS = 3
ENV = {**os.environ, "MIBS": "", "SNMPCONFPATH": "/nonexistent"}


def config(n, port, master):
    lines = ["defaults: {interval: 1h, timeout: 900ms, count: 1, windows: [1m]}",
             "limits: {requests_per_second: 20000}",
             f"snmp: {{agentx: {master}}}", "targets:"]
    lines += [f"  - {{name: t{i:05d}, probe: stun, address: '{address(i)}:{port}'}}" for i in range(n)]
    # One that is measured meanwhile.
    lines.append(f"  - {{name: watched, probe: stun, address: '127.0.0.1:{port}', interval: 100ms, timeout: 90ms}}")
    return "\n".join(lines) + "\n"


def snmpd(b):
    conf, sock = b.directory + "/snmpd.conf", b.directory + "/master"
    pathlib.Path(conf).write_text(
        f"rocommunity public 127.0.0.1\nmaster agentx\nagentXSocket unix:{sock}\nagentXTimeout 10\n")
    port = free_port(socket.SOCK_DGRAM)
    p = b.start(["taskset", "-c", "0", tool("snmpd"), "-f", "-Lo", "-C", "-c", conf, "-I", "-smux",
                 f"udp:127.0.0.1:{port}"], name="snmpd",
                env={"MIBS": "", "SNMP_PERSISTENT_DIR": b.directory + "/persistent"})
    return p, sock, port


def threads(pid):
    """CPU seconds of each thread."""
    return {int(t.name): int((t / "schedstat").read_text().split()[0]) / 1e9
            for t in pathlib.Path(f"/proc/{pid}/task").iterdir()}


def busiest(before, after):
    return max((after[t] - before.get(t, 0), t) for t in after)


class Side:
    """Cost of a run: of the master, and of the agent's thread."""

    def __init__(self, master, daemon):
        self.master, self.daemon = master, daemon
        self.m0, self.d0 = threads(master.pid), threads(daemon.pid)

    def end(self):
        m = sum(threads(self.master.pid).values()) - sum(self.m0.values())
        return m, busiest(self.d0, threads(self.daemon.pid))[0]


def by_columns(port):
    out = subprocess.run(["taskset", "-c", "1", build("snmp_walk"), f"127.0.0.1:{port}", "10", *COLUMNS],
                         capture_output=True, text=True, check=True, env=ENV).stdout.split()
    return int(out[0])


def by_walk(port):
    out = subprocess.run(["taskset", "-c", "1", tool("snmpbulkwalk"), "-v2c", "-c", "public", "-On", "-Cr50",
                          "-t10", f"127.0.0.1:{port}", WALKED], capture_output=True, text=True, check=True, env=ENV)
    return out.stdout.count("\n")


def run(read, port, master, daemon, seconds=SECONDS):
    """Microseconds a varbind in master and agent, varbinds a second."""
    read(port)  # made ready, as the first request makes the rows
    side, began, got = Side(master, daemon), time.monotonic(), 0
    while time.monotonic() - began < seconds:
        got += read(port)
    took = time.monotonic() - began
    m, a = side.end()
    return m / got * 1e6, a / got * 1e6, got / took


def main():
    print("CPU us a varbind in master and agent; varbinds a second of one core at that, and as measured")
    print(f"{'rows':>6} | {'columns: master':>15} {'agent':>6} {'ratio':>6} {'vb/s':>8} {'seen':>8}"
          f" | {'walk: master':>12} {'agent':>6} {'ratio':>6} {'vb/s':>7} {'seen':>7}"
          " | watched p99 us: quiet, walked")
    for n in ROWS:
        with bench() as b:
            master, sock, port = snmpd(b)
            r = b.reflect("--listen.udp=0.0.0.0:0")
            d = b.daemon(config(n, r.port["udp"], sock), binary=RELEASE)
            wait("the subagent", lambda: d.metrics().one("reachd_agentx_connected") == 1, 120, 0.5)
            wait("every row", lambda: by_walk(port) == n + 1 and by_columns(port) >= 9 * n, 180, 0.5)
            before = threads(d.pid)
            by_walk(port)
            agent = busiest(before, threads(d.pid))[1]
            assert agent != d.pid, "the probes' thread serves SNMP"
            os.sched_setaffinity(agent, {0})
            p99 = lambda: d.metrics().one("reachd_rolling_rtt_p99_seconds", target="watched") * 1e6
            quiet = p99()
            cm, ca, cr = run(by_columns, port, master, d)
            wm, wa, wr = run(by_walk, port, master, d)
            print(f"{n:6} | {cm:15.2f} {ca:6.2f} {ca / cm:6.2f} {1e6 / (cm + ca):8.0f} {cr:8.0f}"
                  f" | {wm:12.2f} {wa:6.2f} {wa / wm:6.2f} {1e6 / (wm + wa):7.0f} {wr:7.0f}"
                  f" | {quiet:.0f} {p99():.0f}", flush=True)


main()
