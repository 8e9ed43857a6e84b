"""HTTPS and HTTP by URL against nginx and against servers that misbehave:
outcomes, phases, facts."""

import ssl

import pytest

from harness import RELEASE, wait
from webpeers import Nginx, Pki, Script, answering, openssl, over_tls

CONFIG = """
{top}
defaults: {{interval: 500ms, timeout: 400ms, windows: [1m]}}
targets:
{targets}
"""


def config(targets, top=""):
    """targets: name -> (url, more keys)."""
    lines = []
    for name, value in targets.items():
        url, more = value if isinstance(value, tuple) else (value, "")
        probe = "wss" if url.startswith("wss") else "https"
        lines.append(f'  - {{name: {name}, probe: {probe}, url: "{url}"{", " + more if more else ""}}}')
    return CONFIG.format(targets="\n".join(lines), top=top)


def last(d, name):
    """Outcome and code of the target's last request, by the API."""
    t = next(t for t in d.api("targets")["targets"] if t["target"] == name)
    return t["last_outcome"], t["last_code"]


def settled(d, want, seconds=30):
    """Waits until each target's last outcome is the one that is wanted:
    name -> outcome, or (outcome, code)."""
    def check():
        seen = {t["target"]: t for t in d.api("targets")["targets"]}
        wrong = {}
        for name, w in want.items():
            t = seen.get(name, {})
            have = t.get("last_outcome")
            if isinstance(w, tuple):
                have = (have, t.get("last_code"))
            if have != w:
                wrong[name] = have
        assert not wrong, wrong
        return True
    wait("the outcomes", check, seconds)


def phases(d, name):
    return {lab["phase"]: v for lab, v in
            d.metrics().all("reachd_probe_phase_seconds", target=name)}


@pytest.fixture
def pki(bench):
    return Pki(bench.directory)


SERVERS = """
server {{ listen {{tls}} ssl; ssl_certificate {good}; ssl_certificate_key {good_key};
  ssl_protocols TLSv1.2 TLSv1.3;
  location / {{ return 200 hello; }}
  location /404 {{ return 404; }}
  location /500 {{ return 500; }}
  location /503 {{ return 503; }}
  location /302 {{ return 302 https://elsewhere.invalid/; }} }}
server {{ listen {{old}} ssl; ssl_certificate {good}; ssl_certificate_key {good_key};
  ssl_protocols TLSv1.2; return 204; }}
server {{ listen {{wrong}} ssl; ssl_certificate {wrong}; ssl_certificate_key {wrong_key}; return 204; }}
server {{ listen {{other}} ssl; ssl_certificate {other}; ssl_certificate_key {other_key}; return 204; }}
server {{ listen {{mtls}} ssl; ssl_certificate {good}; ssl_certificate_key {good_key};
  ssl_client_certificate {ca}; ssl_verify_client on; ssl_protocols TLSv1.2; return 204; }}
server {{ listen {{refuse}} ssl; ssl_reject_handshake on; }}
server {{ listen {{clear}}; return 204; }}
"""


@pytest.fixture
def nginx(bench, pki):
    good, good_key = pki.leaf("good")
    wrong, wrong_key = pki.leaf("wrong", "DNS:somebody.else")
    other, other_key = Pki(bench.directory, "stranger", "Stranger").leaf("other")
    text = SERVERS.format(ca=pki.ca, **locals())
    return Nginx(bench, text, ("tls", "old", "wrong", "other", "mtls", "refuse", "clear"))


def test_nginx(bench, pki, nginx):
    """Each server's outcome; 4xx shows that the origin is reached, 5xx that
    it is ill, and where a redirect leads nobody goes."""
    p = nginx.port
    base = f"https://127.0.0.1:{p['tls']}"
    d = bench.daemon(config({
        "ok": f"{base}/", "named": f"https://localhost:{p['tls']}/", "head": (f"{base}/", "method: HEAD"),
        "404": f"{base}/404", "500": f"{base}/500", "503": f"{base}/503", "302": f"{base}/302",
        "old": f"https://127.0.0.1:{p['old']}/", "wrong": f"https://127.0.0.1:{p['wrong']}/",
        "other": f"https://127.0.0.1:{p['other']}/", "refuse": f"https://127.0.0.1:{p['refuse']}/",
        "notls": f"https://127.0.0.1:{p['clear']}/", "clear": f"http://127.0.0.1:{p['clear']}/x",
        "closed": "https://127.0.0.1:1/", "want": (f"{base}/404", "codes: [404]"),
        "strict": (f"{base}/404", "codes: [200-299, 401]"), "ill": (f"{base}/503", "codes: 503"),
    }, f"ca_file: {pki.ca}").replace("name: named", "family: ipv4, name: named"))
    settled(d, {
        "ok": ("answered", 200), "named": ("answered", 200), "head": ("answered", 200),
        "404": ("answered", 404), "500": ("error_response", 500), "503": ("error_response", 503),
        "302": ("answered", 302), "old": ("answered", 204), "clear": ("answered", 204),
        "wrong": ("tls_certificate", 62), "other": ("tls_certificate", 20),
        "want": ("answered", 404), "strict": ("error_response", 404), "ill": ("answered", 503),
        "refuse": ("tls_handshake", 112), "notls": "tls_handshake", "closed": "refused",
    })
    m = d.metrics()
    assert m.one("reachd_http_status_code", target="404") == 404
    assert m.one("reachd_target_state", target="503", state="degraded") == 1
    assert m.one("reachd_target_state", target="404", state="up") == 1
    ok = phases(d, "ok")
    assert set(ok) == {"connect", "tls", "request", "response"}, ok
    assert 0 < ok["connect"] < 0.02 and 0 < ok["tls"] < 0.4, ok
    assert ok["response"] == pytest.approx(
        m.one("reachd_probe_last_rtt_seconds", target="ok"), abs=0.1)
    assert set(phases(d, "clear")) == {"connect", "response"}
    assert phases(d, "refuse").keys() == {"connect"}
    # What was shown is told, whether it is good or not.
    assert m.one("reachd_tls_info", target="ok", version="TLSv1.3") == 1
    assert m.one("reachd_tls_info", target="old", version="TLSv1.2") == 1
    assert m.one("reachd_tls_cert_info", target="wrong", subject="CN=wrong") == 1
    assert m.one("reachd_tls_cert_info", target="other", issuer="CN=Stranger") == 1
    assert m.one("reachd_tls_chain_valid", target="ok") == 1
    assert m.one("reachd_tls_chain_valid", target="other") == 0
    # The times are the kernel's, not those of a busy loop.
    assert m.one("reachd_round_trip_times_total", clock="kernel_receive") > 0 if m.all(
        "reachd_round_trip_times_total") else True
    requests = nginx.access.read_text()
    assert "HEAD / HTTP/1.1" in requests and "reachd/" in requests
    assert "elsewhere" not in d.text()


def test_a_name(bench, pki, nginx):
    """The lookup's own time is a phase; a name that does not resolve is an
    outcome, and a name server that hangs delays nobody."""
    from nameserver import Nameserver
    ns = Nameserver(bench, {"web.test": ["127.0.0.1"]})
    good, key = pki.leaf("named", "DNS:web.test")
    server = Script(bench, over_tls(tls_context(good, key), answering(b"HTTP/1.1 204 No\r\n\r\n")))
    d = bench.daemon(config({
        "named": f"https://web.test:{server.port}/", "gone": "https://nosuch.test/",
        "literal": f"https://127.0.0.1:{nginx.port['tls']}/",
    }, f"ca_file: {pki.ca}\nresolver: {ns.address}"))
    settled(d, {"named": ("answered", 204), "gone": "dns", "literal": ("answered", 200)})
    p = phases(d, "named")
    assert set(p) == {"resolve", "connect", "tls", "request", "response"}, p
    assert 0 < p["resolve"] < 1
    assert "resolve" not in phases(d, "literal")
    ns.silent = True
    before = d.metrics().one("reachd_probes_total", target="named")
    wait("it goes on", lambda: d.metrics().one("reachd_probes_total", target="named") >= before + 6)
    settled(d, {"named": ("answered", 204), "literal": ("answered", 200)})


def tls_context(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def test_a_connection_each(bench, pki, nginx):
    """No connection and no TLS session serves twice."""
    d = bench.daemon(config({"a": f"https://127.0.0.1:{nginx.port['tls']}/"}, f"ca_file: {pki.ca}"))
    wait("rounds", lambda: d.metrics().one("reachd_probes_total") >= 4)
    assert all(v > 0 for v in phases(d, "a").values())
    assert phases(d, "a")["tls"] > phases(d, "a")["response"]


def test_misbehaving_servers(bench, pki):
    """What no server should do: bounded in time and memory, and told apart."""
    good, key = pki.leaf("good")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(good, key)

    def flood(c, script):
        head_line = b"HTTP/1.1 200 OK\r\nX: "
        c.sendall(head_line)
        while True:
            c.sendall(b"x" * 65536)

    def many(c, script):
        c.recv(4096)
        c.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            c.sendall(b"X-Y: zzzzzzzzzzzzzzzzzzzzzzzzzzz\r\n" * 2000)

    def drip(c, script):
        c.recv(4096)
        for b in b"HTTP/1.1 200 OK\r\nServer: slow\r\n\r\n":
            c.sendall(bytes([b]))
            if script.stopping.wait(0.3):
                return

    def body(c, script):
        c.recv(4096)
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            c.sendall(b"b" * 65536)

    def reset(c, script):
        c.recv(4096)
        import socket
        import struct
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()

    def gone(c, script):
        c.recv(4096)
        c.close()

    talks = {
        "flood": (flood, "protocol"), "many": (many, "protocol"), "drip": (drip, "timeout"),
        "silent": (lambda c, s: s.stopping.wait(30), "timeout"),
        "body": (body, ("answered", 200)), "reset": (reset, "reset"), "gone": (gone, "reset"),
        "ssh": (answering(b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol"),
        "old": (answering(b"<html>0.9</html>"), "protocol"),
        "loop": (answering(b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
                 ("answered", 301)),
        "interim": (answering(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
                              b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ("answered", 200)),
        "huge": (answering(b"HTTP/1.1 99999999999 OK\r\n\r\n"), "protocol"),
    }
    clear = {n: Script(bench, t) for n, (t, _) in talks.items()}
    secure = {n: Script(bench, over_tls(context, t)) for n, (t, _) in talks.items()}
    # Connections that never come as far as TLS.
    hello = Script(bench, lambda c, s: s.stopping.wait(30))
    targets = {n: f"http://127.0.0.1:{s.port}/" for n, s in clear.items()}
    targets |= {f"s-{n}": f"https://127.0.0.1:{s.port}/" for n, s in secure.items()}
    targets["hello"] = f"https://127.0.0.1:{hello.port}/"
    d = bench.daemon(config(targets, f"ca_file: {pki.ca}"))
    want = {n: w for n, (_, w) in talks.items()}
    want |= {f"s-{n}": w for n, (_, w) in talks.items()}
    want["hello"] = "timeout"
    settled(d, want, 60)
    wait("rounds", lambda: min(v for _, v in d.metrics().all("reachd_probes_total")) >= 4, 60)
    settled(d, want, 60)
    # Nobody reads a gigabyte: of each flood only what fits a buffer or two.
    assert d.metrics().one("process_resident_memory_bytes") < 600e6


def test_media_keeps_time(bench, pki):
    """Web servers that hang or flood do not delay media."""
    port = bench.reflect("--listen.udp=127.0.0.1:0").port["udp"]

    def flood(c, script):
        c.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            c.sendall(b"x" * 65536)

    hang = Script(bench, lambda c, s: s.stopping.wait(60))
    floods = Script(bench, flood)
    urls = "\n".join(
        f'  - {{name: w{i}, probe: https, url: "http://127.0.0.1:{(hang, floods)[i % 2].port}/{i}"}}'
        for i in range(40))
    media = f"""
defaults: {{interval: 500ms, timeout: 400ms, windows: [1m]}}
media: {{clusters: [{{name: m, udp: ["stun:127.0.0.1:{port}"]}}]}}
"""
    d = bench.daemon(f"{media}targets:\n{urls}\n", binary=RELEASE)
    calm = bench.daemon(media, name="calm", binary=RELEASE)
    for each in (d, calm):
        wait("rounds", lambda: each.metrics().one("reachd_probes_total", transport="udp") >= 12, 30)
    m = d.metrics()
    assert m.one("reachd_requests_lost_total", transport="udp") == 0
    # One that has nothing else to do meets the same machine.
    rtt, its = (x.one("reachd_rolling_rtt_p95_seconds", transport="udp", window="1m")
                for x in (m, calm.metrics()))
    assert rtt < max(0.005, 4 * its), (rtt, its)
    missed = m.sum("reachd_probes_missed_total", reason="stall")
    assert missed == 0


def test_reload_and_end_in_the_middle(bench, pki, nginx):
    """Requests under way end with their targets, and with the daemon."""
    hang = Script(bench, lambda c, s: s.stopping.wait(30))
    many = {f"t{i}": f"https://127.0.0.1:{hang.port}/{i}" for i in range(12)}
    d = bench.daemon(config(many, f"ca_file: {pki.ca}").replace("timeout: 400ms", "timeout: 20s")
                     .replace("interval: 500ms", "interval: 30s"))
    wait("they hang", lambda: hang.connections >= 12)
    d.write(config({"t0": f"https://127.0.0.1:{hang.port}/0",
                    "ok": f"https://127.0.0.1:{nginx.port['tls']}/"}, f"ca_file: {pki.ca}"))
    assert d.reload()[0] == 200
    settled(d, {"ok": ("answered", 200)})
    assert d.stop() == 0
