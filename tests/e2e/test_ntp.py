"""ntp: chronyd that knows the time and one that does not, and a server that
follows a script: offsets, kisses of death, and answers that are none."""

import re
import socket
import struct
import threading
import time

import pytest

from harness import free_port, tool, wait

HEAD = """
defaults: {interval: 300ms, timeout: 150ms, windows: [1m]}
thresholds: {down_after: 2, up_after: 2, loss_degraded: 0%, flap_changes: 0}
targets:
"""

EPOCH = 2208988800


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


class Chrony:
    """chronyd as a server on a port of loopback, which sets no clock."""

    def __init__(self, bench, name, *lines):
        self.bench, self.name = bench, name
        self.port = free_port(socket.SOCK_DGRAM)
        self.config = bench.directory / f"{name}.conf"
        self.config.write_text("\n".join([
            f"port {self.port}", "bindaddress 127.0.0.1", "cmdport 0", "allow all",
            "user root", f"pidfile {bench.directory}/{name}.pid",
            f"bindcmdaddress {bench.directory}/{name}.sock", *lines, ""]))
        self.start()

    def start(self):
        self.process = self.bench.start([tool("chronyd"), "-x", "-d", "-f", self.config],
                                        name=self.name)
        wait(f"{self.name} to answer", self._answers, 20)

    def _answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.connect(("127.0.0.1", self.port))
            s.send(b"\x23" + bytes(39) + b"whatever")
            return s.recv(128)

    def stop(self):
        self.process.stop()


def test_chrony(bench):
    """With and without a reference; it stops and returns."""
    knows = Chrony(bench, "knows", "local stratum 3")
    lost = Chrony(bench, "lost")
    d = bench.daemon(HEAD + f"""
  - {{name: knows, probe: ntp, address: '127.0.0.1:{knows.port}', offset_degraded: 50ms}}
  - {{name: low, probe: ntp, address: '127.0.0.1:{knows.port}', stratum_most: 2}}
  - {{name: lost, probe: ntp, address: '127.0.0.1:{lost.port}'}}
""").ready()
    t = settled(d, "knows", state="up", last_outcome="answered", ntp_stratum=3, ntp_leap=0)
    facts = t["facts"]
    # Both read the clock of this machine: what differs is within the way.
    assert abs(facts["ntp_offset_seconds"]) < 0.005, facts
    assert 0 <= facts["ntp_delay_seconds"] <= t["last_rtt_seconds"] + 1e-6, facts
    assert 0 <= facts["ntp_root_dispersion_seconds"] < 16, facts
    t = settled(d, "low", state="degraded", last_outcome="error_response", last_code=5)
    t = settled(d, "lost", state="degraded", last_outcome="error_response", last_code=1,
                ntp_leap=3, ntp_offset_seconds=None)
    m = d.metrics()
    assert abs(m.one("reachd_ntp_offset_seconds", target="knows", transport="ntp")) < 0.005
    assert m.one("reachd_ntp_stratum", target="knows") == 3
    assert m.one("reachd_ntp_leap", target="lost") == 3
    assert not m.all("reachd_ntp_offset_seconds", target="lost")
    assert m.one("reachd_rtt_source_total", source="kernel") > 0
    assert "unsynchronised" in d.get("/")
    knows.stop()
    settled(d, "knows", state="down", last_outcome="refused")
    knows.start()
    settled(d, "knows", state="up")


class Scripted:
    """reply(request) gives the answers, or None. Requests are kept."""

    def __init__(self, bench, reply):
        self.reply, self.asked = reply, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        bench.closing.append(self.close)

    def _serve(self):
        while True:
            request, client = self.socket.recvfrom(2048)
            if client[1] == self.port:
                return
            self.asked.append((time.monotonic(), client[1], request))
            for answer in self.reply(request) or ():
                self.socket.sendto(answer, client)

    def close(self):
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join(5)
        self.socket.close()


def answer(request, first=0x24, stratum=2, refid=b"\xc0\x00\x02\x01", ahead=0.0,
           origin=None, receive=None, transmit=None):
    now = time.time_ns() + int(ahead * 1e9)
    stamp = struct.pack("!II", (now // 10**9 + EPOCH) % 2**32, (now % 10**9 * 2**32) // 10**9)
    return (bytes([first, stratum, 6, 0xE8]) + bytes(8) + refid + bytes(8)
            + (request[40:48] if origin is None else origin)
            + (stamp if receive is None else receive) + (stamp if transmit is None else transmit))


def good(q):
    return [answer(q)]


def flipped(q):
    return bytes([q[40] ^ 1]) + q[41:48]


# What the server does, outcome, code, whether answers are counted as none.
MANNERS = {
    "good": (good, "answered", 0, False),
    "version 3": (lambda q: [answer(q, first=0x1C)], "answered", 0, False),
    "second leaps": (lambda q: [answer(q, first=0x64)], "answered", 0, False),
    "unsynchronised": (lambda q: [answer(q, first=0xE4)], "error_response", 1, False),
    "stratum 16": (lambda q: [answer(q, stratum=16)], "error_response", 1, False),
    "starting": (lambda q: [answer(q, first=0xE4, stratum=0, refid=b"INIT")],
                 "error_response", 1, False),
    "another origin": (lambda q: [answer(q, origin=flipped(q))], "timeout", 0, True),
    "origin 0": (lambda q: [answer(q, origin=bytes(8))], "timeout", 0, True),
    "forged kiss": (lambda q: [answer(q, first=0xE4, stratum=0, refid=b"DENY",
                                      origin=flipped(q))], "timeout", 0, True),
    "silent": (lambda q: None, "timeout", 0, False),
    "short": (lambda q: [answer(q)[:47]], "protocol", 0, False),
    "client mode": (lambda q: [answer(q, first=0x23)], "protocol", 0, False),
    "symmetric": (lambda q: [answer(q, first=0x22)], "protocol", 0, False),
    "version 0": (lambda q: [answer(q, first=0x04)], "protocol", 0, False),
    "no receive time": (lambda q: [answer(q, receive=bytes(8))], "protocol", 0, False),
    "no transmit time": (lambda q: [answer(q, transmit=bytes(8))], "protocol", 0, False),
    "forged, then good": (lambda q: [answer(q, origin=flipped(q)), answer(q)],
                          "answered", 0, True),
    "twice": (lambda q: [answer(q), answer(q)], "answered", 0, True),
}


def test_scripted(bench):
    servers = {n: Scripted(bench, m[0]) for n, m in MANNERS.items()}
    d = bench.daemon(HEAD + "".join(
        f"  - {{name: \"{n}\", probe: ntp, address: '127.0.0.1:{s.port}'}}\n"
        for n, s in servers.items())).ready()
    for n, (_, outcome, code, _) in MANNERS.items():
        settled(d, n, last_outcome=outcome, last_code=code)
    assert (d.metrics().one("reachd_answers_unmatched_total")
            >= sum(m[3] for m in MANNERS.values()))
    assert target(d, "second leaps")["facts"]["ntp_leap"] == 1
    settled(d, "forged kiss", state="down")
    settled(d, "unsynchronised", state="degraded")
    # Nothing of us but version and mode is in a request; ports change.
    for server in servers.values():
        wait("three requests", lambda: len(server.asked) >= 3)
        asked = list(server.asked)
        assert all(r[:40] == b"\x23" + bytes(39) and len(r) == 48 for _, _, r in asked)
        assert len({r[40:] for _, _, r in asked}) == len(asked)
        assert len({p for _, p, _ in asked}) > len(asked) // 2, asked
    for n in ("forged kiss", "no receive time", "silent"):
        servers[n].reply = good
        settled(d, n, state="up")


@pytest.mark.parametrize("ahead", [0.25, -3600.5, 1e9])
def test_offset(bench, ahead):
    """The server's clock is elsewhere, also 30 years off in the next era."""
    server = Scripted(bench, lambda q: [answer(q, ahead=ahead)])
    d = bench.daemon(HEAD + f"""
  - {{name: any, probe: ntp, address: '127.0.0.1:{server.port}'}}
  - {{name: near, probe: ntp, address: '127.0.0.1:{server.port}', offset_degraded: 100ms}}
""").ready()
    settled(d, "any", state="up", last_outcome="answered")
    settled(d, "near", state="degraded", last_outcome="error_response", last_code=6)
    for name in ("any", "near"):
        seen = d.metrics().one("reachd_ntp_offset_seconds", target=name)
        assert abs(seen - ahead) < 0.05, (seen, ahead)


def spacing(server, n):
    """Seconds between the last n requests."""
    at = [t for t, _, _ in server.asked]
    return [b - a for a, b in zip(at[-n - 1:], at[-n:])]


def test_rate(bench):
    """Told to ask less often, it does, each time half as often; a reload is
    the operator's word that it may do so again."""
    told = []

    def reply(q):
        if len(told) < 2:
            told.append(1)
            return [answer(q, first=0xE4, stratum=0, refid=b"RATE")]
        return good(q)
    server = Scripted(bench, reply)
    d = bench.daemon(HEAD + f"""
  - {{name: busy, probe: ntp, address: '127.0.0.1:{server.port}', interval: 500ms, timeout: 100ms}}
""").ready()
    wait("six requests", lambda: len(server.asked) >= 6, 30)
    for s in spacing(server, 3):
        assert 1.8 < s < 2.4, server.asked
    assert d.metrics().one("reachd_target_interval_seconds", target="busy") == 2
    settled(d, "busy", state="up", last_outcome="answered")
    # A round that is asked for does not break what was promised.
    n = len(server.asked)
    d.request("/-/probe", "POST")
    assert d.metrics().sum("reachd_probes_missed_total") == 0
    d.reload()
    wait("requests after the reload", lambda: len(server.asked) >= n + 5, 15)
    for s in spacing(server, 3):
        assert 0.4 < s < 0.7, server.asked
    assert d.metrics().one("reachd_target_interval_seconds", target="busy") == 0.5


@pytest.mark.parametrize("kiss,code", [("DENY", 3), ("RSTR", 4)])
def test_deny(bench, kiss, code):
    """Told not to ask, it does not, until the next reload."""
    server = Scripted(bench, lambda q: [answer(q, first=0xE4, stratum=0, refid=kiss.encode())])
    d = bench.daemon(HEAD + f"""
  - {{name: away, probe: ntp, address: '127.0.0.1:{server.port}'}}
""").ready()
    t = settled(d, "away", state="disabled", last_outcome="error_response", last_code=code)
    assert len(server.asked) == 1
    assert t["up"] is False
    events = [e["event"] for e in d.api("events")["events"] if e.get("subject") == "away"]
    assert "target_disabled" in events, events
    d.request("/-/probe", "POST")
    # Five intervals: long enough for five requests.
    end = time.monotonic() + 1.5
    wait("five intervals", lambda: time.monotonic() > end, 5)
    assert len(server.asked) == 1
    assert re.search(r"error_response</span> " + kiss.lower(), d.get("/"))
    server.reply = good
    d.reload()
    settled(d, "away", state="up", last_outcome="answered")
