"""/probe as others would misuse it, and what becomes of it when they are many,
go away, or the daemon has other things to do."""

import concurrent.futures
import http.client
import re
import signal
import socket
import time
import urllib.parse

from harness import Metrics, free_port, wait
from nameserver import Nameserver
from raw import Garbage

ALLOW = """
resolver: {ns}
targets: [{{name: t, address: "127.0.0.1:9", interval: 100s}}]
probe:
  allow: {allow}
  modules:
    v4: {{prober: tcp, family: ipv4}}
"""


def ask(d, target, module="tcp_connect", headers=None, **more):
    """Status, headers and text of a request."""
    query = urllib.parse.urlencode({"module": module, "target": target, **more})
    status, headers, body = d.request(f"/probe?{query}", headers=headers)
    return status, headers, body.decode()


class Listener:
    """Counts who comes."""

    def __init__(self, bench, address="127.0.0.1"):
        self.socket = socket.create_server((address, 0), backlog=1024)
        self.port = self.socket.getsockname()[1]
        bench.closing.append(self.socket.close)

    def came(self):
        self.socket.settimeout(0)
        n = 0
        while True:
            try:
                self.socket.accept()[0].close()
                n += 1
            except OSError:
                return n


def test_nothing_is_allowed_unless_it_is_configured(bench):
    door = Listener(bench)
    ns = Nameserver(bench, {})
    d = bench.daemon(ALLOW.format(ns=ns.address, allow="[]")).ready()
    for target in (f"127.0.0.1:{door.port}", f"localhost:{door.port}", f"a.test:{door.port}",
                   f"[::1]:{door.port}", "t:1"):
        status, _, text = ask(d, target)
        assert status == 403 and "probe.allow" in text, (target, text)
        assert ask(d, f"http://{target}/", "http_2xx")[0] == 403
    assert ask(d, "127.0.0.1", "icmp")[0] == 403
    # No name was asked for, and nobody came.
    assert not ns.asked and door.came() == 0


def test_names_that_lead_inside(bench):
    """A name of the list that its owner points at this host or at the site."""
    door, other = Listener(bench), Listener(bench, "127.0.0.2")
    zone = {"here.evil.test": ["127.0.0.1"], "zero.evil.test": ["0.0.0.0"],
            "meta.evil.test": ["169.254.169.254"], "site.evil.test": ["10.1.2.3"],
            "six.evil.test": ["::1"], "mapped.evil.test": ["::ffff:127.0.0.1"],
            "both.evil.test": ["127.0.0.2", "127.0.0.1"], "plain.test": ["127.0.0.2"],
            "away.test": ["127.0.0.1"]}
    ns = Nameserver(bench, zone)
    d = bench.daemon(ALLOW.format(
        ns=ns.address, allow=f'["*.evil.test", "127.0.0.2:{other.port}"]')).ready()
    for name in ("here", "zero", "meta", "site", "six", "mapped"):
        status, _, text = ask(d, f"{name}.evil.test:{door.port}")
        assert status in (403, 200), text
        if status == 200:  # such an address is none at all
            assert Metrics(text).one("probe_ip_protocol") == 0, text
        else:
            assert "which is" in text
    # Networks are for whatever leads into them, at their ports.
    status, _, text = ask(d, f"plain.test:{other.port}")
    assert status == 200 and Metrics(text).one("probe_success") == 1
    assert ask(d, f"plain.test:{door.port}")[0] == 403
    assert ask(d, f"away.test:{other.port}")[0] == 403
    # Of several addresses one that is allowed is taken.
    status, _, text = ask(d, f"both.evil.test:{other.port}")
    assert status == 200 and Metrics(text).one("probe_success") == 1
    # What the host is called is of no matter to where it is.
    for called in ("plain.test", "127.0.0.2"):
        assert ask(d, f"http://127.0.0.1:{door.port}/", "http_2xx", hostname=called)[0] == 403
    assert ask(d, f"http://127.0.0.2:{other.port}@127.0.0.1:{door.port}/", "http_2xx")[0] == 400
    assert door.came() == 0 and other.came() >= 2


def test_redirections_that_lead_inside(bench):
    door = Listener(bench)
    ns = Nameserver(bench, {"here.evil.test": ["127.0.0.1"]})
    for place in (f"http://127.0.0.1:{door.port}/", f"http://here.evil.test:{door.port}/",
                  f"//127.0.0.1:{door.port}/"):
        sender = Garbage(bench, f"HTTP/1.1 302 Found\r\nLocation: {place}\r\n"
                         "Content-Length: 0\r\n\r\n".encode())
        d = bench.daemon(ALLOW.format(
            ns=ns.address, allow=f'["127.0.0.1:{sender.port}", "*.evil.test"]')).ready()
        status, _, text = ask(d, f"127.0.0.1:{sender.port}", "http_2xx")
        m = Metrics(text)
        assert status == 200 and m.one("probe_success") == 0
        assert m.one("probe_http_redirects") == 1 and m.one("probe_http_status_code") == 302
        text = ask(d, f"127.0.0.1:{sender.port}", "http_2xx", debug="true")[2]
        assert "may not be probed" in text
        d.stop()
    assert door.came() == 0


def test_name_servers_that_are_silent_change_or_lie(bench):
    ns = Nameserver(bench, {"ok.test": ["127.0.0.1"]})
    other = Nameserver(bench, {"ok.test": ["127.0.0.1"]})
    door = Listener(bench)
    d = bench.daemon(ALLOW.format(ns=ns.address, allow="[127.0.0.0/8]")).ready()
    status, _, text = ask(d, f"none.test:{door.port}")
    assert status == 200 and Metrics(text).one("probe_ip_protocol") == 0
    assert Metrics(text).one("probe_outcome_info", outcome="dns") == 1
    ns.silent = True
    short = {"X-Prometheus-Scrape-Timeout-Seconds": "1.5"}
    begun = time.monotonic()
    status, _, text = ask(d, f"ok.test:{door.port}", headers=short)
    m = Metrics(text)
    assert status == 200 and m.one("probe_success") == 0
    assert 0.9 < m.one("probe_dns_lookup_time_seconds") < 5 and time.monotonic() - begun < 10
    # One that waits for it while another takes its place is answered, too.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, d, f"ok.test:{door.port}")
        wait("the question", lambda: len(ns.asked) > 4)
        d.write(ALLOW.format(ns=other.address, allow="[127.0.0.0/8]"))
        assert d.reload()[0] == 200
        assert waiting.result(30)[0] == 200
    status, _, text = ask(d, f"ok.test:{door.port}")
    assert status == 200 and Metrics(text).one("probe_success") == 1


MEDIA = """
defaults: {{interval: 200ms, timeout: 100ms, windows: [10s, 1m]}}
limits: {{requests_per_address: 1000}}
media:
  clusters: [{{name: m, udp: ["stun:127.0.0.1:{port}"]}}]
probe:
  allow: [127.0.0.0/8]
  modules: {{slow: {{prober: http, timeout: 2s}}}}
"""


def test_two_hundred_at_once_move_no_media_target(bench):
    """Slow peers, clients that go away, a reload: media goes on as it was."""
    r = bench.reflect("--listen.udp=127.0.0.1:0")
    quiet = Listener(bench)
    d = bench.daemon(MEDIA.format(port=r.port["udp"])).ready()
    wait("samples", lambda: d.metrics().sum("reachd_requests_total") >= 50)
    before = d.metrics()

    def slow(_):
        status, headers, text = ask(d, f"127.0.0.1:{quiet.port}", "slow")
        assert status in (200, 429, 503), (status, text)
        if status == 200:
            assert Metrics(text).one("probe_success") == 0
        else:
            assert headers["Retry-After"] == "1" and text.strip()
        return status

    def impatient(_):
        with socket.create_connection(("127.0.0.1", d.port), 10) as s:
            s.sendall(f"GET /probe?module=slow&target=127.0.0.1:{quiet.port} HTTP/1.1\r\n"
                      "Host: x\r\n\r\n".encode())
        return 0
    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        many = [pool.submit(slow, i) for i in range(200)]
        gone = [pool.submit(impatient, i) for i in range(20)]
        assert d.reload()[0] == 200
        # Metrics are served while all of these wait.
        assert d.metrics().one("reachd_targets") == 1
        codes = [f.result(60) for f in many]
        [f.result(60) for f in gone]
    assert codes.count(200) >= 16, codes
    wait("all to be over", lambda: d.metrics().one("reachd_probes_in_flight") <= 1)
    after = d.metrics()
    for why in ("concurrency", "overrun", "stall"):
        assert after.one("reachd_probes_missed_total", reason=why) == before.one(
            "reachd_probes_missed_total", reason=why), why
    lost = (after.sum("reachd_requests_lost_total") if after.all("reachd_requests_lost_total")
            else after.sum("reachd_failures_total"))
    assert lost == 0, after.text
    rtt = [v for lab, v in after.all("reachd_rtt_window_seconds", window="10s")]
    assert all(v < 0.05 for v in rtt), rtt
    # And the next one is as good as the first.
    assert Metrics(ask(d, f"127.0.0.1:{quiet.port}")[2]).one("probe_success") == 1


def test_the_limits_of_requests(bench):
    ns = Nameserver(bench, {})
    door = Listener(bench)
    d = bench.daemon("limits: {requests_per_address: 5}\n" + ALLOW.format(
        ns=ns.address, allow="[127.0.0.0/8]")).ready()
    codes = [ask(d, f"127.0.0.3:{door.port}")[0] for _ in range(12)]
    assert codes[0] == 200 and 429 in codes, codes
    assert codes.count(200) <= 8, codes
    status, headers, text = ask(d, f"127.0.0.3:{door.port}")
    while status == 200:
        status, headers, text = ask(d, f"127.0.0.3:{door.port}")
    assert status == 429 and headers["Retry-After"] == "1" and "requests_per_address" in text
    assert ask(d, f"127.0.0.4:{door.port}")[0] == 200


def test_the_end_of_the_daemon_answers_who_waits(bench):
    quiet = Listener(bench)
    ns = Nameserver(bench, {})
    ns.silent = True
    d = bench.daemon(ALLOW.format(ns=ns.address, allow="[127.0.0.0/8]")).ready()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask, d, f"127.0.0.1:{quiet.port}", module)
                 for module in ("http_2xx", "tcp_connect_tls", "stun_tcp", "dns_tcp")]
        asked.append(pool.submit(ask, d, "silent.test:1"))
        wait("all of them", lambda: d.metrics().one("reachd_probes_in_flight") >= 4)
        wait("the question", lambda: ns.asked)
        d.signal(signal.SIGTERM)
        for f in asked:
            try:
                status, _, text = f.result(20)
                assert status == 503 and ("ends" in text or "called off" in text), (status, text)
            except (OSError, http.client.HTTPException):
                pass  # its connection was gone before its answer
    wait("the end", lambda: not d.alive())
    assert d.stop() == 0


def test_peers_that_are_none(bench):
    """Whatever a peer sends, the answer is one that Prometheus can read."""
    d = bench.daemon(ALLOW.format(ns="127.0.0.1:9", allow="[127.0.0.0/8]")).ready()
    head = b"HTTP/1.1 200 OK\r\n"
    for bytes_ in (b"", b"\x00" * 4096, b"HTTP/1.1 99 No\r\n\r\n",
                   head + b"Content-Length: -1\r\n\r\n",
                   head + b"Content-Length: 99999999999999999999\r\n\r\n",
                   head + b"Content-Length: 50\r\n\r\nshort",
                   head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                   head + b"Last-Modified: when\r\nLocation: \r\nContent-Length: 0\r\n\r\n",
                   head + b"Location" + b"x" * 3000 + b"\r\n\r\n",
                   b"HTTP/1.1 302 Found\r\nLocation: http://" + b"a" * 3000 + b"/\r\n\r\n",
                   b"HTTP/1.1 302 Found\r\nLocation: \x01\x02\r\nContent-Length: 0\r\n\r\n"):
        peer = Garbage(bench, bytes_)
        for module in ("http_2xx", "tcp_connect_tls", "sip_options_tcp", "stun_tcp", "dns_tcp"):
            status, _, text = ask(d, f"127.0.0.1:{peer.port}", module, headers={
                "X-Prometheus-Scrape-Timeout-Seconds": "1.2"})
            assert status == 200, (bytes_[:40], module, status, text)
            m = Metrics(text)
            # A head is an answer over HTTP whatever is wrong with its fields.
            if module != "http_2xx" or not bytes_.startswith(head):
                assert m.one("probe_success") == 0, (bytes_[:60], module, text)
        text = ask(d, f"127.0.0.1:{peer.port}", "http_2xx", debug="true")[2]
        assert not re.search(r"[\x00-\x08\x0e-\x1f]", text), text
