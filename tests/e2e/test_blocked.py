"""expect: blocked. What nftables does to a path is what the target says of
it, for each way to block and to let through, over UDP and TCP."""

import pytest

from harness import link, wait

HEAD = """
defaults: {interval: 300ms, timeout: 200ms, count: 2, spacing: 20ms, windows: [1m],
  expect: blocked}
thresholds: {down_after: 2, up_after: 2, flap_changes: 0}
"""

CLEAR = "flush ruleset\n"


def rules(verdict):
    return (CLEAR + "table inet t {\nchain i {\n type filter hook input priority 0; policy accept;\n"
            f" meta l4proto udp {verdict.format(p='udp')}\n"
            f" meta l4proto tcp {verdict.format(p='tcp')}\n}}\n}}\n")


# Verdicts of the firewall, and how requests over UDP and TCP end then.
WALLS = {
    "drop": (rules("drop"), "timeout", "timeout"),
    "reject": ("%s" % rules("reject with icmpx type port-unreachable"), "refused", "refused"),
    "prohibit": (rules("reject with icmpx type admin-prohibited"), "prohibited", "prohibited"),
    "host": (rules("reject with icmpx type host-unreachable"), "unreachable", "unreachable"),
    "reset": (CLEAR + "table inet t {\nchain i {\n type filter hook input priority 0; policy accept;\n"
              " meta l4proto udp drop\n meta l4proto tcp reject with tcp reset\n}\n}\n",
              "timeout", "refused"),
}


def targets(d):
    return {t["target"]: t for t in d.api("targets")["targets"]}


def settled(d, name, **want):
    def check():
        t = targets(d)[name]
        seen = {k: t[k] for k in want}
        assert seen == want, seen
        return t
    return wait(f"{name} to be {want}", check, 20)


def causes(d, name, event):
    return [e["cause"] for e in d.api("events")["events"]
            if e.get("subject") == name and e["event"] == event]


@pytest.fixture
def pair(bench):
    near, far = bench.netns("near"), bench.netns("far")
    near.run("sh", "-c", "echo 0 0 >/proc/sys/net/ipv4/ping_group_range")
    # One error a second to a peer is too few for a request each 150 ms.
    far.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit")
    here, there = link(near, far)
    return near, far, here, there


def start(bench, near, far, host):
    r = bench.reflect(f"--listen.udp={host}:0", f"--listen.tcp={host}:0", inside=far)
    return bench.daemon(HEAD + f"""
targets:
  - {{name: udp, address: '{host}:{r.port["udp"]}'}}
  - {{name: tcp, transport: tcp, address: '{host}:{r.port["tcp"]}'}}
  - {{name: connect, probe: tcp, count: 1, address: '{host}:{r.port["tcp"]}'}}
  - {{name: echo, probe: icmp, expect: reachable, address: {host}}}
  - {{name: nowhere, probe: tcp, count: 1, address: 'nowhere.invalid:80'}}
resolver: '{host}:1'
""", inside=near).ready()


def test_walls(bench, pair):
    near, far, _, there = pair
    far.nft(WALLS["drop"][0])
    d = start(bench, near, far, there)
    settled(d, "echo", state="up")
    for name, (ruleset, udp, tcp) in WALLS.items():
        far.nft(CLEAR)
        for n in ("udp", "tcp", "connect"):
            settled(d, n, state="down", last_outcome="answered", success=True)
        far.nft(ruleset)
        settled(d, "udp", state="up", last_outcome=udp, success=False)
        settled(d, "tcp", state="up", last_outcome=tcp, success=False)
        settled(d, "connect", state="up", last_outcome=tcp, success=False)
    # A name that does not resolve says nothing of any wall.
    settled(d, "nowhere", state="unknown", last_outcome="dns")
    assert any(c.startswith("open, expected blocked: A valid answer")
               for c in causes(d, "udp", "target_down")), d.get("/api/v1/events")
    assert any(c.startswith("blocked, as expected: No answer came in time")
               for c in causes(d, "tcp", "target_up")), d.get("/api/v1/events")
    page = d.get("/")
    assert "blocked, as expected" in page
    m = d.metrics()
    assert m.one("reachd_target_up", target="udp") == 1
    assert m.one("reachd_probe_success", target="udp") == 0
    # No failure of a wall is one of the site.
    assert m.one("reachd_target_state", target="nowhere", state="unknown") == 1
    far.nft(CLEAR)
    settled(d, "connect", state="down")
    assert "open, expected blocked" in d.get("/")
    assert "open, expected blocked" in d.text()


def test_bytes_that_are_no_answer(bench, pair):
    """Whatever comes back came through."""
    near, far, _, there = pair
    port = 7007
    far_argv = ["/usr/bin/python3", "-c",
                "import socket\n"
                "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                f"s.bind(('{there}', {port}))\n"
                "while True:\n"
                " b, a = s.recvfrom(2048)\n"
                " s.sendto(b, a)\n"]
    bench.start(far_argv, name="echo", inside=far)
    d = bench.daemon(HEAD + f"""
targets:
  - {{name: udp, address: '{there}:{port}'}}
""", inside=near).ready()
    settled(d, "udp", state="down", last_outcome="protocol")
    assert any(c.startswith("open, expected blocked: The bytes that came")
               for c in causes(d, "udp", "target_down"))


def test_own_link(bench, pair):
    """While the site's own link is down, no wall is proven."""
    near, far, _, there = pair
    far.nft(WALLS["drop"][0])
    d = start(bench, near, far, there)
    settled(d, "udp", state="up")
    near.run("ip", "link", "set", "v1a", "down")
    for n in ("udp", "tcp", "connect"):
        settled(d, n, state="unknown", last_outcome="local")
    near.run("ip", "link", "set", "v1a", "up")
    for n in ("udp", "tcp", "connect"):
        settled(d, n, state="up", last_outcome="timeout")
