"""WebSocket over TLS: websocketd with and without nginx before it, and
servers that get the handshake or the frames wrong."""

import base64
import hashlib
import re
import ssl
import struct

import pytest

from harness import free_port, tool, wait
from test_https import config, phases, settled
from webpeers import Nginx, Pki, Script, head, over_tls


@pytest.fixture
def pki(bench):
    return Pki(bench.directory)


def test_websocketd(bench, pki):
    """Directly over TLS, and behind nginx, as such servers usually are."""
    good, key = pki.leaf("good")
    direct, behind = free_port(), free_port()
    bench.start([tool("websocketd"), "--address=127.0.0.1", f"--port={direct}", "--ssl",
                 f"--sslcert={good}", f"--sslkey={key}", "cat"], "wsd-tls")
    bench.start([tool("websocketd"), "--address=127.0.0.1", f"--port={behind}", "cat"], "wsd")
    nginx = Nginx(bench, f"""
server {{ listen {{tls}} ssl; ssl_certificate {good}; ssl_certificate_key {key};
  ssl_protocols TLSv1.2 TLSv1.3;
  location /ws {{ proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; }}
  location /plain {{ return 200 hello; }}
  location /403 {{ return 403; }} }}""", ("tls",))
    base = f"wss://127.0.0.1:{nginx.port['tls']}"
    d = bench.daemon(config({
        "direct": f"wss://127.0.0.1:{direct}/", "many": (f"{base}/ws", "count: 5, spacing: 10ms"),
        "plain": f"{base}/plain", "403": f"{base}/403", "known": (f"{base}/403", "codes: [403]"), "closed": "wss://127.0.0.1:1/",
    }, f"ca_file: {pki.ca}"))
    settled(d, {"direct": "answered", "many": "answered", "plain": ("error_response", 200),
                "403": ("error_response", 403), "known": ("answered", 403), "closed": "refused"})
    wait("rounds", lambda: d.metrics().one("reachd_probes_total", target="many") >= 4)
    m = d.metrics()
    assert m.one("reachd_requests_total", target="many") >= 4 * m.one(
        "reachd_probes_total", target="many")
    assert m.one("reachd_requests_lost_total", target="many") == 0
    assert m.one("reachd_http_status_code", target="many") == 101
    p = phases(d, "direct")
    # The way, the opening handshake, and a ping with its pong.
    assert set(p) == {"connect", "tls", "request", "response"}, p
    assert p["response"] < 0.2 and p["connect"] < 0.02, p
    assert m.one("reachd_tls_chain_valid", target="direct") == 1


def accept_of(text):
    key = re.search(r"Sec-WebSocket-Key: (\S+)", text)[1]
    sha = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    return base64.b64encode(sha).decode()


def upgrade(c, script):
    text = head(c)
    script.notes.append(text)
    c.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               f"Sec-WebSocket-Accept: {accept_of(text)}\r\n\r\n").encode())


def frame(c):
    """A client's frame: opcode and payload, unmasked."""
    h = c.recv(2)
    while len(h) < 2:
        more = c.recv(2 - len(h))
        if not more:
            raise OSError("closed")
        h += more
    assert h[1] & 0x80, "a client must mask"
    n = h[1] & 0x7f
    rest = b""
    while len(rest) < 4 + n:
        more = c.recv(4 + n - len(rest))
        if not more:
            raise OSError("closed")
        rest += more
    return h[0] & 15, bytes(b ^ rest[i % 4] for i, b in enumerate(rest[4:]))


def test_frames(bench, pki):
    """What else a server may say, and what none may."""
    good, key = pki.leaf("good")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(good, key)

    def talk(before=b"", answer=lambda payload: bytes([0x8a, len(payload)]) + payload):
        def run(c, script):
            upgrade(c, script)
            if before:
                c.sendall(before)
            while True:
                opcode, payload = frame(c)
                script.notes.append((opcode, payload))
                if opcode == 9:
                    c.sendall(answer(payload))
        return run

    def chatty(payload):
        return (b"\x81\x05hello" + b"\x01\x7e\x03\xe8" + b"m" * 1000 + b"\x80\x00"
                + b"\x8a\x03old" + bytes([0x8a, len(payload)]) + payload)

    def bytewise(c, script):
        upgrade(c, script)
        while True:
            opcode, payload = frame(c)
            if opcode == 9:
                for b in bytes([0x8a, len(payload)]) + payload:
                    c.sendall(bytes([b]))

    def wrong_accept(c, script):
        head(c)
        c.sendall(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n")
        script.stopping.wait(20)

    def no_pong(c, script):
        upgrade(c, script)
        script.stopping.wait(20)

    def closes(c, script):
        upgrade(c, script)
        c.sendall(b"\x88\x02" + struct.pack(">H", 4401))
        script.stopping.wait(20)

    def flood(c, script):
        upgrade(c, script)
        while True:
            c.sendall(b"\x82\x7f" + struct.pack(">Q", 1 << 20) + b"x" * (1 << 20))

    def leaves(c, script):
        upgrade(c, script)
        frame(c)
        c.close()

    def ignores(c, script):
        head(c)
        script.stopping.wait(20)

    def rambles(c, script):
        head(c)
        while True:
            c.sendall(b"HTTP/1.1 101 X\r\n" + b"X: y\r\n" * 1000)

    rows = {
        "good": (talk(), "answered"), "chatty": (talk(answer=chatty), "answered"),
        "bytewise": (bytewise, "answered"),
        "greets": (talk(b"\x81\x02hi\x89\x02yo"), "answered"),
        "other": (talk(answer=lambda p: b"\x8a\x08AAAAAAAA"), "timeout"),
        "masked": (talk(answer=lambda p: b"\x8a\x82\0\0\0\0ab"), "protocol"),
        "reserved": (talk(answer=lambda p: b"\xca\x00"), "protocol"),
        "opcode": (talk(answer=lambda p: b"\x83\x00"), "protocol"),
        "wrong_accept": (wrong_accept, ("protocol", 101)), "no_pong": (no_pong, "timeout"),
        "closes": (closes, ("error_response", 4401)), "flood": (flood, "protocol"),
        "leaves": (leaves, "reset"), "ignores": (ignores, "timeout"), "rambles": (rambles, "protocol"),
    }
    scripts = {n: Script(bench, over_tls(context, t)) for n, (t, _) in rows.items()}
    d = bench.daemon(config({n: f"wss://127.0.0.1:{s.port}/chat?x=1" for n, s in scripts.items()},
                            f"ca_file: {pki.ca}"))
    want = {n: w for n, (_, w) in rows.items()}
    settled(d, want, 60)
    wait("rounds", lambda: min(v for _, v in d.metrics().all("reachd_probes_total")) >= 4, 60)
    settled(d, want, 60)
    request = scripts["good"].notes[0]
    assert request.startswith("GET /chat?x=1 HTTP/1.1\r\n"), request
    assert f"\r\nHost: 127.0.0.1:{scripts['good'].port}\r\n" in request
    # Each ping is another one, the ping of the server gets its pong, and the
    # end of the probe is said.
    pings = [p for o, p in (n for n in scripts["good"].notes if isinstance(n, tuple)) if o == 9]
    assert len(set(pings)) == len(pings) >= 4
    assert (10, b"yo") in scripts["greets"].notes
    wait("a close", lambda: (8, b"\x03\xe8") in scripts["good"].notes)
    keys = {re.search(r"Sec-WebSocket-Key: (\S+)", n)[1]
            for n in scripts["good"].notes if isinstance(n, str)}
    assert len(keys) >= 4
