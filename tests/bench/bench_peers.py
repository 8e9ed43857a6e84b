#!/usr/bin/env python3
"""The daemon beside fping, smokeping_prober and blackbox_exporter: CPU time
per ICMP echo and memory, 1,000 targets on loopback, one after the other and
round again. Those that are not installed are left out. Needs root, for a
network namespace in which everybody may ping.

    REACHD_RELEASE=build/release/reachd bench_peers.py [SECONDS [ROUNDS [INTERVAL]]]"""

import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time

from fleet import RELEASE, Cost, address, bench, config, measured, memory
from harness import wait

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 30
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
INTERVAL = float(sys.argv[3]) if len(sys.argv) > 3 else 10
N = 1000
ADDRESSES = [address(i) for i in range(N)]


def daemon(b, ns, probe):
    to = 0
    if probe == "stun":
        to = b.reflect("--listen.udp=0.0.0.0:0", inside=ns).port["udp"]
    d = b.daemon(config(N, to, f"{INTERVAL:g}s", probe), binary=RELEASE, inside=ns,
                 name=f"reachd-{probe}")
    wait("readiness", lambda: d.request("/-/ready")[0] == 200, 60)
    time.sleep(INTERVAL)
    cpu, _, took = measured(d.pid, SECONDS)
    rss = memory(d.pid)[0]
    d.stop()
    return cpu / (took * N / INTERVAL), rss


def fping(b, ns):
    """Spaced evenly, as the daemon does."""
    count = max(1, round(SECONDS / INTERVAL))
    argv = ["fping", "-q", "-c", str(count), "-p",
            str(int(INTERVAL * 1000)), "-i", f"{INTERVAL * 1000 / N:g}", "-r", "0"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run(ns.enter + argv, input="\n".join(ADDRESSES),
                       capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "min/avg/max" in p.stderr, p.stderr[-500:]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu / (N * count), None


def smokeping(b, ns, sockets):
    """As it comes it opens a raw socket per target."""
    p = b.start(["prometheus-smokeping-prober", "--config.file=", sockets,
                 f"--ping.interval={INTERVAL:g}s",
                 "--web.listen-address=127.0.0.1:0", *ADDRESSES], inside=ns)
    time.sleep(INTERVAL + 2)
    assert p.alive(), p.text()[-500:]
    cpu, _, took = measured(p.pid, SECONDS)
    rss = memory(p.pid)[0]
    p.stop()
    return cpu / (took * N / INTERVAL), rss


CLIENT = """
import http.client, sys, time
port, seconds, gap = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
c = http.client.HTTPConnection("127.0.0.1", port)
began, n = time.monotonic(), 0
while n * gap < seconds:
    time.sleep(max(0, began + n * gap - time.monotonic()))
    c.request("GET", "/probe?module=icmp&target=127.1.%d.%d" % (n % 1000 // 200, n % 200 + 1))
    text = c.getresponse().read()
    assert b"probe_success 1" in text, text[-300:]
    n += 1
print(n)
"""


def blackbox(b, ns):
    """It has no schedule: a client asks, and is not in the bill."""
    pathlib.Path(b.directory, "bb.yml").write_text(
        "modules: {icmp: {prober: icmp, timeout: 900ms, icmp: {preferred_ip_protocol: ip4}}}\n")
    p = b.start(["prometheus-blackbox-exporter", "--config.file=bb.yml",
                 "--web.listen-address=127.0.0.1:9115"], inside=ns)
    wait("blackbox", lambda: "Listening on" in p.text() or "Listening" in p.text())
    c = Cost(p.pid)
    out = subprocess.run(ns.enter + [sys.executable, "-c", CLIENT, "9115", str(SECONDS),
                                     str(INTERVAL / N)], capture_output=True, text=True)
    assert out.returncode == 0, out.stderr[-500:]
    cpu = c.end()[0]
    rss = memory(p.pid)[0]
    p.stop()
    return cpu / int(out.stdout), rss


WAYS = [("reachd, STUN over UDP", "sh", lambda b, ns: daemon(b, ns, "stun")),
        ("reachd, ICMP echo", "sh", lambda b, ns: daemon(b, ns, "icmp")),
        ("fping, spaced", "fping", fping),
        ("smokeping_prober, raw", "prometheus-smokeping-prober",
         lambda b, ns: smokeping(b, ns, "--privileged")),
        ("smokeping_prober, ping", "prometheus-smokeping-prober",
         lambda b, ns: smokeping(b, ns, "--no-privileged")),
        ("blackbox_exporter", "prometheus-blackbox-exporter", blackbox)]

results = {}
for _ in range(ROUNDS):
    for name, program, run in WAYS:
        if shutil.which(program) is None:
            continue
        with bench() as the_bench:
            ns = the_bench.netns("quiet")
            ns.run("sh", "-c", "echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range")
            results.setdefault(name, []).append(run(the_bench, ns))
print(f"{N} targets every {INTERVAL:g} s, {SECONDS:g} s each, {ROUNDS} rounds in turn: CPU us of a probe")
least = statistics.median(r[0] for r in results["reachd, ICMP echo"])
for name, each in results.items():
    cpu = sorted(r[0] for r in each)
    rss = f"{each[-1][1] / 1024:.0f} MB" if each[-1][1] else ""
    print(f"  {name:<24}{statistics.median(cpu) * 1e6:8.0f}  ({cpu[0] * 1e6:.0f} to {cpu[-1] * 1e6:.0f})"
          f"  {statistics.median(cpu) / least:6.1f} of reachd's  {rss}")
