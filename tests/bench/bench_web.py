#!/usr/bin/env python3
"""CPU time of an HTTPS probe: the daemon beside blackbox_exporter, against the
same nginx, one after the other and round again. Whatever blackbox_exporter
spends on being asked for a probe counts, for that is how it is used.

    REACHD_RELEASE=build/release/reachd bench_web.py [SECONDS [ROUNDS]]"""

import http.client
import pathlib
import shutil
import socket
import statistics
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import RELEASE, Bench, Metrics, free_port, wait  # noqa: E402
from webpeers import Nginx, Pki  # noqa: E402

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 10
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
TARGETS, INTERVAL = 100, 1


def spent(metrics):
    return metrics.one("process_cpu_seconds_total")


def ours(b, pki, url):
    lines = "\n".join(
        f'  - {{name: t{i}, probe: https, url: "{url}{i}"}}' for i in range(TARGETS))
    d = b.daemon(f"""
ca_file: {pki.ca}
defaults: {{interval: {INTERVAL}s, timeout: 900ms, windows: [1m]}}
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
    assert z.sum("reachd_probe_failures_total") == 0, z.all("reachd_failures_total")
    memory = z.one("process_resident_memory_bytes")
    d.stop()
    return (spent(z) - spent(a)) / n, memory


def blackbox(b, pki, url):
    port = free_port()
    (b.directory / "blackbox.yml").write_text(f"""
modules:
  web: {{prober: http, timeout: 5s, http: {{preferred_ip_protocol: ip4, tls_config: {{ca_file: {pki.ca}}}}}}}
""")
    p = b.start(["prometheus-blackbox-exporter", f"--config.file={b.directory}/blackbox.yml",
                 f"--web.listen-address=127.0.0.1:{port}"], "blackbox")

    def ask(path):
        c.request("GET", path)
        return c.getresponse().read().decode()

    wait("blackbox_exporter",
         lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True)
    c = http.client.HTTPConnection("127.0.0.1", port)
    path = "/probe?module=web&target=" + urllib.parse.quote(url, safe="")
    assert "probe_success 1" in ask(path)
    a, n, end = Metrics(ask("/metrics")), 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        ask(path)
        n += 1
    z = Metrics(ask("/metrics"))
    p.stop()
    return (spent(z) - spent(a)) / n, z.one("process_resident_memory_bytes")


def main():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="reachd-bench-"))
    b = Bench(directory)
    ways = {"reachd": ours}
    if shutil.which("prometheus-blackbox-exporter"):
        ways["blackbox_exporter"] = blackbox
    cost = {name: [] for name in ways}
    try:
        pki = Pki(directory)
        good, key = pki.leaf("good")
        nginx = Nginx(b, f"server {{ listen {{tls}} ssl; ssl_certificate {good}; "
                         f"ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3; "
                         "location / { return 200 hello; } }", ("tls",))
        url = f"https://127.0.0.1:{nginx.port['tls']}/"
        for _ in range(ROUNDS):
            for name, way in ways.items():
                cost[name].append(way(b, pki, url))
    finally:
        b.close()
        shutil.rmtree(directory, ignore_errors=True)
    for name, rows in cost.items():
        print(f"{name:20} {statistics.median(c for c, _ in rows) * 1e6:8.0f} us of CPU a probe, "
              f"{statistics.median(m for _, m in rows) / 2**20:6.1f} MiB")


main()
