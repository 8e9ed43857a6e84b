"""Probes through proxies: squid with each way to say who one is, squid that
inspects TLS, and proxies that no honest program would be."""

import os
import shutil
import socket
import subprocess

import pytest

from harness import RELEASE, free_port, tool, wait
from test_https import config, phases, settled
from webpeers import Nginx, Pki, Script, Squid, answering, head

LIB = "/usr/lib/squid"


@pytest.fixture
def pki(bench):
    return Pki(bench.directory)


@pytest.fixture
def origin(bench, pki):
    good, key = pki.leaf("good")
    return Nginx(bench, f"""
server {{ listen {{tls}} ssl; ssl_certificate {good}; ssl_certificate_key {key};
  location / {{ return 200 hello; }} location /503 {{ return 503; }} }}
server {{ listen {{clear}}; location / {{ return 204; }} location /503 {{ return 503; }} }}""",
                 ("tls", "clear"))


def proxies(rows):
    return "proxies:\n" + "\n".join(
        f'  - {{name: {n}, url: "http://127.0.0.1:{port}"{", " + more if more else ""}}}'
        for n, (port, more) in rows.items())


def via(url, *ways, more=""):
    return url, f"via: [{', '.join(ways)}]" + (f", {more}" if more else "")


def secret(bench, name, text):
    path = bench.directory / name
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def test_squid(bench, pki, origin):
    """One origin directly and through proxies of every kind, each a path."""
    basic = Squid(bench, f"""
auth_param basic program {LIB}/basic_ncsa_auth DIR/users
acl known proxy_auth REQUIRED
http_access deny !known""", files={"users": "reachd:$apr1$x$" + subprocess.run(
        ["openssl", "passwd", "-apr1", "-salt", "x", "s3cret"], capture_output=True,
        text=True).stdout.strip().rsplit("$", 1)[1] + "\n"})
    digest = Squid(bench, f"""
auth_param digest program {LIB}/digest_file_auth DIR/users
auth_param digest realm probes
acl known proxy_auth REQUIRED
http_access deny !known""", files={"users": "reachd:s3cret\n"})
    ntlm = Squid(bench, f"""
auth_param ntlm program {LIB}/ntlm_fake_auth
acl known proxy_auth REQUIRED
http_access deny !known""")
    open_ = Squid(bench, "acl no dstdomain forbidden.test\nhttp_access deny no")
    good = secret(bench, "good.secret", "s3cret")
    bad = secret(bench, "bad.secret", "wr0ng")
    rows = {
        "open": (open_.port, ""),
        "basic": (basic.port, f"auth: basic, username: reachd, password_file: {good}"),
        "digest": (digest.port, f"auth: digest, username: reachd, password_file: {good}"),
        "ntlm": (ntlm.port, f"auth: ntlm, username: reachd, password_file: {good}"),
        "nobody": (basic.port, ""),
        "bad": (basic.port, f"auth: basic, username: reachd, password_file: {bad}"),
        "baddigest": (digest.port, f"auth: digest, username: reachd, password_file: {bad}"),
        "lost": (basic.port, f"auth: basic, username: reachd, password_file: {bench.directory}/no"),
        "closed": (1, ""),
    }
    url = f"https://127.0.0.1:{origin.port['tls']}"
    d = bench.daemon(config({
        "o": via(f"{url}/", "direct", *rows), "o503": via(f"{url}/503", "open"),
        "clear": via(f"http://127.0.0.1:{origin.port['clear']}/", "direct", "open", "basic",
                     "digest", "ntlm", "nobody"),
        "c503": via(f"http://127.0.0.1:{origin.port['clear']}/503", "open"),
        "dead": via("https://127.0.0.1:1/", "open"), "cdead": via("http://127.0.0.1:1/", "open"),
        "name": via("https://nosuch.invalid/", "open"),
        "forbidden": via("https://forbidden.test/", "open"),
        "cforbidden": via("http://forbidden.test/", "open"),
    }, f"ca_file: {pki.ca}\n{proxies(rows)}").replace("timeout: 400ms", "timeout: 4s")
        .replace("interval: 500ms", "interval: 4500ms"))
    settled(d, {
        "o": ("answered", 200), "o@open": ("answered", 200), "o@basic": ("answered", 200),
        "o@digest": ("answered", 200), "o@ntlm": ("answered", 200),
        "o@nobody": ("proxy_auth", 407), "o@bad": ("proxy_auth", 407),
        "o@baddigest": ("proxy_auth", 407), "o@lost": "local", "o@closed": "refused",
        "o503@open": ("error_response", 503),
        "clear": ("answered", 204), "clear@open": ("answered", 204),
        "clear@basic": ("answered", 204), "clear@digest": ("answered", 204),
        "clear@ntlm": ("answered", 204), "clear@nobody": ("proxy_auth", 407),
        "c503@open": ("error_response", 503),
        "dead@open": ("proxy_upstream", 503), "cdead@open": ("proxy_upstream", 503),
        "name@open": "proxy_upstream",
        "forbidden@open": ("proxy_refused", 403), "cforbidden@open": ("proxy_refused", 403),
    }, 60)
    p = phases(d, "o@basic")
    assert set(p) == {"connect", "proxy", "tls", "request", "response"}, p
    m = d.metrics()
    info = m.all("reachd_target_info", target="o@open")[0][0]
    assert info["proxy"] == "open" and info["port"] == str(origin.port["tls"]), info
    # What is secret is nowhere to be read.
    for text in (d.text(), m.text, d.get("/api/v1/targets"), d.get("/")):
        assert "s3cret" not in text and "wr0ng" not in text


def test_refused_credentials_wait(bench, pki, origin):
    """However many paths a proxy has, credentials that it refused are not
    shown to it again before their time; Basic is not tried instead of
    Digest."""
    digest = Squid(bench, f"""
auth_param basic program {LIB}/basic_ncsa_auth DIR/none
auth_param digest program {LIB}/digest_file_auth DIR/users
auth_param digest realm probes
acl known proxy_auth REQUIRED
http_access deny !known""", files={"users": "reachd:s3cret\n", "none": ""})
    seen = []

    def both(c, script):
        text = head(c)
        seen.append(text)
        c.sendall(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                  b"Content-Length: 0\r\n\r\n")
        seen.append(head(c))

    downgrade = Script(bench, both)
    bad = secret(bench, "bad.secret", "wr0ng")
    keys = f"auth: digest, username: reachd, password_file: {bad}"
    url = f"https://127.0.0.1:{origin.port['tls']}/"
    targets = {f"t{i}": via(f"{url}{i}", "hq") for i in range(8)}
    targets["down"] = via(url, "down")
    d = bench.daemon(config(targets, f"ca_file: {pki.ca}\n" + proxies({
        "hq": (digest.port, keys), "down": (downgrade.port, keys)})))
    settled(d, {f"t{i}@hq": ("proxy_auth", 407) for i in range(8)} | {"down@down": ("proxy_auth", 407)})
    wait("rounds", lambda: min(v for _, v in d.metrics().all("reachd_probes_total")) >= 5)
    # At most those that were under way when the first refusal came.
    shown = [r for r in digest.requests() if " reachd " in r]
    assert 1 <= len(shown) <= 8, digest.requests()
    assert len([t for t in seen if "Proxy-Authorization: Basic" in t]) == 0, seen
    assert len(seen) <= 2


def test_scripted_proxies(bench, pki, origin):
    """Proxies that answer with anything: bounded, and told apart."""
    def line(text):
        return answering(text.encode() + b"\r\n\r\n")

    def drip(c, script):
        head(c)
        for b in b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n":
            c.sendall(bytes([b]))
            if script.stopping.wait(0.3):
                return

    def flood(c, script):
        head(c)
        c.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            c.sendall(b"x" * 65536)

    def forever(c, script):
        while True:
            head(c)
            c.sendall(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Digest realm=\"x\", "
                      b"nonce=\"%d\", stale=true\r\nContent-Length: 0\r\n\r\n" % len(script.notes))
            script.notes.append(1)

    rows = {
        "silent": (lambda c, s: s.stopping.wait(20), "timeout"),
        "closes": (lambda c, s: head(c) and c.close(), "reset"),
        "drip": (drip, "timeout"), "flood": (flood, "protocol"),
        "ssh": (answering(b"SSH-2.0-x\r\n"), "protocol"),
        "403": (line("HTTP/1.1 403 No"), ("proxy_refused", 403)),
        "400": (line("HTTP/1.0 400 No"), ("proxy_refused", 400)),
        "302": (line("HTTP/1.1 302 Portal\r\nLocation: http://portal/"), ("proxy_refused", 302)),
        "407": (line("HTTP/1.1 407 No"), ("proxy_auth", 407)),
        "502": (line("HTTP/1.1 502 No"), ("proxy_upstream", 502)),
        "503": (line("HTTP/1.1 503 No"), ("proxy_upstream", 503)),
        "504": (line("HTTP/1.1 504 No"), ("proxy_upstream", 504)),
        "511": (line("HTTP/1.1 511 Portal"), ("proxy_refused", 511)),
        "huge": (line("HTTP/1.1 99999999999 OK"), "protocol"),
        "liar": (line("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK"), "tls_handshake"),
        "page": (answering(b"HTTP/1.1 403 No\r\nContent-Length: 9999999\r\n\r\n", b"x" * 100000),
                 ("proxy_refused", 403)),
        "stale": (forever, ("proxy_auth", 407)),
    }
    scripts = {n: Script(bench, t) for n, (t, _) in rows.items()}
    password = secret(bench, "p", "s3cret")
    keys = {n: (s.port, "") for n, s in scripts.items()}
    keys["stale"] = (scripts["stale"].port,
                     f"auth: digest, username: u, password_file: {password}, retry: 1s")
    d = bench.daemon(config({
        "o": via(f"https://127.0.0.1:{origin.port['tls']}/", *(f'"{n}"' for n in rows))},
        f"ca_file: {pki.ca}\n" + proxies({f'"{n}"': v for n, v in keys.items()})))
    want = {f"o@{n}": w for n, (_, w) in rows.items()}
    settled(d, want, 60)
    wait("rounds", lambda: min(v for _, v in d.metrics().all("reachd_probes_total")) >= 4, 60)
    settled(d, want, 60)
    # Two requests a try, however often a proxy calls the answer stale.
    assert len(scripts["stale"].notes) <= 2 * scripts["stale"].connections + 1


def test_environment(bench, pki, origin):
    """`env` is what the environment says, at the start."""
    squid = Squid(bench)
    d = bench.daemon(config({
        "far": via(f"https://localhost:{origin.port['tls']}/", "env", more="family: ipv4"),
        "near": via(f"https://127.0.0.1:{origin.port['tls']}/", "env"),
        "clear": via(f"http://127.0.0.1:{origin.port['clear']}/", "env"),
        "direct": via(f"https://127.0.0.1:{origin.port['tls']}/x", "direct"),
    }, f"ca_file: {pki.ca}"), env={
        "https_proxy": f"http://127.0.0.1:{squid.port}", "no_proxy": "127.0.0.1"})
    settled(d, {"far@env": ("answered", 200), "near@env": ("answered", 200),
                "clear@env": ("answered", 204), "direct": ("answered", 200)})
    asked = wait("the log of squid", lambda: [r for r in squid.requests() if "CONNECT" in r])
    assert all("CONNECT localhost:" in r for r in asked), asked
    m = d.metrics()
    assert m.all("reachd_target_info", target="far@env")[0][0]["proxy"] == "env"
    assert m.all("reachd_target_info", target="near@env")[0][0]["proxy"] == ""


def test_inspection(bench, pki, origin):
    """A proxy that breaks TLS open is told by the issuer at the top."""
    inspector = Pki(bench.directory, "inspect", "Corp Inspection")
    both = bench.directory / "anchors.pem"
    both.write_text(open(pki.ca).read() + open(inspector.ca).read())
    pem = open(inspector.ca).read() + (bench.directory / "inspect.key").read_text()
    squid = inspecting_squid(bench, pki, pem)
    targets = {
        "seen": via(f"https://localhost:{origin.port['tls']}/", "direct", "hq",
                    more='family: ipv4, issuers: ["Test Root"]'),
        "blind": via(f"https://localhost:{origin.port['tls']}/b", "hq", more="family: ipv4"),
    }
    d = bench.daemon(config(targets, f"ca_file: {both}\n" + proxies({"hq": (squid.port, "")}))
                     .replace("timeout: 400ms", "timeout: 3s").replace("interval: 500ms", "interval: 3500ms"))
    settled(d, {"seen": ("answered", 200), "seen@hq": "tls_intercepted",
                "blind@hq": ("answered", 200)}, 60)
    m = d.metrics()
    assert m.one("reachd_tls_intercepted", target="seen@hq") == 1
    assert m.one("reachd_tls_intercepted", target="seen") == 0


def inspecting_squid(bench, pki, pem):
    """squid makes its certificates as its own user: the store must be its."""
    import pathlib
    import tempfile
    d = pathlib.Path(tempfile.mkdtemp(prefix="reachd-bump-"))
    bench.closing.append(lambda: shutil.rmtree(d, ignore_errors=True))
    d.chmod(0o777)
    (d / "inspect.pem").write_text(pem)
    (d / "inspect.pem").chmod(0o644)
    (d / "root.pem").write_text(open(pki.ca).read())
    (d / "root.pem").chmod(0o644)
    subprocess.run([tool("setpriv"), "--reuid=proxy", "--regid=proxy", "--clear-groups",
                    f"{LIB}/security_file_certgen", "-c", "-s", d / "db", "-M", "4MB"],
                   check=True, capture_output=True)
    return Squid(bench, f"""
sslcrtd_program {LIB}/security_file_certgen -s {d}/db -M 4MB
tls_outgoing_options cafile={d}/root.pem
ssl_bump bump all""", port_options=f"ssl-bump tls-cert={d}/inspect.pem generate-host-certificates=on")


def test_state_of_proxies(bench, pki, origin):
    """What a proxy is worth, and whom it refuses, by its paths: counted, told
    as events, and as a verdict on the site."""
    squid = Squid(bench, "acl no dstdomain forbidden.test\nhttp_access deny no")
    mood = {"answer": b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"}

    def moody(c, script):
        head(c)
        if mood["answer"] is None:
            script.stopping.wait(20)
        c.sendall(mood["answer"])
        script.stopping.wait(20)

    script = Script(bench, moody)
    url = f"https://127.0.0.1:{origin.port['tls']}"
    text = config({
        "a": via(f"{url}/a", "good", "moody"), "b": via(f"{url}/b", "good", "moody"),
        "no": via("https://forbidden.test/", "good"), "gone": via("https://127.0.0.1:1/", "good"),
        "shut": via(f"{url}/a", "shut"),
    }, f"state_file: state\nca_file: {pki.ca}\nthresholds: {{down_after: 2, up_after: 1}}\n" + proxies({
        "good": (squid.port, ""), "moody": (script.port, ""), "shut": (1, "")}))
    d = bench.daemon(text)

    def state(name, want):
        def check():
            m = d.metrics()
            assert m.one("reachd_proxy_state", proxy=name, state=want) == 1, m.all("reachd_proxy_state")
            return m
        return wait(f"{name} {want}", check, 30)

    state("good", "up")
    state("shut", "down")
    m = state("moody", "degraded")
    assert m.one("reachd_proxy_up", proxy="moody") == 1
    assert m.one("reachd_proxy_up", proxy="shut") == 0
    assert m.one("reachd_proxy_refuses") == 1
    assert m.one("reachd_proxy_info", proxy="good", auth="none") == 1
    wait("counts", lambda: d.metrics().one(
        "reachd_proxy_connect_failures_total", proxy="moody", code="403") >= 4)
    m = d.metrics()
    assert m.one("reachd_proxy_connects_total", proxy="moody") >= 4
    assert m.one("reachd_proxy_connect_failures_total", proxy="good", code="403") >= 2
    assert m.one("reachd_proxy_connect_failures_total", proxy="good", code="503") >= 2
    assert m.one("reachd_proxy_connect_failures_total", proxy="shut", code="none") >= 2
    assert m.one("reachd_proxy_connects_total", proxy="good") > m.sum(
        "reachd_proxy_connect_failures_total", proxy="good")
    assert m.one("reachd_proxy_auth_failures_total", proxy="good") == 0
    # The proxy hangs; then it works: a tunnel to where it leads.
    mood["answer"] = None
    state("moody", "down")
    wait("the verdict", lambda: d.metrics().one("reachd_proxy_refuses") == 0)
    mood["answer"] = b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n"
    m = state("moody", "up")
    before = m.one("reachd_proxy_connects_total", proxy="moody")
    events = [(e["event"], e.get("subject"), e.get("from"), e.get("to")) for e in d.api("events")["events"]]
    told = [e[2:] for e in reversed(events) if e[0] == "proxy_state" and e[1] == "moody"]
    assert told == [("unknown", "degraded"), ("degraded", "down"), ("down", "up")], events
    assert [e[0] for e in events].count("site_proxy_refuses") == 1
    assert [e[0] for e in events].count("site_proxy_passes") == 1
    site = d.api("site")
    assert {p["proxy"] for p in site["proxies"]} == {"good", "moody", "shut"}
    # Counters and states go on over a reload.
    d.write(text.replace("interval: 500ms", "interval: 600ms"))
    assert d.reload()[0] == 200
    m = d.metrics()
    assert m.one("reachd_proxy_connects_total", proxy="moody") >= before
    assert m.one("reachd_proxy_state", proxy="shut", state="down") == 1


class Kdc:
    """A realm of its own: TEST, with a service HTTP/localhost and a user."""

    def __init__(self, bench):
        d = self.directory = bench.directory / "krb"
        d.mkdir()
        self.port = free_port()
        (d / "krb5.conf").write_text(f"""
[libdefaults]
 default_realm = TEST
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 TEST = {{
  kdc = 127.0.0.1:{self.port}
 }}
[domain_realm]
 localhost = TEST
""")
        (d / "kdc.conf").write_text(f"""
[kdcdefaults]
 kdc_listen = 127.0.0.1:{self.port}
 kdc_tcp_listen = 127.0.0.1:{self.port}
[realms]
 TEST = {{
  database_name = {d}/principal
  key_stash_file = {d}/stash
  acl_file = {d}/acl
 }}
""")
        (d / "acl").write_text("")
        self.env = {"KRB5_CONFIG": str(d / "krb5.conf"), "KRB5_KDC_PROFILE": str(d / "kdc.conf")}
        self.run("kdb5_util", "create", "-s", "-P", "master")
        self.run("kadmin.local", "-q", "addprinc -randkey HTTP/localhost")
        self.run("kadmin.local", "-q", "addprinc -randkey reachd")
        self.run("kadmin.local", "-q", f"ktadd -k {d}/service.keytab HTTP/localhost")
        self.run("kadmin.local", "-q", f"ktadd -k {d}/client.keytab reachd")
        self.process = bench.start([tool("krb5kdc"), "-n"], "kdc", env=self.env)
        wait("the KDC", lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() or True)

    def run(self, name, *argv):
        subprocess.run([tool(name), *argv], env={**os.environ, **self.env}, check=True,
                       capture_output=True)


def test_negotiate(bench, pki, origin):
    """Kerberos, unattended by a keytab; and a KDC that hangs delays the
    probes of signalling, but no media."""
    kdc = Kdc(bench)
    keytab = (kdc.directory / "service.keytab").read_bytes()
    squid = Squid(bench, f"""
auth_param negotiate program {LIB}/negotiate_kerberos_auth -k DIR/service.keytab -s HTTP/localhost -t none
auth_param negotiate keep_alive on
acl known proxy_auth REQUIRED
http_access deny !known""", files={"service.keytab": keytab, "krb5.conf": (
        kdc.directory / "krb5.conf").read_text()}, env={"KRB5_CONFIG": "DIR/krb5.conf"})
    udp = bench.reflect("--listen.udp=127.0.0.1:0").port["udp"]
    text = config({
        "o": via(f"https://127.0.0.1:{origin.port['tls']}/", "krb"),
        "clear": via(f"http://127.0.0.1:{origin.port['clear']}/", "krb"),
    }, f"ca_file: {pki.ca}\nmedia: {{clusters: [{{name: m, udp: [\"stun:127.0.0.1:{udp}\"]}}]}}\n"
        "proxies: [{name: krb, url: \"http://localhost:%d\", auth: negotiate, retry: 10m}]" % squid.port)
    text = text.replace("via: [krb]", "via: [krb], family: ipv4").replace(
        "timeout: 400ms", "timeout: 3s").replace("interval: 500ms", "interval: 3500ms")
    cache = bench.directory / "cache"
    env = {**kdc.env, "KRB5_CLIENT_KTNAME": str(kdc.directory / "client.keytab"),
           "KRB5CCNAME": f"FILE:{cache}"}
    d = bench.daemon(text, env=env)
    settled(d, {"o@krb": ("answered", 200), "clear@krb": ("answered", 204)}, 40)
    d.stop()
    # Without a ticket and with a KDC that does not answer.
    kdc.process.stop()
    cache.unlink(missing_ok=True)
    hang = Script(bench, lambda c, s: s.stopping.wait(60), port=kdc.port)
    d = bench.daemon(text.replace("interval: 3500ms", "interval: 3500ms, count: 2"), env=env,
                     name="hung", binary=RELEASE)
    wait("the KDC is asked", lambda: hang.connections >= 1, 30)
    before = d.metrics().one("reachd_requests_total", transport="udp")
    wait("media goes on", lambda: d.metrics().one(
        "reachd_requests_total", transport="udp") >= before + 6, 30)
    m = d.metrics()
    assert m.one("reachd_requests_lost_total", transport="udp") == 0
    assert m.one("reachd_rolling_rtt_p99_seconds", transport="udp", window="1m") < 0.005
    # It holds the signalling loop, but for one path only: the others are not
    # tried before their time.
    settled(d, {"o@krb": "proxy_auth", "clear@krb": "proxy_auth"}, 90)
    held = hang.connections
    before = d.metrics().sum("reachd_probes_total", transport="https")
    wait("rounds", lambda: d.metrics().sum(
        "reachd_probes_total", transport="https") >= before + 4, 60)
    assert hang.connections == held
    hang.close()


def test_wss_and_tls_to_the_proxy(bench, pki, origin):
    """A WebSocket through a tunnel; and a proxy that is itself spoken to over
    TLS, with a certificate that is good, and one that is not."""
    good, key = pki.leaf("ws")
    ws = free_port()
    bench.start([tool("websocketd"), "--address=127.0.0.1", f"--port={ws}", "--ssl",
                 f"--sslcert={good}", f"--sslkey={key}", "cat"], "wsd")
    cert, cert_key = pki.leaf("proxy")
    squid = Squid(bench, port_options="", files={})
    secure = Squid(bench, files={"p.pem": open(cert).read() + open(cert_key).read()},
                   port_options="tls-cert=DIR/p.pem", listener="https_port")
    stranger = Pki(bench.directory, "stranger", "Stranger")
    bad, bad_key = stranger.leaf("badproxy")
    fake = Squid(bench, files={"p.pem": open(bad).read() + open(bad_key).read()},
                 port_options="tls-cert=DIR/p.pem", listener="https_port")
    url = f"https://127.0.0.1:{origin.port['tls']}/"
    d = bench.daemon(config({
        "ws": via(f"wss://127.0.0.1:{ws}/", "hq", "tls"), "web": via(url, "hq", "tls", "fake"),
        "clear": via(f"http://127.0.0.1:{origin.port['clear']}/", "tls"),
    }, f"ca_file: {pki.ca}\nproxies:\n  - {{name: hq, url: \"http://127.0.0.1:{squid.port}\"}}\n"
        f"  - {{name: tls, url: \"https://127.0.0.1:{secure.port}\"}}\n"
        f"  - {{name: fake, url: \"https://127.0.0.1:{fake.port}\"}}"))
    settled(d, {"ws@hq": "answered", "ws@tls": "answered", "web@hq": ("answered", 200),
                "web@tls": ("answered", 200), "web@fake": "tls_certificate",
                "clear@tls": ("answered", 204)}, 40)
    assert set(phases(d, "ws@tls")) == {"connect", "proxy", "tls", "request", "response"}
    # What is told of TLS is the origin's, never the proxy's.
    m = d.metrics()
    assert m.one("reachd_tls_cert_info", target="web@tls", subject="CN=good") == 1
    assert not m.all("reachd_tls_cert_info", target="web@fake")
    wait("its state", lambda: d.metrics().one("reachd_proxy_state", proxy="fake", state="down") == 1)
