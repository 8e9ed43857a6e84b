"""Every way to end that include/outcomes.def lists has a cause in the world:
each is produced here, most of them by more than one kind of probe, and by
nothing else than what a network, a server or a proxy does."""

import re

from harness import TOP, link, wait
from nameserver import Nameserver
from pki import Pki
from sip_peers import kamailio
from test_https import settled
from test_ntp import Chrony
from webpeers import Nginx, Script, Squid

LIB = "/usr/lib/squid"
HEAD = """
defaults: {{interval: 700ms, timeout: 500ms, windows: [1m]}}
{more}
targets:
{targets}
"""


def listed():
    """The labels of the closed list."""
    text = (TOP / "include/outcomes.def").read_text()
    labels = re.findall(r'^OUTCOME\(\w+, \d+, "(\w+)"', text, re.M)
    assert len(labels) > 10, text
    return set(labels)


def targets(rows):
    return "\n".join(f"  - {{name: {name}, {keys}}}" for name, (keys, _) in rows.items())


def produced(d, rows):
    """Each target ends as its row says; the counters say so, too."""
    settled(d, {name: outcome for name, (_, outcome) in rows.items()}, 60)
    m = d.metrics()
    for reason in {outcome for _, outcome in rows.values()} - {"answered"}:
        assert m.sum("reachd_failures_total", reason=reason) > 0, reason
    return {outcome for _, outcome in rows.values()}


# Run in a namespace: to whatever comes for the port it answers that a header
# was not understood (RFC 792: parameter problem), as some middleboxes do.
COMPLAINS = """
import socket, struct, sys
port = int(sys.argv[1])
seen = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
print("complaining", flush=True)
while True:
    packet, at = seen.recvfrom(65535)
    if at[2] == 4:
        continue
    size = (packet[0] & 15) * 4
    if struct.unpack("!H", packet[size + 2:size + 4])[0] != port:
        continue
    body = bytes([12, 0, 0, 0, 1, 0, 0, 0]) + packet[:size + 8]
    total = sum(struct.unpack("!%dH" % (len(body) // 2), body))
    total = (total & 0xffff) + (total >> 16)
    total = ~((total & 0xffff) + (total >> 16)) & 0xffff
    out.sendto(body[:2] + struct.pack("!H", total) + body[4:], (socket.inet_ntoa(packet[12:16]), 0))
"""


def by_the_network(bench):
    """What firewalls, routers and this host itself do to packets."""
    near, far = bench.netns("near"), bench.netns("far")
    _, host = link(near, far)
    far.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit")
    r = bench.reflect(f"--listen.udp={host}:0", f"--listen.tcp={host}:0", inside=far)
    verdicts = {"drop": "drop", "prohibit": "reject with icmpx type admin-prohibited",
                "host": "reject with icmpx type host-unreachable",
                "odd": "drop", "port": "reject with icmpx type port-unreachable"}
    ports = {name: 6000 + i for i, name in enumerate(verdicts)}
    far.nft("table inet t {\nchain i { type filter hook input priority 0; policy accept;\n"
            + "".join(f"meta l4proto {{tcp, udp}} th dport {ports[n]} {v}\n"
                      for n, v in verdicts.items()) + "}\n}\n")
    odd = bench.start(["/usr/bin/python3", "-c", COMPLAINS, ports["odd"]], "complains", inside=far)
    wait("the middlebox", lambda: "complaining" in odd.text())
    # What the routes of this host say.
    for kind in ("blackhole", "prohibit", "unreachable"):
        near.run("ip", "route", "add", kind, f"192.0.2.{len(kind)}")
    rows = {}
    for name, outcome in (("drop", "timeout"), ("prohibit", "prohibited"),
                          ("host", "unreachable"), ("odd", "other"), ("port", "refused")):
        rows[f"udp-{name}"] = f"address: '{host}:{ports[name]}'", outcome
        rows[f"tcp-{name}"] = f"probe: tcp, address: '{host}:{ports[name]}'", outcome
        rows[f"tls-{name}"] = f"probe: tls, address: '{host}:{ports[name]}'", outcome
        rows[f"sip-{name}"] = f"probe: sip, address: '{host}:{ports[name]}'", outcome
        rows[f"dns-{name}"] = f"probe: dns, query: a.test, address: '{host}:{ports[name]}'", outcome
        rows[f"ntp-{name}"] = f"probe: ntp, address: '{host}:{ports[name]}'", outcome
        rows[f"web-{name}"] = f"probe: https, url: 'https://{host}:{ports[name]}/'", outcome
        rows[f"wss-{name}"] = f"probe: wss, url: 'wss://{host}:{ports[name]}/'", outcome
    for kind, outcome in (("blackhole", "local"), ("prohibit", "prohibited"),
                          ("unreachable", "local")):
        at = f"192.0.2.{len(kind)}"
        rows[f"udp-r{kind}"] = f"address: '{at}:5004'", outcome
        rows[f"tcp-r{kind}"] = f"probe: tcp, address: '{at}:443'", outcome
        rows[f"web-r{kind}"] = f"probe: https, url: 'https://{at}/'", outcome
    rows["udp"] = f"address: '{host}:{r.port['udp']}'", "answered"
    d = bench.daemon(HEAD.format(more="", targets=targets(rows)), inside=near, name="network")
    seen = produced(d, rows)
    near.run("ip", "link", "set", "v1a", "down")
    settled(d, {n: "local" for n in rows if n.endswith(("drop", "port"))} | {"udp": "local"}, 60)
    return seen | {"local"}


def by_servers(bench, tmp_path):
    """What servers and proxies do: real ones but for four that misbehave."""
    pki = Pki(tmp_path / "pki")
    pki.make("good", names="DNS:localhost,IP:127.0.0.1")
    pki.make("gone", names="DNS:localhost,IP:127.0.0.1", days=(-9, -1))
    corp = Pki(tmp_path / "corp")
    corp.make("good", names="DNS:localhost,IP:127.0.0.1")
    both = tmp_path / "both.pem"
    both.write_text(open(pki.path("root.pem")).read() + open(corp.path("root.pem")).read())

    def pair(p, name):
        return f"ssl_certificate {p.path(name)}.chain.pem; ssl_certificate_key {p.path(name)}.key;"
    nginx = Nginx(bench, f"""
server {{ listen {{good}} ssl; {pair(pki, "good")} location / {{ return 200 hello; }}
  location /503 {{ return 503; }} }}
server {{ listen {{gone}} ssl; {pair(pki, "gone")} return 204; }}
server {{ listen {{corp}} ssl; {pair(corp, "good")} return 204; }}
server {{ listen {{refuse}} ssl; ssl_reject_handshake on; }}""", ("good", "gone", "corp", "refuse"))
    squid = Squid(bench, f"""
auth_param basic program {LIB}/basic_ncsa_auth DIR/users
acl known proxy_auth REQUIRED
acl no dstdomain forbidden.test
acl who dstdomain members.test
http_access deny no
http_access deny who !known""", files={"users": ""})
    ns = Nameserver(bench, {"members.test": ["127.0.0.1"]})
    silent = Script(bench, lambda c, s: s.stopping.wait(60))
    shut = Script(bench, lambda c, s: c.recv(4096) and c.close())
    ssh = Script(bench, lambda c, s: c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n") or s.stopping.wait(60))
    ill = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0", "--error=500")
    well = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0")
    port = nginx.port
    rows = {
        "udp": (f"address: '127.0.0.1:{well.port['udp']}'", "answered"),
        "tcp": (f"transport: tcp, address: '127.0.0.1:{well.port['tcp']}'", "answered"),
        "udp-500": (f"address: '127.0.0.1:{ill.port['udp']}'", "error_response"),
        "tcp-500": (f"transport: tcp, address: '127.0.0.1:{ill.port['tcp']}'", "error_response"),
        "dns-rcode": (f"probe: dns, query: none.test, address: '{ns.address}'", "error_response"),
        "name": ("probe: tcp, address: 'none.test:80'", "dns"),
        "tcp-silent": (f"transport: tcp, address: '127.0.0.1:{silent.port}'", "timeout"),
        "tcp-shut": (f"transport: tcp, address: '127.0.0.1:{shut.port}'", "reset"),
        "tcp-ssh": (f"transport: tcp, address: '127.0.0.1:{ssh.port}'", "protocol"),
        "sip-ssh": (f"probe: sip, transport: tcp, address: '127.0.0.1:{ssh.port}'", "protocol"),
    }
    for kind in ("https", "wss"):
        def web(at, more=""):
            return f"probe: {kind}, url: '{kind}://{at}'{more}"
        rows |= {
            f"{kind}-503": (web(f"127.0.0.1:{port['good']}/503"), "error_response"),
            f"{kind}-name": (web("none.test/"), "dns"),
            f"{kind}-silent": (web(f"127.0.0.1:{silent.port}/"), "timeout"),
            f"{kind}-shut": (web(f"127.0.0.1:{shut.port}/"), "reset"),
            f"{kind}-closed": (web("127.0.0.1:1/"), "refused"),
            f"{kind}-refuse": (web(f"127.0.0.1:{port['refuse']}/"), "tls_handshake"),
            f"{kind}-gone": (web(f"127.0.0.1:{port['gone']}/"), "tls_certificate"),
            f"{kind}-corp": (web(f"127.0.0.1:{port['corp']}/", ", issuers: [Nobody]"),
                             "tls_intercepted"),
            f"{kind}-no@hq": (web("forbidden.test/", ", via: [hq]"), "proxy_refused"),
            f"{kind}-who@hq": (web("members.test/", ", via: [hq]"), "proxy_auth"),
            f"{kind}-dead@hq": (web("127.0.0.1:1/", ", via: [hq]"), "proxy_upstream"),
            f"{kind}-lost@lost": (web(f"127.0.0.1:{port['good']}/", ", via: [lost]"), "local"),
        }
    rows["http-ssh"] = f"probe: https, url: 'http://127.0.0.1:{ssh.port}/'", "protocol"
    rows["https-good"] = f"probe: https, url: 'https://127.0.0.1:{port['good']}/'", "answered"
    for name, at, outcome in (("refuse", "refuse", "tls_handshake"),
                              ("gone", "gone", "tls_certificate")):
        rows[f"tls-{name}"] = f"probe: tls, address: '127.0.0.1:{port[at]}'", outcome
    rows["tls-corp"] = (f"probe: tls, address: '127.0.0.1:{port['corp']}', issuers: [Nobody]",
                        "tls_intercepted")
    more = (f"ca_file: {both}\nresolver: {ns.address}\nproxies:\n"
            f"  - {{name: hq, url: 'http://127.0.0.1:{squid.port}'}}\n"
            f"  - {{name: lost, url: 'http://127.0.0.1:{squid.port}', auth: basic,"
            f" username: u, password_file: {tmp_path}/missing}}")
    text = HEAD.format(more=more, targets=targets(
        {n.split("@")[0]: row for n, row in rows.items()}))
    return produced(bench.daemon(text, name="servers"), rows)


def test_each_has_a_cause(bench, tmp_path):
    seen = by_the_network(bench)
    seen |= by_servers(bench, tmp_path)
    assert seen == listed(), listed() ^ seen


def test_what_is_not_wanted(bench, tmp_path):
    """One rule for every kind of probe: an answer that its protocol allows
    and that the target does not want is an answer, and degrades."""
    pki = Pki(tmp_path / "pki")
    pki.make("good", names="IP:127.0.0.1")
    nginx = Nginx(bench, f"""
server {{ listen {{tls}} ssl; ssl_certificate {pki.path("good.chain.pem")};
  ssl_certificate_key {pki.path("good.key")}; location / {{ return 200 hello; }} }}
server {{ listen {{clear}}; location / {{ return 204; }} }}""", ("tls", "clear"))
    ns = Nameserver(bench, {"www.test": ["127.0.0.1"]})
    sip = kamailio(bench, tmp_path).port["udp"]
    chrony = Chrony(bench, "time", "local stratum 5")
    tls, clear = (f"127.0.0.1:{nginx.port[p]}" for p in ("tls", "clear"))
    rows = {
        "https": (f"probe: https, url: 'https://{tls}/', codes: [204]", 200),
        "http": (f"probe: https, url: 'http://{clear}/', codes: [200]", 204),
        "wss": (f"probe: wss, url: 'wss://{tls}/'", 200),
        "sip-udp": (f"probe: sip, address: '127.0.0.1:{sip}', codes: [404]", 200),
        "sip-tcp": (f"probe: sip, transport: sip_tcp, address: '127.0.0.1:{sip}', codes: [404]", 200),
        "dns-record": (f"probe: dns, query: www.test, answer: 192.0.2.1, address: '{ns.address}'", 0),
        "dns-rcode": (f"probe: dns, query: none.test, address: '{ns.address}'", 3),
        "ntp": (f"probe: ntp, address: '127.0.0.1:{chrony.port}', stratum_most: 2", None),
    }
    d = bench.daemon(HEAD.format(more=f"ca_file: {pki.path('root.pem')}", targets=targets(rows)))
    settled(d, {name: "error_response" if code is None else ("error_response", code)
                for name, (_, code) in rows.items()}, 40)

    def degraded():
        m = d.metrics()
        for name in rows:
            assert m.one("reachd_target_state", target=name, state="degraded") == 1, name
        return m
    m = wait("degraded", degraded)
    for name in rows:
        assert m.one("reachd_target_up", target=name) == 1, name
        assert m.one("reachd_requests_lost_total", target=name) == 0, name
        assert m.one("reachd_probe_last_rtt_seconds", target=name) > 0, name
    assert m.sum("reachd_failures_total", reason="error_response") == m.sum("reachd_failures_total")
