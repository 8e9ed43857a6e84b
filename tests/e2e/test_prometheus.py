"""Debian's Prometheus scrapes the daemon in both text formats; promtool and
the OpenMetrics parser of the Python client accept them."""

import http.server
import json
import subprocess
import threading
import urllib.parse
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from harness import Metrics, free_port, tool, wait

CONFIG = """
defaults: {{interval: 1s, timeout: 500ms, windows: [10s, 1m]}}
histograms: {histograms}
media:
  clusters:
    - {{name: a, class: public, udp: ["stun:127.0.0.1:{udp}"], tcp: ["stun:127.0.0.1:{tcp}"],
        xtls: ["stun:127.0.0.1:{tls}"]}}
    - {{name: mesh, class: video_mesh, udp: ["stun:127.0.0.1:{udp}"]}}
"""


def started(bench, histograms="media_cluster"):
    r = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0",
                      "--listen.tls=127.0.0.1:0", "--delay=3ms", "--loss=10%")
    return bench.daemon(CONFIG.format(histograms=histograms, **r.port)).ready()


@pytest.mark.parametrize("histograms", ["media_cluster", "target"])
def test_promtool_and_the_parser_accept(bench, histograms):
    d = started(bench, histograms)
    wait("a whole round", lambda: d.metrics().sum("reachd_requests_total") > 20)
    status, headers, text = d.request("/metrics")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lint = subprocess.run([tool("promtool"), "check", "metrics"], input=text, capture_output=True)
    assert lint.returncode == 0 and not lint.stdout and not lint.stderr, (lint.stdout, lint.stderr)
    status, headers, om = d.request("/metrics", headers={
        "Accept": "application/openmetrics-text;version=1.0.0"})
    assert headers["Content-Type"] == \
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert om.endswith(b"# EOF\n")
    families = list(text_string_to_metric_families(om.decode()))
    assert len(families) > 40
    # Both formats say the same of what does not move.
    names = {n for n, _, _ in Metrics(text.decode()).samples}
    om_names = {s.name for f in families for s in f.samples}
    assert names == om_names


class PlainAccept(http.server.BaseHTTPRequestHandler):
    """Hands the scrape on without its Accept: what an old scraper sends."""

    def do_GET(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server.upstream}{self.path}") as r:
            body = r.read()
            self.send_response(200)
            self.send_header("Content-Type", r.headers["Content-Type"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *args):
        pass


def query(port, expression):
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(url, timeout=10) as r:
        return json.load(r)["data"]["result"]


def test_prometheus_scrapes_both_formats(bench, tmp_path):
    d = started(bench)
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), PlainAccept)
    proxy.upstream = d.port
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    bench.closing.append(proxy.shutdown)
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: openmetrics
    static_configs: [{{targets: ["127.0.0.1:{d.port}"]}}]
  - job_name: text
    static_configs: [{{targets: ["127.0.0.1:{proxy.server_address[1]}"]}}]
""")
    bench.start([tool("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                 f"--web.listen-address=127.0.0.1:{port}"], name="prometheus")

    def targets():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/targets", timeout=5) as r:
            active = json.load(r)["data"]["activeTargets"]
        assert len(active) == 2, active
        assert all(t["health"] == "up" and t["lastError"] == "" for t in active), active
        return active
    wait("both targets up", targets, 60)
    for job in ("openmetrics", "text"):
        up = wait("series", lambda: query(port, f'reachd_target_up{{job="{job}"}}'))
        assert {r["metric"]["target"]: float(r["value"][1]) for r in up} == {
            lab["target"]: v for lab, v in d.metrics().all("reachd_target_up")}
        info = query(port, f'reachd_target_info{{job="{job}"}}')
        assert len(info) == 4 and all(r["metric"]["address"] for r in info), info
        p95 = (f'histogram_quantile(0.95, sum by (le, media_cluster, transport) '
               f'(rate(reachd_rtt_seconds_bucket{{job="{job}",transport="udp"}}[30s]))) > 0')
        found = wait("quantiles", lambda: len(r := query(port, p95)) == 2 and r)
        assert all(0.0025 <= float(r["value"][1]) <= 0.05 for r in found), found
    # A counter lies between what the daemon said before and after the query.
    before = d.metrics().sum("reachd_requests_total")
    newest = wait("the newest scrape", lambda: (
        v := float(query(port, 'sum(reachd_requests_total{job="openmetrics"})')[0]["value"][1])
    ) >= before and v)
    assert newest <= d.metrics().sum("reachd_requests_total")
    api = {t["target"]: t for t in d.api("targets")["targets"]}
    interval = query(port, 'reachd_target_interval_seconds{job="openmetrics"}')
    for r in interval:
        assert float(r["value"][1]) == api[r["metric"]["target"]]["interval_seconds"] == 1
