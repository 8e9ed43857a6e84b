"""The HTTP server against clients that mean it no good, in plain and over TLS:
what they take is bounded, and others are served meanwhile."""

import base64
import concurrent.futures
import os
import resource
import select
import socket
import ssl
import subprocess

import pytest

from harness import wait

GUESSES = 200


def bcrypt(password, cost):
    out = subprocess.run(["htpasswd", "-nbBC", str(cost), "u", password],
                         capture_output=True, text=True, check=True).stdout
    return out.strip().split(":", 1)[1]


def certificate(directory, name):
    """In the place of the one that is there, as a renewal does it."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9", "-subj", f"/CN={name}",
         "-keyout", "new.key", "-out", "new.pem"], cwd=directory, check=True, capture_output=True)
    (directory / "new.pem").rename(directory / "server.pem")
    (directory / "new.key").rename(directory / "server.key")


class Site:
    """A daemon that clients of any loopback address talk to."""

    def __init__(self, bench, tls, web="", config="defaults: {interval: 1s, timeout: 500ms}\n"):
        self.tls = tls
        if tls:
            certificate(bench.directory, "first")
            web += "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
        (bench.directory / "web.yml").write_text(web)
        self.daemon = bench.daemon(config, args=[f"--web.config.file={bench.directory}/web.yml"])
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def raw(self, source="127.0.0.1"):
        s = socket.socket()
        s.settimeout(30)
        s.bind((source, 0))
        s.connect(("127.0.0.1", self.daemon.port))
        return s

    def connect(self, source="127.0.0.1"):
        s = self.raw(source)
        return self.context.wrap_socket(s) if self.tls else s

    def hear(self, s):
        """All until the end of the connection."""
        return b"".join(iter(lambda: s.recv(65536), b""))

    def ask(self, path="/-/healthy", user=None, source="127.0.0.1", method="GET", more=""):
        """The status, and the rest of the answer."""
        if user:
            more += f"Authorization: Basic {base64.b64encode(user.encode()).decode()}\r\n"
        with self.connect(source) as s:
            s.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                      f"{more}\r\n".encode())
            answer = self.hear(s)
        if not answer:
            raise OSError("closed without an answer")
        return int(answer.split(b" ", 2)[1]), answer

    def subject(self):
        with self.connect() as s:
            der = s.getpeercert(True)
        return subprocess.run(["openssl", "x509", "-inform", "der", "-noout", "-subject"],
                              input=der, capture_output=True).stdout.decode().split("= ")[1].strip()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def tls(request):
    return request.param


@pytest.fixture(autouse=True)
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("sources", [["127.0.0.1"], ["127.0.0.9"],
                                     [f"127.0.1.{i}" for i in range(1, 101)]],
                         ids=["one with us", "another", "a hundred"])
def test_a_thousand_idle_connections(bench, tls, sources):
    site = Site(bench, tls)
    before = site.descriptors()
    crowd = [site.raw(sources[i % len(sources)]) for i in range(1000)]
    if not tls:
        for s in crowd:  # half of them begin, and never end
            try:
                s.send(b"GET / HTTP/1.1\r\n")
            except OSError:
                pass
    for _ in range(5):
        assert site.ask()[0] == 200
    assert site.ask("/metrics")[0] == 200
    assert site.descriptors() - before <= 512 + 32 + 2
    for s in crowd:
        s.close()
    wait("all of them gone", lambda: site.descriptors() <= before + 2)


def closed(s):
    """Whether the other side is done with it."""
    s.setblocking(False)
    try:
        return s.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_slowloris(bench, tls):
    """Each sends a byte now and then, of a request or of a handshake, and comes
    again when it is shut out."""
    site = Site(bench, tls)

    def come(i):
        s = site.raw(f"127.0.2.{i % 50 + 1}")
        s.sendall(b"\x16\x03\x01\x02" if tls else b"GET / HTTP/1.1\r\nX: ")
        return s

    crowd = [come(i) for i in range(600)]
    wait("some are shut out", lambda: sum(map(closed, crowd)) >= 600 - 512 - 32)
    for turn in range(4):
        for i, s in enumerate(crowd):
            if closed(s):
                s.close()
                crowd[i] = come(i)
            else:
                try:
                    s.send(b"x")
                except OSError:
                    pass
        assert site.ask()[0] == 200, turn
        assert site.ask("/metrics")[0] == 200, turn
    for s in crowd:
        s.close()


def test_headers_heads_and_pipelines(bench, tls):
    site = Site(bench, tls)
    for size in (17000, 64 * 1024, 200 * 1024):
        with site.connect() as s:
            try:
                s.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nX: " + b"y" * size + b"\r\n\r\n")
            except OSError:
                pass
            assert b"HTTP/1.1 431 " in s.recv(65536), size
    assert site.ask(more="X: " + "y" * 8000 + "\r\n")[0] == 200
    status, answer = site.ask("/-/healthy", method="HEAD")
    assert status == 200 and answer.endswith(b"\r\n\r\n") and b"Content-Length: 8" in answer
    # A hundred at once, the last one says that it is.
    with site.connect() as s:
        s.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n" * 99 +
                  b"GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = site.hear(s)
    assert answer.count(b"HTTP/1.1 ") == 100 and answer.count(b"Healthy\n") == 99
    # What is no HTTP, and what is no TLS.
    for junk in (b"\0" * 5000, b"\x16\x03\x01\xff\xff" + b"\0" * 5000, b"GET /\n\n" * 50):
        with site.raw() as s:
            s.sendall(junk)
    assert site.ask()[0] == 200


def test_a_storm_of_guesses(bench, tls):
    """Each costs the server a third of a second; nobody waits for them all."""
    site = Site(bench, tls, f"basic_auth_users: {{known: {bcrypt('right', 12)}, "
                            f"new: {bcrypt('other', 12)}}}\n")
    assert site.ask(user="known:right")[0] == 200

    def guess(i):
        try:
            return site.ask(user=f"known:{i}", source=f"127.0.3.{i % 20 + 1}")[0]
        except OSError:
            return 0

    with concurrent.futures.ThreadPoolExecutor(GUESSES) as pool:
        guesses = [pool.submit(guess, i) for i in range(GUESSES)]
        wait("a few answers", lambda: sum(g.done() for g in guesses) >= 5)
        for _ in range(3):
            assert site.ask(user="known:right")[0] == 200
        # Who was not seen before waits for his turn, or is asked to come again.
        wait("a new one", lambda: site.ask(user="new:other")[0] == 200, 60)
        ended = [g.result() for g in guesses]
        # 16 at a time, 8 for one address: the others were not kept waiting.
        assert set(ended) <= {0, 401, 503} and ended.count(503) > GUESSES / 2, ended
        # It ends when it is asked to, whatever there is to check.
        more = [pool.submit(guess, i + GUESSES) for i in range(GUESSES)]
        wait("a few more", lambda: sum(g.done() for g in more) >= 5)
        assert site.daemon.stop(10) == 0


def test_another_certificate_under_load(bench):
    """Who is being answered gets all of it, though the certificate changes
    twice meanwhile; and a storm of guesses holds up no handshake."""
    targets = "\n".join(f'- {{name: t{i}, address: "127.0.0.1:9", dscp: {i % 60}, '
                        f'media_cluster: c{i}}}' for i in range(1000))
    site = Site(bench, True, f"basic_auth_users: {{u: {bcrypt('right', 10)}}}\n",
                "defaults: {interval: 1h, timeout: 100ms, count: 1}\ntargets:\n" + targets)
    whole = len(site.ask("/metrics", "u:right")[1])
    assert whole > 5_000_000
    s = site.raw()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s = site.context.wrap_socket(s)
    s.sendall(b"GET /metrics HTTP/1.0\r\nAuthorization: Basic " +
              base64.b64encode(b"u:right") + b"\r\n\r\n")
    begin = s.recv(64)
    assert begin.startswith(b"HTTP/1.1 200 "), begin

    def guess(i):
        try:
            return site.ask(user=f"u:{i}", source=f"127.0.3.{i % 20 + 1}")[0]
        except OSError:
            return 0

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        guesses = [pool.submit(guess, i) for i in range(100)]
        certificate(bench.directory, "second")
        wait("the second certificate", lambda: site.subject() == "second")
        assert site.ask("/-/healthy", "u:right")[0] == 200
        assert set(g.result() for g in guesses) <= {0, 401, 503}
    assert select.select([s], [], [], 10)[0]
    rest = site.hear(s)
    assert abs(len(begin) + len(rest) - whole) < whole / 10
    assert b'reachd_http_requests_total{handler="/metrics",code="200"}' in rest
    s.close()
    # Idle ones of before are not kept.
    idle = site.connect()
    certificate(bench.directory, "third")
    wait("the third certificate", lambda: site.subject() == "third")
    assert site.hear(idle) == b""
    assert site.ask("/-/healthy", "u:right")[0] == 200
