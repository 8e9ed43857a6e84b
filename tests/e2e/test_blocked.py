"""expect: blocked. What nftables does to a path is what the target says of
it, for each way to block and to let through, over UDP and TCP."""

import pytest

from harness import link, tool, wait
from webpeers import Nginx, Pki, Squid

HEAD = """
defaults: {interval: 300ms, timeout: 200ms, count: 2, spacing: 20ms, windows: [1m],
  expect: blocked}
thresholds: {down_after: 2, up_after: 2, flap_changes: 0}
"""

CLEAR = "flush ruleset\n"


def rules(verdict):
    return (CLEAR + "table inet t {\nchain i {\n type filter hook input priority 0; policy accept;\n"
            f" meta l4proto udp {verdict.format(p='udp')}\n"
            f" meta l4proto tcp {verdict.format(p='tcp')}\n}}\n}}\n")


# Verdicts of the firewall, and how requests over UDP and TCP end then.
WALLS = {
    "drop": (rules("drop"), "timeout", "timeout"),
    "reject": ("%s" % rules("reject with icmpx type port-unreachable"), "refused", "refused"),
    "prohibit": (rules("reject with icmpx type admin-prohibited"), "prohibited", "prohibited"),
    "host": (rules("reject with icmpx type host-unreachable"), "unreachable", "unreachable"),
    "reset": (CLEAR + "table inet t {\nchain i {\n type filter hook input priority 0; policy accept;\n"
              " meta l4proto udp drop\n meta l4proto tcp reject with tcp reset\n}\n}\n",
              "timeout", "refused"),
}


def targets(d):
    return {t["target"]: t for t in d.api("targets")["targets"]}


def settled(d, name, **want):
    def check():
        t = targets(d)[name]
        seen = {k: t[k] for k in want}
        assert seen == want, seen
        return t
    return wait(f"{name} to be {want}", check, 20)


def causes(d, name, event):
    return [e["cause"] for e in d.api("events")["events"]
            if e.get("subject") == name and e["event"] == event]


@pytest.fixture
def pair(bench):
    near, far = bench.netns("near"), bench.netns("far")
    near.run("sh", "-c", "echo 0 0 >/proc/sys/net/ipv4/ping_group_range")
    # One error a second to a peer is too few for a request each 150 ms.
    far.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit")
    here, there = link(near, far)
    return near, far, here, there


def start(bench, near, far, host):
    r = bench.reflect(f"--listen.udp={host}:0", f"--listen.tcp={host}:0", inside=far)
    return bench.daemon(HEAD + f"""
targets:
  - {{name: udp, address: '{host}:{r.port["udp"]}'}}
  - {{name: tcp, transport: tcp, address: '{host}:{r.port["tcp"]}'}}
  - {{name: connect, probe: tcp, count: 1, address: '{host}:{r.port["tcp"]}'}}
  - {{name: echo, probe: icmp, expect: reachable, address: {host}}}
  - {{name: nowhere, probe: tcp, count: 1, address: 'nowhere.invalid:80'}}
resolver: '{host}:1'
""", inside=near).ready()


def test_walls(bench, pair):
    near, far, _, there = pair
    far.nft(WALLS["drop"][0])
    d = start(bench, near, far, there)
    settled(d, "echo", state="up")
    for name, (ruleset, udp, tcp) in WALLS.items():
        far.nft(CLEAR)
        for n in ("udp", "tcp", "connect"):
            settled(d, n, state="down", last_outcome="answered", success=True)
        far.nft(ruleset)
        settled(d, "udp", state="up", last_outcome=udp, success=False)
        settled(d, "tcp", state="up", last_outcome=tcp, success=False)
        settled(d, "connect", state="up", last_outcome=tcp, success=False)
    # A name that does not resolve says nothing of any wall.
    settled(d, "nowhere", state="unknown", last_outcome="dns")
    assert any(c.startswith("open, expected blocked: A valid answer")
               for c in causes(d, "udp", "target_down")), d.get("/api/v1/events")
    assert any(c.startswith("blocked, as expected: No answer came in time")
               for c in causes(d, "tcp", "target_up")), d.get("/api/v1/events")
    page = d.get("/")
    assert "blocked, as expected" in page
    m = d.metrics()
    assert m.one("reachd_target_up", target="udp") == 1
    assert m.one("reachd_probe_success", target="udp") == 0
    # No failure of a wall is one of the site.
    assert m.one("reachd_target_state", target="nowhere", state="unknown") == 1
    far.nft(CLEAR)
    settled(d, "connect", state="down")
    assert "open, expected blocked" in d.get("/")
    assert "open, expected blocked" in d.text()


def test_bytes_that_are_no_answer(bench, pair):
    """Whatever comes back came through."""
    near, far, _, there = pair
    port = 7007
    far_argv = ["/usr/bin/python3", "-c",
                "import socket\n"
                "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                f"s.bind(('{there}', {port}))\n"
                "while True:\n"
                " b, a = s.recvfrom(2048)\n"
                " s.sendto(b, a)\n"]
    bench.start(far_argv, name="echo", inside=far)
    d = bench.daemon(HEAD + f"""
targets:
  - {{name: udp, address: '{there}:{port}'}}
""", inside=near).ready()
    settled(d, "udp", state="down", last_outcome="protocol")
    assert any(c.startswith("open, expected blocked: The bytes that came")
               for c in causes(d, "udp", "target_down"))


def test_own_link(bench, pair):
    """While the site's own link is down, no wall is proven."""
    near, far, _, there = pair
    far.nft(WALLS["drop"][0])
    d = start(bench, near, far, there)
    settled(d, "udp", state="up")
    near.run("ip", "link", "set", "v1a", "down")
    for n in ("udp", "tcp", "connect"):
        settled(d, n, state="unknown", last_outcome="local")
    near.run("ip", "link", "set", "v1a", "up")
    for n in ("udp", "tcp", "connect"):
        settled(d, n, state="up", last_outcome="timeout")


SIP = r"""
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
def reply(data):
    keep = ("Via", "From", "To", "Call-ID", "CSeq")
    lines = [line for line in data.decode().split("\r\n") if line.split(":")[0] in keep]
    return "\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""]).encode()
def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], 5060))
    while True:
        data, peer = s.recvfrom(4096)
        s.sendto(reply(data), peer)
def talk(c, tls):
    try:
        c = context.wrap_socket(c, server_side=True) if tls else c
        while data := c.recv(4096):
            c.sendall(reply(data))
    except OSError:
        pass
    c.close()
def stream(port, tls):
    s = socket.create_server((sys.argv[1], port))
    while True:
        threading.Thread(target=talk, args=(s.accept()[0], tls), daemon=True).start()
for f, a in ((udp, ()), (stream, (5060, False)), (stream, (5061, True))):
    threading.Thread(target=f, args=a, daemon=True).start()
print("up", flush=True)
threading.Event().wait()
"""

# Each kind of probe over each of its transports; {p} are ports of reflect.
KINDS = {
    "stun-udp": "probe: stun, address: '{a}:{p[udp]}'",
    "stun-tcp": "probe: stun, transport: tcp, address: '{a}:{p[tcp]}'",
    "stun-tls": "probe: stun, transport: tls, address: '{a}:{p[tls]}'",
    "tcp": "probe: tcp, address: '{a}:443'",
    "tls": "probe: tls, address: '{a}:443'",
    "https": "probe: https, url: 'https://{a}/'",
    "http": "probe: https, url: 'http://{a}/'",
    "wss": "probe: wss, url: 'wss://{a}/'",
    "sip-udp": "probe: sip, address: '{a}:5060'",
    "sip-tcp": "probe: sip, transport: sip_tcp, address: '{a}:5060'",
    "sip-tls": "probe: sip, transport: sip_tls, address: '{a}:5061'",
    "dns-udp": "probe: dns, query: www.example.net, address: '{a}:53'",
    "dns-tcp": "probe: dns, transport: dns_tcp, query: www.example.net, address: '{a}:53'",
    "ntp": "probe: ntp, address: '{a}:123'",
    "icmp": "probe: icmp, address: '{a}'",
}


def servers(bench, far, host):
    """One for each kind of probe, in the namespace; the ports of reflect."""
    d = bench.directory
    pki = Pki(d)
    crt, key = pki.leaf("web", f"IP:{host}")
    temp = "".join(f"{k}_temp_path {d}/{k};" for k in
                   ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (d / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {d}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temp} server {{ listen {host}:443 ssl; listen {host}:80;\n"
        f"ssl_certificate {crt}; ssl_certificate_key {key}; return 200; }} }}\n")
    bench.start([tool("nginx"), "-p", d, "-c", d / "nginx.conf"], "nginx", inside=far)
    bench.start(["/usr/bin/python3", "-c", SIP, host, crt, key], "sip", inside=far)
    bench.start([tool("dnsmasq"), "-k", "-C", "/dev/null", f"--listen-address={host}",
                 "--bind-interfaces", "--no-resolv", "--no-hosts", "--user=root",
                 f"--pid-file={d}/dns.pid", "--host-record=www.example.net,192.0.2.7"],
                "dnsmasq", inside=far)
    (d / "chrony.conf").write_text(
        f"port 123\nbindaddress {host}\ncmdport 0\nlocal stratum 3\nallow all\nuser root\n"
        f"pidfile {d}/chrony.pid\n")
    bench.start([tool("chronyd"), "-x", "-d", "-f", d / "chrony.conf"], "chrony", inside=far)
    r = bench.reflect(*(f"--listen.{t}={host}:0" for t in ("udp", "tcp", "tls")), inside=far)
    return pki.ca, r.port


def test_every_kind(bench, pair):
    """Each is down while its path is open, and up behind each kind of wall."""
    near, far, _, there = pair
    ca, port = servers(bench, far, there)
    rows = "\n".join(f"  - {{name: {n}, {t.format(a=there, p=port)}, count: 1}}"
                     for n, t in KINDS.items())
    d = bench.daemon(f"{HEAD}ca_file: {ca}\nlimits: {{requests_per_address: 1000}}\n"
                     f"targets:\n{rows}\n", inside=near).ready()

    def all_are(state, outcomes):
        def check():
            t = targets(d)
            seen = {n: (t[n]["state"], t[n]["last_outcome"]) for n in KINDS}
            wrong = {n: s for n, s in seen.items() if s[0] != state or s[1] not in outcomes}
            assert not wrong, wrong
            return True
        wait(f"all to be {state}", check, 40)

    shut = {"timeout", "refused", "prohibited", "unreachable", "reset"}
    every = ("flush ruleset\ntable inet t {\nchain i {\n type filter hook input priority 0;\n"
             " meta nfproto ipv4 %s\n}\n}\n")
    all_are("down", {"answered", "error_response"})
    for verdict in ("drop", "reject with icmp type port-unreachable",
                    "reject with icmp type admin-prohibited"):
        far.nft(every % verdict)
        all_are("up", shut)
        far.nft(CLEAR)
        all_are("down", {"answered", "error_response"})
    m = d.metrics()
    for n in KINDS:
        assert m.one("reachd_target_up", target=n) == 0
        assert m.one("reachd_probe_success", target=n) == 1
        assert any(c.startswith("open, expected blocked: ")
                   for c in causes(d, n, "target_down")), n


def test_a_proxy_that_forbids_is_a_wall(bench, tmp_path):
    """And one that asks who we are says nothing of it."""
    pki = Pki(tmp_path)
    crt, key = pki.leaf("web")
    origin = Nginx(bench, f"server {{ listen {{tls}} ssl; ssl_certificate {crt}; "
                   f"ssl_certificate_key {key}; return 200; }}", ("tls",))
    forbids, passes = Squid(bench, "http_access deny all\n"), Squid(bench)
    asks = Squid(bench, "auth_param basic program /usr/lib/squid/basic_ncsa_auth DIR/users\n"
                 "acl known proxy_auth REQUIRED\nhttp_access deny !known\n",
                 files={"users": ""})
    ways = {"forbids": forbids, "passes": passes, "asks": asks}
    d = bench.daemon(HEAD.replace("300ms, timeout: 200ms", "600ms, timeout: 500ms") + f"""
ca_file: {pki.ca}
proxies:
""" + "".join(f"  - {{name: {n}, url: 'http://127.0.0.1:{s.port}'}}\n" for n, s in ways.items())
                     + "targets:\n" + "".join(
        f"  - {{name: {n}, probe: https, url: 'https://127.0.0.1:{origin.port['tls']}/', "
        f"via: [{n}]}}\n" for n in ways)).ready()
    names = {t["target"].split("@")[0]: t["target"] for t in d.api("targets")["targets"]}
    settled(d, names["forbids"], state="up", last_outcome="proxy_refused", success=False)
    settled(d, names["passes"], state="down", last_outcome="answered", success=True)
    settled(d, names["asks"], state="unknown", last_outcome="proxy_auth")
