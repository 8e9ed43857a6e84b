"""Servers, proxies and name servers that hang, drip, flood, repeat themselves or send in circles:
each has its outcome, takes bounded time and memory, and makes no other target
late. The same targets without them run beside, on the same busy machine."""

import socket
import ssl
import threading

from harness import RELEASE, wait
from test_https import settled
from webpeers import Nginx, Pki, Script, over_tls

HEAD = """
defaults: {{interval: 1s, timeout: 800ms, windows: [1m]}}
limits: {{requests_per_address: 1000}}
ca_file: {ca}
resolver: {resolver}
{proxies}
media: {{clusters: [{{name: m, udp: ["stun:127.0.0.1:{udp}"], tcp: ["stun:127.0.0.1:{tcp}"]}}]}}
targets:
  - {{name: web, probe: https, url: "https://127.0.0.1:{web}/"}}
  - {{name: port, probe: tcp, address: "127.0.0.1:{web}"}}
{targets}
"""
GIGABYTE = 1 << 30
LATE = 0.005
ROUNDS = 10
ENDLESS = ("flood", "greets", "page", "clearpage", "interim", "strangers", "trying")


class Sent:
    """Bytes that a kind of server got rid of."""

    def __init__(self):
        self.lock, self.bytes = threading.Lock(), 0

    def add(self, n):
        with self.lock:
            self.bytes += n


def silent(c, script):
    script.stopping.wait(60)


def drip(first):
    """One byte a second, once something was asked."""
    def talk(c, script):
        c.recv(4096)
        for b in first + b"x" * 60:
            c.sendall(bytes([b]))
            if script.stopping.wait(1):
                return
    return talk


def flood(first, sent):
    """A header, or whatever it is there, of a gigabyte."""
    def talk(c, script):
        c.recv(4096)
        c.sendall(first)
        n = 0
        try:
            while n < GIGABYTE:
                c.sendall(b"x" * 65536)
                n += 65536
                sent.add(65536)
        except OSError:
            c.close()
    return talk


def circle(c, script):
    """A redirection to where it is."""
    c.recv(4096)
    c.sendall(b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
    script.stopping.wait(60)


HTTP = b"HTTP/1.1 200 OK\r\nX: "


def endless(begin, more, sent):
    """Something that is skipped, as often as it is taken."""
    def talk(c, script):
        c.recv(4096)
        c.sendall(begin)
        try:
            while not script.stopping.is_set():
                c.sendall(more)
                sent.add(len(more))
        except OSError:
            c.close()
    return talk


def tickets(good, key):
    """A handshake, and then tickets of sessions without an end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(good, key)
    context.num_tickets = 10_000_000
    return over_tls(context, silent)


def skipped(bench, good, key, add, proxies, sent):
    """What libraries skip, or take, by themselves: greetings of TLS 1.2 (RFC
    5246 section 7.4.1.1), tickets of TLS 1.3 (RFC 8446 section 4.6.1), the
    page of a 407, answers that are not final, answers to nobody's question."""
    greetings = endless(b"", (b"\x16\x03\x03\x40\0" + bytes(16384)) * 64, sent)
    refusal = (b"HTTP/1.1 407 No\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"a\"\r\n"
               b"Content-Length: 99999999999\r\n\r\n")
    page = endless(refusal, b"x" * 65536, sent)
    interim = endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 3000, sent)
    strangers = endless(b"", b"\1\1\0\0\x21\x12\xa4\x42strangerABCD" * 3000, sent)
    trying = endless(b"", b"SIP/2.0 100 Trying\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKx\r\n"
                     b"To: <sip:a@b>\r\nFrom: <sip:a@b>;tag=1\r\nCall-ID: x\r\n"
                     b"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n" * 400, sent)
    kinds = {"tls": "probe: tls, address: '127.0.0.1:{0}'",
             "media": "transport: tls, address: '127.0.0.1:{0}'",
             "https": "probe: https, url: 'https://127.0.0.1:{0}/'",
             "wss": "probe: wss, url: 'wss://127.0.0.1:{0}/'"}
    for kind, keys in kinds.items():
        add(f"{kind}-greets", keys, greetings, "tls_handshake")
        add(f"{kind}-tickets", keys + ", verify: false" * (kind != "media"), tickets(good, key),
            "answered" if kind == "tls" else "protocol")
    add("http-interim", "probe: https, url: 'http://127.0.0.1:{0}/'", interim, "protocol")
    add("stun-strangers", "transport: tcp, address: '127.0.0.1:{0}'", strangers, "protocol")
    add("sip-trying", "probe: sip, transport: sip_tcp, address: '127.0.0.1:{0}'", trying, "protocol")
    auth = f"auth: digest, username: u, password_file: {bench.directory}/secret, retry: 1s"
    (bench.directory / "secret").write_text("s3cret\n")
    (bench.directory / "secret").chmod(0o600)
    for name, scheme, talk, url, outcome in (
            ("page", "http", page, "https://127.0.0.1:9/", "proxy_auth"),
            ("clearpage", "http", page, "http://127.0.0.1:9/", "protocol"),
            ("interim", "http", interim, "https://127.0.0.1:9/", "protocol"),
            ("greets", "https", greetings, "https://127.0.0.1:9/", "tls_handshake")):
        port = Script(bench, talk).port
        proxies.append(f"  - {{name: {name}, url: '{scheme}://127.0.0.1:{port}', {auth}}}")
        yield f"via-{name}@{name}", (f"probe: https, via: [{name}], url: '{url}'", outcome)


def servers(bench, good, key, sent):
    """name -> (keys of the target, outcome), and the proxies' part."""
    rows, proxies = {}, ["proxies:"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(good, key)

    def add(name, keys, talk, outcome):
        rows[name] = keys.format(Script(bench, talk).port), outcome

    web, wss = ("probe: %s, url: '%s://127.0.0.1:{0}/'" % w
                for w in (("https", "http"), ("wss", "wss")))
    for name, talk, outcome in (
            ("silent", silent, "timeout"), ("drip", drip(HTTP), "timeout"),
            ("flood", flood(HTTP, sent), "protocol"), ("circle", circle, "answered")):
        add(f"http-{name}", web, talk, outcome)
        add(f"https-{name}", web.replace("http:/", "https:/"), over_tls(context, talk), outcome)
        add(f"wss-{name}", wss, over_tls(context, talk),
            "error_response" if name == "circle" else outcome)
        # What a proxy does instead of making the tunnel.
        port = Script(bench, talk).port
        proxies.append(f"  - {{name: {name}, url: 'http://127.0.0.1:{port}'}}")
        rows[f"via-{name}@{name}"] = (
            f"probe: https, via: [{name}], url: 'https://127.0.0.1:9/'",
            {"circle": "proxy_refused"}.get(name, outcome))
    for name, first, outcome in (("silent", None, "timeout"), ("drip", b"\x16\x03\x03\0\x7a", "timeout"),
                                 ("flood", b"\x16\x03\x03\x40\0", "tls_handshake")):
        talk = silent if first is None else (drip if name == "drip" else
                                             lambda f: flood(f, sent))(first)
        # What comes in the place of a handshake.
        for kind, keys in (("tls", "probe: tls, address: '127.0.0.1:{0}'"),
                           ("hello", web.replace("http:/", "https:/"))):
            add(f"{kind}-{name}", keys, talk, outcome)
        # Protocols of our own, over TCP.
        outcome = "protocol" if name == "flood" else "timeout"
        for kind, keys, begin in (
                ("stun", "transport: tcp, address: '127.0.0.1:{0}'", b"\1\1"),
                ("sip", "probe: sip, transport: sip_tcp, address: '127.0.0.1:{0}'", b"SIP/2.0 200 "),
                ("dns", "probe: dns, transport: dns_tcp, query: a.test, address: '127.0.0.1:{0}'", b"")):
            talk = {"silent": silent, "drip": drip(begin), "flood": flood(begin, sent)}[name]
            add(f"{kind}-{name}", keys, talk, outcome)
    for kind, keys in (("udp", "address: 'a{0}.hung.test:5004'"),
                       ("tcp", "probe: tcp, address: 'b{0}.hung.test:80'"),
                       ("https", "probe: https, url: 'https://c{0}.hung.test/'"),
                       ("sip", "probe: sip, address: 'd{0}.hung.test:5060'")):
        for i in range(5):
            rows[f"{kind}-name{i}"] = keys.format(i), "dns"
    rows.update(skipped(bench, good, key, add, proxies, sent))
    return rows, "\n".join(proxies)


def lateness(m, loop):
    """Starts of a loop's work, those that were late, and their 95th and 99th
    percentile by the bounds of the buckets."""
    rows = sorted((float(lab["le"]), v) for lab, v in m.all(
        "reachd_event_loop_lag_seconds_bucket", loop=loop))
    total = rows[-1][1]
    on_time = max(v for le, v in rows if le <= LATE)
    return total, total - on_time, *(next(le for le, v in rows if v >= q * total)
                                     for q in (0.95, 0.99))


def test_hostile_peers_are_bounded(bench):
    pki = Pki(bench.directory)
    good, key = pki.leaf("good")
    nginx = Nginx(bench, f"server {{ listen {{web}} ssl; ssl_certificate {good}; "
                         f"ssl_certificate_key {key}; return 204; }}", ("web",))
    hung = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    hung.bind(("127.0.0.1", 0))
    bench.closing.append(hung.close)
    sent = Sent()
    rows, proxies = servers(bench, good, key, sent)
    r = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0")

    def text(targets, proxies):
        return HEAD.format(ca=pki.ca, resolver="127.0.0.1:%d" % hung.getsockname()[1],
                           udp=r.port["udp"], tcp=r.port["tcp"], web=nginx.port["web"],
                           targets=targets, proxies=proxies)
    rest = bench.daemon(text("", ""), binary=RELEASE, name="rest")
    d = bench.daemon(text("\n".join(f"  - {{name: {n.split('@')[0]}, {keys}}}"
                                    for n, (keys, _) in rows.items()), proxies), binary=RELEASE)
    outcomes = {n: outcome for n, (_, outcome) in rows.items()}
    settled(d, outcomes | {"web": "answered", "port": "answered"}, 60)
    wait("rounds", lambda: min(v for _, v in d.metrics().all("reachd_probes_total")) >= ROUNDS, 60)
    settled(d, outcomes, 60)
    m, still = d.metrics(), rest.metrics()
    # In time: every probe ended before the next one of its target was due.
    assert m.sum("reachd_probes_missed_total", reason="overrun") == 0
    # And no other target lost anything, or found its server slow.
    for name in ("web", "port", *(lab["target"] for lab, _ in m.all("reachd_target_info")
                                  if lab["media_cluster"] == "m")):
        assert m.one("reachd_requests_lost_total", target=name) == 0, name
    # What makes both late is the machine; here is more for it to do.
    calm = max(lateness(still, loop)[2] for loop in ("media", "signalling"))
    for loop in ("media", "signalling"):
        n, late, p95, p99 = lateness(m, loop)
        n0, late0, p95_0, p99_0 = lateness(still, loop)
        print(f"{loop}: {late:.0f} of {n:.0f} late by more than 5 ms, p95 {p95 * 1e3:.1f} ms, "
              f"p99 {p99 * 1e3:.1f} ms; at rest {late0:.0f} of {n0:.0f}, p95 {p95_0 * 1e3:.1f} ms, "
              f"p99 {p99_0 * 1e3:.1f} ms")
        assert p95 <= max(LATE, 4 * calm), (loop, late, n, late0, n0)
    # In bounds: of each gigabyte only what the kernel's buffers take.
    floods = sum(m.one("reachd_probes_total", target=n.split("@")[0] if "@" not in n else n)
                 for n in rows if n.split("@")[0].split("-")[1] in ENDLESS)
    rss, rss0 = (x.one("process_resident_memory_bytes") for x in (m, still))
    print(f"{len(rows)} hostile targets: {rss / 2**20:.1f} MiB, at rest {rss0 / 2**20:.1f} MiB; "
          f"{sent.bytes / floods / 2**20:.2f} MiB taken of each gigabyte, {floods:.0f} times")
    assert sent.bytes / floods < 16 << 20
    assert rss - rss0 < 48 << 20, (rss, rss0)
