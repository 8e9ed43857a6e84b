"""The rules: each alert fires and does not, each has its page in the run book;
and one goes all the way: a media node is cut off, somebody is told, and told
again when it is back."""

import http.server
import json
import pathlib
import queue
import re
import subprocess
import threading

import yaml

from harness import TOP, free_port, tool, wait

RULES = TOP / "deploy/prometheus"


def alerts():
    groups = yaml.safe_load((RULES / "alerts.rules.yml").read_text())["groups"]
    return {r["alert"]: r for g in groups for r in g["rules"]}


def promtool(*args):
    r = subprocess.run([tool("promtool"), *args], capture_output=True, text=True)
    assert r.returncode == 0, r.stdout + r.stderr


def test_each_alert_fires_and_does_not():
    promtool("check", "rules", *RULES.glob("*.rules.yml"))
    promtool("check", "config", "--syntax-only", RULES / "scrape.example.yml")
    cases = yaml.safe_load((TOP / "tests/rules/alerts_test.yml").read_text())["tests"]
    names = {c["name"] for c in cases}
    assert names == {f"{a} {how}" for a in alerts() for how in ("fires", "does not")}
    for c in cases:
        expected, = (t["exp_alerts"] for t in c["alert_rule_test"])
        assert bool(expected) == c["name"].endswith(" fires"), c["name"]
    promtool("test", "rules", TOP / "tests/rules/alerts_test.yml")


def test_each_has_its_page():
    pages = set(re.findall(r"^## (\w+)$", (RULES / "runbook.md").read_text(), re.M))
    assert pages == set(alerts())
    for name, rule in alerts().items():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        notes = rule["annotations"]
        assert notes["runbook_url"].endswith("runbook.md#" + name.lower())
        assert notes["summary"].endswith(".") and notes["description"].endswith(".")


def test_what_rules_name_exists(bench):
    """Each family of reachd in a rule is one that the daemon exposes."""
    text = subprocess.run([bench_binary(), "print", "metrics"], capture_output=True, text=True,
                          check=True).stdout
    known = set(re.findall(r"^\| (\w+) \|", text, re.M))
    for path in RULES.glob("*.rules.yml"):
        for name in set(re.findall(r"(?<!:)\b(reachd_\w+)\b(?!:)", path.read_text())):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in known or base in known, (path.name, name)


def bench_binary():
    from harness import ASAN
    return ASAN


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.put(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


def faster(bench):
    """The same rules, but nobody waits for minutes."""
    for path in RULES.glob("*.rules.yml"):
        text = re.sub(r"(for: )\d+[mhs]", r"\g<1>1s", path.read_text())
        (bench.directory / path.name).write_text(text)


def test_somebody_is_told(bench):
    hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    hook.got = queue.Queue()
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    bench.closing.append(hook.shutdown)
    ports = {n: free_port() for n in ("prometheus", "alertmanager")}
    a, b = (bench.reflect("--listen.udp=127.0.0.1:0", name=n) for n in ("a", "b"))
    d = bench.daemon(f"""
defaults: {{interval: 500ms, timeout: 200ms, windows: [5s]}}
thresholds: {{down_after: 2, up_after: 2}}
media:
  clusters:
    - {{name: here, class: public, udp: ["stun:127.0.0.1:{a.port['udp']}"]}}
    - {{name: there, class: public, udp: ["stun:127.0.0.1:{b.port['udp']}"]}}
""").ready()
    faster(bench)
    (bench.directory / "am.yml").write_text(f"""
route: {{receiver: hook, group_wait: 1s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: hook
    webhook_configs: [{{url: "http://127.0.0.1:{hook.server_address[1]}/", send_resolved: true}}]
""")
    (bench.directory / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["*.rules.yml"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{ports['alertmanager']}"]}}]}}]}}
scrape_configs:
  - job_name: reachd
    static_configs: [{{targets: ["127.0.0.1:{d.port}"]}}]
""")
    bench.start([tool("prometheus-alertmanager"), "--config.file=am.yml", "--storage.path=am",
                 "--cluster.listen-address=",
                 f"--web.listen-address=127.0.0.1:{ports['alertmanager']}"], name="alertmanager")
    bench.start([tool("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                 "--rules.alert.resend-delay=1s",
                 f"--web.listen-address=127.0.0.1:{ports['prometheus']}"], name="prometheus")
    wait("both clusters up", lambda: d.metrics().sum("reachd_cluster_state", state="up") == 2)
    b.stop()

    def told(status):
        def check():
            while not hook.got.empty():
                for alert in hook.got.get()["alerts"]:
                    if (alert["labels"]["alertname"] == "ReachdMediaClusterUnreachable" and
                            alert["status"] == status):
                        return alert
            return None
        return check
    alert = wait("the alert", told("firing"), 90)
    assert alert["labels"]["media_cluster"] == "there"
    assert alert["annotations"]["summary"].startswith("Media cluster there cannot be reached")
    bench.reflect(f"--listen.udp=127.0.0.1:{b.port['udp']}", name="again")
    alert = wait("the end of it", told("resolved"), 90)
    assert alert["labels"]["media_cluster"] == "there"
