"""A wall clock that is stepped, by a day and more either way: no round-trip
time, window or schedule may change. The clock of the machine is never set;
the daemon's own idea of it is."""

import glob

import pytest

from harness import RELEASE, wait
from test_snmp import Master, connected, number, oid, settled


def library():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    assert found, "libfaketime is not installed: tests/packages"
    return found[0]


@pytest.mark.parametrize("step", ["+26h", "-26h"])
def test_a_step_changes_nothing(bench, tmp_path, step):
    faketime = tmp_path / "faketime"
    faketime.write_text("+0")
    r = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0", "--delay=5ms")
    d = bench.daemon(f"""
defaults: {{interval: 500ms, timeout: 300ms, count: 2, windows: [10s, 1m]}}
media:
  clusters:
    - {{name: a, class: public, udp: ["stun:127.0.0.1:{r.port['udp']}"],
        tcp: ["stun:127.0.0.1:{r.port['tcp']}"]}}
""", binary=RELEASE, env={
        "LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": str(faketime),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    d.ready()
    window = {"window": "1m", "transport": "udp"}

    def count(n):
        def check():
            m = d.metrics()
            assert m.one("reachd_rolling_requests", **window) >= n
            return m
        return wait(f"{n} requests", check, 30)

    before = count(12)
    stamp = before.one("reachd_probe_last_timestamp_seconds", transport="udp")
    faketime.write_text(step)
    n = before.one("reachd_rolling_requests", **window)
    after = count(n + 12)
    # The step was seen: the moments that are named have moved with it.
    moved = after.one("reachd_probe_last_timestamp_seconds", transport="udp") - stamp
    assert abs(abs(moved) - 26 * 3600) < 120, moved
    for t in ("udp", "tcp"):
        low = after.one("reachd_rolling_rtt_min_seconds", window="1m", transport=t)
        high = after.one("reachd_rolling_rtt_max_seconds", window="1m", transport=t)
        # A step would be 26 hours; a busy machine is what it is.
        assert 0.005 <= low <= high < 1, (t, low, high)
        assert after.one("reachd_rolling_loss_ratio", window="1m", transport=t) == 0
    assert after.sum("reachd_probes_missed_total") == 0
    assert after.sum("reachd_target_up") == 2
    # No window was emptied, and none holds more than was sent.
    assert after.one("reachd_rolling_requests", **window) <= after.one(
        "reachd_requests_total", transport="udp")
    faketime.write_text("+0")
    count(n + 24)


def test_a_step_changes_no_time_stamp(bench, tmp_path):
    """What SNMP has in terms of sysUpTime: a manager throws away what it has
    counted when such a moment changes."""
    faketime = tmp_path / "faketime"
    faketime.write_text("+0")
    port = bench.reflect("--listen.udp=127.0.0.1:0").port["udp"]
    master = Master(bench).start()
    d = bench.daemon(f"""
defaults: {{interval: 500ms, timeout: 300ms, windows: [10s]}}
snmp: {{agentx: {master.socket}}}
targets: [{{name: x, address: "127.0.0.1:{port}"}}]
""", binary=RELEASE, env={
        "LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": str(faketime),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    d.ready()
    wait("the subagent", lambda: connected(d))
    requests = lambda: d.metrics().sum("reachd_requests_total")

    def stamps():
        found = settled(d, master)
        return [number(found[oid(o)]) for o in ("1.3.0", "1.17.0", "3.1.1.23.1")]

    before = stamps()
    assert all(0 < s < 3600 * 100 for s in before)
    for step in ("+26h", "-26h", "+9000d", "-9000d", "+0"):
        faketime.write_text(step)
        seen = requests()
        wait("more requests", lambda: requests() > seen + 12)
        assert stamps() == before, step
