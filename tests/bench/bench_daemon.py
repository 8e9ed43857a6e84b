#!/usr/bin/env python3
"""What the whole daemon costs: at rest with 1,000 UDP targets every 10 s,
beside a bare loop with the same packets at the same times; with 10,000
targets every second; and how much memory a target takes.

    REACHD_RELEASE=build/release/reachd bench_daemon.py [SECONDS]"""

import subprocess
import sys
import time

from fleet import DAY, RELEASE, Cost, bench, build, config, measured, memory

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 60


def bare(port, n, interval_ms, seconds):
    """CPU seconds of tests/bench/bare_udp over that time."""
    out = subprocess.run(
        [build("bare_udp"), str(port), str(n), str(interval_ms), str(seconds)],
        capture_output=True, text=True, check=True).stdout
    return float(out.split()[0])


def at_rest(b):
    r = b.reflect("--listen.udp=0.0.0.0:0")
    d = b.daemon(config(1000, r.port["udp"], "10s"), binary=b.binary).ready(60)
    time.sleep(12)
    rounds = []
    for _ in range(3):
        cpu, wakes, took = measured(d.pid, SECONDS / 3)
        rounds.append((cpu / took * DAY, wakes / took,
                       bare(r.port["udp"], 1000, 10000, SECONDS / 3) / (SECONDS / 3) * DAY))
    rounds.sort()
    cpu, wakes, least = rounds[1]
    rss, private, files = memory(d.pid)
    print("1,000 UDP targets every 10 s, one request each")
    print(f"  CPU seconds a day       {cpu:8.0f}  (aim 180; {rounds[0][0]:.0f} to {rounds[2][0]:.0f})")
    print(f"  a bare loop's           {least:8.0f}  ratio {cpu / least:.2f}")
    print(f"  wakeups a second        {wakes:8.1f}  (aim 12)")
    print(f"  memory, MB              {rss / 1024:8.1f}  (aim 10): {private / 1024:.1f} private, "
          f"{files / 1024:.1f} of shared libraries and program")
    d.stop()
    return private


def per_target(b, private):
    r = b.reflect("--listen.udp=0.0.0.0:0")
    d = b.daemon(config(10000, r.port["udp"], "10s"), name="many", binary=b.binary).ready(60)
    each = (memory(d.pid)[1] - private) * 1024 / 9000
    print(f"  bytes of a target       {each:8.0f}  of which 2064 are its ring of 128 samples")
    d.stop()


def at_speed(b):
    r = b.reflect("--listen.udp=0.0.0.0:0")
    d = b.daemon(config(10000, r.port["udp"], "1s"), name="fast", binary=b.binary).ready(60)
    time.sleep(3)
    before = d.metrics()
    cpu, wakes, took = measured(d.pid, SECONDS / 3)
    m = d.metrics()

    def more(family):
        return m.sum(family) - before.sum(family)

    requests = more("reachd_requests_total")
    least = bare(r.port["udp"], 10000, 1000, SECONDS / 3) / (SECONDS / 3)
    each = cpu / (took * 10000) * 1e6
    print("10,000 UDP targets every second, one request each")
    print(f"  requests                {requests:8.0f}  lost {more('reachd_requests_lost_total'):.0f}, "
          f"late {more('reachd_requests_late_total'):.0f}, "
          f"missed {more('reachd_probes_missed_total'):.0f}, "
          f"dropped {more('reachd_receive_drops_total'):.0f}")
    print(f"  CPU us of a request     {each:8.2f}  a bare loop's {least / 10000 * 1e6:.2f}, "
          f"ratio {each / (least / 10000 * 1e6):.2f}")
    print(f"  wakeups a second        {wakes / took:8.1f}")
    scrapes(d)
    d.stop()


def lag(m):
    """Sum and count of the media loop's lag."""
    return (m.one("reachd_event_loop_lag_seconds_sum", loop="media"),
            m.one("reachd_event_loop_lag_seconds_count", loop="media"))


def scrapes(d):
    """What a scrape costs beyond the probing, and what the loop feels of it."""
    quiet = lag(d.metrics())
    idle, _, idle_took = measured(d.pid, SECONDS / 6)
    before = lag(d.metrics())
    c, n = Cost(d.pid), 0
    end = time.monotonic() + SECONDS / 3
    while time.monotonic() < end:
        out = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{size_download}",
                              f"http://127.0.0.1:{d.port}/metrics"],
                             capture_output=True, text=True, check=True)
        n, size = n + 1, int(out.stdout)
        time.sleep(1.1)  # so that each has a snapshot of its own
    cpu, _, took = c.end()
    after = lag(d.metrics())
    lines = sum(not x.startswith("#") for x in d.get("/metrics").splitlines())
    own = (cpu - idle / idle_took * took) / n

    def mean(a, b):
        return (b[0] - a[0]) / max(1, b[1] - a[1]) * 1e3

    print(f"  a scrape, CPU ms        {own * 1e3:8.1f}  {size / 1e6:.1f} MB, "
          f"{own / lines * 1e9:.0f} ns a sample, snapshot and sending and all")
    print(f"  mean lag of the loop, ms{mean(quiet, before):8.2f}  while scraped {mean(before, after):.2f}")


with bench() as the_bench:
    the_bench.binary = RELEASE
    per_target(the_bench, at_rest(the_bench))
    at_speed(the_bench)
