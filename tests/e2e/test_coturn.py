"""STUN against coturn, a server that is not ours: two UDP ports, TCP, and TLS
without a server name, over IPv4 and IPv6; and one that wants credentials."""

import pytest

from harness import free_port, tool, wait
import socket
import subprocess


def certificate(directory):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
         "-subj", "/CN=media.example.net", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=directory, check=True, capture_output=True)


def coturn(bench, directory, address="127.0.0.1", *more):
    """turnserver on ports that were free: udp+tcp, a second udp, tls."""
    certificate(directory)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    udp = free_port(socket.SOCK_DGRAM, family, address)
    aux = free_port(socket.SOCK_DGRAM, family, address)
    tls = free_port(socket.SOCK_STREAM, family, address)
    text = f"[{address}]" if family == socket.AF_INET6 else address
    p = bench.start(
        [tool("turnserver"), "-n", "-S", "--log-file=stdout", "--simple-log", "--no-cli",
         "-L", address, "-p", udp, f"--aux-server={text}:{aux}",
         "--tls-listening-port", tls, "--cert=cert.pem", "--pkey=key.pem",
         "--no-dtls", f"--pidfile={directory}/turn.pid", f"--userdb={directory}/turn.db",
         *more], name="coturn")
    wait("coturn to listen", lambda: socket.create_connection((address, tls), 1).close() or True)
    return p, text, udp, aux, tls


CONFIG = """
defaults: {{interval: 1s, timeout: 600ms, windows: [10s, 1m]}}
media:
  clusters:
    - name: fra1
      class: public
      udp: ["stun:{host}:{udp}", "stun:{host}:{aux}"]
      tcp: ["stun:{host}:{udp}"]
      xtls: ["stun:{host}:{tls}"]
"""


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_every_transport_answers(bench, tmp_path, address):
    _, host, udp, aux, tls = coturn(bench, tmp_path, address)
    config = CONFIG.format(host=host, udp=udp, aux=aux, tls=tls)
    if address == "::1":  # the second port of coturn is IPv4 only
        config = config.replace(f', "stun:{host}:{aux}"', "")
    d = bench.daemon(config).ready()

    def settled():
        m = d.metrics()
        for t in ("udp", "tcp", "tls"):
            ups = m.all("reachd_target_up", transport=t, media_cluster="fra1")
            assert ups and all(v == 1 for _, v in ups), (t, ups)
            assert m.one("reachd_cluster_reach", media_cluster="fra1", transport=t,
                         reach="reachable") == 1
        return m
    m = wait("all targets up", settled)
    want = 2 if address == "127.0.0.1" else 1
    assert len(m.all("reachd_target_up", transport="udp")) == want
    assert m.sum("reachd_requests_lost_total") == 0
    assert m.one("reachd_cluster_preferred_transport", media_cluster="fra1", transport="udp") == 1
    for t in ("udp", "tcp", "tls"):
        rtt = m.one("reachd_cluster_rtt_seconds", media_cluster="fra1", transport=t)
        assert 1e-6 < rtt < 0.5, (t, rtt)
    for t, phases in (("tcp", {"connect", "response"}), ("tls", {"connect", "tls", "response"})):
        seen = {lab["phase"] for lab, v in m.all("reachd_probe_phase_seconds", transport=t) if v > 0}
        assert seen == phases, (t, seen)
    # The certificate is reported and not judged: it is self-signed, and up.
    subject = [lab for lab, _ in m.all("reachd_tls_cert_info")]
    assert len(subject) == 1 and "media.example.net" in subject[0]["subject"]
    assert m.sum("reachd_tls_chain_valid") == 0
    # Kernel time is what datagrams are measured by.
    assert m.one("reachd_rtt_source_total", source="kernel") > 0
    assert m.one("reachd_rtt_source_total", source="userspace") == 0


def test_wants_credentials_is_an_answer_and_degraded(bench, tmp_path):
    _, host, udp, aux, tls = coturn(bench, tmp_path, "127.0.0.1", "--secure-stun",
                                    "-a", "-u", "user:secret", "-r", "test")
    d = bench.daemon(CONFIG.format(host=host, udp=udp, aux=aux, tls=tls)).ready()

    def degraded():
        m = d.metrics()
        states = m.all("reachd_target_state", state="degraded")
        assert states and all(v == 1 for _, v in states), states
        return m
    m = wait("degraded", degraded)
    assert all(v == 401 for _, v in m.all("reachd_probe_last_code"))
    assert m.sum("reachd_failures_total", reason="error_response") > 0
    assert m.sum("reachd_requests_lost_total") == 0


def test_a_server_that_stops_and_returns(bench, tmp_path):
    p, host, udp, aux, tls = coturn(bench, tmp_path)
    d = bench.daemon(CONFIG.format(host=host, udp=udp, aux=aux, tls=tls)).ready()
    wait("up", lambda: d.metrics().one("reachd_cluster_state", media_cluster="fra1", state="up") == 1)
    p.stop()
    wait("down", lambda: d.metrics().one("reachd_cluster_state", media_cluster="fra1", state="down") == 1)
    m = d.metrics()
    assert m.sum("reachd_failures_total", reason="refused", transport="udp") > 0
    assert m.sum("reachd_failures_total", reason="refused", transport="tcp") > 0
    assert m.one("reachd_media_backend_unreachable") == 1
    labels = {e["event"] for e in d.api("events")["events"]}
    assert {"target_down", "cluster_state", "site_media_unreachable"} <= labels, labels
