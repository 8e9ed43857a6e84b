"""Lists of nodes that live elsewhere: documents in files and behind a URL,
file_sd files; the last good list is kept."""

import http.server
import json
import threading

from harness import wait


def document(**clusters):
    return json.dumps({"clusters": clusters, "clusterClasses": {"hybridMedia": []}})


def node(port, *transports):
    urls = [f"stun:127.0.0.1:{port}"]
    return {t: urls if t in transports else [] for t in ("udp", "tcp", "xtls")}


def put(path, text):
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


def names(d):
    return {lab["media_cluster"] for lab, _ in d.metrics().all("reachd_target_up")}


FILE = """
defaults: {interval: 1s, timeout: 500ms, windows: [1m]}
media: {discovery: [{file: clusters.json}]}
"""


def test_a_file_is_watched_and_a_bad_one_changes_nothing(bench, tmp_path):
    port = bench.reflect("--listen.udp=127.0.0.1:0").port["udp"]
    path = tmp_path / "clusters.json"
    put(path, document(one=node(port, "udp")))
    d = bench.daemon(FILE).ready()
    wait("one", lambda: names(d) == {"one"})
    put(path, document(one=node(port, "udp"), two=node(port, "udp")))
    wait("two as well", lambda: names(d) == {"one", "two"})
    wait("two is up", lambda: d.metrics().one("reachd_target_up", media_cluster="two") == 1)
    count = d.metrics().one("reachd_requests_total", media_cluster="one")
    put(path, '{"clusters": {"three": ')
    wait("the failure", lambda: d.metrics().sum("reachd_discovery_failures_total") >= 1)
    assert names(d) == {"one", "two"}
    assert d.metrics().one("reachd_discovery_last_read_successful") == 0
    assert d.metrics().one("reachd_requests_total", media_cluster="one") >= count
    put(path, document(two=node(port, "udp")))
    wait("one to go", lambda: names(d) == {"two"})
    assert d.metrics().one("reachd_discovery_last_read_successful") == 1
    events = {e["event"] for e in d.api("events")["events"]}
    assert {"discovery_failed", "discovery_ok"} <= events, events


def test_what_media_clusters_are_said_to_be(bench, tmp_path):
    """Service and region, of one's own and of those of a document; the first
    that names a media cluster says it."""
    port = bench.reflect("--listen.udp=127.0.0.1:0").port["udp"]
    put(tmp_path / "clusters.json", document(one=node(port, "udp"), both=node(port, "udp")))
    text = FILE.replace("media: {", "media: {clusters: [{name: both, udp: ['stun:127.0.0.1:%d'], region: Zürich}, "
                        "{name: bare, udp: ['stun:127.0.0.1:%d']}], " % (port, port))
    d = bench.daemon(text.replace("clusters.json}", "clusters.json, service: Webex, region: eu-central}")).ready()
    said = lambda: {lab["media_cluster"]: (lab.get("media_service"), lab.get("region"))
                    for lab, _ in d.metrics().all("reachd_cluster_info")}
    mine = {"both": (None, "Zürich"), "bare": (None, None)}
    wait("what is said", lambda: said() == {"one": ("Webex", "eu-central"), **mine})
    count = d.metrics().one("reachd_requests_total", media_cluster="one")
    # Only that changes by a reload, and at once.
    d.write(text.replace("clusters.json}", "clusters.json, region: us-east}"))
    assert d.reload()[0] == 200
    wait("what is said now", lambda: said() == {"one": (None, "us-east"), **mine})
    assert d.metrics().one("reachd_requests_total", media_cluster="one") >= count
    d.write(text.replace("region: Zürich", f"region: {'ü' * 17}"))
    status, _, body = d.reload()
    assert status == 500 and "is longer than 32 octets" in body.decode(), body


class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        s = self.server
        s.seen.append(self.headers.get("Authorization"))
        status = s.status if self.headers.get("Authorization") == f"Bearer {s.token}" else 401
        body = s.body.encode() if status == 200 else b"no"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_a_url_with_a_token_keeps_the_last_good_list(bench, tmp_path):
    port = bench.reflect("--listen.udp=127.0.0.1:0").port["udp"]
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    s.token, s.status, s.body, s.seen = "s3cret-token", 200, document(one=node(port, "udp")), []
    threading.Thread(target=s.serve_forever, daemon=True).start()
    bench.closing.append(s.shutdown)
    (tmp_path / "token").write_text("s3cret-token\n")
    d = bench.daemon(f"""
defaults: {{interval: 1s, timeout: 500ms, windows: [1m]}}
media:
  discovery:
    - {{url: "http://127.0.0.1:{s.server_address[1]}/clusters", bearer_token_file: token, refresh: 1s}}
""").ready()
    wait("one", lambda: names(d) == {"one"})
    s.status = 503
    wait("failures", lambda: d.metrics().sum("reachd_discovery_failures_total") >= 2, 30)
    assert names(d) == {"one"}
    s.status, s.body = 200, document(one=node(port, "udp"), two=node(port, "udp"))
    wait("two", lambda: names(d) == {"one", "two"}, 30)
    (tmp_path / "token").write_text("wrong\n")
    failures = d.metrics().sum("reachd_discovery_failures_total")
    wait("the refusal", lambda: d.metrics().sum("reachd_discovery_failures_total") > failures, 30)
    assert names(d) == {"one", "two"}
    everything = d.text() + d.metrics().text + json.dumps(d.api("events"))
    assert "s3cret-token" not in everything and "wrong" not in everything


def test_file_sd_targets(bench, tmp_path):
    r = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0")
    folder = tmp_path / "targets.d"
    folder.mkdir()
    d = bench.daemon("""
defaults: {interval: 1s, timeout: 500ms, windows: [1m]}
target_files: [targets.d/*.yml, targets.d/*.json]
""")
    put(folder / "a.json", json.dumps([{
        "targets": [f"127.0.0.1:{r.port['tcp']}"],
        "labels": {"__probe__": "tcp", "__transport__": "tcp", "name": "edge"}}]))
    wait("edge", lambda: d.metrics().one("reachd_target_up", target="edge") == 1, 30)
    put(folder / "b.yml", f"- targets: ['127.0.0.1:{r.port['udp']}']\n"
                          "  labels: {media_cluster: site, name: site-udp}\n")
    wait("site-udp", lambda: d.metrics().one("reachd_target_up", target="site-udp") == 1, 30)
    put(folder / "a.json", "[{")
    wait("the failure", lambda: d.metrics().sum("reachd_discovery_failures_total") >= 1, 30)
    assert d.metrics().one("reachd_target_up", target="edge") == 1
    (folder / "a.json").unlink()
    wait("edge to go", lambda: not d.metrics().all("reachd_target_up", target="edge"), 30)
