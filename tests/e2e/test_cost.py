"""What the daemon costs, by numbers that a busy machine does not change:
wakeups, and instructions of the program itself."""

import pathlib
import re
import time

from harness import RELEASE, tool, wait

CONFIG = """
defaults: {{interval: {interval}, timeout: 900ms, count: 1}}
targets:
"""


def fleet(port, n, interval):
    return CONFIG.format(interval=interval) + "".join(
        f"  - {{name: t{i}, address: '127.2.0.{i + 1}:{port}'}}\n" for i in range(n))


def wakes(pid):
    """Times that any thread has gone to sleep of its own accord."""
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (t / "status").read_text(),
                             re.M)[1]) for t in pathlib.Path(f"/proc/{pid}/task").iterdir())


def test_wakeups_do_not_grow_with_targets(bench):
    r = bench.reflect("--listen.udp=0.0.0.0:0")
    d = bench.daemon(fleet(r.port["udp"], 200, "2s"), binary=RELEASE).ready(60)
    wait("two rounds of all", lambda: d.metrics().sum("reachd_requests_total") >= 400)
    began, before = time.monotonic(), wakes(d.pid)
    time.sleep(5)
    rate = (wakes(d.pid) - before) / (time.monotonic() - began)
    # Ten ticks and one decision a second, and what a thread does at times.
    assert 5 < rate <= 12.5, rate
    assert d.metrics().sum("reachd_requests_lost_total") == 0


def test_instructions_of_a_request(bench, tmp_path):
    """Those below sched_advance(), system calls not followed."""
    r = bench.reflect("--listen.udp=0.0.0.0:0")
    counts = tmp_path / "callgrind.out"
    starter = tmp_path / "counted"
    starter.write_text(f"""#!/bin/sh
exec {tool("valgrind")} --tool=callgrind --quiet --toggle-collect=sched_advance \\
    --callgrind-out-file={counts} {RELEASE} "$@"
""")
    starter.chmod(0o755)
    d = bench.daemon(fleet(r.port["udp"], 200, "1s"), binary=starter)
    wait("many requests", lambda: d.metrics().sum("reachd_requests_total") >= 2000, 60)
    requests = d.metrics().sum("reachd_requests_total")
    d.stop(60)
    total = int(re.search(r"^(?:summary|totals): (\d+)", counts.read_text(), re.M)[1])
    each = total / requests
    print(f"{each:.0f} instructions of a request")
    assert 500 < each < 6000, each
