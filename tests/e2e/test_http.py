"""The HTTP server as scrapers, browsers and supervisors meet it."""

import gzip
import http.client
import itertools
import json
import socket

from harness import ASAN, Process, wait
from raw import Garbage

CONFIG = """
defaults: {{interval: {interval}, timeout: 400ms, count: 1, windows: [1m]}}
media:
  clusters:
    - {{name: a, udp: ["stun:127.0.0.1:{port}"]}}
    - {{name: b, udp: ["stun:127.0.0.2:{port}"]}}
"""


def started(bench, interval="1s", **kw):
    port = bench.reflect("--listen.udp=0.0.0.0:0").port["udp"]
    return bench.daemon(CONFIG.format(port=port, interval=interval), **kw)


TEXT = "text/plain; version=0.0.4; charset=utf-8"
PROTOBUF = ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited")
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
SCRAPERS = (
    (None, TEXT),
    ("*/*", TEXT),
    ("application/openmetrics-text;version=1.0.0", OPEN),
    ("application/openmetrics-text;version=1.0.0;q=0.4,text/plain;q=0.5", TEXT),
    ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.4", OPEN),
    ("application/openmetrics-text;q=0,*/*;q=0.1", TEXT),
    # What Prometheus 2 and 3 send.
    ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPEN),
    ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
     "q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
     "text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", PROTOBUF))


def test_what_scrapers_ask_for(bench):
    d = started(bench).ready()
    for (accept, want), coding in itertools.product(SCRAPERS, (None, "gzip", "gzip;q=0, identity")):
        pair = (("Accept", accept), ("Accept-Encoding", coding))
        headers = {k: v for k, v in pair if v}
        status, got, body = d.request("/metrics", headers=headers)
        assert status == 200 and got["Content-Type"] == want, headers
        assert "Accept" in got["Vary"], (headers, got)
        assert got.get("Content-Encoding") == ("gzip" if coding == "gzip" else None), headers
        text = gzip.decompress(body) if coding == "gzip" else body
        assert text.endswith(b"# EOF\n") == (want == OPEN), headers
        status, head, nothing = d.request("/metrics", "HEAD", headers)
        assert status == 200 and nothing == b"" and head["Content-Type"] == want, headers


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def test_several_listeners_one_of_them_a_file(bench, tmp_path):
    path = tmp_path / "reachd.sock"
    d = started(bench, args=[f"--web.listen-address=unix:{path}", "--web.listen-address=[::1]:0",
                             "--web.telemetry-path=/numbers"]).ready()
    ports = [int(p) for p in d.port_file.read_text().split()]
    assert len(ports) == 3 and ports[1] == 0 and ports[0] != ports[2]
    for c in (http.client.HTTPConnection("127.0.0.1", ports[0]), UnixConnection(path),
              http.client.HTTPConnection("::1", ports[2])):
        c.request("GET", "/numbers")
        r = c.getresponse()
        assert r.status == 200 and b"reachd_build_info" in r.read()
        c.request("GET", "/metrics")  # the same connection
        assert c.getresponse().status == 404
        c.close()
    assert path.stat().st_mode & 0o777 == 0o660
    d.stop()
    assert not path.exists()


def test_ready_with_the_first_round(bench):
    """Not before every target has had its first probe; healthy all along."""
    g = Garbage(bench, None)  # connects and says nothing: the round takes its timeout
    d = bench.daemon(f"""
defaults: {{interval: 60s, timeout: 1500ms, windows: [1m]}}
targets: [{{name: slow, probe: stun, transport: tcp, address: "127.0.0.1:{g.port}"}}]
""")
    status, headers, body = d.request("/-/ready")
    assert status == 503 and b"first round" in body and int(headers["Retry-After"]) > 0
    assert d.request("/-/healthy")[0] == 200
    d.ready()
    assert d.metrics().sum("reachd_probes_total") == 1


def test_a_round_on_request(bench):
    d = started(bench, interval="60s").ready()

    def rounds():
        m = d.metrics()
        return {t["media_cluster"]: (m.one("reachd_probes_total", target=t["target"]), t["trigger"])
                for t in d.api("targets")["targets"]}
    wait("the first round", lambda: set(rounds().values()) == {(1, "start")})
    name = {t["media_cluster"]: t["target"] for t in d.api("targets")["targets"]}["a"]
    assert d.request("/-/probe?target=nobody", "POST")[0] == 404
    wait("one of them", lambda: d.request(f"/-/probe?target={name}", "POST")[0] == 202)
    wait("its round", lambda: rounds() == {"a": (2, "request"), "b": (1, "start")})
    wait("all of them", lambda: d.request("/-/probe", "POST")[0] == 202)
    wait("their round", lambda: {v[1] for v in rounds().values()} == {"request"}
         and rounds()["b"][0] == 2)
    # One in two seconds: of three at once the last is too many.
    status, headers, _ = [d.request("/-/probe", "POST") for _ in range(3)][2]
    assert status == 429 and int(headers["Retry-After"]) > 0
    assert d.request("/-/probe")[0] == 405


def test_no_lifecycle_unless_it_is_allowed(bench, tmp_path):
    config = tmp_path / "quiet.yml"
    config.write_text("targets: [{name: a, address: 127.0.0.1:9}]\n")
    port_file = tmp_path / "quiet.port"
    p = Process([ASAN, f"--config.file={config}", "--web.listen-address=127.0.0.1:0",
                 f"--web.port-file={port_file}"], tmp_path, "quiet")
    bench.closing.append(p.stop)
    port = int(wait("the port", lambda: port_file.exists() and port_file.read_text()))
    for path in ("/-/reload", "/-/probe", "/-/probe?target=a"):
        c = http.client.HTTPConnection("127.0.0.1", port)
        c.request("POST", path)
        r = c.getresponse()
        assert r.status == 403 and b"--web.enable-lifecycle" in r.read()
        c.close()


def test_limits_and_strangers(bench):
    d = started(bench).ready()

    def answer(raw):
        with socket.create_connection(("127.0.0.1", d.port), 20) as s:
            s.sendall(raw)
            got = b""
            while b"\r\n" not in got:
                more = s.recv(4096)
                if not more:
                    break
                got += more
            return got.split(b"\r\n")[0]
    big = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 40000 + b"\r\n\r\n"
    assert b" 431 " in answer(big) + b" " or b" 413 " in answer(big) + b" "
    assert b" 405 " in answer(b"DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 404 " in answer(b"GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 200 " not in answer(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
    # One address gets 320 connections; the others wait outside, and go in
    # when one of them ends.
    crowd = [socket.create_connection(("127.0.0.1", d.port), 5) for _ in range(400)]
    bench.closing.append(lambda: [s.close() for s in crowd])
    for s in crowd:
        s.close()
    wait("room again", lambda: d.request("/-/healthy")[0] == 200)

    def counted():
        codes = {(lab["handler"], lab["code"]) for lab, v in d.metrics().all(
            "reachd_http_requests_total") if v > 0}
        assert {("/metrics", "200"), ("/metrics", "405"), ("other", "404")} <= codes, codes
        return True
    wait("the counts", counted)  # a snapshot is up to a second old


def test_documents_are_json_and_the_same_numbers(bench):
    d = started(bench).ready()
    wait("samples", lambda: d.metrics().sum("reachd_requests_total") >= 4)
    for path in ("targets", "clusters", "site", "events"):
        status, headers, body = d.request(f"/api/v1/{path}")
        assert status == 200 and headers["Content-Type"] == "application/json"
        assert isinstance(json.loads(body), dict)
    targets, m = d.api("targets")["targets"], d.metrics()
    for t in targets:
        assert t["requests"] <= m.one("reachd_requests_total", target=t["target"])
        assert m.all("reachd_target_info", target=t["target"], address=t["info"]["address"])
