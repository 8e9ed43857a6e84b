"""Names: each address a path of its own, the choice of a family, and what a
name that does not resolve shows."""

import socket

from harness import free_port, wait
from nameserver import AAAA, A, Nameserver

CONFIG = """
resolver: {ns}
defaults: {{interval: 500ms, timeout: 300ms, count: 2, windows: [1m], {setting}}}
media:
  clusters: [{{name: m, udp: ["stun:media.test:{port}"]}}]
"""


def reflectors(bench):
    """One port that answers on three addresses."""
    port = free_port(socket.SOCK_DGRAM)
    bench.reflect(*(f"--listen.udp={a}:{port}" for a in ("127.0.0.1", "127.0.0.2", "[::1]")))
    return port


def addresses(d):
    return sorted(lab["address"] for lab, _ in d.metrics().all("reachd_target_info"))


def all_up(d, want):
    def check():
        ups = d.metrics().all("reachd_target_up")
        return len(ups) == want and all(v == 1 for _, v in ups)
    wait(f"{want} up", check)


BOTH = {"media.test": ["127.0.0.1", "127.0.0.2", "::1"]}


def test_each_address_is_a_path_and_keeps_its_own_numbers(bench):
    port = reflectors(bench)
    ns = Nameserver(bench, BOTH)
    d = bench.daemon(CONFIG.format(ns=ns.address, port=port, setting="addresses: all")).ready()
    all_up(d, 3)
    assert addresses(d) == ["127.0.0.1", "127.0.0.2", "::1"]
    m = d.metrics()
    assert {lab["host"] for lab, _ in m.all("reachd_target_info")} == {"media.test"}
    assert m.one("reachd_cluster_nodes", media_cluster="m") == 3
    assert len({lab["target"] for lab, _ in m.all("reachd_requests_total")}) == 3


def test_the_choice_of_family_and_of_one_address(bench):
    port = reflectors(bench)
    for setting, want, kinds in (("family: ipv4", ["127.0.0.1", "127.0.0.2"], {A}),
                                 ("family: ipv6", ["::1"], {AAAA}),
                                 ("addresses: one", None, {A, AAAA})):
        ns = Nameserver(bench, BOTH)
        d = bench.daemon(CONFIG.format(ns=ns.address, port=port, setting=setting)).ready()
        all_up(d, len(want) if want else 1)
        if want:
            assert addresses(d) == want, setting
        d.stop()


def test_a_name_that_stops_resolving_keeps_its_addresses(bench):
    """Names are asked for again after 10 s at the earliest."""
    port = reflectors(bench)
    ns = Nameserver(bench, BOTH)
    d = bench.daemon(CONFIG.format(ns=ns.address, port=port, setting="family: ipv4")).ready()
    all_up(d, 2)
    ns.zone.clear()
    asked = len(ns.asked)
    wait("the next question", lambda: len(ns.asked) > asked, 20)
    wait("the failure", lambda: d.metrics().one("reachd_name_resolved", host="media.test") == 0)
    assert d.metrics().one("reachd_name_addresses", host="media.test") == 3
    before = d.metrics().sum("reachd_requests_total")
    wait("more requests", lambda: d.metrics().sum("reachd_requests_total") >= before + 4)
    all_up(d, 2)
    assert addresses(d) == ["127.0.0.1", "127.0.0.2"]
    failed = [e for e in d.api("events")["events"] if e["event"] == "name_failed"]
    assert [e["subject"] for e in failed] == ["media.test"] and failed[0]["cause"], failed


def test_a_name_that_never_resolves_is_said_to_be_dns(bench):
    ns = Nameserver(bench, {})
    d = bench.daemon(CONFIG.format(ns=ns.address, port=5004, setting="family: any"))
    m = wait("dns", lambda: (m := d.metrics()).one(
        "reachd_failures_total", transport="udp", reason="dns") >= 2 and m)
    assert m.sum("reachd_failures_total") == m.sum("reachd_failures_total", reason="dns")
    wait("down", lambda: d.metrics().one("reachd_target_state", state="down") == 1)
    assert d.metrics().one("reachd_cluster_reach", media_cluster="m", transport="udp",
                           reach="unreachable") == 1
    # It is there again, and found by the next question.
    ns.zone.update(BOTH)
    wait("the address", lambda: d.metrics().one("reachd_name_resolved", host="media.test") == 1, 25)
    assert d.metrics().one("reachd_name_addresses", host="media.test") == 3
    assert "name_resolved" in {e["event"] for e in d.api("events")["events"]}
