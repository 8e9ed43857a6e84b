"""dns: real name servers over UDP and TCP, and one that answers wrongly in
each way that a prober must tell from a right answer."""

import struct

import pytest

from dnspeers import Real, Scripted, a, name, question_of, record, respond
from harness import wait

HEAD = """
defaults: {interval: 300ms, timeout: 150ms, windows: [1m]}
thresholds: {down_after: 2, up_after: 2, loss_degraded: 0%, flap_changes: 0}
targets:
"""


def target(d, name):
    return {t["target"]: t for t in d.api("targets")["targets"]}[name]


def settled(d, name, **want):
    """The target once its members and facts are as wanted."""
    def check():
        t = target(d, name)
        seen = {k: t.get(k, t["facts"].get(k) if t["facts"] else None) for k in want}
        assert seen == want, seen
        return t
    return wait(f"{name} to be {want}", check, 15)


SERVERS = ["unbound", "dnsmasq", "named"]


@pytest.mark.parametrize("kind", SERVERS)
def test_real_servers(bench, kind):
    """Every kind of answer, over both transports; then it stops and returns."""
    server = Real(bench, kind)
    at = f"127.0.0.1:{server.port}"
    rows = [
        # name, what is asked, state, outcome, facts
        ("a", "query: www.example.net, answer: 192.0.2.7", "up", "answered",
         dict(dns_rcode=0, dns_answers=1, dns_ttl_seconds=300, dns_expected=True)),
        ("aaaa", "query: WWW.example.net., type: AAAA, answer: '2001:db8::*'", "up",
         "answered", dict(dns_answers=1)),
        ("mx", "query: example.net, type: MX, answer: 10 MX.example.net.", "up",
         "answered", dict(dns_answers=1)),
        ("wrong", "query: www.example.net, answer: 192.0.2.8", "degraded",
         "error_response", dict(dns_rcode=0, dns_answers=1, dns_expected=False)),
        ("few", "query: www.example.net, answers: 2", "degraded", "error_response",
         dict(dns_answers=1, dns_expected=False)),
        ("none", "query: no.example.net", "degraded", "error_response",
         dict(dns_rcode=3, dns_expected=False)),
        ("none-expected", "query: no.example.net, rcode: nxdomain", "up", "answered",
         dict(dns_rcode=3, dns_answers=0, dns_expected=True)),
        ("edns", "query: long.example.net, type: TXT, answers: 1", "up", "answered",
         dict(dns_rcode=0)),
    ]
    if kind != "unbound":
        rows.append(("alias", "query: alias.example.net, answer: 192.0.2.7", "up",
                     "answered", dict(dns_answers=1, dns_expected=True)))
    config = HEAD
    for n, asked, *_ in rows:
        for t in ("udp", "tcp"):
            config += (f"  - {{name: {n}-{t}, probe: dns, transport: {t}, "
                       f"address: '{at}', {asked}}}\n")
    # Without EDNS0 it does not fit into a datagram, over TCP all of it is there.
    for t in ("udp", "tcp"):
        config += (f"  - {{name: long-{t}, probe: dns, transport: dns_{t}, address: '{at}', "
                   "query: long.example.net, type: TXT, edns: no, answers: 20, "
                   "answer: ['x77-*', 'x19-*']}\n")
    d = bench.daemon(config).ready()
    for n, _, state, outcome, facts in rows:
        for t in ("udp", "tcp"):
            settled(d, f"{n}-{t}", state=state, last_outcome=outcome, **facts)
    settled(d, "long-udp", state="up", last_outcome="answered", dns_truncated=True,
            dns_expected=None)
    settled(d, "long-tcp", state="up", last_outcome="answered", dns_truncated=False,
            dns_answers=20, dns_expected=True)
    assert target(d, "none-udp")["last_code"] == 3
    m = d.metrics()
    assert m.one("reachd_dns_answer_records", target="a-udp", transport="dns_udp") == 1
    assert m.one("reachd_dns_ttl_seconds", target="a-tcp", transport="dns_tcp") == 300
    assert m.one("reachd_dns_rcode", target="none-tcp") == 3
    phases = {p["phase"] for p in target(d, "a-tcp")["phases"]}
    assert phases == {"connect", "response"}
    # Times of datagrams are the kernel's, and none is longer than its time-out.
    assert m.one("reachd_rtt_source_total", source="kernel") > 0
    assert 0 < target(d, "a-udp")["last_rtt_seconds"] < 0.15
    server.stop()
    settled(d, "a-udp", state="down", last_outcome="refused")
    settled(d, "a-tcp", state="down", last_outcome="refused")
    server.start()
    settled(d, "a-udp", state="up")
    settled(d, "a-tcp", state="up")
    assert "a-udp" in d.get("/")


def test_refusal(bench):
    """What a server will not answer is an error with its code; no other one."""
    server = Real(bench, "unbound")
    d = bench.daemon(HEAD + f"""
  - {{name: refused, probe: dns, address: '127.0.0.1:{server.port}', query: a.refused.test}}
  - {{name: wanted, probe: dns, address: '127.0.0.1:{server.port}', query: a.refused.test, rcode: refused}}
""").ready()
    t = settled(d, "refused", state="degraded", last_outcome="error_response", dns_rcode=5)
    assert t["last_code"] == 5 and t["success"] is True
    settled(d, "wanted", state="up", last_outcome="answered", last_code=0)


def test_system(bench):
    """The name servers that reachd itself asks are probed as they are."""
    server = Real(bench, "dnsmasq")
    d = bench.daemon(f"resolver: '127.0.0.1:{server.port}'" + HEAD + """
  - {name: own, probe: dns, address: system, query: www.example.net}
  - {name: own-tcp, probe: dns, transport: tcp, address: system, query: www.example.net}
""").ready()
    settled(d, "own", state="up", dns_answers=1)
    t = settled(d, "own-tcp", state="up", dns_answers=1)
    assert t["info"]["address"] == "127.0.0.1" and t["info"]["port"] == str(server.port)
    assert t["info"]["host"] == "system"


def test_alias_loop(bench):
    """named gives out a loop of its zone as it is."""
    server = Real(bench, "named")
    d = bench.daemon(HEAD + f"""
  - {{name: loop, probe: dns, address: '127.0.0.1:{server.port}', query: loop.example.net}}
""").ready()
    settled(d, "loop", state="degraded", last_outcome="error_response", dns_answers=0)


GOOD = "192.0.2.7"


def good(q, send):
    send(respond(q, records=[a(GOOD)]))


def other_question(q, send):
    send(respond(q, records=[a(GOOD)], question=name("xxx.example.net") + b"\0\1\0\1"))


def chain_loop(q, send):
    b = name("b.example.net")
    send(respond(q, records=[record(b"\xc0\x0c", 5, b), record(b, 5, b"\xc0\x0c")]))


def pointer_loop(q, send):
    at = 12 + len(question_of(q))
    send(respond(q, records=[record(struct.pack("!H", 0xC000 | at), 1, b"\1\2\3\4")]))


# What the server does; how the request ends; whether the answer is counted as
# one that answers nothing; facts.
MANNERS = {
    "good": (good, "answered", False, dict(dns_expected=True)),
    "another id": (lambda q, s: s(respond(q, records=[a(GOOD)], identity=bytes([q[0] ^ 1, q[1]]))),
                   "timeout", True, {}),
    "another source": (lambda q, s: s(respond(q, records=[a(GOOD)]), other=True),
                       "timeout", True, {}),
    "no answer": (lambda q, s: None, "timeout", False, {}),
    "another question": (other_question, "protocol", False, {}),
    "our query": (lambda q, s: s(q), "protocol", False, {}),
    "no header": (lambda q, s: s(q[:2] + b"\x81"), "protocol", False, {}),
    "pointer loop": (pointer_loop, "protocol", False, {}),
    "half a record": (lambda q, s: s(respond(q, records=[a(GOOD)])[:-2]), "protocol", False, {}),
    "truncated": (lambda q, s: s(respond(q, flags=0x8380)), "answered", False,
                  dict(dns_truncated=True)),
    "truncated midway": (lambda q, s: s(respond(q, flags=0x8380, records=[a(GOOD)])[:-2]),
                         "answered", False, dict(dns_truncated=True)),
    "alias loop": (chain_loop, "error_response", False, dict(dns_answers=0)),
    "stranger's record": (lambda q, s: s(respond(q, records=[a(GOOD, owner=name("evil.test"))])),
                          "error_response", False, dict(dns_answers=0)),
    "wrong record": (lambda q, s: s(respond(q, records=[a("203.0.113.66")])),
                     "error_response", False, dict(dns_answers=1, dns_expected=False)),
    "servfail": (lambda q, s: s(respond(q, flags=0x8182)), "error_response", False,
                 dict(dns_rcode=2)),
    "formerr without question": (lambda q, s: s(q[:2] + b"\x81\x81" + bytes(8)),
                                 "error_response", False, dict(dns_rcode=1)),
    "forged, then good": (lambda q, s: (s(respond(q, records=[a("203.0.113.66")]), other=True),
                                        s(respond(q, records=[a(GOOD)],
                                                  identity=bytes([q[0] ^ 8, q[1]]))),
                                        good(q, s)), "answered", True, dict(dns_expected=True)),
}


def test_scripted(bench):
    """One server for each manner; each is told from the others."""
    servers = {n: Scripted(bench, m[0]) for n, m in MANNERS.items()}
    d = bench.daemon(HEAD + "".join(
        f"  - {{name: \"{n}\", probe: dns, address: '127.0.0.1:{s.port}', "
        f"query: www.example.net, answer: {GOOD}}}\n" for n, s in servers.items())).ready()
    for n, (_, outcome, _, facts) in MANNERS.items():
        settled(d, n, last_outcome=outcome, **facts)
    unmatched = sum(m[2] for m in MANNERS.values())
    m = d.metrics()
    assert m.one("reachd_answers_unmatched_total") >= unmatched
    # The error states: answered with an error is degraded, no answer is down.
    settled(d, "servfail", state="degraded")
    settled(d, "our query", state="down")
    settled(d, "another id", state="down")
    settled(d, "good", state="up")
    # It answers again, rightly: the next good probes bring it back.
    servers["our query"].manner = good
    servers["another id"].manner = good
    settled(d, "our query", state="up")
    settled(d, "another id", state="up")


def test_ids_and_ports(bench):
    """Ids are uniformly random (chi-square over 16 bins of each byte, 15
    degrees of freedom: 37.7 is exceeded once in 1,000) and the port is
    another one each round."""
    server = Scripted(bench, good)
    d = bench.daemon(HEAD.replace("windows", "count: 32, spacing: 1ms, windows") + f"""
  - {{name: many, probe: dns, address: '127.0.0.1:{server.port}', query: www.example.net}}
limits: {{requests_per_address: 1000}}
""").ready()
    wait("2,000 queries", lambda: len(server.asked) >= 2000, 60)
    asked = list(server.asked)
    for shift in (0, 4, 8, 12):
        bins = [0] * 16
        for _, identity in asked:
            bins[identity >> shift & 15] += 1
        e = len(asked) / 16
        chi = sum((n - e) ** 2 / e for n in bins)
        assert chi < 50, (shift, chi, bins)
    ports = [p for i, (p, _) in enumerate(asked) if i == 0 or asked[i - 1][0] != p]
    rounds = len(asked) // 32
    assert len(ports) >= rounds * 0.9 and len(set(ports)) >= len(ports) * 0.9, (rounds, ports)
    assert target(d, "many")["state"] == "up"


def test_tcp_peers_that_fail(bench):
    """A server that closes, and one that never answers."""
    import socket
    import threading

    def serve(listener, manner):
        held = []
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            if manner == "close":
                c.close()
            else:
                held.append(c)

    ports = {}
    for manner in ("close", "silent"):
        listener = socket.create_server(("127.0.0.1", 0))
        ports[manner] = listener.getsockname()[1]
        threading.Thread(target=serve, args=(listener, manner), daemon=True).start()
        bench.closing.append(lambda s=listener: (s.shutdown(socket.SHUT_RDWR), s.close()))
    d = bench.daemon(HEAD + "".join(
        f"  - {{name: {n}, probe: dns, transport: tcp, address: '127.0.0.1:{p}', query: a}}\n"
        for n, p in ports.items())).ready()
    settled(d, "close", state="down", last_outcome="reset")
    settled(d, "silent", state="down", last_outcome="timeout")
