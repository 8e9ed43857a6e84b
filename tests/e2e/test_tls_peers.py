"""TLS against servers of every quality: nginx as it is set up well and badly,
openssl's server for the staples that nginx will not send. Each case has its
outcome, its phases and its metrics."""

import glob
import socket
import ssl

import pytest

from harness import free_port, tool, wait
from nameserver import Nameserver
from pki import Pki

NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{}}
http {{
  access_log off;
  client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;
  scgi_temp_path s;
{servers}
}}
"""

TARGET = ("  - {{name: {name}, probe: tls, address: \"{host}:{port}\", interval: 700ms, "
          "timeout: 600ms{more}}}\n")


@pytest.fixture
def pki(tmp_path):
    return Pki(tmp_path / "pki")


class Nginx:
    """One nginx with a server, and a target, for each case."""

    def __init__(self, bench, pki):
        self.bench, self.pki = bench, pki
        self.servers, self.targets, self.ports = "", "", {}

    def add(self, name, cert, directives="", more="", host="www.test", listens=1):
        port = self.ports[name] = free_port()
        self.servers += (f"  server {{ listen 127.0.0.1:{port} ssl; server_name www.test;\n"
                         f"    ssl_certificate {self.pki.path(cert)};\n"
                         f"    ssl_certificate_key {self.pki.path(cert.split('.')[0])}.key;\n"
                         f"    {directives} }}\n")
        self.targets += TARGET.format(name=name, host=host, port=port, more=more)

    def start(self):
        directory = self.pki.dir
        (directory / "nginx.conf").write_text(NGINX.format(servers=self.servers))
        p = self.process = self.bench.start([tool("nginx"), "-p", directory, "-c", directory / "nginx.conf"],
                             name="nginx")

        def listening():
            assert p.alive(), p.text()
            for port in self.ports.values():
                socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        wait("nginx", listening)
        ns = Nameserver(self.bench, {"www.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]})
        return self.bench.daemon(f"resolver: {ns.address}\nca_file: {self.pki.path('root.pem')}\n"
                                 f"defaults: {{windows: [1m]}}\ntargets:\n{self.targets}")


def faketime():
    library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    assert library, "libfaketime is not installed: tests/packages"
    return library[0]


def settled(d, n):
    """The metrics once each of n targets has been probed twice."""
    def check():
        m = d.metrics()
        done = [lab["target"] for lab, v in m.all("reachd_probes_total") if v >= 2]
        assert len(done) == n, (len(done), m.all("reachd_probes_total"))
        return m
    return wait("two probes of each", check, 40)


def outcome(d, m, name):
    """How the target's last request ended."""
    del m
    return next(t for t in d.api("targets")["targets"] if t["target"] == name)


def expect(d, m, name, answered, reason=None, code=0, **facts):
    t = outcome(d, m, name)
    assert m.one("reachd_probe_success", target=name) == answered, (name, t)
    assert t["last_outcome"] == (reason or "answered"), (name, t)
    assert t["last_code"] == code, (name, t)
    for family, value in facts.items():
        assert m.one(f"reachd_tls_{family}", target=name) == value, (name, family)


def chain_of(m, name):
    return m.all("reachd_tls_info", target=name)[0][0]["chain"]


def staple_of(m, name):
    found = [lab["state"] for lab, v in m.all("reachd_tls_ocsp_staple_state", target=name) if v]
    assert len(found) == 1, (name, found)
    return found[0]


def test_servers_of_every_quality(bench, pki):
    pki.make("good", names="DNS:www.test")
    pki.make("wrong", names="DNS:www.elsewhere.test")
    pki.make("expired", names="DNS:www.test", days=(-90, -3))
    pki.make("early", names="DNS:www.test", days=(3, 90))
    pki.make("strict", names="DNS:www.test", more="tlsfeature = status_request")
    pki.self_signed("own", "DNS:www.test")
    pki.make("client")
    n = Nginx(bench, pki)
    old = "ssl_ciphers ALL:@SECLEVEL=0;"
    mutual = f"ssl_verify_client on; ssl_client_certificate {pki.path('issuing.pem')};" \
             f" ssl_trusted_certificate {pki.path('root.pem')}; ssl_verify_depth 3;"
    key = f", client_cert: {pki.path('client.pem')}, client_key: {pki.path('client.key')}"
    n.add("good", "good.chain.pem", more=", tls_least: 1.2, issuers: [Test Root]")
    n.add("v12", "good.chain.pem", "ssl_protocols TLSv1.2;",
          ", tls_least: 1.2, ciphers: [TLS_ECDHE_*_GCM_*]")
    n.add("v12-policy", "good.chain.pem", "ssl_protocols TLSv1.2;", ", tls_least: 1.3")
    n.add("v13", "good.chain.pem", "ssl_protocols TLSv1.3;", ", tls_least: 1.3")
    n.add("cipher", "good.chain.pem", "ssl_protocols TLSv1.3;", ", ciphers: [\"*CHACHA20*\"]")
    n.add("v10-offered", "good.chain.pem", f"ssl_protocols TLSv1 TLSv1.1 TLSv1.2; {old}",
          ", tls_least: 1.2")
    n.add("v10-only", "good.chain.pem", f"ssl_protocols TLSv1; {old}", ", tls_least: 1.2")
    n.add("v10-asked", "good.chain.pem", f"ssl_protocols TLSv1; {old}", ", tls_least: 1.0")
    n.add("wrong-name", "wrong.chain.pem")
    n.add("named", "wrong.chain.pem", more=", server_name: www.elsewhere.test")
    n.add("expired", "expired.chain.pem")
    n.add("expired-told", "expired.chain.pem", more=", verify: false")
    n.add("early", "early.chain.pem")
    n.add("own", "own.chain.pem")
    n.add("incomplete", "good.pem")
    n.add("must-staple", "strict.chain.pem")
    n.add("wants-staple", "good.chain.pem", more=", staple: required")
    n.add("sni", "good.chain.pem", "ssl_reject_handshake off;")
    n.add("address", "good.chain.pem", host="127.0.0.1")
    n.add("mtls", "good.chain.pem", mutual + "ssl_protocols TLSv1.3;", key)
    n.add("mtls12", "good.chain.pem", mutual + "ssl_protocols TLSv1.2;", key)
    n.add("blocked", "expired.chain.pem", more=", expect: blocked")
    d = n.start()
    m = settled(d, len(n.ports))

    expect(d, m, "good", 1, chain_valid=1, name_match=1, policy_met=1, intercepted=0)
    assert staple_of(m, "good") == "absent" and chain_of(m, "good") == "valid"
    for phase in ("connect", "tls"):
        assert 0 < m.one("reachd_probe_phase_seconds", target="good", phase=phase) < 0.5
    rtt = m.one("reachd_probe_last_rtt_seconds", target="good")
    assert rtt == m.one("reachd_probe_phase_seconds", target="good", phase="connect")
    info = m.all("reachd_tls_cert_info", target="good")[0][0]
    assert info["subject"] == "CN=good" and info["root"] == "O=Test Trust, CN=Test Root"
    expect(d, m, "v12", 1, policy_met=1)
    assert m.all("reachd_tls_info", target="v12")[0][0]["version"] == "TLSv1.2"
    expect(d, m, "v12-policy", 1, policy_met=0)
    expect(d, m, "v13", 1, policy_met=1)
    expect(d, m, "cipher", 1, policy_met=0)
    expect(d, m, "v10-offered", 1, policy_met=1)
    assert outcome(d, m, "v10-only")["last_outcome"] == "tls_handshake"
    assert m.one("reachd_probe_success", target="v10-only") == 0
    expect(d, m, "v10-asked", 1, policy_met=1)
    assert m.all("reachd_tls_info", target="v10-asked")[0][0]["version"] == "TLSv1"
    expect(d, m, "wrong-name", 0, "tls_certificate", 62, chain_valid=1, name_match=0)
    expect(d, m, "named", 1, chain_valid=1, name_match=1)
    expect(d, m, "expired", 0, "tls_certificate", 10, chain_valid=0, name_match=1)
    assert chain_of(m, "expired") == "expired"
    expect(d, m, "expired-told", 1, chain_valid=0)
    expect(d, m, "early", 0, "tls_certificate", 9)
    assert chain_of(m, "early") == "not_yet_valid"
    expect(d, m, "own", 0, "tls_certificate", 18)
    assert chain_of(m, "own") == "self_signed"
    expect(d, m, "incomplete", 0, "tls_certificate", 20)
    assert chain_of(m, "incomplete") == "unknown_issuer"
    expect(d, m, "must-staple", 0, "tls_certificate", 73, chain_valid=1)
    expect(d, m, "wants-staple", 0, "tls_certificate", 73, chain_valid=1)
    expect(d, m, "address", 0, "tls_certificate", 62, name_match=0)
    expect(d, m, "mtls", 1, chain_valid=1)
    expect(d, m, "mtls12", 1, chain_valid=1)
    # What must be blocked is not, but the server is not what it should be: that
    # counts as blocked.
    expect(d, m, "blocked", 0, "tls_certificate", 10)
    # A reason of its own for each cause, summed over targets.
    assert m.sum("reachd_failures_total", reason="tls_certificate") >= 16
    assert m.sum("reachd_failures_total", reason="tls_handshake") >= 2


def test_a_server_that_demands_a_name(bench, pki):
    """nginx refuses who names nobody: a TLS probe by address fails with the
    alert, one by name does not."""
    pki.make("good", names="DNS:www.test,IP:127.0.0.1")
    n = Nginx(bench, pki)
    n.add("by-name", "good.chain.pem")
    port = n.ports["by-name"]
    n.servers += (f"  server {{ listen 127.0.0.1:{port} ssl default_server;"
                  " ssl_reject_handshake on; }\n")
    n.targets += TARGET.format(name="by-address", host="127.0.0.1", port=port, more="")
    d = n.start()
    m = settled(d, 2)
    expect(d, m, "by-name", 1, chain_valid=1)
    expect(d, m, "by-address", 0, "tls_handshake", 112)


def test_a_client_that_is_not_welcome(bench, pki):
    """nginx talks to clients without a certificate and says 400; openssl's
    server refuses: in TLS 1.3 only after the handshake."""
    pki.make("good", names="DNS:www.test")
    pki.self_signed("stranger", "DNS:client")
    n = Nginx(bench, pki)
    n.add("http", "good.chain.pem", "ssl_verify_client on; ssl_client_certificate "
          f"{pki.path('issuing.pem')};")
    key = f", client_cert: {pki.path('stranger.pem')}, client_key: {pki.path('stranger.key')}"
    want = {"none13": ("-tls1_3", "", 116), "none12": ("-tls1_2", "", 40),
            "stranger13": ("-tls1_3", key, 18), "stranger12": ("-tls1_2", key, 18)}
    for name, (version, more, _) in want.items():
        port = n.ports[name] = free_port()
        bench.start([tool("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-quiet",
                     "-cert", pki.path("good.pem"), "-key", pki.path("good.key"),
                     "-cert_chain", pki.path("issuing.pem"), "-CAfile", pki.path("root.pem"),
                     "-Verify", "2", "-verify_return_error", version], name=name)
        n.targets += TARGET.format(name=name, host="www.test", port=port, more=more)
    d = n.start()
    m = settled(d, 5)
    expect(d, m, "http", 1, chain_valid=1)
    for name, (_, _, code) in want.items():
        t = outcome(d, m, name)
        assert t["last_outcome"] == "tls_handshake", t
        if not name.startswith("stranger"):
            assert t["last_code"] == code, t
        # What it showed was seen all the same.
        assert m.one("reachd_tls_chain_valid", target=name) == 1, name


def test_staples(bench, pki):
    """What a stapled response says is judged here: openssl's own client takes
    every one of these for good."""
    pki.make("good", names="DNS:www.test")
    pki.make("gone", names="DNS:www.test")
    pki.make("other", names="DNS:www.test")
    pki.make("strict", names="DNS:www.test", more="tlsfeature = status_request")
    pki.make("forger", extensions="ocsp", issuer="root")
    pki.revoke("gone")
    past = {"LD_PRELOAD": faketime(), "FAKETIME": "-10d"}
    try_later = pki.dir / "later.der"
    try_later.write_bytes(bytes([0x30, 3, 0x0a, 1, 3]))
    strict = pki.response("strict.der", "strict")
    rows = {  # name: certificate, staple, state, answered, code
        "good": ("good", pki.response("good.der", "good"), "good", 1, 0),
        "revoked": ("gone", pki.response("gone.der", "gone"), "revoked", 0, 23),
        "stale": ("good", pki.response("stale.der", "good", "-ndays", "1", env=past),
                  "expired", 1, 0),
        "others": ("good", pki.response("other.der", "other"), "invalid", 1, 0),
        "later": ("good", str(try_later), "invalid", 1, 0),
        "none": ("good", None, "absent", 1, 0),
        "strict": ("strict", strict, "good", 1, 0),
        "strict-stale": ("strict", pki.response("ss.der", "strict", "-ndays", "1", env=past),
                         "expired", 0, 74),
        "strict-none": ("strict", None, "absent", 0, 73),
    }
    n = Nginx(bench, pki)
    n.add("nginx", "good.chain.pem",
          f"ssl_stapling on; ssl_stapling_file {pki.path('good.der')};")
    for name, (cert, staple, *_) in rows.items():
        port = n.ports[name] = free_port()
        bench.start([tool("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-quiet",
                     "-cert", pki.path(f"{cert}.pem"), "-key", pki.path(f"{cert}.key"),
                     "-cert_chain", pki.path("issuing.pem"),
                     *(["-status_file", staple] if staple else [])], name=f"s-{name}")
        n.targets += TARGET.format(name=name, host="www.test", port=port, more="")
    d = n.start()
    m = settled(d, len(n.ports))
    assert staple_of(m, "nginx") == "good"
    for name, (_, _, state, answered, code) in rows.items():
        assert staple_of(m, name) == state, name
        expect(d, m, name, answered, None if answered else "tls_certificate", code,
               chain_valid=1)
    until = m.one("reachd_tls_ocsp_next_update_timestamp_seconds", target="good")
    printed = pki.run("ocsp", "-respin", "good.der", "-resp_text", "-noverify")
    stamp = next(line.split(":", 1)[1].strip() for line in printed.splitlines()
                 if "Next Update" in line)
    assert until == ssl.cert_time_to_seconds(stamp), (until, stamp)
    assert not m.all("reachd_tls_ocsp_next_update_timestamp_seconds", target="none")


def test_interception(bench, pki):
    """Another authority in between: trusted or not, it is told as what it is,
    once when it comes and once when it goes."""
    pki.make("good", names="DNS:www.test")
    corp = Pki(pki.dir.parent / "corp")
    corp.run("req", "-x509", "-config", "ca.cnf", "-extensions", "authority", *corp.key("root"),
             "-out", "root.pem", "-days", "3000", "-subj", "/O=Example Corp/CN=Corp Inspection")
    corp.make("issuing", subject="/O=Example Corp/CN=Corp Gateway", issuer="root",
              extensions="authority")
    corp.make("good", names="DNS:www.test")
    (pki.dir / "both.pem").write_text((pki.dir / "root.pem").read_text()
                                      + (corp.dir / "root.pem").read_text())
    port = free_port()

    def server(p, name):
        s = bench.start([tool("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-quiet",
                         "-cert", p.path("good.pem"), "-key", p.path("good.key"),
                         "-cert_chain", p.path("issuing.pem")], name=name)
        wait(name, lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True)
        return s
    real = server(pki, "real")
    d = bench.daemon(
        f"ca_file: {pki.path('both.pem')}\ndefaults: {{windows: [1m]}}\ntargets:\n"
        + TARGET.format(name="watched", host="127.0.0.1", port=port,
                        more=", server_name: www.test, issuers: [\"Test Trust\"]")
        + TARGET.format(name="any", host="127.0.0.1", port=port, more=", server_name: www.test"))

    def intercepted(value):
        m = d.metrics()
        assert m.one("reachd_tls_intercepted", target="watched") == value
        assert m.one("reachd_site_tls_intercepted") == value
        return m
    m = wait("direct", lambda: intercepted(0))
    expect(d, m, "watched", 1, chain_valid=1)
    real.stop()
    box = server(corp, "box")
    m = wait("intercepted", lambda: intercepted(1))
    wait("its outcome", lambda: outcome(d, m, "watched")["last_outcome"] == "tls_intercepted")
    m = d.metrics()
    # Who trusts the authority and expects nobody in particular sees no harm.
    assert not m.all("reachd_tls_intercepted", target="any")
    assert m.one("reachd_tls_chain_valid", target="any") == 1
    assert "Corp Inspection" in m.all("reachd_tls_cert_info", target="watched")[0][0]["root"]
    box.stop()
    server(pki, "again")
    wait("direct again", lambda: intercepted(0))

    def events():
        seen = [(e["event"], e["subject"]) for e in d.api("events")["events"]
                if "tls" in e["event"]][::-1]
        assert seen == [("tls_interception", "watched"), ("site_tls_intercepted", ""),
                        ("tls_interception_over", "watched"), ("site_tls_direct", "")], seen
        return True
    wait("the events", events)


def test_client_certificate_files(bench, pki):
    """They are read again when they change; what cannot be used is an error of
    the configuration, and afterwards the daemon's own, not the server's."""
    pki.make("good", names="DNS:www.test")
    pki.self_signed("mine", "DNS:client")
    pki.make("client")
    port = free_port()
    bench.start([tool("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-quiet",
                 "-cert", pki.path("good.pem"), "-key", pki.path("good.key"),
                 "-cert_chain", pki.path("issuing.pem"), "-CAfile", pki.path("root.pem"),
                 "-chainCAfile", pki.path("issuing.pem"),
                 "-Verify", "3", "-verify_return_error"], name="server")
    cert, key = pki.dir / "c.pem", pki.dir / "c.key"

    def use(name):
        for to, end in ((key, "key"), (cert, "chain.pem")):
            new = to.with_suffix(".new")
            new.write_text((pki.dir / f"{name}.{end}").read_text())
            new.rename(to)
    use("mine")
    config = (f"ca_file: {pki.path('root.pem')}\ndefaults: {{windows: [1m]}}\ntargets:\n"
              + TARGET.format(name="t", host="127.0.0.1", port=port,
                              more=f", server_name: www.test, client_cert: {cert},"
                              f" client_key: {key}"))
    d = bench.daemon(config)
    wait("refused", lambda: outcome(d, None, "t")["last_outcome"] == "tls_handshake")
    use("client")
    wait("welcome", lambda: outcome(d, None, "t")["last_outcome"] == "answered", 40)
    # A reload that names a file that is not there changes nothing.
    d.write(config.replace(str(cert), str(cert) + ".not"))
    status, _, body = d.reload()
    assert status == 500 and "c.pem.not cannot be read: there is no such file" in str(body), body
    d.write(config.replace(f"client_key: {key}", f"client_key: {pki.path('index.txt')}"))
    assert "is no PEM file of that kind" in str(d.reload())
    cert.unlink()
    # What was read stays in use.
    before = d.metrics().one("reachd_requests_lost_total", target="t")
    n = d.metrics().one("reachd_requests_total", target="t")
    wait("more probes", lambda: d.metrics().one("reachd_requests_total", target="t") > n + 2)
    lost = d.metrics().one("reachd_requests_lost_total", target="t")
    t = outcome(d, None, "t")
    assert lost == before, (t["last_outcome"], t["last_code"])


def test_old_bytes(bench, pki):
    """Not TLS at all, and a server that goes away in the middle."""
    n = Nginx(bench, pki)
    pki.make("good", names="DNS:www.test")
    n.add("good", "good.chain.pem")
    plain = n.ports["plain"] = free_port()
    n.servers += f"  server {{ listen 127.0.0.1:{plain}; return 200; }}\n"
    n.targets += TARGET.format(name="plain", host="www.test", port=plain, more="")
    closed = free_port()
    n.targets += TARGET.format(name="closed", host="www.test", port=closed, more="")
    d = n.start()
    m = settled(d, 3)
    assert outcome(d, m, "plain")["last_outcome"] == "tls_handshake"
    assert outcome(d, m, "closed")["last_outcome"] == "refused"
    assert m.one("reachd_probe_phase_seconds", target="plain", phase="connect") > 0
    assert not m.all("reachd_tls_info", target="plain")


def test_looks_between_handshakes(bench, pki):
    """Most probes never come to a handshake, and what changes is still found at once."""
    pki.make("good", names="DNS:www.test")
    pki.self_signed("own", "DNS:www.test")
    live = {end: pki.dir / f"live-www.test.{end}" for end in ("pem", "key")}

    def serve(name, chain):
        for end, source in (("key", f"{name}.key"), ("pem", chain)):
            new = live[end].with_suffix(".new")
            new.write_bytes((pki.dir / source).read_bytes())
            new.rename(live[end])

    def looks():
        return n.process.text().count("while SSL handshaking")

    serve("good", "good.chain.pem")
    n = Nginx(bench, pki)
    n.add("looked", "good.chain.pem", more=", full_every: 50")
    n.servers = n.servers.replace("good.chain.pem", "live-$ssl_server_name.pem") \
        .replace("good.key", "live-$ssl_server_name.key") \
        .replace("server {", "server { error_log stderr info; ssl_protocols TLSv1.2 TLSv1.3;")
    d = n.start()
    wait("looks", lambda: looks() >= 5, 30)
    t = outcome(d, None, "looked")
    assert t["state"] == "up" and t["last_outcome"] == "answered", t
    m = d.metrics()
    assert m.sum("reachd_failures_total") == 0, m.text
    # The facts are those of the handshake.
    assert m.one("reachd_tls_chain_valid", target="looked") == 1
    assert m.all("reachd_tls_info", target="looked")[0][0]["version"] == "TLSv1.3"
    probes = m.one("reachd_probes_total", target="looked")
    serve("own", "own.chain.pem")
    wait("the other certificate",
         lambda: outcome(d, None, "looked")["last_outcome"] == "tls_certificate", 20)
    m = d.metrics()
    # Long before the next handshake was due.
    assert m.one("reachd_probes_total", target="looked") - probes < 20, (probes, m.text)
    assert m.one("reachd_tls_chain_valid", target="looked") == 0
    assert "SSL alert" not in d.text(), d.text()[-2000:]
