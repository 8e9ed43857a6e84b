"""Service discovery over HTTP, as the example for Prometheus has it: a job of
blackbox_exporter that is fed by reachd, and a list that reachd is found by."""

import copy
import http.server
import json
import subprocess
import threading
import urllib.request

import yaml

from harness import TOP, free_port, tool, wait
from test_prometheus import query

EXAMPLE = TOP / "deploy/prometheus/scrape.example.yml"
CONFIG = """
defaults: {{interval: 1s, timeout: 500ms, count: 1}}
probe: {{allow: [127.0.0.0/8]}}
proxies: [{{name: hq, url: "http://127.0.0.1:{web}"}}]
targets:
  - {{name: door, probe: tcp, address: "127.0.0.1:{web}"}}
  - {{name: web, probe: https, url: "http://127.0.0.1:{web}/", via: [direct, hq]}}
  - {{name: wall, probe: tcp, address: "127.0.0.1:{nobody}", expect: blocked}}
  - {{name: media, probe: stun, transport: udp, address: "127.0.0.1:{nobody}"}}
"""


class Origin(http.server.BaseHTTPRequestHandler):
    """A web server, also of the list of reachds."""

    def do_GET(self):
        body = b"hello"
        self.send_response(200)
        if self.path == "/reachd.json":
            body = json.dumps(self.server.listed).encode()
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def jobs(d, origin, blackbox):
    """The example's, with the addresses of here."""
    found = {j["job_name"]: j for j in yaml.safe_load(EXAMPLE.read_text())["scrape_configs"]}
    listed, probed = found["reachd-list"], found["blackbox"]
    listed["http_sd_configs"][0] |= {"url": f"http://127.0.0.1:{origin}/reachd.json",
                                     "refresh_interval": "1s"}
    assert probed["http_sd_configs"][0]["url"].endswith(":19115/sd/targets")
    probed["http_sd_configs"][0] |= {"url": f"http://127.0.0.1:{d.port}/sd/targets",
                                     "refresh_interval": "1s"}
    own = {**copy.deepcopy(probed), "job_name": "own"}
    for job, prober in ((probed, blackbox), (own, d.port)):
        at, = (r for r in job["relabel_configs"] if r.get("target_label") == "__address__")
        at["replacement"] = f"127.0.0.1:{prober}"
    return [listed, probed, own]


def active(port):
    """What is scraped, by job: labels of what is up."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/targets", timeout=5) as r:
        every = json.load(r)["data"]["activeTargets"]
    assert all(t["health"] == "up" for t in every), every
    return {pool: {t["labels"].get("target", t["labels"]["instance"]): t["labels"]
                   for t in every if t["scrapePool"] == pool} 
            for pool in ("reachd-list", "blackbox", "own")}


def test_prometheus_discovers(bench, tmp_path):
    origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    web = origin.server_address[1]
    origin.handle_error = lambda *args: None  # a probe closes when it is connected
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    bench.closing.append(origin.shutdown)
    text = CONFIG.format(web=web, nobody=free_port())
    d = bench.daemon(text).ready()
    origin.listed = [{"targets": [f"127.0.0.1:{d.port}"], "labels": {"site": "here"}}]
    blackbox, port = free_port(), free_port()
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": jobs(d, web, blackbox)}))
    (tmp_path / "blackbox.yml").write_text(
        "modules: {tcp_connect: {prober: tcp}, http_2xx: {prober: http}, icmp: {prober: icmp}}\n")
    bench.start([tool("prometheus-blackbox-exporter"), "--config.file=blackbox.yml",
                 f"--web.listen-address=127.0.0.1:{blackbox}"], name="blackbox")
    # The discovery alone, as promtool sees it.
    p = subprocess.run([tool("promtool"), "check", "service-discovery", "--timeout=5s",
                        "prometheus.yml", "blackbox"], cwd=tmp_path, capture_output=True, text=True)
    assert p.returncode == 0, p.stderr
    seen = json.loads(p.stdout)
    assert len(seen) == 5 and sum("labels" in s and bool(s["labels"]) for s in seen) == 2, seen
    bench.start([tool("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                 f"--web.listen-address=127.0.0.1:{port}"], name="prometheus")

    def found(want):
        def check():
            got = active(port)
            assert got["blackbox"].keys() == got["own"].keys() == want, got
            return got
        return check
    got = wait("the jobs", found({"door", "web"}), 60)
    assert got["blackbox"]["web"]["instance"] == f"http://127.0.0.1:{web}/"
    assert got["blackbox"]["door"]["instance"] == f"127.0.0.1:{web}"
    listed, = got["reachd-list"].values()
    assert (listed["job"], listed["site"]) == ("reachd", "here")
    for job in ("blackbox", "own"):
        wait("probes", lambda j=job: {r["metric"]["target"]: r["value"][1] for r in query(
            port, f'probe_success{{job="{j}"}}')} == {"door": "1", "web": "1"}, 30)
    wait("both say so", lambda: query(port, 'reachd_target_up{target="door"} == 1 '
                                      'and on (target) probe_success{job="blackbox"} == 1'), 30)
    # What is configured is followed.
    d.write(text + f'  - {{name: second, probe: tcp, address: "127.0.0.1:{web}", dscp: ef}}\n')
    assert d.reload()[0] == 200
    got = wait("the new one", found({"door", "web", "second"}), 60)
    assert got["blackbox"]["second"]["instance"] == f"127.0.0.1:{web}"


def test_what_is_served(bench):
    """The form that Prometheus wants, and everything that is known."""
    d = bench.daemon(CONFIG.format(web=free_port(), nobody=free_port()))
    status, headers, body = d.request("/sd/targets", headers={
        "Accept": "application/json", "X-Prometheus-Refresh-Interval-Seconds": "60"})
    assert (status, headers["Content-Type"]) == (200, "application/json")
    groups = json.loads(body)
    assert all(g.keys() == {"targets", "labels"} and len(g["targets"]) == 1 for g in groups)
    assert all(isinstance(v, str) and v and k.startswith("__meta_reachd_")
               for g in groups for k, v in g["labels"].items())
    info = {lab["target"]: lab for lab, _ in d.metrics().all("reachd_target_info")}
    assert {g["labels"]["__meta_reachd_target"] for g in groups} == info.keys() == {
        "door", "web", "web@hq", "wall", "media"}
    for g in groups:
        labels = {k.removeprefix("__meta_reachd_"): v for k, v in g["labels"].items()}
        assert labels == {k: v for k, v in info[labels["target"]].items() if v}
    assert d.request("/sd/targets", "POST")[0] == 405
