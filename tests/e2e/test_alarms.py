"""Notifications as managers get them: those of DISMAN-PING-MIB, certificates
that expire, and an outage of the site's own link, which is one and no storm."""

import re
import socket

import pytest

import disman
from harness import TOP, free_port, link, tool, wait
from test_snmp import Master, connected, ietf_modules, number
from test_tls import certificate

PING = ["pingCtlTargetAddressType", "pingCtlTargetAddress", "pingResultsOperStatus",
        "pingResultsIpTargetAddressType", "pingResultsIpTargetAddress", "pingResultsMinRtt",
        "pingResultsMaxRtt", "pingResultsAverageRtt", "pingResultsProbeResponses",
        "pingResultsSentProbes", "pingResultsRttSumOfSquares", "pingResultsLastGoodProbe"]


class Manager:
    """snmptrapd with both modules, and a master that notifies it."""

    def __init__(self, bench, inside=None):
        modules = bench.directory / "modules"
        ietf_modules(modules)
        (modules / "DISMAN-PING-MIB").write_text(disman.text())
        (modules / "REACHD-MIB").write_bytes((TOP / "mibs/REACHD-MIB.txt").read_bytes())
        conf = bench.directory / "snmptrapd.conf"
        conf.write_text("disableAuthorization yes\nformat2 NOTE %v\\n\n")
        port = free_port(socket.SOCK_DGRAM)
        self.sink = bench.start(
            [tool("snmptrapd"), "-f", "-Lo", "-C", "-c", conf, "-n", "-Oe", "-M", modules,
             "-m", "SNMPv2-MIB:REACHD-MIB:DISMAN-PING-MIB", f"udp:127.0.0.1:{port}"], name="snmptrapd",
            env={"SNMP_PERSISTENT_DIR": str(bench.directory / "persistent2")}, inside=inside)
        self.master = Master(bench, traps=port)
        self.master.process = bench.start(
            [tool("snmpd"), "-f", "-Lo", "-C", "-c", self.master.conf, "-I", "-smux",
             f"udp:127.0.0.1:{self.master.port}"], name="snmpd", inside=inside,
            env={"MIBS": "", "SNMP_PERSISTENT_DIR": str(bench.directory / "persistent")})
        wait("the socket of the master", self.master.socket.exists)

    def notes(self, *names):
        """Those of that name, or all: a list of (name, [(object, value)])."""
        out = []
        for line in self.sink.text().splitlines():
            if not line.startswith("NOTE"):
                continue
            fields = [re.match(r"(?:NOTE )?.*?::(\S+) = (.*)$", f) for f in line.split("\t")]
            kind = next(f[2] for f in fields if f and f[1] == "snmpTrapOID.0").split("::")[1]
            # The master's own are left out.
            if kind.startswith(("reachd", "ping")) and (not names or kind in names):
                out.append((kind, [(f[1], f[2]) for f in fields if f and
                                   f[1].startswith(("reachd", "ping"))]))
        return out


def pair(bench, manager, more=""):
    """A daemon with one target over UDP, and what answers it."""
    mirror = bench.reflect("--listen.udp=127.0.0.1:0", name="mirror")
    d = bench.daemon(f"""
defaults: {{interval: 300ms, timeout: 200ms, count: 1, windows: [5s]}}
thresholds: {{loss_degraded: 60%, loss_recovered: 50%, rtt_degraded: 0s}}
targets: [{{name: edge, address: "127.0.0.1:{mirror.port['udp']}"}}]
snmp: {{agentx: {manager.master.socket}{more}}}
""").ready()
    wait("the subagent", lambda: connected(d))
    wait("answers", lambda: d.metrics().one("reachd_target_up", target="edge") == 1)
    return d, mirror


@pytest.mark.parametrize("chosen", [None, "probe_failed", ""])
def test_a_target_fails_and_completes(bench, chosen):
    manager = Manager(bench)
    more = "" if chosen is None else f", ping_notifications: [{chosen}]"
    d, mirror = pair(bench, manager, more)
    walk = manager.master.walk("1.3.6.1.2.1.80.1.2.1.13")
    bits = {None: "60", "probe_failed": "80", "": "00"}[chosen]
    assert list(walk.values())[0][1].startswith(bits), walk
    port = mirror.port["udp"]
    mirror.stop()
    wait("it to be down", lambda: "event=target_down" in d.text())
    wait("loss to be high", lambda: "event=loss_high" in d.text())
    bench.reflect(f"--listen.udp=127.0.0.1:{port}", name="mirror2")
    wait("it to be up", lambda: d.text().rindex("event=target_up") > d.text().index("event=target_down"))
    ours = wait("our own", lambda: (manager.notes("reachdEventTargetDown"),
                                    manager.notes("reachdEventTargetUp")))
    assert len(ours[0]) == 1
    sent = lambda: d.metrics().one("reachd_agentx_notifications_total")
    wait("all to arrive", lambda: len(manager.notes()) == sent())
    got = {name: manager.notes(name) for name in
           ("pingProbeFailed", "pingTestFailed", "pingTestCompleted")}
    if chosen == "":
        assert not any(got.values())
        return
    if chosen == "probe_failed":
        assert len(got["pingProbeFailed"]) == 1
        assert not got["pingTestFailed"] and not got["pingTestCompleted"]
        return
    assert not got["pingProbeFailed"] and len(got["pingTestFailed"]) == 1
    (_, failed), (_, completed) = got["pingTestFailed"][0], got["pingTestCompleted"][-1]
    for objects in (failed, completed):
        assert [o.split(".")[0] for o, _ in objects] == PING
        assert all('."reachd"."edge"' in o or ".'reachd'.\"edge\"" in o for o, _ in objects), objects
    value = lambda objects: {o.split(".")[0]: v.split(": ", 1)[-1] for o, v in objects}
    f, c = value(failed), value(completed)
    assert f["pingResultsOperStatus"] == "1" and f["pingCtlTargetAddressType"] == "1"
    # By then some had failed; when it is up again an answer has come.
    loss = lambda v: int(v["pingResultsSentProbes"]) - int(v["pingResultsProbeResponses"])
    assert loss(f) >= 3 and int(c["pingResultsProbeResponses"]) >= 2
    assert re.match(r"20\d\d-", c["pingResultsLastGoodProbe"])


def test_a_certificate_expires_soon_and_is_renewed(bench, tmp_path):
    manager = Manager(bench)

    def server(days, port=0):
        certificate(tmp_path, -1, days)
        return bench.reflect(f"--listen.tls=127.0.0.1:{port}", f"--tls.cert={tmp_path}/cert.pem",
                             f"--tls.key={tmp_path}/key.pem", name=f"mirror{days}")

    old = server(10)
    port = old.port["tls"]
    d = bench.daemon(f"""
defaults: {{interval: 500ms, timeout: 400ms, count: 1, windows: [10s]}}
media: {{clusters: [{{name: m, xtls: ["stun:127.0.0.1:{port}"], thresholds: {{certificate_expiry: 15d}}}}]}}
snmp: {{agentx: {manager.master.socket}}}
""").ready()
    _, objects = wait("the notification", lambda: manager.notes("reachdEventCertificateExpiring"))[0]
    value = {o.split(".")[0]: v.split(": ", 1)[-1] for o, v in objects}
    assert value["reachdNotifyDaysLeft"].split()[0] == "9"
    assert value["reachdNotifyDaysThreshold"].split()[0] == "15"
    assert "expires soon (expires 20" in value["reachdNotifyMessage"]
    days = manager.master.walk("1.3.6.1.4.1.8072.9999.9999.5004.1.5.1.1.8")
    assert [number(v) for v in days.values()] == [9]
    old.stop()
    server(90, port)
    _, objects = wait("the other", lambda: manager.notes("reachdEventCertificateRenewed"))[0]
    assert dict((o.split(".")[0], v) for o, v in objects)["reachdNotifyDaysLeft"].split()[1] == "89"
    assert len(manager.notes("reachdEventCertificateExpiring")) == 1

def test_an_outage_of_the_link_is_one_notification(bench):
    near, far = bench.netns("near"), bench.netns("far")
    _, host = link(near, far)
    ports = [5000 + i for i in range(16)]
    bench.reflect(*(f"--listen.udp={host}:{p}" for p in ports[:-1]), inside=far)
    manager = Manager(bench, inside=near)
    nodes = ", ".join(f'"stun:{host}:{p}"' for p in ports)
    d = bench.daemon(f"""
defaults: {{interval: 500ms, timeout: 450ms, count: 1, windows: [5s]}}
thresholds: {{loss_degraded: 90%, rtt_degraded: 10s}}
media: {{margin: 100%, clusters: [{{name: a, udp: [{nodes}]}}, {{name: b, udp: [{nodes}]}}]}}
snmp: {{agentx: {manager.master.socket}}}
""", inside=near).ready()
    wait("the subagent", lambda: connected(d))
    up = lambda: d.metrics().sum("reachd_target_up")
    wait("all but one each", lambda: up() == 30 and d.metrics().one("reachd_targets_down") == 2)
    sent = lambda: d.metrics().one("reachd_agentx_notifications_total")
    wait("all to arrive", lambda: len(manager.notes()) == sent() > 30)
    before = len(manager.notes())
    near.run("ip", "link", "set", "v1a", "down")
    wait("all to be unknown", lambda: d.text().count("event=target_unknown") == 32)
    wait("the outage", lambda: manager.notes("reachdEventSiteLocalOutage"))
    suppressed = lambda: d.metrics().one("reachd_agentx_notifications_suppressed_total")
    # 32 targets, two media clusters, and what else there is to say.
    wait("the count", lambda: suppressed() >= 34)
    assert [n for n, _ in manager.notes()[before:]] == ["reachdEventSiteLocalOutage"]
    near.run("ip", "link", "set", "v1a", "up")
    near.run("ip", "addr", "replace", "10.77.1.1/24", "dev", "v1a")
    wait("the end of it", lambda: manager.notes("reachdEventSiteLocalOk"))
    wait("all as before", lambda: up() == 30 and d.metrics().one("reachd_targets_down") == 2)
    wait("all to arrive", lambda: len(manager.notes()) == sent())
    # Nobody was told that they were gone, so nobody is told that they are back.
    after = [n for n, _ in manager.notes()[before:]]
    assert set(after) <= {"reachdEventSiteLocalOutage", "reachdEventSiteLocalOk",
                          "reachdEventNetworkChange", "reachdEventClusterRank"}, after
    assert after.count("reachdEventSiteLocalOutage") == after.count("reachdEventSiteLocalOk") == 1
    # What happens now is told at once.
    far.nft(f"table inet t {{ chain c {{ type filter hook input priority 0; "
            f"udp dport {ports[0]} drop; }}; }}")
    wait("two that are down", lambda: len(manager.notes("reachdEventTargetDown")) == 4)
