"""The plain collectors tcp and icmp, and `expect: blocked`."""

import socket
import threading

import pytest

from harness import free_port, link, wait


def pings(ns):
    """Lets datagram sockets of the group 0 send ICMP there; in a new
    namespace nobody's may."""
    ns.run("sh", "-c", "echo 0 0 >/proc/sys/net/ipv4/ping_group_range")


def firewall(ns, rules):
    ns.nft("flush ruleset\ntable inet t {\nchain i { type filter hook input priority 0; "
           "policy accept;\n" + rules + "\n}\n}\n")


def only_reason(d, target, transport, reason, at_least=2):
    """The requests of one target fail, and by one reason only."""
    m = wait(reason, lambda: (m := d.metrics()).one(
        "reachd_failures_total", transport=transport, reason=reason) >= at_least and m)
    others = {lab["reason"]: v for lab, v in m.all("reachd_failures_total", transport=transport)
              if v > 0 and lab["reason"] != reason}
    assert not others, others
    wait("down", lambda: d.metrics().one("reachd_target_up", target=target) == 0)


ICMP = """
defaults: {{interval: 400ms, timeout: 200ms, count: 2, windows: [1m]}}
targets: [{{name: echo, probe: icmp, address: "{address}"}}]
"""


@pytest.mark.parametrize("address", ["10.77.1.2", "fd77:1::2"])
def test_echo_through_a_firewall(bench, address):
    near, far = bench.netns("near"), bench.netns("far")
    link(near, far)
    pings(near)
    d = bench.daemon(ICMP.format(address=address), inside=near)
    wait("up", lambda: d.metrics().one("reachd_target_up", target="echo") == 1)
    m = d.metrics()
    assert m.sum("reachd_requests_lost_total") == 0
    assert 1e-6 < m.one("reachd_rolling_rtt_mean_seconds", window="1m") < 0.2
    echo = "icmp type echo-request" if address[0] == "1" else "icmpv6 type echo-request"
    for reason, rule in (("timeout", "drop"),
                         ("unreachable", "reject with icmpx type host-unreachable"),
                         ("prohibited", "reject with icmpx type admin-prohibited")):
        firewall(far, f"{echo} {rule}")
        wait(reason, lambda: d.metrics().one(
            "reachd_failures_total", transport="icmp", reason=reason) >= 4)
    wait("down", lambda: d.metrics().one("reachd_target_state", state="down") == 1)
    far.nft("flush ruleset\n")
    wait("up again", lambda: d.metrics().one("reachd_target_up", target="echo") == 1)


def test_echo_where_the_system_forbids_it(bench):
    near, far = bench.netns("near"), bench.netns("far")
    link(near, far)
    d = bench.daemon(ICMP.format(address="10.77.1.2"), inside=near)
    m = wait("local requests", lambda: (m := d.metrics()).one("reachd_requests_local_total") >= 4 and m)
    assert m.one("reachd_requests_lost_total") == 0
    assert m.one("reachd_target_state", state="unknown") == 1
    said = [line for line in d.text().splitlines() if "net.ipv4.ping_group_range" in line]
    assert len(said) == 1 and "forbidden" in said[0], d.text()
    # Allowed while the daemon runs: no restart is needed.
    pings(near)
    wait("up", lambda: d.metrics().one("reachd_target_up", target="echo") == 1)


TCP = """
defaults: {{interval: 700ms, timeout: 400ms, windows: [1m]}}
targets: [{{name: port, probe: tcp, address: "{address}", expect: {expect}}}]
"""


class Listener(threading.Thread):
    """Accepts and closes on loopback, until closed."""

    def __init__(self, bench):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.start()
        bench.closing.append(self.close)

    def run(self):
        try:
            while True:
                self.socket.accept()[0].close()
        except OSError:
            pass

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        self.join(5)


def test_a_port_opens_and_closes(bench):
    listener = Listener(bench)
    d = bench.daemon(TCP.format(address=listener.address, expect="reachable")).ready()
    wait("up", lambda: d.metrics().one("reachd_target_up", target="port") == 1)
    m = d.metrics()
    assert {lab["phase"] for lab, v in m.all("reachd_probe_phase_seconds") if v > 0} == {"connect"}
    assert m.sum("reachd_requests_lost_total") == 0
    listener.close()
    only_reason(d, "port", "tcp", "refused")


@pytest.mark.parametrize("reason,rule", [
    ("timeout", "drop"), ("refused", "reject with tcp reset"),
    ("prohibited", "reject with icmpx type admin-prohibited"),
    ("unreachable", "reject with icmpx type host-unreachable")])
def test_a_firewall_in_front_of_a_port(bench, reason, rule):
    near, far = bench.netns("near"), bench.netns("far")
    _, host = link(near, far)
    firewall(far, f"tcp dport 80 {rule}")
    d = bench.daemon(TCP.format(address=f"{host}:80", expect="reachable"), inside=near)
    only_reason(d, "port", "tcp", reason)


def test_a_stream_that_is_closed_before_the_answer(bench):
    listener = Listener(bench)
    d = bench.daemon(f"""
defaults: {{interval: 700ms, timeout: 400ms, windows: [1m]}}
media: {{clusters: [{{name: far, tcp: ["stun:{listener.address}"]}}]}}
""")
    only_reason(d, d.metrics().all("reachd_target_up")[0][0]["target"], "tcp", "reset")


def test_what_must_be_blocked(bench):
    """A port that must be closed: up while it is, down when it opens."""
    port = free_port()
    d = bench.daemon(TCP.format(address=f"127.0.0.1:{port}", expect="blocked")).ready()
    wait("up", lambda: d.metrics().one("reachd_target_state", target="port", state="up") == 1)
    m = d.metrics()
    assert m.one("reachd_target_info", target="port", expect="blocked") == 1
    s = socket.create_server(("127.0.0.1", port))
    bench.closing.append(s.close)
    wait("down", lambda: d.metrics().one("reachd_target_state", target="port", state="down") == 1)
    assert "target_down" in {e["event"] for e in d.api("events")["events"]}
    s.close()
    wait("up again", lambda: d.metrics().one("reachd_target_state", target="port", state="up") == 1)
