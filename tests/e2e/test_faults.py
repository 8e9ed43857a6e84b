"""Faults between two network namespaces: what is injected must be what is
reported, within the statistical error of the sample count, and by its name."""

import math
import pathlib
import struct

import pytest

from harness import RELEASE, link, wait

CONFIG = """
defaults: {{interval: {interval}, timeout: {timeout}, count: {count}, spacing: 20ms, windows: [1m, 5m]}}
thresholds: {{loss_degraded: 60%, loss_recovered: 50%}}
media:
  clusters:
    - name: far
      class: public
      udp: ["stun:{host}:{udp}"]
"""

# Twenty requests a second; no answer is late for a machine that is busy.
PATIENT = {"interval": "1s", "timeout": "500ms", "count": 20}


@pytest.fixture
def pair(bench):
    near, far = bench.netns("near"), bench.netns("far")
    _, host = link(near, far)
    return near, far, host


def start(bench, near, far, host, *options, interval="200ms", timeout="100ms", count=5):
    r = bench.reflect(f"--listen.udp={host}:0", "--seed=1", *options, inside=far)
    d = bench.daemon(CONFIG.format(host=host, udp=r.port["udp"], interval=interval,
                                   timeout=timeout, count=count),
                     inside=near, binary=RELEASE)
    return d.ready()


def requests(d, n):
    """The 1 m window once it holds at least n requests."""
    def enough():
        m = d.metrics()
        assert m.one("reachd_rolling_requests", window="1m") >= n
        return m
    return wait(f"{n} requests", enough, 60, 0.2)


def sigma(p, n):
    return math.sqrt(p * (1 - p) / n)


@pytest.mark.parametrize("percent", [5, 20])
def test_random_loss_by_the_kernel(bench, pair, percent):
    """nftables drops a share of the answers at random. n requests of a
    binomial: four standard deviations, so one run in 16,000 would err."""
    near, far, host = pair
    far.nft(f"table inet t {{ chain o {{ type filter hook output priority 0; policy accept;\n"
            f"udp sport 1-65535 numgen random mod 100 < {percent} drop\n}}\n}}\n")
    d = start(bench, near, far, host, **PATIENT)
    m = requests(d, 600)
    n = m.one("reachd_rolling_requests", window="1m")
    loss = m.one("reachd_rolling_loss_ratio", window="1m")
    p = percent / 100
    assert abs(loss - p) <= 4 * sigma(p, n), (loss, p, n)
    # Every lost one is a time-out, and nothing is counted twice.
    lost = m.one("reachd_requests_lost_total")
    assert lost == m.sum("reachd_failures_total", transport="udp")
    assert lost == m.one("reachd_failures_total", transport="udp", reason="timeout")


def test_every_tenth_lost_is_a_tenth(bench, pair):
    near, far, host = pair
    far.nft("table inet t { chain o { type filter hook output priority 0; policy accept;\n"
            "udp sport 1-65535 numgen inc mod 10 == 0 drop\n}\n}\n")
    d = start(bench, near, far, host, **PATIENT)
    m = requests(d, 400)
    n = m.one("reachd_rolling_requests", window="1m")
    answers = m.one("reachd_rolling_answers", window="1m")
    # Exact: the window holds n in a row, of which n/10 are lost, give or take one.
    assert abs((n - answers) - n / 10) <= 1, (n, answers)
    assert m.one("reachd_rolling_loss_burst_max", window="1m") == 1


def round_trips(path):
    """Of a capture at the near end: STUN requests in the order of sending,
    with their round-trip times as the kernel stamped the packets."""
    data = path.read_bytes()
    magic, = struct.unpack_from("<I", data)
    assert magic == 0xa1b23c4d, hex(magic)  # nanoseconds
    at, sent, took = 24, {}, {}
    while at + 16 <= len(data):
        sec, nsec, kept, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + kept]
        at += 16 + kept
        stun = frame[14 + 20 + 8:]
        if frame[12:14] != b"\x08\x00" or frame[23] != 17 or len(stun) < 20 or stun[4:8] != b"\x21\x12\xa4\x42":
            continue
        when = sec * 10**9 + nsec
        if stun[:2] == b"\x00\x01":
            sent[stun[8:20]] = when
        elif stun[8:20] in sent:
            took.setdefault(stun[8:20], when - sent[stun[8:20]])
    return [took[i] for i in sorted(sent, key=sent.get) if i in took]


def test_delay_and_jitter_are_what_a_capture_says(bench, pair, tmp_path):
    """10 ms +- 2 ms are injected; how busy the machine was shows in the
    capture as well, so reported and captured must agree whatever it did."""
    near, far, host = pair
    capture = tmp_path / "near.pcap"
    dump = bench.start(["/usr/bin/python3", pathlib.Path(__file__).with_name("capture.py"), "v1a",
                        capture], inside=near)
    wait("the capture", lambda: "capturing" in dump.text())
    d = start(bench, near, far, host, "--delay=10ms", "--jitter=2ms", **PATIENT)
    m = requests(d, 400)
    window = {"window": "5m"}
    n = int(m.one("reachd_rolling_answers", **window))
    assert m.one("reachd_rolling_loss_ratio", **window) == 0
    d.stop()
    dump.stop()
    truth = round_trips(capture)[:n]
    assert len(truth) == n
    mean = sum(truth) / n
    near_truth = {
        "rtt_min": min(truth), "rtt_max": max(truth), "rtt_mean": mean,
        "rtt_p50": sorted(truth)[math.ceil(0.5 * n) - 1],
        "rtt_p95": sorted(truth)[math.ceil(0.95 * n) - 1],
        "rtt_stddev": math.sqrt(sum((t - mean) ** 2 for t in truth) / n),
        "jitter": sum(abs(x - y) for x, y in zip(truth, truth[1:])) / (n - 1),
    }
    for name, ns in near_truth.items():
        seen = m.one(f"reachd_rolling_{name}_seconds", **window) * 1e9
        assert abs(seen - ns) < 50_000, (name, seen, ns)
    # And the capture shows what was injected: uniform in 8..12 ms, or later.
    assert 8e6 <= min(truth) and 9.5e6 < near_truth["rtt_p50"] < 14e6, near_truth


def test_duplicates_and_reordering_are_no_samples(bench, pair):
    near, far, host = pair
    d = start(bench, near, far, host, "--delay=5ms", "--duplicate=30%", "--reorder=30%",
              timeout="400ms", interval="600ms", count=10)
    m = requests(d, 200)
    assert m.one("reachd_rolling_loss_ratio", window="1m") == 0
    # Requests are counted once: what was answered is what was sent.
    assert m.one("reachd_requests_total") == m.one("reachd_rtt_seconds_count")
    assert m.one("reachd_answers_unmatched_total") > 0.15 * m.one("reachd_requests_total")


def test_late_answers_are_lost_and_counted_late(bench, pair):
    near, far, host = pair
    d = start(bench, near, far, host, "--delay=150ms", timeout="100ms", interval="600ms")
    wait("late answers", lambda: d.metrics().one("reachd_requests_late_total") >= 10)
    m = d.metrics()
    assert m.one("reachd_rolling_answers", window="1m") == 0
    assert m.one("reachd_requests_lost_total") == m.one("reachd_requests_total")
    assert m.one("reachd_target_up") == 0


RULES = {
    "timeout": "drop",
    "refused": "reject with icmpx type port-unreachable",
    "unreachable": "reject with icmpx type host-unreachable",
    "prohibited": "reject with icmpx type admin-prohibited",
}


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("reason", RULES)
def test_a_firewall_is_named_by_what_it_does(bench, pair, reason, family):
    near, far, host = pair
    address = host if family == 4 else "[fd77:1::2]"
    port = 5004
    far.nft("table inet t { chain i { type filter hook input priority 0; policy accept;\n"
            f"udp dport {port} {RULES[reason]}\n"
            f"tcp dport {port} {RULES[reason]}\n}}\n}}\n")
    d = bench.daemon(f"""
defaults: {{interval: 2s, timeout: 1500ms, count: 2, windows: [1m]}}
media:
  clusters:
    - {{name: far, class: public, udp: ["stun:{address}:{port}"], tcp: ["stun:{address}:{port}"]}}
""", inside=near)
    for t in ("udp", "tcp"):
        wait(f"{t} {reason}", lambda: d.metrics().one(
            "reachd_failures_total", transport=t, reason=reason) >= 2)
        m = d.metrics()
        others = {lab["reason"]: v for lab, v in m.all("reachd_failures_total", transport=t)
                  if v > 0 and lab["reason"] != reason}
        assert not others, (t, others)


def test_link_down_blames_nobody_and_link_up_probes_at_once(bench, pair):
    near, far, host = pair
    d = start(bench, near, far, host, interval="5s", timeout="1s", count=3)
    wait("up", lambda: d.metrics().one("reachd_target_up") == 1)
    lost = d.metrics().one("reachd_requests_lost_total")
    changes = d.metrics().sum("reachd_network_changes_total")
    near.run("ip", "link", "set", "v1a", "down")
    m = wait("unknown", lambda: (m := d.metrics()).one("reachd_target_state", state="unknown") == 1 and m, 60)
    assert m.one("reachd_requests_lost_total") == lost, "the far side was blamed"
    assert m.one("reachd_requests_local_total") > 0
    wait("the verdict", lambda: d.metrics().one("reachd_local_outage") == 1)
    probes = d.metrics().one("reachd_probes_total")
    near.run("ip", "link", "set", "v1a", "up")
    near.run("ip", "addr", "replace", "10.77.1.1/24", "dev", "v1a")
    wait("a round by the change", lambda: d.api("targets")["targets"][0]["trigger"] == "network")
    m = wait("up again", lambda: (m := d.metrics()).one("reachd_target_up") == 1 and m)
    assert m.one("reachd_probes_total") > probes
    assert m.sum("reachd_network_changes_total") > changes
    assert m.one("reachd_requests_lost_total") == lost
    states = {e["event"] for e in d.api("events")["events"]}
    assert "network_change" in states and "target_down" not in states, states


def test_udp_blocked_is_the_verdict_when_tcp_works(bench, pair):
    near, far, host = pair
    r = bench.reflect(f"--listen.udp={host}:0", f"--listen.tcp={host}:0",
                      f"--listen.tls={host}:0", inside=far)
    far.nft("table inet t { chain i { type filter hook input priority 0; policy accept;\n"
            "meta l4proto udp drop\n}\n}\n")
    d = bench.daemon(f"""
defaults: {{interval: 1s, timeout: 500ms, windows: [1m]}}
media:
  clusters:
    - {{name: far, class: public, udp: ["stun:{host}:{r.port['udp']}"],
        tcp: ["stun:{host}:{r.port['tcp']}"], xtls: ["stun:{host}:{r.port['tls']}"]}}
""", inside=near)
    m = wait("the verdict", lambda: (m := d.metrics()).one("reachd_udp_blocked") == 1 and m)
    assert m.one("reachd_cluster_preferred_transport", transport="tcp", media_cluster="far") == 1
    assert m.one("reachd_media_backend_unreachable") == 0
    far.nft("flush ruleset\n")
    wait("open again", lambda: d.metrics().one("reachd_udp_blocked") == 0)
    wait("udp preferred", lambda: d.metrics().one(
        "reachd_cluster_preferred_transport", transport="udp", media_cluster="far") == 1)
