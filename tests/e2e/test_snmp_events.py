"""Everything that happens at a site, as snmptrapd decodes it with the module:
each event is one notification, with the objects that the module names, in
their order, and what they say is what /api/v1/events says."""

import re
import signal
import socket

from harness import TOP, free_port, wait
from test_alarms import Manager
from test_snmp import connected
from test_snmp_tables import PROFILE, source
from test_tls import certificate
from webpeers import Script, head

CONFIG = """
defaults: {{interval: 500ms, timeout: 400ms, count: 4, spacing: 20ms, windows: [5s]}}
thresholds: {{down_after: 2, up_after: 1, loss_degraded: 30%, rtt_degraded: 100ms, certificate_expiry: 15d}}
media:
  margin: 100%
  clusters:
    - {{name: a, udp: ["stun:127.0.0.1:{udp}"], tcp: ["stun:127.0.0.1:{tcp}"], xtls: ["stun:127.0.0.1:{tls}"]}}
    - {{name: far, class: reference, udp: ["stun:127.0.0.1:{reference}"]}}
  discovery: [{{file: nodes.json}}]
proxies:
  - {{name: hq, url: "http://127.0.0.1:{proxy}"}}
targets:
  - {{name: edge, address: "127.0.0.1:{edge}"}}
  - {{name: secured, probe: tls, address: "127.0.0.1:{secured}", issuers: [one], verify: false}}
  - {{name: web, probe: https, url: "https://127.0.0.1:{tls}/", via: [hq]}}
profiles: [{{name: ./own.yml, products: [phone]}}]
snmp: {{agentx: {socket}, ping_notifications: []}}
"""

def objects_of():
    """Notification to the objects that the module has for it."""
    text = (TOP / "mibs/REACHD-MIB.txt").read_text()
    return {m[1]: re.findall(r"reachd\w+", m[2]) for m in re.finditer(
        r"^(reachdEvent\w+) NOTIFICATION-TYPE\s+OBJECTS \{(.*?)\}", text, re.M | re.S)}


def words(kind):
    return {m[2]: int(m[1]) for m in re.finditer(
        rf'^WORD\({kind}, \w+, (\d+), "(\w+)"\)', source("words.def"), re.M)} | {"none": 0}


def camel(label):
    return "reachdEvent" + "".join(p.capitalize() for p in label.split("_"))


def same(event, note, objects):
    """One event, as each of them has it."""
    name, found = note
    assert name == camel(event["event"])
    names = [o.split(".")[0] for o, _ in found]
    # What has no row (any more) has no objects of it.
    own = [o for o in objects[name] if o.startswith("reachdNotify")]
    assert names in (objects[name], own), (name, names)
    value = {o.split(".")[0]: v.split(": ", 1)[-1] for o, v in found}
    number = lambda o: int(value[o].split()[0])
    subject = event["subject"]
    assert value["reachdNotifySubject"] == subject
    cause = f" ({event['cause']})" if event["cause"] else ""
    assert value["reachdNotifyMessage"] == f"{subject + ': ' if subject else ''}{event['text']}{cause}"
    for kind, old, new in (("state", "OldState", "State"), ("transport", "OldTransport", "Transport")):
        if f"reachdNotify{new}" in value:
            known = words(kind)
            assert number(f"reachdNotify{old}") == known[event["from"]], (event, value)
            assert number(f"reachdNotify{new}") == known[event["to"]], (event, value)
    for key, obj, each in (("value_seconds", "Rtt", 1e6), ("threshold_seconds", "RttThreshold", 1e6),
                           ("value", "DaysLeft", 1), ("threshold", "DaysThreshold", 1)):
        if f"reachdNotify{obj}" in value:
            assert number(f"reachdNotify{obj}") == int(event.get(key, 0) * each + 1e-6), (event, value)
    for key, obj in (("value_ratio", "Loss"), ("threshold_ratio", "LossThreshold")):
        if f"reachdNotify{obj}" in value:
            percent = float(value[f"reachdNotify{obj}"].split()[0])
            assert abs(percent / 100 - event.get(key, 0)) < 1e-6, (event, value)
    if "reachdNotifyWindow" in value:
        assert number("reachdNotifyWindow") == event.get("window_seconds", 0)
    # The row's instances are its index, and it is the row of that name.
    index = number("reachdNotifyIndex")
    rows = [(o, v) for o, v in found if not o.startswith("reachdNotify")]
    assert all(o.rsplit(".", 1)[1] == str(index) for o, _ in rows), rows
    for o in ("reachdTargetName", "reachdClusterName", "reachdProxyName"):
        assert o not in value or value[o] == subject
    if "reachdRequirementId" in value:
        assert subject.endswith(value["reachdRequirementId"])
    return names == objects[name] and bool(rows)


def test_each_event_is_its_notification(bench, tmp_path):
    manager = Manager(bench)
    mood = {"status": b"502 Bad"}

    def moody(c, script):
        head(c)
        c.sendall(b"HTTP/1.1 " + mood["status"] + b"\r\nContent-Length: 0\r\n\r\n")

    proxy = Script(bench, moody)
    media = {t: bench.reflect(f"--listen.{t}=127.0.0.1:0", name=t) for t in ("udp", "tcp", "tls")}
    reference = bench.reflect("--listen.udp=127.0.0.1:0", name="reference")
    edge, secured = free_port(socket.SOCK_DGRAM), free_port()
    (tmp_path / "own.yml").write_text(PROFILE)
    nodes = '{"clusters": {"listed": {"udp": ["stun:127.0.0.1:%d"], "tcp": [], "xtls": []}}}' % media["udp"].port["udp"]
    (tmp_path / "nodes.json").write_text(nodes)
    running = {}

    def serve(name, *options):
        if name in running:
            running.pop(name).stop()
        running[name] = bench.reflect(*options, name=f"{name}{bench.count}")

    def show(who, days):
        """A certificate of that name for so many days."""
        place = tmp_path / f"{who}{days}"
        place.mkdir()
        certificate(place, -1, days, who)
        serve("secured", f"--listen.tls=127.0.0.1:{secured}", f"--tls.cert={place}/cert.pem",
              f"--tls.key={place}/key.pem")

    serve("edge", f"--listen.udp=127.0.0.1:{edge}")
    show("one", 90)
    d = bench.daemon(CONFIG.format(
        **{t: media[t].port[t] for t in media}, reference=reference.port["udp"], edge=edge,
        secured=secured, proxy=proxy.port, socket=manager.master.socket)).ready(60)
    wait("the subagent", lambda: connected(d))
    events = lambda: d.api("events")["events"][::-1]
    happened = lambda label, subject=None: [e for e in events() if e["event"] == label and
                                            subject in (None, e["subject"])]
    told = lambda label, subject=None, times=1: wait(
        label, lambda: len(happened(label, subject)) >= times, 40)
    state = lambda t, want: wait(f"{t} {want}", lambda: d.metrics().one(
        "reachd_target_state", target=t, state=want) == 1, 40)
    state("edge", "up")
    wait("the certificate", lambda: d.metrics().one("reachd_tls_intercepted", target="secured") == 0)
    wait("the proxy", lambda: d.metrics().one("reachd_proxy_state", proxy="hq", state="up") == 1)

    # One target: gone, slow, lossy, and well again each time.
    running["edge"].signal(signal.SIGSTOP)
    told("target_down", "edge")
    running["edge"].signal(signal.SIGCONT)
    told("target_up", "edge")
    told("loss_normal", "edge", len(happened("loss_high", "edge")) or 1)
    serve("edge", f"--listen.udp=127.0.0.1:{edge}", "--delay=250ms")
    told("latency_high", "edge")
    serve("edge", f"--listen.udp=127.0.0.1:{edge}")
    told("latency_normal", "edge")
    lossy = len(happened("loss_high", "edge"))
    serve("edge", f"--listen.udp=127.0.0.1:{edge}", "--loss=50%")
    told("loss_high", "edge", lossy + 1)
    told("target_degraded", "edge")
    # Certificates: one that ends soon, another's, the first again.
    show("one", 10)
    told("certificate_expiring", "secured")
    show("other", 90)
    told("tls_interception", "secured")
    told("site_tls_intercepted")
    told("certificate_renewed", "secured")
    show("one", 80)
    told("tls_interception_over", "secured")
    told("site_tls_direct")
    # The proxy refuses, and does not any more.
    mood["status"] = b"403 No"
    told("proxy_state", "hq")
    told("site_proxy_refuses")
    mood["status"] = b"502 Bad"
    told("site_proxy_passes")
    # The media cluster: no UDP; then nothing; then all of it.
    media["udp"].signal(signal.SIGSTOP)
    told("cluster_transport", "a")
    told("site_udp_blocked")
    told("requirement_failed")
    for t in ("tcp", "tls"):
        media[t].signal(signal.SIGSTOP)
    told("cluster_state", "a", 2)
    told("site_media_unreachable")
    for m in media.values():
        m.signal(signal.SIGCONT)
    told("site_media_reachable")
    told("site_udp_open")
    told("requirement_met")
    # The configuration, and a list of nodes.
    text = d.config.read_text()
    d.write(text + "nonsense: 1\n")
    assert d.reload()[0] == 500
    d.write(text)
    assert d.reload()[0] == 200
    (tmp_path / "nodes.json").write_text("{")
    told("discovery_failed")
    (tmp_path / "nodes.json").write_text(nodes)
    told("discovery_ok")
    # One that goes: what is told of it then has no row.
    serve("edge", f"--listen.udp=127.0.0.1:{edge}")
    told("loss_normal", "edge", lossy + 1)

    def all_of_them():
        all_, notes = events(), manager.notes()
        assert len(notes) == len(all_) == d.api("events")["total"], (len(notes), len(all_))
        return all_, notes

    all_, notes = wait("all to arrive", all_of_them, 60)
    m = d.metrics()
    assert m.one("reachd_agentx_notifications_suppressed_total") == 0
    assert m.one("reachd_agentx_notifications_dropped_total") == 0
    objects = objects_of()
    with_row = {e["event"] for e, n in zip(all_, notes) if same(e, n, objects)}
    assert {"target_down", "latency_high", "loss_high", "certificate_expiring", "tls_interception",
            "cluster_state", "cluster_transport", "proxy_state", "requirement_failed"} <= with_row, with_row
    seen = {e["event"] for e in all_}
    assert len(seen) >= 28, seen
    numbers = [int(dict(f)["reachdNotifySequence.0"].split()[-1]) for _, f in notes]
    assert numbers == list(range(1, len(notes) + 1))
    # Addresses as RFC 4001 has them.
    down = dict(next(f for (n, f), e in zip(notes, all_) if n == "reachdEventTargetDown" and e["subject"] == "edge"))
    value = {o.split(".")[0]: v.split(": ", 1)[-1] for o, v in down.items()}
    assert value["reachdTargetAddressType"].split()[0] == "1"
    assert value["reachdTargetPort"].split()[0] == str(edge) and value["reachdTargetTransport"].split()[0] == "1"
