"""The rules: each alert fires and does not, each has its page in the run book;
and one goes all the way: a media node is cut off, somebody is told, and told
again when it is back."""

import json
import re
import subprocess
import urllib.request

import yaml

from harness import ASAN, TOP, free_port, link, tool, wait
from test_ntp import Chrony

RULES = TOP / "deploy/prometheus"


SHARDS = TOP / "deploy/kubernetes/monitoring/shards.rules.yml"


def alerts(path=RULES / "alerts.rules.yml"):
    groups = yaml.safe_load(path.read_text())["groups"]
    return {r["alert"]: r for g in groups for r in g["rules"]}


def promtool(*args):
    r = subprocess.run([tool("promtool"), *args], capture_output=True, text=True)
    assert r.returncode == 0, r.stdout + r.stderr


def test_each_alert_fires_and_does_not():
    promtool("check", "rules", *RULES.glob("*.rules.yml"))
    for name in ("prometheus.example.yml", "scrape.example.yml"):
        promtool("check", "config", "--syntax-only", RULES / name)
    cases = yaml.safe_load((TOP / "tests/rules/alerts_test.yml").read_text())["tests"]
    # "Alert fires", and another way to that: "Alert fires, why".
    names = {c["name"].split(",")[0] for c in cases}
    assert names == {f"{a} {how}" for a in alerts() for how in ("fires", "does not")}
    for c in cases:
        expected, = (t["exp_alerts"] for t in c["alert_rule_test"])
        assert bool(expected) == c["name"].split(",")[0].endswith(" fires"), c["name"]
    promtool("test", "rules", TOP / "tests/rules/alerts_test.yml")


def test_each_has_its_page():
    pages = set(re.findall(r"^## (\w+)$", (RULES / "runbook.md").read_text(), re.M))
    every = alerts() | alerts(SHARDS)
    assert pages == every.keys()
    for name, rule in every.items():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        notes = rule["annotations"]
        assert notes["runbook_url"].endswith("runbook.md#" + name.lower())
        assert notes["summary"].endswith(".") and notes["description"].endswith(".")
    # What a page sends its reader to look at is there.
    known = set(re.findall(r"^\| (\w+) \|", subprocess.run(
        [ASAN, "print", "metrics"], capture_output=True, text=True, check=True).stdout, re.M))
    named = set(re.findall(r"\breachd_\w+", (RULES / "runbook.md").read_text()))
    assert len(named) > 10 and named <= known, named - known


def test_where_the_run_book_is(tmp_path):
    """One command, as the rules file has it, says so for all alerts."""
    text = (RULES / "alerts.rules.yml").read_text()
    command, = re.findall(r"^#   (sed .*) FILE$", text, re.M)
    (tmp_path / "rules.yml").write_text(text)
    subprocess.run([*command.split(), tmp_path / "rules.yml"], check=True)
    made = (tmp_path / "rules.yml").read_text()
    pages = re.findall(r"runbook_url: (\S+)#\w+$", made, re.M)
    assert set(pages) == {"https://wiki.example.com/reachd/runbook.md"}
    assert len(pages) == len(alerts()) and "reachd.example.net" not in made.split("groups:")[1]


PROFILE = """
format: 1
id: tried
vendor: nobody
default: "1"
revisions: [{id: "1", source: none}]
media: {prefer: [udp, tcp, tls], ports: {udp: [3478]}, tls: {sni: none, verify: report}, subnets: []}
products: {app: an app}
requirements:
  - {id: A-01, section: one, text: Open., users: [app],
     hosts: [{hosts: [127.0.0.1], from: the test}], probe: [{probe: tcp, ports: [9]}]}
"""
EVERYTHING = """
profiles: [{{name: {profile}, products: [app]}}]
defaults: {{interval: 1s, timeout: 500ms}}
media:
  clusters:
    - {{name: a, class: public, udp: ["stun:localhost:{udp}", "stun:127.0.0.2:{udp}"],
        tcp: ["stun:127.0.0.1:{tcp}"], xtls: ["stun:127.0.0.1:{tls}"]}}
  discovery: [{{file: {nowhere}}}]
proxies: [{{name: hq, url: "http://127.0.0.1:9"}}]
targets:
  - {{name: web, probe: https, url: "http://127.0.0.1:9/", via: [hq]}}
  - {{name: door, probe: tls, address: "127.0.0.1:{tls}", issuers: [nobody]}}
  - {{name: time, probe: ntp, address: "127.0.0.1:{ntp}"}}
snmp: {{agentx: {nowhere}}}
"""


def test_what_rules_select_is_there(bench, tmp_path):
    """Each selector of a rule meets series of a daemon that does everything."""
    r = bench.reflect("--listen.udp=0.0.0.0:0", "--listen.tcp=127.0.0.1:0",
                      "--listen.tls=127.0.0.1:0")
    (tmp_path / "tried.yml").write_text(PROFILE)
    d = bench.daemon(EVERYTHING.format(
        profile=tmp_path / "tried.yml", nowhere=tmp_path / "nowhere",
        ntp=Chrony(bench, "knows", "local stratum 3").port, **r.port)).ready()
    recorded = {r["record"] for g in yaml.safe_load((RULES / "recording.rules.yml").read_text())
                ["groups"] for r in g["rules"]}
    selectors = set()
    for path in RULES.glob("*.rules.yml"):
        for g in yaml.safe_load(path.read_text())["groups"]:
            for rule in g["rules"]:
                found = re.findall(r"\b([a-z_]+:[\w:]+|reachd_\w+)(?:\{(.*?)\})?", rule["expr"])
                assert found or "up{" in rule["expr"], rule
                selectors |= set(found)
    assert {n for n, _ in selectors if ":" in n} <= recorded

    def all_there():
        m = d.metrics()
        for name, matchers in selectors:
            if ":" in name:
                continue
            labels = re.findall(r'(\w+)(=|!=)"(.*?)"', matchers)
            # To Prometheus, no label is an empty one. A native histogram has no buckets.
            assert any(all((lab.get(k, "") == v) == (op == "=") for k, op, v in labels)
                       for lab, _ in m.all(name) or m.all(f"{name}_count")), (name, matchers)
        return True

    wait("every series", all_there, 30)
    assert len(selectors) > 25, selectors


# Who is told: writes each alert down, a line of JSON each.
HOOK = """
import http.server, json, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]:
            print(json.dumps(alert), flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Hook).serve_forever()
"""


def faster(bench):
    """The same rules, but nobody waits for minutes."""
    for path in RULES.glob("*.rules.yml"):
        text = re.sub(r"(for: )\d+[mhs]", r"\g<1>1s", path.read_text())
        (bench.directory / path.name).write_text(text)


def alertmanager(bench, port, hook, inside=None):
    """The example, but somebody is told, and soon."""
    config = yaml.safe_load((RULES / "alertmanager.example.yml").read_text())
    config["route"] |= {"receiver": "hook", "group_wait": "1s", "group_interval": "1s"}
    config["receivers"] = [{"name": "hook", "webhook_configs": [
        {"url": f"http://127.0.0.1:{hook}/", "send_resolved": True}]}]
    (bench.directory / "am.yml").write_text(yaml.safe_dump(config))
    bench.start([tool("prometheus-alertmanager"), "--config.file=am.yml", "--storage.path=am",
                 "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}"],
                name="alertmanager", inside=inside)


# What fires, and what of it nobody is told, since something worse holds.
HELD_BACK = [
    ({"ReachdLocalOutage": {}}, {"ReachdTargetDown": {"target": "t"}, "ReachdDnsFailing": {}}),
    ({"ReachdMediaUnreachable": {}}, {"ReachdMediaClusterUnreachable": {"media_cluster": "a"},
                                      "ReachdUdpBlocked": {}}),
    ({"ReachdMediaClusterUnreachable": {"media_cluster": "a"}},
     {"ReachdLossHigh": {"media_cluster": "a"}}),
    ({"ReachdCertificateExpired": {"target": "t"}}, {"ReachdTargetDown": {"target": "t"}}),
    # What has another cause is told.
    ({"ReachdDnsFailing": {}, "ReachdClockOffset": {"target": "t"}, "ReachdReloadFailed": {}}, {}),
    ({"ReachdMediaClusterUnreachable": {"media_cluster": "a"},
      "ReachdLossHigh": {"media_cluster": "b"}}, {}),
    ({"ReachdCertificateExpired": {"target": "t"}, "ReachdTargetDown": {"target": "u"}}, {}),
]


def test_what_need_not_be_told(bench):
    port = free_port()
    alertmanager(bench, port, free_port())
    url = f"http://127.0.0.1:{port}/api/v2/alerts"
    known = alerts().keys()
    sent = []
    for i, (told, held) in enumerate(HELD_BACK):
        assert {*told, *held} <= known
        sent += [{"labels": {"alertname": a, "job": "reachd", "instance": f"s{i}", **labels}}
                 for a, labels in (told | held).items()]
    wait("Alertmanager", lambda: urllib.request.urlopen(urllib.request.Request(
        url, json.dumps(sent).encode(), {"Content-Type": "application/json"})).status == 200)

    def seen():
        with urllib.request.urlopen(url) as r:
            got = json.load(r)
        assert len(got) == len(sent)
        return {(a["labels"].get("instance", ""), a["labels"]["alertname"]): a["status"]["state"]
                for a in got}

    want = {(f"s{i}", a): "suppressed" if a in held else "active"
            for i, (told, held) in enumerate(HELD_BACK) for a in told | held}

    def as_wanted():
        assert seen() == want
        return True
    wait("what is held back", as_wanted)
    # How README tries out who is told.
    command, = re.findall(r"^`(amtool alert add .*?)` tries", (TOP / "README.md").read_text(), re.M)
    subprocess.run([tool("amtool"), *command.replace("9093", str(port)).split()[1:]], check=True)
    sent.append(None)
    wait("the one by hand", lambda: ("", "ReachdTest") in seen())


def test_somebody_is_told(bench):
    """A site in a namespace, with all that watches it; a media node in another
    one is cut off, and comes back."""
    site, here, there = (bench.netns(n) for n in ("site", "here", "there"))
    nodes = {"here": link(site, here, 1)[1], "there": link(site, there, 2)[1]}
    for ns, name in ((here, "here"), (there, "there")):
        bench.reflect(f"--listen.udp={nodes[name]}:5004", name=name, inside=ns)
    d = bench.daemon(f"""
defaults: {{interval: 500ms, timeout: 200ms, windows: [5s]}}
thresholds: {{down_after: 2, up_after: 2}}
media:
  clusters:
    - {{name: here, class: public, udp: ["stun:{nodes['here']}:5004"]}}
    - {{name: there, class: public, udp: ["stun:{nodes['there']}:5004"]}}
""", inside=site).ready()
    faster(bench)
    (bench.directory / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["*.rules.yml"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:9093"]}}]}}]}}
scrape_configs:
  - job_name: reachd
    static_configs: [{{targets: ["127.0.0.1:{d.port}"]}}]
""")
    hook = bench.start(["/usr/bin/python3", "-c", HOOK, "9094"], name="hook", inside=site)
    alertmanager(bench, 9093, 9094, site)
    bench.start([tool("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                 "--rules.alert.resend-delay=1s", "--web.listen-address=127.0.0.1:9090"],
                name="prometheus", inside=site)
    wait("both clusters up", lambda: d.metrics().sum("reachd_cluster_state", state="up") == 2)
    there.nft("table inet wall { chain in { type filter hook input priority 0; policy drop; }\n}")

    def told(status):
        def check():
            for line in hook.text().splitlines():
                alert = json.loads(line)
                if (alert["labels"]["alertname"] == "ReachdMediaClusterUnreachable" and
                        alert["status"] == status):
                    return alert
            return None
        return check
    alert = wait("the alert", told("firing"), 90)
    assert alert["labels"]["media_cluster"] == "there"
    assert alert["annotations"]["summary"].startswith("Media cluster there cannot be reached")
    assert not told("resolved")()
    there.nft("flush ruleset")
    alert = wait("the end of it", told("resolved"), 90)
    assert alert["labels"]["media_cluster"] == "there"
