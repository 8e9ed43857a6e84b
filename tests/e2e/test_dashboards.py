"""The dashboards: as their table makes them, to the rules of the community's
linter, and every query answered by a Prometheus with classic and by one with
native histograms. What the panels show is drawn beside the test's output."""

import filecmp
import http.server
import itertools
import json
import re
import subprocess
import threading
import urllib.parse
import urllib.request

import pytest

import sheet
from harness import OUTPUT, TOP, free_port, tool, wait
from test_ntp import Chrony

GRAFANA = TOP / "deploy/grafana"
DASHBOARDS = sorted(GRAFANA.glob("*.json"))
UNITS = {"s", "percentunit", "short", "reqps", "bool_yes_no", "bytes", "none"}


def load(path):
    return json.loads(path.read_text())


def panels(board):
    return [p for p in board["panels"] if p["type"] != "row"]


def variables(board):
    return {v["name"]: v for v in board["templating"]["list"]}


def test_they_are_what_the_table_makes(tmp_path):
    subprocess.run([GRAFANA / "generate", tmp_path], check=True)
    assert len(DASHBOARDS) == 5
    for path in DASHBOARDS:
        assert filecmp.cmp(path, tmp_path / path.name, shallow=False), (
            f"{path.name}: run deploy/grafana/generate")


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda p: p.stem)
def test_the_rules_of_the_linter(path):
    board = load(path)
    assert re.fullmatch(r"[a-z-]{1,40}", board["uid"]) and board["editable"] is False
    known = variables(board)
    source = known["datasource"]
    assert (source["type"], source["query"], source["label"]) == (
        "datasource", "prometheus", "Data source")
    for name, label in (("job", "Job"), ("instance", "Instance")):
        v = known[name]
        assert v["label"] == label and v["multi"] and v["includeAll"] and v["allValue"] == ".+"
    for v in known.values():
        if v["type"] == "query":
            assert v["refresh"] == 2 and v["datasource"]["uid"] == "${datasource}", v["name"]
    assert len({p["id"] for p in board["panels"]}) == len(board["panels"])
    for p in panels(board):
        assert p["title"] and p["description"] and p["targets"], p["title"]
        assert p["datasource"]["uid"] == "${datasource}"
        assert p["fieldConfig"]["defaults"]["unit"] in UNITS
        at = p["gridPos"]
        assert at["x"] + at["w"] <= 24
        for t in p["targets"]:
            expr = t["expr"]
            selectors = re.findall(r"[a-z_]+\{[^}]*\}", expr)
            assert selectors and all('job=~"$job",instance=~"$instance"' in s
                                     for s in selectors), expr
            for name in re.findall(r"([a-z_]+_total)\b", expr):
                assert re.search(rf"(rate|increase)\({name}\{{", expr), expr
            assert not re.search(r"(rate|increase)\([^[]*\[(?!\$__rate_interval)", expr), expr
            assert set(re.findall(r"\$(?!__)\{?(\w+)", expr)) <= set(known), expr
    # No two of them stand on the same place.
    boxes = [p["gridPos"] for p in board["panels"]]
    for a, b in itertools.combinations(boxes, 2):
        apart = (a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"] or
                 a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"])
        assert apart, (path.name, a, b)


NPM = ["@grafana/schema@13", "typescript@5", "typescript-json-schema@0", "ajv@8",
       "@prometheus-io/lezer-promql@0.315", "@lezer/lr@1", "@lezer/common@1"]


def test_schema_and_grammar(tmp_path):
    """What Grafana's own types and Prometheus' own grammar say of them."""
    where = OUTPUT / "npm-grafana"
    where.mkdir(parents=True, exist_ok=True)
    if not (where / "dash.schema.json").exists():
        (where / "package.json").write_text("{}")
        (where / "i.ts").write_text("export { Dashboard } from '@grafana/schema';\n")
        (where / "tsconfig.json").write_text(json.dumps({"compilerOptions": {
            "module": "commonjs", "target": "es2020", "skipLibCheck": True,
            "moduleResolution": "node"}, "files": ["i.ts"]}))
        for command in ([tool("npm"), "install", "--no-audit", "--no-fund", *NPM],
                        [tool("npx"), "typescript-json-schema", "tsconfig.json", "Dashboard",
                         "--ignoreErrors", "-o", "made.json"]):
            p = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=400)
            assert p.returncode == 0, p.stdout + p.stderr
        (where / "made.json").rename(where / "dash.schema.json")
    (where / "dashboards.mjs").write_bytes((TOP / "tests/e2e/dashboards.mjs").read_bytes())
    p = subprocess.run([tool("node"), "dashboards.mjs", *DASHBOARDS], cwd=where,
                       capture_output=True, text=True)
    assert p.returncode == 0, p.stdout + p.stderr
    assert p.stdout.split()[0] == str(len(DASHBOARDS))
    # It finds what is wrong: a panel that is none, a query that is none.
    broken = load(DASHBOARDS[0])
    broken["panels"][1]["targets"][0]["expr"] = "sum by ("
    broken["panels"][2]["type"] = 7
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    p = subprocess.run([tool("node"), "dashboards.mjs", tmp_path / "broken.json"], cwd=where,
                       capture_output=True, text=True)
    assert p.returncode == 1 and "sum by (" in p.stderr and "/panels/2" in p.stderr, p.stderr


class Origin(http.server.BaseHTTPRequestHandler):
    """Says yes to everything, as an origin and as a proxy."""

    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


CONFIG = """
defaults: {{interval: 1s, timeout: 500ms, windows: [10s, 1m]}}
ca_file: {ca}
thresholds: {{down_after: 1, up_after: 1}}
profiles: [{{name: {profile}, products: [all]}}]
media:
  clusters:
    - {{name: a, class: public, udp: ["stun:127.0.0.1:{udp}"], tcp: ["stun:127.0.0.1:{tcp}"],
        xtls: ["stun:127.0.0.1:{tls}"]}}
    - {{name: b, class: public, udp: ["stun:127.0.0.1:{nobody}"], tcp: ["stun:127.0.0.1:{tcp}"]}}
proxies: [{{name: hq, url: "http://127.0.0.1:{web}"}}]
targets:
  - {{name: web, probe: https, url: "http://127.0.0.1:{web}/", via: [direct, hq]}}
  - {{name: door, probe: tls, address: "127.0.0.1:{tls}", verify: false, issuers: ["*reachd*"]}}
  - {{name: time, probe: ntp, address: "127.0.0.1:{ntp}"}}
"""
PROFILE = """
format: 1
id: tried
vendor: nobody
default: "1"
revisions: [{{id: "1", source: none}}]
media: {{prefer: [udp, tcp, tls], ports: {{udp: [3478]}}, tls: {{sni: none, verify: report}},
        subnets: []}}
products: {{app: an app}}
requirements:
  - {{id: A-01, section: one, text: Open., users: [app],
     hosts: [{{hosts: [127.0.0.1], from: the test}}], probe: [{{probe: tcp, ports: [{web}]}}]}}
  - {{id: A-02, section: one, text: Shut., users: [app],
     hosts: [{{hosts: [127.0.0.1], from: the test}}], probe: [{{probe: tcp, ports: [{nobody}]}}]}}
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Ports of a Prometheus with classic and one with native histograms."""
    from harness import Bench
    bench = Bench(tmp_path_factory.mktemp("dashboards"))
    try:
        yield start(bench)
    finally:
        bench.close()


def start(bench):
    origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    bench.closing.append(origin.shutdown)
    r = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0",
                      "--listen.tls=127.0.0.1:0", "--delay=3ms", "--jitter=1ms")
    ports = {"web": origin.server_address[1], "nobody": free_port()}
    profile = bench.directory / "tried.yml"
    profile.write_text(PROFILE.format(**ports))
    d = bench.daemon(CONFIG.format(
        ca="/etc/ssl/certs/ca-certificates.crt", profile=profile,
        ntp=Chrony(bench, "knows", "local stratum 3").port, **ports, **r.port)).ready()
    wait("requirements judged", lambda: d.metrics().sum(
        "reachd_requirement_status", status="met") >= 1 and d.metrics().sum(
        "reachd_requirement_status", status="failed") >= 1, 60)
    (bench.directory / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: reachd
    static_configs: [{{targets: ["127.0.0.1:{d.port}"]}}]
""")
    found = {}
    for kind in ("classic", "native"):
        found[kind] = free_port()
        more = ["--enable-feature=native-histograms"] if kind == "native" else []
        bench.start([tool("prometheus"), "--config.file=prometheus.yml",
                     f"--storage.tsdb.path={kind}", *more,
                     f"--web.listen-address=127.0.0.1:{found[kind]}"], name=kind)
    for port in found.values():
        # Rates need a few scrapes, and the slowest of them a whole minute's.
        wait("scrapes", lambda p=port: float(get(p, "query", query='sum_over_time('
             'up{job="reachd"}[1m])')["result"][0]["value"][1]) >= 15, 90)
    return found


def get(port, what, **query):
    url = f"http://127.0.0.1:{port}/api/v1/{what}?" + urllib.parse.urlencode(query)
    with urllib.request.urlopen(url, timeout=10) as r:
        return json.load(r)["data"]


def filled_in(expr):
    expr = expr.replace("$__rate_interval", "15s")
    return re.sub(r"\$\{?(\w+)\}?", ".+", expr)


def now(port):
    return float(get(port, "query", query="time()")["result"][1])


@pytest.mark.parametrize("kind", ["classic", "native"])
@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda p: p.stem)
def test_every_query_has_an_answer(servers, path, kind):
    port, board, drawn = servers[kind], load(path), {}
    for v in variables(board).values():
        if v["type"] != "query":
            continue
        m = re.fullmatch(r"label_values\((\w+(?:\{.*\})?), (\w+)\)", v["query"]["query"])
        found = get(port, f"label/{m[2]}/values", **{"match[]": filled_in(m[1])})
        assert found, v["name"]
    end = now(port)
    for p, t in ((p, t) for p in panels(board) for t in p["targets"]):
        result = get(port, "query_range", query=filled_in(t["expr"]), start=end - 20, end=end,
                     step=1)["result"]
        assert result, (p["title"], t["expr"])
        wanted = set(re.findall(r"\{\{(\w+)\}\}", t["legendFormat"]))
        for r in result:
            if p["type"] == "heatmap" and kind == "native":
                assert r["histograms"], p["title"]
                continue
            assert wanted <= set(r["metric"]), (p["title"], wanted, r["metric"])
            # Nor does a label that tells series apart stay unsaid.
            assert set(r["metric"]) <= wanted, (p["title"], wanted, r["metric"])
        drawn.setdefault(p["id"], []).append(result)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    sheet.draw(board, drawn, OUTPUT / f"{path.stem}-{kind}.svg")
