"""Servers of TLS: what they demand, what their certificates say, and what
comes instead of a handshake. STUN over TLS sends no server name and judges no
certificate."""

import datetime
import subprocess

import pytest

from harness import wait
from nameserver import Nameserver
from raw import Garbage

CONFIG = """
{more}
defaults: {{interval: 700ms, timeout: 500ms, windows: [1m]}}
media: {{clusters: [{{name: m, xtls: ["stun:{host}:{port}"]}}]}}
"""


def daemon(bench, port, host="127.0.0.1", more=""):
    return bench.daemon(CONFIG.format(port=port, host=host, more=more))


def up(d):
    return wait("up", lambda: (m := d.metrics()).one("reachd_target_up") == 1 and m)


def failing(d, reason):
    def check():
        m = d.metrics()
        assert m.one("reachd_failures_total", transport="tls", reason=reason) >= 2, m.all(
            "reachd_failures_total", transport="tls")
        return m
    return wait(reason, check)


def test_a_path_that_demands_a_server_name(bench):
    """The plain handshake fails, the occasional second one with the name
    works: that is what is told, and the state is still down."""
    port = bench.reflect("--listen.tls=127.0.0.1:0", "--tls.require-sni").port["tls"]
    ns = Nameserver(bench, {"media.test": ["127.0.0.1"]})
    d = daemon(bench, port, "media.test", f"resolver: {ns.address}")
    failing(d, "tls_handshake")
    wait("the demand", lambda: d.metrics().one("reachd_tls_sni_required") == 1)
    wait("down", lambda: d.metrics().one("reachd_target_state", state="down") == 1)
    # The second handshake is no sample.
    m = d.metrics()
    assert m.one("reachd_requests_total") == m.one("reachd_requests_lost_total")
    assert not m.all("reachd_rolling_rtt_mean_seconds", window="1m")


def test_nobody_demands_a_server_name(bench):
    port = bench.reflect("--listen.tls=127.0.0.1:0").port["tls"]
    ns = Nameserver(bench, {"media.test": ["127.0.0.1"]})
    d = daemon(bench, port, "media.test", f"resolver: {ns.address}")
    m = up(d)
    assert not [v for _, v in m.all("reachd_tls_sni_required") if v == 1]


def certificate(directory, start, end, name="old.example.net"):
    """One that is valid from start to end days from now: openssl's small CA."""
    def stamp(days):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (now + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")
    (directory / "ca.cnf").write_text("""
[ca]
default_ca = c
[c]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = p
[p]
commonName = supplied
""")
    (directory / "index.txt").write_text("")

    def run(*argv):
        subprocess.run(["openssl", *argv], cwd=directory, check=True, capture_output=True)
    run("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "req.pem",
        "-subj", f"/CN={name}")
    run("ca", "-batch", "-config", "ca.cnf", "-selfsign", "-keyfile", "key.pem", "-in", "req.pem",
        "-out", "cert.pem", "-notext", "-rand_serial", "-startdate", stamp(start),
        "-enddate", stamp(end))
    run("x509", "-in", "cert.pem", "-out", "cert.pem")


def test_an_expired_certificate_is_reported_and_not_judged(bench, tmp_path):
    certificate(tmp_path, -30, -3)
    port = bench.reflect("--listen.tls=127.0.0.1:0", f"--tls.cert={tmp_path}/cert.pem",
                         f"--tls.key={tmp_path}/key.pem").port["tls"]
    # It is even trusted here: what is wrong with it is only its time.
    m = up(daemon(bench, port, more=f"ca_file: {tmp_path}/cert.pem"))
    info = m.all("reachd_tls_cert_info", subject="CN=old.example.net")
    assert len(info) == 1, m.all("reachd_tls_cert_info")
    printed = subprocess.run(["openssl", "x509", "-in", "cert.pem", "-noout", "-fingerprint",
                              "-sha256"], cwd=tmp_path, capture_output=True, text=True).stdout
    assert info[0][0]["fingerprint_sha256"].lower() == \
        printed.split("=")[1].strip().replace(":", "").lower()
    now = datetime.datetime.now().timestamp()
    age = now - m.one("reachd_tls_cert_not_after_timestamp_seconds")
    assert abs(age - 3 * 86400) < 600, age
    assert m.one("reachd_tls_chain_valid") == 0
    assert m.sum("reachd_requests_lost_total") == 0


def test_a_chain_that_is_trusted(bench, tmp_path):
    certificate(tmp_path, -1, 30)
    port = bench.reflect("--listen.tls=127.0.0.1:0", f"--tls.cert={tmp_path}/cert.pem",
                         f"--tls.key={tmp_path}/key.pem").port["tls"]
    assert up(daemon(bench, port, more=f"ca_file: {tmp_path}/cert.pem")).one(
        "reachd_tls_chain_valid") == 1


def limits(path, bound, version):
    """What bounds the versions of all that OpenSSL serves in a process."""
    path.write_text("openssl_conf = o\n[o]\nssl_conf = s\n[s]\nsystem_default = d\n"
                    f"[d]\n{bound} = {version}\n")
    return {"OPENSSL_CONF": str(path)}


@pytest.mark.parametrize("version,bound", [("TLSv1.2", "MaxProtocol"), ("TLSv1.3", "MinProtocol")])
def test_servers_of_one_version(bench, tmp_path, version, bound):
    port = bench.reflect("--listen.tls=127.0.0.1:0", env=limits(
        tmp_path / "openssl.cnf", bound, version)).port["tls"]
    refused = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}",
         "-tls1_3" if version == "TLSv1.2" else "-tls1_2"], input="", capture_output=True, text=True)
    assert "Cipher is (NONE)" in refused.stdout, "the server takes the other version, too"
    m = up(daemon(bench, port))
    assert [lab["version"] for lab, _ in m.all("reachd_tls_info")] == [version]
    assert m.sum("reachd_requests_lost_total") == 0


@pytest.mark.parametrize("answer,reason", [
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "tls_handshake"),   # a proxy that speaks plainly
    (bytes.fromhex("15030300020228"), "tls_handshake"),        # a fatal alert
    (b"", "tls_handshake"),                                    # closed at once
    (None, "timeout")])                                        # accepted, and silent
def test_what_is_no_handshake(bench, answer, reason):
    g = Garbage(bench, answer)
    d = daemon(bench, g.port)
    m = failing(d, reason)
    others = {lab["reason"]: v for lab, v in m.all("reachd_failures_total", transport="tls")
              if v > 0 and lab["reason"] != reason}
    assert not others, others


@pytest.mark.parametrize("code", [420, 500])
def test_error_codes_of_stun_are_answers(bench, code):
    r = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0",
                      "--listen.tls=127.0.0.1:0", f"--error={code}")
    d = bench.daemon(f"""
defaults: {{interval: 1500ms, timeout: 1400ms, windows: [1m]}}
media:
  clusters:
    - {{name: m, udp: ["stun:127.0.0.1:{r.port['udp']}"],
        tcp: ["stun:127.0.0.1:{r.port['tcp']}"], xtls: ["stun:127.0.0.1:{r.port['tls']}"]}}
""")

    def degraded():
        m = d.metrics()
        states = m.all("reachd_target_state", state="degraded")
        assert len(states) == 3 and all(v == 1 for _, v in states), states
        return m
    m = wait("degraded", degraded)
    assert all(v == code for _, v in m.all("reachd_probe_last_code"))
    assert m.sum("reachd_requests_lost_total") == 0
    assert m.sum("reachd_failures_total", reason="error_response") == m.sum("reachd_failures_total")
    assert all(v == 1 for _, v in m.all("reachd_target_up"))
