"""The kit for network management systems (deploy/snmp): each file is used by
the program that it is for, and what that shows is what the API says."""

import http.client
import re
import socket
import subprocess

import pytest
import yaml

from harness import TOP, Metrics, free_port, tool, wait
from test_snmp import ENV, Master, connected, ietf_modules, number, oid
from test_snmp_tables import PROFILE
from zabbix import Zabbix

KIT = TOP / "deploy/snmp"
ROOT = "1.3.6.1.4.1.8072.9999.9999.5004"

CONFIG = """
defaults: {{interval: 500ms, timeout: 300ms, count: 2, spacing: 20ms, windows: [10s, 5m]}}
media:
  clusters:
    - {{name: fra, class: public, udp: ["stun:127.0.0.1:{udp}"], tcp: ["stun:127.0.0.1:{tcp}"], xtls: ["stun:127.0.0.1:{tls}"]}}
    - {{name: gone, class: reference, udp: ["stun:127.0.0.1:{closed}"]}}
snmp: {{agentx: {socket}}}
{more}
"""


@pytest.fixture
def site(bench):
    """A master and a daemon with a target of each transport, and one down."""
    class Site:
        master = Master(bench).start()
        peer = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0",
                             "--listen.tls=127.0.0.1:0", "--delay=3ms")
        profile = bench.directory / "own.yml"
        profile.write_text(PROFILE)
        daemon = bench.daemon(CONFIG.format(
            **peer.port, closed=free_port(socket.SOCK_DGRAM), socket=master.socket,
            more=f"profiles: [{{name: {profile}, products: [phone]}}]")).ready()
    s = Site()
    wait("the subagent", lambda: connected(s.daemon))
    wait("a target to be down", lambda: any(t["state"] == "down" for t in s.daemon.api("targets")["targets"]))
    return s


# ---- the files ----

def test_a_root_of_ones_own_is_everywhere(tmp_path):
    text = (TOP / "mibs/REACHD-MIB.txt").read_text()
    assert "enterprises 8072 9999 9999 5004" in text
    (tmp_path / "mib").write_text(text.replace("enterprises 8072 9999 9999 5004", "enterprises 32473 7"))
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run([KIT / "generate", tmp_path / "mib", TOP / "tests/contract/events.md", out], check=True)
    for f in out.iterdir():
        made, shipped = f.read_text(), (KIT / f.name).read_text()
        assert ROOT not in made and "9999" not in made, f.name
        escaped = ROOT.replace(".", "\\.")
        own = "1.3.6.1.4.1.32473.7"
        assert made == shipped.replace(ROOT, own).replace(escaped, own.replace(".", "\\.")), f.name


def test_yaml_is_sound(tmp_path):
    rules = "{extends: default, rules: {line-length: disable}}"
    files = sorted(KIT.glob("*.y*ml"))
    assert len(files) == 6
    p = subprocess.run([tool("yamllint"), "-s", "-d", rules, *files], capture_output=True, text=True)
    assert p.returncode == 0, p.stdout


# ---- snmpd ----

def test_the_drop_in_opens_debians_snmpd(bench):
    """Debian's own configuration and the drop-in, but for addresses."""
    drop = bench.directory / "snmpd.conf.d"
    drop.mkdir()
    master = Master(bench)
    shipped = (KIT / "snmpd.conf").read_text()
    edited = shipped.replace("unix:/run/agentx/master", f"unix:{master.socket}")
    edited = edited.replace("Debian-snmp reachd", "root root")
    assert edited.count("\n") == shipped.count("\n") and edited != shipped
    (drop / "reachd.conf").write_text(edited)
    own = open("/etc/snmp/snmpd.conf").read()
    assert "includeDir /etc/snmp/snmpd.conf.d" in own
    own = re.sub(r"(?m)^agentaddress.*", "", own).replace("/etc/snmp/snmpd.conf.d", str(drop))
    master.conf.write_text(own)
    master.start()
    assert master.socket.stat().st_mode & 0o777 == 0o660
    d = bench.daemon(CONFIG.format(
        udp=9, tcp=9, tls=9, closed=9, socket=master.socket, more=""))
    wait("the subagent", lambda: connected(d))
    count = lambda: list(master.ask("snmpget", f"{ROOT}.1.1.8.0").values())[0]
    assert number(wait("the objects", count)) == 4
    master.kill()
    # Without the drop-in's view nothing of it is to be seen.
    (drop / "reachd.conf").write_text(re.sub(r"(?m)^view.*\n", "", edited))
    master.socket.unlink(missing_ok=True)
    master.start()
    wait("the subagent again", lambda: d.metrics().one("reachd_agentx_connects_total") == 2 and connected(d), 20)
    assert "No Such Object" in count()[1]


# ---- snmp_exporter ----

def exporter(bench, config):
    port = free_port()
    p = bench.start([tool("prometheus-snmp-exporter"), f"--config.file={config}",
                     f"--web.listen-address=127.0.0.1:{port}"], name="exporter")

    def scrape(path):
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            c.request("GET", path)
            r = c.getresponse()
            body = r.read().decode()
        finally:
            c.close()
        assert r.status == 200, body[:500]
        return Metrics(body)

    wait("the exporter", lambda: scrape("/metrics") if p.alive() else None)
    return scrape


def test_the_exporter_shows_what_the_api_says(bench, site):
    scrape = exporter(bench, KIT / "exporter-snmp-0.21.yml")
    path = f"/snmp?module=reachd&target=127.0.0.1:{site.master.port}"
    wait("requests", lambda: site.daemon.metrics().sum("reachd_requests_total") > 40)

    def same():
        before = site.daemon.api("targets")["targets"]
        found = scrape(path)
        after = site.daemon.api("targets")["targets"]
        assert [t["requests"] for t in before] == [t["requests"] for t in after]
        assert found.sum("reachdTargetRequests") == sum(t["requests"] for t in after)
        return found, after

    m, targets = wait("a quiet moment", same, 60)
    assert len(targets) == 4
    for t in targets:
        at = {"reachdTargetName": t["target"]}
        assert m.one("reachdTargetProbes", **at) == t["probes"]
        assert m.one("reachdTargetRequests", **at) == t["requests"]
        assert m.one("reachdTargetLost", **at) == t["lost"]
        assert m.one("reachdTargetState", reachdTargetState=t["state"], **at) == 1
        assert m.sum("reachdTargetState", **at) == 1
        assert m.one("reachdTargetTransport_info", reachdTargetTransport=t["transport"], **at) == 1
        assert m.one("reachdTargetAddress", reachdTargetAddress="127.0.0.1", **at) == 1
        if t["last_rtt_seconds"] is not None:
            assert m.one("reachdTargetLastRtt", **at) == int(t["last_rtt_seconds"] * 1e6 + 1e-6)
        for w, seconds in zip(t["windows"], ("10", "300")):
            row = dict(at, reachdStatsWindow=seconds)
            assert m.one("reachdStatsProbes", **row) == w["requests"]
            assert m.one("reachdStatsLoss", **row) == round(w["loss_ratio"] * 1e6)
            if w["rtt_p95_seconds"] is not None:
                assert m.one("reachdStatsRttP95", **row) == int(w["rtt_p95_seconds"] * 1e6 + 1e-6)
    assert m.one("reachdTargetCount") == 4
    assert m.one("reachdClusterState", reachdClusterName="gone", reachdClusterState="down") == 1
    assert m.one("reachdLinkReach", reachdClusterName="fra", reachdLinkTransport="3",
                 reachdLinkReach="reachable") == 1
    assert m.sum("reachdHistogramCount", reachdHistogramBound="4294967295") == sum(
        t["requests"] - t["lost"] for t in targets)
    tls = [t for t in targets if t["transport"] == "tls"][0]["target"]
    told = site.daemon.metrics().one("reachd_tls_cert_not_after_timestamp_seconds", target=tls)
    assert m.one("reachdTlsCertNotAfter", reachdTargetName=tls) == told
    # What it cannot decode it would count here.
    assert m.one("snmp_scrape_pdus_returned") > 200


def test_the_exporters_generator_makes_the_same_module(bench):
    mibs = bench.directory / "mibs"
    ietf_modules(mibs)
    (mibs / "REACHD-MIB").write_bytes((TOP / "mibs/REACHD-MIB.txt").read_bytes())
    (bench.directory / "generator.yml").write_bytes((KIT / "exporter-generator.yml").read_bytes())
    p = subprocess.run([tool("prometheus-snmp-generator"), "--fail-on-parse-errors", "generate"],
                       cwd=bench.directory, capture_output=True, text=True,
                       env={**ENV, "MIBDIRS": str(mibs), "MIBS": "REACHD-MIB"})
    assert p.returncode == 0, p.stderr
    made = yaml.safe_load((bench.directory / "snmp.yml").read_text())["reachd"]
    ours = yaml.safe_load((KIT / "exporter-snmp-0.21.yml").read_text())["reachd"]
    # It has the indexes as metrics too; they are never sent.
    text = (TOP / "mibs/REACHD-MIB.txt").read_text()
    sent = lambda m: f"{m['name']} OBJECT-TYPE" in text and not re.search(
        rf"^{m['name']} OBJECT-TYPE\n[^:]*?MAX-ACCESS not-accessible", text, re.M)
    made["metrics"] = [m for m in made["metrics"] if sent(m)]
    assert len(made["metrics"]) > 80
    assert made == ours
    # The form of 0.23 and later: the same without what went to auths.
    new = yaml.safe_load((KIT / "exporter-snmp.yml").read_text())
    assert set(new) == {"auths", "modules"}
    del ours["auth"], ours["version"]
    assert new["modules"] == {"reachd": ours}
    assert new["auths"]["reachd_v2"] == {"version": 2, "community": "public"}
    assert new["auths"]["reachd_v3"]["security_level"] == "authPriv"


# ---- notifications ----

def test_snmptrapd_and_snmptt_as_in_the_examples(bench):
    """Encrypted, from the drop-in's line to snmptt's words."""
    port = free_port(socket.SOCK_DGRAM)
    text = (KIT / "snmptrapd.conf").read_text()
    ini = bench.directory / "snmptt.ini"
    log = bench.directory / "snmptt.log"
    shipped = open("/etc/snmp/snmptt.ini").read()
    shipped = re.sub(r"(?ms)^snmptt_conf_files = <<END.*?^END",
                     f"snmptt_conf_files = <<END\n{KIT / 'snmptt.conf'}\nEND", shipped)
    for key, value in (("log_file", log), ("syslog_enable", 0), ("syslog_system_enable", 0),
                       ("unknown_trap_log_enable", 1), ("unknown_trap_log_file", log)):
        shipped, n = re.subn(rf"(?m)^{key} = .*", f"{key} = {value}", shipped)
        assert n == 1, key
    ini.write_text(shipped)
    text, n = re.subn(r"(?m)^#(traphandle default) \S+$", rf"\1 {tool('snmptt')} --ini={ini}", text)
    assert n == 1
    conf = bench.directory / "snmptrapd.conf"
    conf.write_text(text)
    sink = bench.start([tool("snmptrapd"), "-f", "-Lo", "-On", "-C", "-c", conf, "-n",
                        f"udp:127.0.0.1:{port}"], name="snmptrapd", env={**ENV, "SNMP_PERSISTENT_DIR": str(bench.directory / "p2")})
    master = Master(bench)
    session = re.search(r"(?m)^#(trapsess.*) nms.example.net$", (KIT / "snmpd.conf").read_text())[1]
    master.conf.write_text(master.conf.read_text() + f"{session} 127.0.0.1:{port}\n")
    master.start()
    peer = bench.reflect("--listen.udp=127.0.0.1:0")
    d = bench.daemon(CONFIG.format(udp=peer.port["udp"], tcp=9, tls=9, closed=9, socket=master.socket, more=""))
    wait("the subagent", lambda: connected(d))
    wait("a target to be down", lambda: "event=target_down" in d.text())
    name = re.search(r"event=target_down target=(\S+)", d.text())[1]
    # A line that is being written is not the last word.
    wait("snmptt's words", lambda: re.search(
        rf'\.{ROOT}\.0\.1 Warning "reachd" \S+ - {re.escape(name)}: target is down', log.read_text()), 60)
    assert f".{ROOT}.0.1" in sink.text()


def test_each_notification_is_in_the_examples():
    events = re.findall(r"^\| (\d+) \| (\w+) \|", (TOP / "tests/contract/events.md").read_text(), re.M)
    assert len(events) > 20
    snmptt = (KIT / "snmptt.conf").read_text()
    trapd = (KIT / "snmptrapd.conf").read_text()
    for n, label in events:
        name = "reachdEvent" + "".join(p.capitalize() for p in label.split("_"))
        assert re.search(rf'^EVENT {name} \.{ROOT}\.0\.{n} "reachd" (Normal|Warning|Critical)$', snmptt, re.M), name
        assert f"#traphandle .{ROOT}.0.{n} " in trapd, name


# ---- LibreNMS ----

def test_librenms_definitions_have_their_form():
    """The rules of its two schemas that such files can break: LibreNMS is not
    to be had here."""
    text = (TOP / "mibs/REACHD-MIB.txt").read_text()
    detection = yaml.safe_load((KIT / "librenms-detection.yaml").read_text())
    assert {"os", "text", "type", "discovery"} <= set(detection) <= {
        "os", "text", "type", "discovery", "group", "icon", "over"}
    for d in detection["discovery"]:
        assert re.fullmatch(r"(\.\d+)+\.?", d["sysObjectID"])
        assert set(d["snmpget"]) == {"oid", "op", "value"} and d["snmpget"]["op"] == "!="
    discovery = yaml.safe_load((KIT / "librenms-discovery.yaml").read_text())
    assert discovery["mib"] == "REACHD-MIB" and set(discovery) == {"mib", "modules"}
    sensors = discovery["modules"]["sensors"]
    allowed = {"oid", "value", "num_oid", "index", "group", "descr"}
    more = {"state": {"state_name", "states"}, "delay": {"divisor"}, "count": {"warn_limit"}}
    assert set(sensors) == set(more)
    for kind, found in sensors.items():
        assert set(found) == {"data"} and found["data"]
        for s in found["data"]:
            assert {"oid", "num_oid", "descr"} <= set(s) <= allowed | more[kind]
            assert re.fullmatch(r"(\.\d+)+\.\{\{ \$index \}\}", s["num_oid"])
            for word in re.findall(r"REACHD-MIB::(\w+)", str(s)):
                assert re.search(rf"^{word} OBJECT-TYPE", text, re.M), word
            for state in s.get("states", []):
                assert set(state) == {"descr", "graph", "value", "generic"}
                assert state["generic"] in (0, 1, 2, 3)


def test_librenms_finds_what_it_asks_for(site):
    found = site.master.walk()
    detection = yaml.safe_load((KIT / "librenms-detection.yaml").read_text())
    asked = detection["discovery"][0]["snmpget"]["oid"]
    assert "No Such" not in list(site.master.ask("snmpget", asked).values())[0][1]
    sensors = yaml.safe_load((KIT / "librenms-discovery.yaml").read_text())["modules"]["sensors"]
    for s in [s for kind in sensors.values() for s in kind["data"]]:
        column = tuple(int(n) for n in s["num_oid"].split(".{{")[0].strip(".").split("."))
        rows = {k: v for k, v in found.items() if k[:len(column)] == column}
        assert rows and all(len(k) == len(column) + 1 for k in rows), s["num_oid"]
        for v in rows.values():
            assert "states" not in s or number(v) in [x["value"] for x in s["states"]]


# ---- Zabbix ----

def test_zabbix_identifiers():
    text = (KIT / "zabbix-6.0.yaml").read_text()
    found = re.findall(r"uuid: '?([0-9a-f]+)'?$", text, re.M)
    assert len(found) > 60 and len(set(found)) == len(found)
    for u in found:
        assert re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", u), u


def test_zabbix_imports_discovers_and_collects(bench, site):
    zabbix = Zabbix(bench)
    template = zabbix.load(KIT / "zabbix-6.0.yaml")["reachd by SNMP"]
    zabbix.load(KIT / "zabbix-6.0.yaml")  # again: an update changes nothing
    host = zabbix.host("site", template, site.master.port, version=2, community="public", bulk=1)
    rules = zabbix.call("discoveryrule.get", output=["itemid"], hostids=host)
    assert len(rules) == 5

    def items():
        found = zabbix.call("item.get", output=["itemid", "key_", "lastvalue", "lastclock", "state", "error"],
                            hostids=host, filter={"type": 20})
        return {i["key_"]: i for i in found}

    # Discovery is due in an hour, values in a minute: they are asked for. The
    # server refuses while it does not know an item yet.
    def ask(found):
        for i in found:
            zabbix.call("task.create", type=6, request={"itemid": i["itemid"]})

    def discovered():
        ask(rules)
        found = [k for k in items() if "[" in k]
        assert len(found) == 4 * 11 + 2 * 14 + 4 + 3, found
        return True

    wait("discovery", discovered, 180, every=1)

    def collected():
        got = items()
        ask(i for i in got.values() if i["lastclock"] == "0")
        known = {k: i["lastvalue"] for k, i in got.items() if i["lastclock"] != "0"}
        count = lambda start: sum(k.startswith(start) for k in known)
        assert count("reachd.target.state[") == count("reachd.stats.loss[") == 4
        assert count("reachd.target.last.rtt[") == 3 and count("reachd.cluster.state[") == 2
        assert count("reachd.tls.cert.not.after[") == 1 and count("reachd.site.") == 5
        assert count("reachd.requirement.status[") == 3
        assert count("reachd.target.requests[") == 4, known  # a rate: of two values
        return got

    got = wait("values", collected, 300, every=1)
    assert [i for i in got.values() if i["state"] != "0"] == []
    values = lambda start: sorted(float(i["lastvalue"]) for k, i in got.items()
                                  if k.startswith(start) and i["lastclock"] != "0")
    assert values("reachd.target.count") == [4] and values("reachd.targets.down") == [1]
    assert values("reachd.target.state[") == [2, 2, 2, 4]
    assert values("reachd.stats.loss[") == [0, 0, 0, 100]
    assert values("reachd.link.reach.udp[") == [2, 3] and values("reachd.link.reach.tls[") == [1, 2]
    assert all(0.003 <= v < 1 for v in values("reachd.target.last.rtt["))
    # Two requests every half second.
    assert all(3 < v < 5 for v in values("reachd.target.requests[")), values("reachd.target.requests[")
    until = site.daemon.metrics().all("reachd_tls_cert_not_after_timestamp_seconds")
    assert values("reachd.tls.cert.not.after[") == [v for _, v in until]
    # Of the two about media, UDP is preferred; nobody has named the third's host.
    assert values("reachd.requirement.status[") == [1, 2, 3]
    down = [t["target"] for t in site.daemon.api("targets")["targets"] if t["state"] == "down"]
    wanted = {f"Target [{down[0]}]: Target is down", "Media cluster [gone]: Media cluster is down",
              "Requirement [own M-02]: Requirement is not met"}
    wait("the problems", lambda: wanted <= {
        p["name"] for p in zabbix.call("problem.get", output=["name"])}, 60, every=1)
