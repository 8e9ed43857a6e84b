"""/probe beside Debian's blackbox_exporter, on the same servers: names, labels
and verdicts. What differs is data here, and in the manual."""

import json
import pathlib
import socket
import urllib.parse
import urllib.request

import pytest

from dnspeers import Real
from harness import Metrics, free_port, tool, wait
from pki import Pki
from sip_peers import certificates, kamailio
from webpeers import Nginx

MANUAL = pathlib.Path(__file__).parents[2] / "daemon/reachd.8"

OURS = """
ca_file: {ca}
targets: [{{name: t, address: "127.0.0.1:9", interval: 100s}}]
probe:
  allow: [127.0.0.0/8, "::1", 10.77.0.0/16, "fd77::/16"]
  modules:
    here: {{prober: http, follow_redirects: false}}
    unverified: {{prober: http, verify: false}}
    missing: {{prober: http, codes: [404]}}
    head: {{prober: http, method: HEAD}}
    tls: {{prober: tls}}
    tls_unverified: {{prober: tls, verify: false}}
    soa: {{prober: dns, query: example.net, type: SOA}}
    soa_tcp: {{prober: dns, transport: tcp, query: example.net, type: SOA}}
    a: {{prober: dns, query: www.example.net, type: A}}
    nothing: {{prober: dns, query: nothing.example.net, type: A}}
    nothing_right: {{prober: dns, query: nothing.example.net, type: A, rcode: nxdomain}}
    icmp4: {{prober: icmp, family: ipv4}}
    icmp6: {{prober: icmp, family: ipv6}}
    short: {{prober: tcp, timeout: 300ms}}
"""

THEIRS = """
modules:
  http_2xx: {{prober: http, http: {{tls_config: {{ca_file: {ca}}}}}}}
  http_post_2xx: {{prober: http, http: {{method: POST}}}}
  here: {{prober: http, http: {{follow_redirects: false}}}}
  unverified: {{prober: http, http: {{tls_config: {{insecure_skip_verify: true}}}}}}
  missing: {{prober: http, http: {{valid_status_codes: [404]}}}}
  head: {{prober: http, http: {{method: HEAD}}}}
  tcp_connect: {{prober: tcp}}
  tls: {{prober: tcp, tcp: {{tls: true, tls_config: {{ca_file: {ca}}}}}}}
  tls_unverified: {{prober: tcp, tcp: {{tls: true, tls_config: {{insecure_skip_verify: true}}}}}}
  soa: {{prober: dns, dns: {{query_name: example.net, query_type: SOA, transport_protocol: udp}}}}
  soa_tcp: {{prober: dns, dns: {{query_name: example.net, query_type: SOA, transport_protocol: tcp}}}}
  a: {{prober: dns, dns: {{query_name: www.example.net, query_type: A}}}}
  nothing: {{prober: dns, dns: {{query_name: nothing.example.net, query_type: A}}}}
  nothing_right: {{prober: dns, dns: {{query_name: nothing.example.net, query_type: A, valid_rcodes: [NXDOMAIN]}}}}
  icmp: {{prober: icmp}}
  icmp4: {{prober: icmp, icmp: {{preferred_ip_protocol: ip4}}}}
  icmp6: {{prober: icmp, icmp: {{preferred_ip_protocol: ip6}}}}
  short: {{prober: tcp, timeout: 300ms}}
"""

# Names that only one of both tells, in which cases. The manual has each.
ONLY_OURS = {
    "probe_outcome_info": lambda ours, theirs: True,
    # of a certificate that does not verify, they tell nothing
    "probe_ssl_earliest_cert_expiry": lambda ours, theirs: not verdict(theirs),
    "probe_ssl_last_chain_info": lambda ours, theirs: not verdict(theirs),
    "probe_ssl_last_chain_expiry_timestamp_seconds": lambda ours, theirs: not verdict(theirs),
    "probe_tls_version_info": lambda ours, theirs: not verdict(theirs),
}
ONLY_THEIRS = {
    # -62135596800, the year 1, when they were told not to verify
    "probe_ssl_last_chain_expiry_timestamp_seconds":
        lambda ours, theirs: theirs.one(
            "probe_ssl_last_chain_expiry_timestamp_seconds") == -62135596800,
}
# Values that differ, in which cases.
OTHER_VALUES = {
    # of a redirection that is not followed; they read nothing of it
    "probe_http_uncompressed_body_length":
        lambda ours, theirs: 300 <= ours.one("probe_http_status_code") < 400,
    # that of a chain that does verify, though nothing depends on it
    "probe_ssl_last_chain_expiry_timestamp_seconds":
        lambda ours, theirs: theirs.one(
            "probe_ssl_last_chain_expiry_timestamp_seconds") == -62135596800,
}
# What both must say alike; all else is a time.
SAME = {
    "probe_success", "probe_failed_due_to_regex", "probe_http_status_code",
    "probe_http_redirects", "probe_http_ssl", "probe_http_content_length",
    "probe_http_uncompressed_body_length", "probe_http_version",
    "probe_http_last_modified_timestamp_seconds", "probe_ip_addr_hash", "probe_ip_protocol",
    "probe_ssl_earliest_cert_expiry", "probe_ssl_last_chain_expiry_timestamp_seconds",
    "probe_ssl_last_chain_info", "probe_tls_version_info", "probe_dns_answer_rrs",
    "probe_dns_authority_rrs", "probe_dns_additional_rrs", "probe_dns_query_succeeded",
    "probe_dns_serial", "probe_icmp_reply_hop_limit"}


def verdict(m):
    return m.one("probe_success")


class Pair:
    """Both daemons, asked the same."""

    def __init__(self, bench, ca, inside=None):
        self.inside = inside
        config = bench.directory / "bb.yml"
        config.write_text(THEIRS.format(ca=ca))
        self.theirs = free_port()
        bench.start([tool("prometheus-blackbox-exporter"), f"--config.file={config}",
                     f"--web.listen-address=127.0.0.1:{self.theirs}"],
                    name="blackbox", inside=inside)
        self.daemon = bench.daemon(OURS.format(ca=ca), inside=inside).ready()
        wait("blackbox", lambda: self.ask_theirs("module=icmp")[0] == 400)

    def ask_theirs(self, query, headers=None):
        keep, self.daemon_port = getattr(self, "daemon_port", None), None
        del keep
        return _get(self.theirs, query, headers, self.inside)

    def ask_ours(self, query, headers=None):
        status, _, body = self.daemon.request(f"/probe?{query}", headers=headers)
        return status, body.decode()

    def compare(self, module, target, timeout="10", **more):
        """Asserts that both say the same; returns what ours says."""
        query = urllib.parse.urlencode({"module": module, "target": target, **more})
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": timeout}
        (s1, ours), (s2, theirs) = (f(query, headers) for f in (self.ask_ours, self.ask_theirs))
        assert (s1, s2) == (200, 200), (query, s1, s2, ours, theirs)
        ours, theirs = Metrics(ours), Metrics(theirs)
        compare(query, ours, theirs)
        return ours


def _get(port, query, headers, inside):
    if inside:
        class Other:
            pass
        from harness import Daemon
        other = Other()
        other.inside, other.port = inside, port
        status, _, body = Daemon._request_inside(other, f"/probe?{query}", "GET", headers or {})
        return status, body.decode()
    r = urllib.request.Request(f"http://127.0.0.1:{port}/probe?{query}", headers=headers or {})
    try:
        with urllib.request.urlopen(r, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def series(m):
    return {(n, tuple(sorted(lab.items()))): v for n, lab, v in m.samples}


def compare(query, ours, theirs):
    a, b = series(ours), series(theirs)
    wrong = []
    for key in a.keys() - b.keys():
        if key[0] not in ONLY_OURS or not ONLY_OURS[key[0]](ours, theirs):
            wrong.append(("only ours", key))
    for key in b.keys() - a.keys():
        if key[0] not in ONLY_THEIRS or not ONLY_THEIRS[key[0]](ours, theirs):
            wrong.append(("only theirs", key))
    for key in a.keys() & b.keys():
        if key[0] in OTHER_VALUES and OTHER_VALUES[key[0]](ours, theirs):
            continue
        if key[0] in SAME:
            if a[key] != b[key]:
                wrong.append((key, "ours", a[key], "theirs", b[key]))
        elif not key[0].endswith("_seconds") or not 0 <= a[key] < 60:
            wrong.append((key, a[key]))
    assert not wrong, "\n".join([query] + [repr(w) for w in wrong])


def test_the_manual_has_the_differences():
    text = MANUAL.read_text()
    for name in (*ONLY_OURS, *ONLY_THEIRS, *OTHER_VALUES):
        assert name in text, name


SERVERS = """
server { listen {plain}; default_type text/plain;
  location / { root DIR; }
  location /r { return 302 /page.txt; }
  location /away { return 301 http://{plain}/r; }
  location /loop { return 302 /loop; }
  location /none { return 204; }
  location /bad { return 302 ftp://127.0.0.1/; } }
"""
TLS_SERVER = """
server { listen {%s} ssl; ssl_certificate %s; ssl_certificate_key %s;
  location / { return 200 "over TLS"; } }
"""


@pytest.fixture
def web(bench):
    """Ports of nginx: plain, and TLS with certificates of every quality."""
    pki = Pki(bench.directory / "pki")
    pki.make("good", names="DNS:localhost,DNS:good.test,IP:127.0.0.1",
             subject="/O=Some, Inc/CN=good")
    pki.make("expired", names="DNS:localhost,IP:127.0.0.1", days=(-20, -10))
    pki.make("wrong", names="DNS:other.test")
    (bench.directory / "page.txt").write_text("what is served\n")
    servers = SERVERS.replace("DIR", str(bench.directory))
    for name in ("good", "expired", "wrong"):
        servers += TLS_SERVER % (name, pki.path(f"{name}.chain.pem"), pki.path(f"{name}.key"))
    web = Nginx(bench, servers, ["plain", "good", "expired", "wrong"])
    web.ca = pki.path("root.pem")
    return web


def test_http_side_by_side(bench, web):
    pair = Pair(bench, web.ca)
    p = {name: f"127.0.0.1:{number}" for name, number in web.port.items()}
    closed = f"127.0.0.1:{free_port()}"
    m = pair.compare("http_2xx", f"{p['plain']}/page.txt")
    assert verdict(m) == 1 and m.one("probe_http_uncompressed_body_length") == 15
    assert {lab["phase"] for lab, _ in m.all("probe_http_duration_seconds")} == {
        "resolve", "connect", "tls", "processing", "transfer"}
    for module, target, right in (
            ("http_2xx", f"http://{p['plain']}/r", 1),
            ("http_2xx", f"http://{p['plain']}/away", 1),
            ("http_2xx", f"http://{p['plain']}/none", 1),
            ("http_2xx", f"http://{p['plain']}/page.txt#part", 1),
            ("http_2xx", f"http://{p['plain']}/missing", 0),
            ("http_post_2xx", f"http://{p['plain']}/none", 1),
            ("missing", f"http://{p['plain']}/missing", 1),
            ("missing", f"http://{p['plain']}/page.txt", 0),
            ("head", f"http://{p['plain']}/page.txt", 1),
            ("here", f"http://{p['plain']}/r", 0),
            ("http_2xx", f"https://{p['good']}/", 1),
            ("http_2xx", f"https://{p['expired']}/", 0),
            ("http_2xx", f"https://{p['wrong']}/", 0),
            ("http_2xx", f"https://{p['plain']}/", 0),
            ("unverified", f"https://{p['expired']}/", 1),
            ("unverified", f"https://{p['wrong']}/", 1),
            ("http_2xx", f"http://{closed}/", 0)):
        assert verdict(pair.compare(module, target)) == right, (module, target)
    # Who it is asked for by another name.
    assert verdict(pair.compare("http_2xx", f"https://{p['good']}/", hostname="good.test")) == 1
    assert verdict(pair.compare("http_2xx", f"https://{p['good']}/", hostname="bad.test")) == 0


def test_redirections_without_end(bench, web):
    d = bench.daemon(OURS.format(ca=web.ca)).ready()
    for path in ("loop", "bad"):
        m = Metrics(d.get(f"/probe?target=127.0.0.1:{web.port['plain']}/{path}"))
        assert verdict(m) == 0 and m.one("probe_http_status_code") == 302
        assert m.one("probe_http_redirects") == (11 if path == "loop" else 1)


class Silent:
    """Takes connections and says nothing."""

    def __init__(self, bench):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        bench.closing.append(self.socket.close)


def test_tcp_and_tls_side_by_side(bench, web):
    pair = Pair(bench, web.ca)
    p = {name: f"127.0.0.1:{number}" for name, number in web.port.items()}
    for module, target, right in (
            ("tcp_connect", p["plain"], 1),
            ("tcp_connect", f"127.0.0.1:{free_port()}", 0),
            ("tls", p["good"], 1),
            ("tls", p["expired"], 0),
            ("tls", p["wrong"], 0),
            ("tls", p["plain"], 0),
            ("tls_unverified", p["expired"], 1),
            ("tls_unverified", p["wrong"], 1)):
        assert verdict(pair.compare(module, target)) == right, (module, target)
    # Time is up: half a second before the scrape's own time-out.
    quiet = Silent(bench)
    for module in ("tls", "http_2xx"):
        m = pair.compare(module, quiet.address, timeout="1.5")
        assert verdict(m) == 0 and 0.9 <= m.one("probe_duration_seconds") < 1.4
        assert m.one("probe_outcome_info", outcome="timeout") == 1


def test_dns_side_by_side(bench, web):
    pair = Pair(bench, web.ca)
    ns = Real(bench, "bind")
    at = f"127.0.0.1:{ns.port}"
    m = pair.compare("soa", at)
    assert verdict(m) == 1 and m.one("probe_dns_serial") == 1
    for module, right in (("soa_tcp", 1), ("a", 1), ("nothing", 0), ("nothing_right", 1)):
        assert verdict(pair.compare(module, at)) == right, module
    m = pair.compare("a", f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}")
    assert verdict(m) == 0 and m.one("probe_dns_query_succeeded") == 0


def test_icmp_side_by_side(bench):
    ns = bench.netns("icmp")
    ns.run("sh", "-c", "echo 0 0 >/proc/sys/net/ipv4/ping_group_range")
    ns.run("ip", "addr", "add", "10.77.0.9/32", "dev", "lo")
    ns.run("ip", "-6", "addr", "add", "fd77::9/128", "dev", "lo", "nodad")
    pki = Pki(bench.directory / "pki")
    pair = Pair(bench, pki.path("root.pem"), inside=ns)
    m = pair.compare("icmp", "10.77.0.9")
    assert verdict(m) == 1 and m.one("probe_icmp_reply_hop_limit") == 64
    assert m.one("probe_ip_protocol") == 4
    m = pair.compare("icmp", "fd77::9")
    assert verdict(m) == 1 and m.one("probe_ip_protocol") == 6
    ns.nft("table inet t { chain c { type filter hook output priority 0; "
           "ip daddr 10.77.0.9 icmp type echo-request drop; }; }\n")
    m = pair.compare("icmp", "10.77.0.9", timeout="1")
    assert verdict(m) == 0 and m.one("probe_icmp_duration_seconds", phase="rtt") == 0


def test_answers_that_are_no_probe(bench, web):
    pair = Pair(bench, web.ca)
    for query in ("module=icmp", "module=nope&target=127.0.0.1", "module=icmp&target="):
        assert pair.ask_ours(query) == pair.ask_theirs(query), query
    status, text = pair.ask_ours("target=127.0.0.1", {
        "X-Prometheus-Scrape-Timeout-Seconds": "soon"})
    assert status == 400 and "Failed to parse timeout from Prometheus header" in text
    # Theirs is a probe that failed; ours says what is wrong with it.
    for query, why in (("module=tcp_connect&target=127.0.0.1", "has no port"),
                       ("module=icmp&target=127.0.0.1:9", "has a port"),
                       ("target=ftp://127.0.0.1/", "must"),
                       ("module=http_2xx&target=http://u:p@127.0.0.1/", "credentials")):
        status, text = pair.ask_ours(query)
        assert status == 400 and why in text, (query, text)
    status, headers, body = pair.daemon.request(
        f"/probe?target=127.0.0.1:{web.port['plain']}/r&debug=true")
    text = body.decode()
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    for part in ("Logs for the probe:", "Redirected to http://", "Probe succeeded",
                 "Metrics that would have been returned:", "probe_success 1",
                 "Module configuration:"):
        assert part in text, text
    assert pair.daemon.request("/probe?target=127.0.0.1", "POST")[0] == 405


def test_stun_and_sip(bench, tmp_path):
    certificates(tmp_path)
    k = kamailio(bench, tmp_path, tls=True)
    r = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0",
                      "--listen.tls=127.0.0.1:0", "--delay=3ms")
    d = bench.daemon(OURS.format(ca=tmp_path / "ca.pem")).ready()

    def ask(module, port):
        return Metrics(d.get(f"/probe?module={module}&target=127.0.0.1:{port}"))
    for t in ("udp", "tcp", "tls"):
        m = ask(f"stun_{t}", r.port[t])
        assert verdict(m) == 1, m.text
        assert 0.003 <= m.one("probe_stun_duration_seconds", phase="rtt") < 1
        assert (m.one("probe_stun_duration_seconds", phase="tls") > 0) == (t == "tls")
        assert m.one("probe_stun_mapped_info", address="127.0.0.1") == 1
        assert m.one("probe_duration_seconds") >= 0.003
        m = ask(f"sip_options_{t}", k.port[t if t != "tcp" else "udp"])
        assert verdict(m) == 1 and m.one("probe_sip_status_code") == 200, m.text
    assert m.one("probe_tls_version_info", version="TLS 1.3") == 1
    m = ask("stun_udp", free_port(socket.SOCK_DGRAM))
    assert verdict(m) == 0 and m.one("probe_outcome_info", outcome="refused") == 1
    m = ask("sip_options_tcp", free_port())
    assert verdict(m) == 0 and m.one("probe_sip_status_code") == 0


def query(port, expression):
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(url, timeout=10) as r:
        return json.load(r)["data"]["result"]


def test_prometheus_comes_with_its_blackbox_job(bench, web, tmp_path):
    """A job as it is written for blackbox_exporter, but for its address; and
    nothing of what it asks for shows in the daemon's own metrics."""
    d = bench.daemon(OURS.format(ca=web.ca)).ready()
    port = free_port()
    good = f"http://127.0.0.1:{web.port['plain']}/page.txt"
    bad = f"http://127.0.0.1:{free_port()}/"
    (tmp_path / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: blackbox
    metrics_path: /probe
    params: {{module: [http_2xx]}}
    static_configs: [{{targets: ["{good}", "{bad}"]}}]
    relabel_configs:
      - {{source_labels: [__address__], target_label: __param_target}}
      - {{source_labels: [__param_target], target_label: instance}}
      - {{target_label: __address__, replacement: "127.0.0.1:{d.port}"}}
""")
    bench.start([tool("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                 f"--web.listen-address=127.0.0.1:{port}"], name="prometheus")

    def both():
        up = {r["metric"]["instance"]: r["value"][1] for r in query(port, "up")}
        assert up == {good: "1", bad: "1"}, up
        found = {r["metric"]["instance"]: r["value"][1] for r in query(port, "probe_success")}
        assert found == {good: "1", bad: "0"}, found
        return True
    wait("both scraped", both, 60)
    assert query(port, f'probe_http_status_code{{instance="{good}"}}')[0]["value"][1] == "200"
    m = d.metrics()
    wait("counts", lambda: d.metrics().one(
        "reachd_http_requests_total", handler="/probe", code="200") >= 2)
    assert m.one("reachd_targets") == 1
    assert {lab["target"] for _, lab, _ in m.samples if "target" in lab} == {"t"}
    assert not m.all("probe_success") and good not in m.text and bad not in m.text
