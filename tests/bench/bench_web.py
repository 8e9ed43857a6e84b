#!/usr/bin/env python3
"""CPU time of an HTTPS, a TLS and a TCP probe: a bare loop, the daemon and
blackbox_exporter against the same nginx, one after the other and round again.
Whatever blackbox_exporter spends on being asked for a probe counts, for that
is how it is used. Then the connect times that are told while 64 are under way.

    REACHD_RELEASE=build/release/reachd bench_web.py [SECONDS [ROUNDS]]

The bare loop is beside the daemon: tests/bench/bare_stream there."""

import concurrent.futures
import http.client
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import RELEASE, Bench, Metrics, free_port, wait  # noqa: E402
from webpeers import Nginx, Pki  # noqa: E402

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 10
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
# Probes a second of the daemon, and those of the bare loop in all.
RATE = {"https": 200, "tls": 200, "tcp": 400}
BARE = {"https": 1500, "tls": 1500, "tcp": 20000}
AT_ONCE = 64
# Two targets of the same address and port would be one path.
ADDRESSES = [f"127.3.{i // 200}.{i % 200 + 1}" for i in range(max(RATE.values()))]
MODULES = """
modules:
  https: {{prober: http, timeout: 5s, http: {{preferred_ip_protocol: ip4, tls_config: {{ca_file: {ca}}}}}}}
  tls: {{prober: tcp, timeout: 5s, tcp: {{preferred_ip_protocol: ip4, tls: true, tls_config: {{ca_file: {ca}}}}}}}
  tcp: {{prober: tcp, timeout: 5s, tcp: {{preferred_ip_protocol: ip4}}}}
"""


def spent(metrics):
    return metrics.one("process_cpu_seconds_total")


def bare(b, kind, port, ca):
    out = subprocess.run([pathlib.Path(RELEASE).parent / "tests/bench/bare_stream", kind,
                          str(port), str(BARE[kind]), ca], capture_output=True, text=True, check=True)
    return float(out.stdout) / 1e6


def ours(b, kind, port, ca):
    at = {"https": f"url: 'https://127.0.0.1:{port}/{{}}'",
          "tls": f"server_name: localhost, address: '{{}}:{port}'",
          "tcp": f"address: '{{}}:{port}'"}[kind]
    lines = "\n".join(f"  - {{name: t{i}, probe: {kind}, {at.format(ADDRESSES[i])}}}" for i in range(RATE[kind]))
    d = b.daemon(f"""
ca_file: {ca}
defaults: {{interval: 1s, timeout: 900ms, windows: [1m]}}
limits: {{requests_per_address: 1000}}
targets:
{lines}
""", binary=RELEASE)
    d.ready()
    time.sleep(2)
    a = d.metrics()
    time.sleep(SECONDS)
    z = d.metrics()
    n = z.sum("reachd_probes_total") - a.sum("reachd_probes_total")
    assert n > RATE[kind] * SECONDS / 2, n
    assert z.sum("reachd_probe_failures_total") == 0, [r for r in z.all("reachd_failures_total") if r[1]]
    d.stop()
    return (spent(z) - spent(a)) / n


class Blackbox:
    def __init__(self, b, ca):
        self.port = free_port()
        (b.directory / "blackbox.yml").write_text(MODULES.format(ca=ca))
        self.process = b.start(
            ["prometheus-blackbox-exporter", f"--config.file={b.directory}/blackbox.yml",
             f"--web.listen-address=127.0.0.1:{self.port}"], "blackbox")
        wait("blackbox_exporter", lambda: self.connection() or True)

    def connection(self):
        c = http.client.HTTPConnection("127.0.0.1", self.port)
        c.connect()
        return c

    @staticmethod
    def path(kind, port):
        target = f"https://127.0.0.1:{port}/" if kind == "https" else f"127.0.0.1:{port}"
        return f"/probe?module={kind}&target=" + urllib.parse.quote(target, safe="")

    @staticmethod
    def ask(c, path):
        c.request("GET", path)
        return c.getresponse().read().decode()

    def cost(self, b, kind, port, ca):
        c, path, n = self.connection(), self.path(kind, port), 0
        assert "probe_success 1" in self.ask(c, path)
        a, end = Metrics(self.ask(c, "/metrics")), time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.ask(c, path)
            n += 1
        return (spent(Metrics(self.ask(c, "/metrics"))) - spent(a)) / n

    def connect_times(self, port, n):
        """As it tells them of n HTTPS probes at once."""
        def one(_):
            c, seen = self.connection(), []
            for _ in range(5):
                seen.append(Metrics(self.ask(c, self.path("https", port))).one(
                    "probe_http_duration_seconds", phase="connect"))
            return seen
        with concurrent.futures.ThreadPoolExecutor(n) as pool:
            return [t for seen in pool.map(one, range(n)) for t in seen]


def spread(times):
    times = sorted(times)
    return f"median {statistics.median(times) * 1e6:.0f} us, p99 {times[len(times) * 99 // 100] * 1e6:.0f} us"


def main():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="reachd-bench-"))
    b = Bench(directory)
    try:
        pki = Pki(directory)
        good, key = pki.leaf("good")
        port = free_port()
        listens = "".join(f"listen {a}:{port} ssl; " for a in ["127.0.0.1"] + ADDRESSES)
        Nginx(b, f"server {{ {listens} ssl_certificate {good}; "
                 f"ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3; "
                 "location / { return 200 hello; } }", ())
        wait("nginx", lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True)
        ways = {"bare loop": bare, "reachd": ours}
        peer = None
        if shutil.which("prometheus-blackbox-exporter"):
            peer = Blackbox(b, pki.ca)
            ways["blackbox_exporter"] = peer.cost
        for kind in RATE:
            cost = {name: [] for name in ways}
            for _ in range(ROUNDS):
                for name, way in ways.items():
                    cost[name].append(way(b, kind, port, pki.ca))
            for name, rows in cost.items():
                ratio = statistics.median(c / base for c, base in zip(rows, cost["bare loop"]))
                print(f"{kind:6} {name:20} {statistics.median(rows) * 1e6:8.1f} us of CPU a probe, "
                      f"{ratio:6.2f} times the bare loop", flush=True)
        if peer:
            for n in (1, AT_ONCE):
                print(f"blackbox_exporter tells connect times, {n:2} under way: "
                      f"{spread(peer.connect_times(port, n))}")
    finally:
        b.close()
        shutil.rmtree(directory, ignore_errors=True)


main()
