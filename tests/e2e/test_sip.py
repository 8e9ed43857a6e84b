"""SIP OPTIONS against servers that are not ours: Kamailio over UDP, TCP, TLS
and with client certificates, SIPp over UDP and TCP; and against those that
are none."""

import json
import re
import socket
import threading

import pytest

from harness import free_port, wait
from nameserver import Nameserver
from raw import Garbage
from sip_peers import certificates, kamailio, sipp

CONFIG = """
defaults: {{interval: 500ms, timeout: 300ms, windows: [10s, 1m]}}
{more}
targets:
{targets}
"""


def daemon(bench, *targets, more=""):
    """targets: mappings as YAML writes them in a line."""
    return bench.daemon(CONFIG.format(
        more=more, targets="".join(f"  - {{probe: sip, {t}}}\n" for t in targets)))


def state(d, name, want, seconds=20):
    """The metrics, once the target is in that state."""
    def check():
        m = d.metrics()
        assert m.one("reachd_target_state", target=name, state=want) == 1, [
            (lab, v) for lab, v in m.all("reachd_target_state", target=name) if v]
        return m
    return wait(f"{name} to be {want}", check, seconds)


def failed(d, transport, reason, at_least=2):
    def check():
        m = d.metrics()
        assert m.one("reachd_failures_total", transport=transport, reason=reason) >= at_least, [
            (lab, v) for lab, v in m.all("reachd_failures_total", transport=transport) if v]
        return m
    return wait(f"{reason} over {transport}", check)


def phases(m, name):
    return {lab["phase"] for lab, v in m.all("reachd_probe_phase_seconds", target=name) if v > 0}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_kamailio_over_udp_and_tcp(bench, tmp_path, address):
    k = kamailio(bench, tmp_path, address)
    at = f"{'[::1]' if address == '::1' else address}:{k.port['udp']}"
    d = daemon(bench, f'name: u, address: "{at}"',
               f'name: t, transport: sip_tcp, address: "{at}"',
               f'name: three, count: 3, user: ping, address: "{at}"').ready()
    for name in ("u", "t", "three"):
        m = state(d, name, "up")
        assert m.one("reachd_sip_status_code", target=name) == 200
        assert 1e-6 < m.one("reachd_rolling_rtt_mean_seconds", target=name, window="1m") < 0.5
        assert m.one("reachd_requests_lost_total", target=name) == 0
    assert phases(m, "t") == {"connect", "response"}
    assert m.sum("reachd_probe_failures_total") == 0
    # Datagrams are timed by the kernel on both ways.
    assert m.one("reachd_rtt_source_total", source="kernel") > 0
    assert m.one("reachd_rtt_source_total", source="userspace") == 0
    # The same for JSON and for people.
    targets = {t["target"]: t for t in d.api("targets")["targets"]}
    assert targets["u"]["transport"] == "sip_udp"
    assert re.search(r'"sip_status": ?200\b', json.dumps(targets["t"])), targets["t"]
    assert "sip_tcp" in d.get("/")
    # Nobody has to read of our connections in his log.
    assert "reset by peer" not in k.text(), k.text()[-2000:]


def test_kamailio_out_of_service_is_degraded(bench, tmp_path):
    k = kamailio(bench, tmp_path)
    at = f"127.0.0.1:{k.port['udp']}"
    d = daemon(bench, f'name: u, user: down, address: "{at}"',
               f'name: t, user: down, transport: sip_tcp, address: "{at}"',
               f'name: right, user: down, codes: [503], address: "{at}"',
               f'name: wrong, codes: [404, 500-503], address: "{at}"').ready()
    for name in ("u", "t"):
        m = state(d, name, "degraded")
        assert m.one("reachd_sip_status_code", target=name) == 503
        assert m.one("reachd_probe_last_code", target=name) == 503
        assert m.one("reachd_requests_lost_total", target=name) == 0
    assert m.sum("reachd_failures_total", reason="error_response") > 0
    # What is wanted is up; what is not is an answer that says what came.
    state(d, "right", "up")
    m = state(d, "wrong", "degraded")
    assert m.one("reachd_sip_status_code", target="wrong") == 200
    assert m.one("reachd_probe_last_code", target="wrong") == 200
    assert m.one("reachd_requests_lost_total", target="wrong") == 0


def test_kamailio_stops_and_returns(bench, tmp_path):
    k = kamailio(bench, tmp_path)
    at = f"127.0.0.1:{k.port['udp']}"
    d = daemon(bench, f'name: u, address: "{at}"',
               f'name: t, transport: sip_tcp, address: "{at}"').ready()
    for name in ("u", "t"):
        state(d, name, "up")
    k.stop()
    for name in ("u", "t"):
        state(d, name, "down")
        failed(d, f"sip_{'udp' if name == 'u' else 'tcp'}", "refused")
    kamailio(bench, tmp_path, ports=k.port)
    for name in ("u", "t"):
        m = state(d, name, "up")
        assert m.one("reachd_sip_status_code", target=name) == 200
    events = {(e["event"], e.get("subject")) for e in d.api("events")["events"]}
    assert {("target_down", "u"), ("target_down", "t")} <= events, events


def test_kamailio_over_tls(bench, tmp_path):
    """By name and by address; whom nobody vouches for, or for another name."""
    certificates(tmp_path)
    k = kamailio(bench, tmp_path, tls=True)
    ns = Nameserver(bench, {"sip.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]})
    port = k.port["tls"]
    d = daemon(bench, f'name: named, transport: sip_tls, address: "sip.test:{port}"',
               f'name: address, transport: sip_tls, address: "127.0.0.1:{port}"',
               f'name: other, transport: sip_tls, address: "other.test:{port}"',
               f'name: lenient, transport: sip_tls, verify: false, address: "other.test:{port}"',
               f'name: down, transport: sip_tls, user: down, address: "sip.test:{port}"',
               more=f"resolver: {ns.address}\nca_file: {tmp_path}/ca.pem").ready()
    for name in ("named", "address", "lenient"):
        m = state(d, name, "up")
        assert m.one("reachd_sip_status_code", target=name) == 200
        assert m.one("reachd_tls_chain_valid", target=name) == 1
        assert m.one("reachd_requests_lost_total", target=name) == 0
        assert phases(m, name) == {"connect", "tls", "response"} | (
            {"resolve"} if "resolve" in phases(m, name) else set())
    assert [lab["subject"] for lab, _ in m.all("reachd_tls_cert_info", target="named")] == [
        "CN=server.test"]
    state(d, "other", "down")
    m = failed(d, "sip_tls", "tls_certificate")
    assert not m.all("reachd_sip_status_code", target="other")
    m = state(d, "down", "degraded")
    assert m.one("reachd_sip_status_code", target="down") == 503
    # Nobody vouches for it once the anchors are others.
    d.write(d.config.read_text().replace(f"ca_file: {tmp_path}/ca.pem", ""))
    assert d.reload()[0] == 200
    m = state(d, "named", "down")
    assert m.one("reachd_tls_chain_valid", target="named") == 0
    # We took our leave each time.
    assert "eof" not in k.text().lower(), k.text()[-2000:]


def test_kamailio_with_client_certificates(bench, tmp_path):
    certificates(tmp_path)
    k = kamailio(bench, tmp_path, tls=True)
    at = f'address: "127.0.0.1:{k.port["mtls"]}"'
    d = daemon(bench, f"name: shown, transport: sip_mtls, client_cert: client.pem, "
               f"client_key: client.key, {at}",
               f"name: none, transport: sip_tls, {at}",
               f"name: wrong, transport: sip_mtls, client_cert: server.pem, "
               f"client_key: server.key, {at}",
               f"name: closed, transport: sip_tls, server_name: sip.test, expect: blocked, {at}",
               more=f"ca_file: {tmp_path}/ca.pem").ready()
    m = state(d, "shown", "up")
    assert m.one("reachd_sip_status_code", target="shown") == 200
    assert m.one("reachd_requests_lost_total", target="shown") == 0
    # The handshake is done for us when the server says that it is not.
    m = state(d, "none", "down")
    m = failed(d, "sip_tls", "tls_handshake")
    assert m.one("reachd_probe_last_code", target="none") in (40, 116)
    assert m.one("reachd_tls_chain_valid", target="none") == 1
    # One of ours that is no client's.
    state(d, "wrong", "down")
    failed(d, "sip_mtls", "tls_handshake")
    # It refuses us and is there: no wall is between.
    state(d, "closed", "down")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sipp(bench, tmp_path, transport):
    """Each scenario is a server of its own."""
    scenarios = {
        "ok": (["200 OK"], "up", 200),
        "later": (["100 Trying", "180 Ringing", "200 OK"], "up", 200),
        "busy": (["486 Busy Here"], "up", 486),
        "who": (["401 Unauthorized"], "up", 401),
        "out": (["503 Service Unavailable"], "degraded", 503),
        "trying": (["100 Trying"], "down", None),
        "nothing": ([], "down", None)}
    servers = {n: sipp(bench, tmp_path, s, transport) for n, (s, _, _) in scenarios.items()}
    d = daemon(bench, *(f'name: {n}, transport: sip_{transport}, address: "127.0.0.1:{p.port}"'
                        for n, p in servers.items())).ready()
    for name, (_, want, status) in scenarios.items():
        m = state(d, name, want)
        seen = [v for _, v in m.all("reachd_sip_status_code", target=name)]
        assert seen == ([status] if status else []), (name, seen)
    m = failed(d, f"sip_{transport}", "timeout")
    for name in ("trying", "nothing"):
        assert m.one("reachd_requests_total", target=name) == m.one(
            "reachd_requests_lost_total", target=name)
    for name in ("ok", "later", "busy", "who", "out"):
        assert m.one("reachd_requests_lost_total", target=name) == 0, name


class Udp:
    """Sends back what reply() makes of each datagram."""

    def __init__(self, bench, reply):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.reply = reply
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        bench.closing.append(self.close)

    def _serve(self):
        while True:
            data, peer = self.socket.recvfrom(65536)
            if data == b"end":
                return
            self.socket.sendto(self.reply(data), peer)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", ("127.0.0.1", self.port))
        self.thread.join(5)
        self.socket.close()


def test_what_is_no_server_of_sip(bench):
    """An echo, another protocol, silence: told apart, and none is an answer."""
    echo = Udp(bench, lambda data: data)
    noise = Udp(bench, lambda data: b"\x00" * 64)
    ssh = Garbage(bench, b"SSH-2.0-OpenSSH_9.2p1\r\n")
    mute = Garbage(bench, None)
    gone = Garbage(bench, b"")
    d = daemon(bench, *(f'name: {n}, transport: sip_{t}, address: "127.0.0.1:{p.port}"'
                        for n, t, p in (("echo", "udp", echo), ("noise", "udp", noise),
                                        ("ssh", "tcp", ssh), ("mute", "tcp", mute),
                                        ("gone", "tcp", gone)))).ready()
    for name in ("echo", "noise", "ssh", "mute", "gone"):
        m = state(d, name, "down")
        assert not m.all("reachd_sip_status_code", target=name)
    for transport, reason in (("udp", "protocol"), ("udp", "timeout"), ("tcp", "protocol"),
                              ("tcp", "timeout"), ("tcp", "reset")):
        m = failed(d, f"sip_{transport}", reason)
    assert m.one("reachd_answers_unmatched_total") > 0


def test_a_path_that_must_be_blocked(bench, tmp_path):
    k = kamailio(bench, tmp_path)
    at = f"127.0.0.1:{k.port['udp']}"
    shut = free_port(socket.SOCK_STREAM)
    d = daemon(bench, f'name: open, expect: blocked, address: "{at}"',
               f'name: opent, expect: blocked, transport: sip_tcp, address: "{at}"',
               f'name: shut, expect: blocked, transport: sip_tcp, address: "127.0.0.1:{shut}"',
               f'name: shutu, expect: blocked, address: "127.0.0.1:{shut}"').ready()
    for name in ("open", "opent"):
        m = state(d, name, "down")
        assert m.one("reachd_sip_status_code", target=name) == 200
    for name in ("shut", "shutu"):
        state(d, name, "up")
