"""What leaves the host: source address, interface and DSCP as a firewall on
the other side sees them, over every transport."""

import json

import pytest

from harness import link, wait

PORT = {"udp": 5004, "tcp": 5004, "tls": 5443}


class Counters:
    """nft counters for what arrives, by a rule each."""

    def __init__(self, ns, rules):
        self.ns = ns
        lines = [f"counter {name} {{}}" for name in rules]
        lines.append("chain i { type filter hook input priority 0; policy accept;")
        lines += [f"{match} counter name {name}" for name, match in rules.items()]
        ns.nft("table inet wire {\n" + "\n".join(lines) + "\n}\n}\n")

    def read(self):
        listed = json.loads(self.ns.run("nft", "-j", "list", "counters"))["nftables"]
        return {c["counter"]["name"]: c["counter"]["packets"]
                for c in listed if "counter" in c}


def pings(ns):
    """Lets datagram sockets of the group 0 send ICMP there."""
    ns.run("sh", "-c", "echo 0 0 >/proc/sys/net/ipv4/ping_group_range")


def started(bench, near, far, host, setting):
    """A daemon with all of stun over udp, tcp, tls and icmp to one host."""
    bench.reflect(f"--listen.udp={host}:{PORT['udp']}", f"--listen.tcp={host}:{PORT['tcp']}",
                  f"--listen.tls={host}:{PORT['tls']}", inside=far)
    pings(near)
    d = bench.daemon(f"""
defaults: {{interval: 1s, timeout: 700ms, windows: [1m], {setting}}}
media:
  clusters:
    - {{name: far, class: public, udp: ["stun:{host}:{PORT['udp']}"],
        tcp: ["stun:{host}:{PORT['tcp']}"], xtls: ["stun:{host}:{PORT['tls']}"]}}
targets:
  - {{name: plain, probe: tcp, address: "{host}:{PORT['tcp']}"}}
  - {{name: echo, probe: icmp, address: "{host.strip('[]')}"}}
""", inside=near)

    def all_up():
        ups = d.metrics().all("reachd_target_up")
        assert len(ups) == 5 and all(v == 1 for _, v in ups), (ups, d.text()[-2000:])
        return True
    wait("all to be up", all_up, 20)
    return d


@pytest.mark.parametrize("family", [4, 6])
def test_dscp_on_every_packet(bench, family):
    near, far = bench.netns("near"), bench.netns("far")
    _, host = link(near, far)
    ip, echo = ("ip", "icmp type echo-request") if family == 4 else (
        "ip6", "icmpv6 type echo-request")
    host = host if family == 4 else "[fd77:1::2]"
    match = {"udp": f"udp dport {PORT['udp']}", "tcp": f"tcp dport {PORT['tcp']}",
             "tls": f"tcp dport {PORT['tls']}", "echo": echo}
    c = Counters(far, {**{f"{k}_marked": f"{ip} dscp ef {m}" for k, m in match.items()},
                       **{f"{k}_other": f"{ip} dscp != ef {m}" for k, m in match.items()}})
    d = started(bench, near, far, host, "dscp: ef")
    n = c.read()
    for k in match:
        assert n[f"{k}_marked"] > 0, n
        # The kernel's own last segments of a closed connection are not ours.
        assert n[f"{k}_other"] == 0, n
    assert {lab["dscp"] for lab, _ in d.metrics().all("reachd_target_info")} == {"46"}


@pytest.mark.parametrize("family", [4, 6])
def test_the_source_address(bench, family):
    near, far = bench.netns("near"), bench.netns("far")
    _, host = link(near, far)
    source, ip = ("10.77.1.9", "ip") if family == 4 else ("fd77:1::9", "ip6")
    host = host if family == 4 else "[fd77:1::2]"
    near.run("ip", "addr", "add", source + ("/24" if family == 4 else "/64"),
             "dev", "v1a", *([] if family == 4 else ["nodad"]))
    of = "meta l4proto { udp, tcp, icmp }" if family == 4 else (
        "icmpv6 type echo-request counter name mine_echo\nmeta l4proto { udp, tcp }")
    rules = {"mine": f"{ip} saddr {source} {of}", "other": f"{ip} saddr != {source} {of}"}
    if family == 6:  # neighbour discovery is ICMPv6, too, and the kernel's own
        rules = {"mine": f"{ip} saddr {source} meta l4proto {{ udp, tcp }}",
                 "other": f"{ip} saddr != {source} meta l4proto {{ udp, tcp }}",
                 "mine_echo": f"{ip} saddr {source} icmpv6 type echo-request",
                 "other_echo": f"{ip} saddr != {source} icmpv6 type echo-request"}
    c = Counters(far, rules)
    d = started(bench, near, far, host, f'source: "{source}"')
    n = c.read()
    assert all((v > 0) == k.startswith("mine") for k, v in n.items()), n
    m = d.metrics()
    assert {lab["source"] for lab, _ in m.all("reachd_target_info")} == {source}
    assert m.all("reachd_site_info", **{"ipv4" if family == 4 else "ipv6": source})


def test_the_interface(bench):
    """Two ways to one address: the routing table says the first, the
    configuration the second."""
    near, far = bench.netns("near"), bench.netns("far")
    link(near, far, 1)
    link(near, far, 2)
    far.run("ip", "addr", "add", "10.77.9.9/32", "dev", "lo")
    near.run("ip", "route", "add", "10.77.9.9", "via", "10.77.1.2", "metric", "10")
    near.run("ip", "route", "add", "10.77.9.9", "via", "10.77.2.2", "metric", "20")
    to = "ip daddr 10.77.9.9 meta l4proto { udp, tcp, icmp }"
    c = Counters(far, {"first": f'iifname "v1b" {to}', "second": f'iifname "v2b" {to}'})
    d = started(bench, near, far, "10.77.9.9", "interface: v2a")
    n = c.read()
    assert n["first"] == 0 and n["second"] > 20, n
    assert {lab["interface"] for lab, _ in d.metrics().all("reachd_target_info")} == {"v2a"}


def test_a_source_that_is_not_here_is_our_own_fault(bench):
    near, far = bench.netns("near"), bench.netns("far")
    _, host = link(near, far)
    d = bench.daemon(f"""
defaults: {{interval: 500ms, timeout: 300ms, count: 1, windows: [1m], source: 10.77.1.99}}
media:
  clusters: [{{name: far, udp: ["stun:{host}:5004"], tcp: ["stun:{host}:5004"]}}]
""", inside=near)
    m = wait("local requests", lambda: (m := d.metrics()) and all(
        v >= 2 for _, v in m.all("reachd_requests_local_total")) and m)
    assert m.sum("reachd_requests_lost_total") == 0
    assert all(lab["state"] == "unknown" for lab, v in m.all("reachd_target_state") if v)
