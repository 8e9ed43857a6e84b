#!/usr/bin/env python3
"""Round-trip times that the daemon reports beside those in a packet capture:
at rest, and at 10,000 requests a second while it is scraped all the time.
Two network namespaces and a link between them; needs root and tcpdump.

    REACHD_RELEASE=build/release/reachd bench_rtt.py [SECONDS]"""

import bisect
import collections
import pathlib
import re
import struct
import subprocess
import sys
import time

from fleet import RELEASE, address, bench, config
from harness import link, tool, wait

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 10
NET = "10.128"
VALUE = re.compile(r'^(reachd_probe_last_rtt_seconds|reachd_probe_last_timestamp_seconds)'
                   r'\{target="(t\d+)"[^}]*\} (\S+)$', re.M)


def exchanges(path):
    """By address: [(time of the answer, round trip)], in ns."""
    data = path.read_bytes()
    assert struct.unpack("<I", data[:4])[0] == 0xa1b23c4d, "not a capture in ns"
    asked, found, at = {}, collections.defaultdict(list), 24
    while at + 16 <= len(data):
        s, ns, held, _ = struct.unpack_from("<IIII", data, at)
        p = data[at + 16:at + 16 + held]
        at += 16 + held
        if len(p) < 62 or p[23] != 17:
            continue
        when, key = s * 10**9 + ns, p[50:62]
        if p[42:44] == b"\0\1":
            asked[key] = when
        elif key in asked:
            found[".".join(map(str, p[26:30]))].append((when, when - asked.pop(key)))
    return found


def seconds_to_ns(text):
    whole, _, part = text.partition(".")
    return int(whole) * 10**9 + int((part + "0" * 9)[:9])


def errors(scrape, found):
    """Of each target's last round trip: reported minus captured, in us."""
    at, rtt, out = {}, {}, []
    for family, target, text in VALUE.findall(scrape.read_text()):
        (rtt if "rtt" in family else at)[target] = seconds_to_ns(text)
    for target, reported in rtt.items():
        seen = found.get(address(int(target[1:]), NET), [])
        i = bisect.bisect_right(seen, (at[target], 1 << 62)) - 1
        if i >= 0:
            out.append((reported - seen[i][1]) / 1000)
    return out


def show(title, all_errors, stamps):
    e = sorted(all_errors)
    a = sorted(map(abs, e))
    print(f"{title}: {len(e)} round trips, {stamps}")
    print(f"  error in us: median {e[len(e) // 2]:.1f}, absolute p50 {a[len(a) // 2]:.1f}, "
          f"p99 {a[len(a) * 99 // 100]:.1f}, greatest {a[-1]:.1f}")


def run(b, title, n, busy):
    near, far = b.netns("near"), b.netns("far")
    _, there = link(near, far)
    far.run("ip", "route", "add", "local", f"{NET}.0.0/16", "dev", "lo")
    near.run("ip", "route", "add", f"{NET}.0.0/16", "via", there)
    r = b.reflect("--listen.udp=0.0.0.0:0", inside=far, name=f"reflect{n}")
    d = b.daemon(config(n, r.port["udp"], "1s", net=NET), name=f"reachd{n}",
                 binary=RELEASE, inside=near)
    wait("readiness", lambda: d.request("/-/ready")[0] == 200, 60)
    folder = pathlib.Path(b.directory)
    pcap = folder / f"{n}.pcap"
    capture = b.start([tool("tcpdump"), "-i", "v1a", "-w", pcap, "-s", "64", "-B", "65536",
                       "-n", "-Z", "root", "--time-stamp-precision=nano", "udp"],
                      name=f"tcpdump{n}", inside=near)
    wait("the capture", lambda: "listening on" in capture.text())
    time.sleep(2)
    saved, end = [], time.monotonic() + SECONDS
    url = f"http://127.0.0.1:{d.port}/metrics"
    while time.monotonic() < end:
        saved.append(folder / f"{n}-{len(saved)}.txt")
        near.run("curl", "-s", "-o", saved[-1], url)
        if busy:
            near.run("curl", "-s", "-o", "/dev/null", url)
        else:
            time.sleep(1)
    m = d.metrics()
    stamps = {lab["source"]: int(v) for lab, v in m.all("reachd_rtt_source_total") if v}
    capture.stop()
    found = exchanges(pcap)
    show(title, [e for s in saved for e in errors(s, found)], stamps)
    d.stop()


with bench() as the_bench:
    run(the_bench, "at rest, 100 requests a second", 100, False)
with bench() as the_bench:
    run(the_bench, "10,000 requests a second, scraped all the time", 10000, True)
