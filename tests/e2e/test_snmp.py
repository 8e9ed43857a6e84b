"""The SNMP face against the snmpd of the distribution over a unix socket:
values, order, and a master that is absent, killed or stopped."""

import os
import re
import signal
import socket
import subprocess
import time

import pytest

from harness import TOP, free_port, tool, wait

ROOT = "1.3.6.1.4.1.8072.9999.9999.5004"
OBJECTS = ROOT + ".1"
ENV = {**os.environ, "MIBS": "", "SNMPCONFPATH": "/nonexistent"}

CONFIG = """
defaults: {{interval: 500ms, timeout: 300ms, count: 1, windows: [10s, 1m]}}
media:
  clusters:
    - {{name: a, class: public, udp: ["stun:127.0.0.1:{udp}"], tcp: ["stun:127.0.0.1:{tcp}"]}}
    - {{name: gone, class: reference, udp: ["stun:127.0.0.1:{closed}"]}}
snmp: {{agentx: {socket}}}
"""


class Master:
    """snmpd with an AgentX socket of its own."""

    def __init__(self, bench, traps=None):
        self.bench = bench
        self.dir = bench.directory
        self.socket = self.dir / "master"
        self.port = free_port(socket.SOCK_DGRAM)
        self.conf = self.dir / "snmpd.conf"
        self.conf.write_text(
            "rocommunity public 127.0.0.1\n"
            "rouser operator priv\n"
            'createUser operator SHA "authauth1" AES "privpriv1"\n'
            f"master agentx\nagentXSocket unix:{self.socket}\n"
            "agentXPerms 0660 0755\n"
            + (f"trap2sink 127.0.0.1:{traps} public\n" if traps else ""))
        self.process = None

    def start(self):
        self.process = self.bench.start(
            [tool("snmpd"), "-f", "-Lo", "-C", "-c", self.conf, "-I",
             "-smux", f"udp:127.0.0.1:{self.port}"], name="snmpd",
            env={"MIBS": "", "SNMP_PERSISTENT_DIR": str(self.dir / "persistent")})
        wait("snmpd to answer", lambda: self.ask("snmpget", "1.3.6.1.2.1.1.3.0"))
        return self

    def kill(self):
        self.process.signal(signal.SIGKILL)
        self.process.child.wait()

    def ask(self, program, *args, options=(), auth=("-v2c", "-c", "public")):
        """OID to (type, value); raises ValueError on an error answer."""
        p = subprocess.run(
            [tool(program), *auth, "-On", "-Oe", "-Ox", "-r0", "-t5", *options,
             f"127.0.0.1:{self.port}", *args],
            capture_output=True, text=True, timeout=60, env=ENV)
        if p.returncode != 0:
            raise ValueError(p.stderr + p.stdout)
        return parse(p.stdout)

    def walk(self, oid=OBJECTS, **kw):
        return self.ask("snmpbulkwalk", oid, **kw)


def parse(text):
    out = {}
    joined = re.sub(r"\n(?!\.1)", " ", text)
    for line in joined.splitlines():
        m = re.match(r"^\.([\d.]+) = (?:([\w-]+): )?(.*)$", line)
        assert m, line
        oid = tuple(int(x) for x in m[1].split("."))
        assert oid not in out, f"{m[1]} came twice"
        out[oid] = (m[2], m[3].strip())
    return out


def oid(suffix):
    return tuple(int(x) for x in f"{OBJECTS}.{suffix}".split("."))


def text(value):
    """A string; with -Ox all of them are in hexadecimal."""
    assert value[0] in ("Hex-STRING", "STRING"), value
    return bytes.fromhex(value[1]).decode() if value[0] == "Hex-STRING" else value[1].strip('"')


def number(value):
    m = re.match(r"\(?(\d+)\)?", value[1])
    if m is None:
        raise ValueError(f"no number: {value}")
    return int(m[1])


def column(found, prefix):
    """Of a column: index to value."""
    p = oid(prefix)
    return {k[len(p):]: v for k, v in found.items() if k[:len(p)] == p}


@pytest.fixture
def master(bench):
    return Master(bench)


def daemon(bench, master, **kw):
    udp = bench.reflect("--listen.udp=127.0.0.1:0").port["udp"]
    tcp = bench.reflect("--listen.tcp=127.0.0.1:0").port["tcp"]
    return bench.daemon(CONFIG.format(
        udp=udp, tcp=tcp, closed=free_port(socket.SOCK_DGRAM),
        socket=master.socket), **kw).ready()


def connected(d):
    return d.metrics().one("reachd_agentx_connected") == 1


STATES = {"unknown": 1, "up": 2, "degraded": 3, "down": 4, "disabled": 5}


def settled(d, master):
    """Waits until nothing is unknown any more, and SNMP says so, too: then no
    more cells come to be. Returns the walk."""
    def check():
        m = d.metrics()
        assert m.sum("reachd_requests_total") > 4 * len(m.all("reachd_target_up"))
        states = sorted(STATES[t["state"]] for t in d.api("targets")["targets"])
        clusters = sorted(STATES[c["state"]] for c in d.api("clusters")["clusters"])
        assert 1 not in states + clusters
        found = master.walk()
        for table, want in (("3.1.1", states), ("2.1.1", clusters)):
            state, changed = {"3.1.1": (13, 14), "2.1.1": (5, 6)}[table]
            assert sorted(number(v) for v in column(found, f"{table}.{state}").values()) == want
            assert len(column(found, f"{table}.{changed}")) == len(want)
        return found
    return wait("states that are known", check, 40)


def test_values_are_those_of_the_api(bench, master):
    master.start()
    d = daemon(bench, master)
    wait("the subagent", lambda: connected(d))
    wait("requests", lambda: d.metrics().sum("reachd_requests_total") > 12)

    def same():
        # One moment: nothing ended between the two reads of the API.
        before = d.api("targets")["targets"]
        found = master.walk()
        after = d.api("targets")["targets"]
        assert [t["requests"] for t in before] == [t["requests"] for t in after]
        return found, after

    found, targets = wait("a quiet moment", same)
    names = {text(v): k[0] for k, v in column(found, "3.1.1.2").items()}
    assert len(targets) == 3 and set(names) == {t["target"] for t in targets}
    for t in targets:
        i = names[t["target"]]
        cell = lambda c: found[oid(f"3.1.1.{c}.{i}")]
        assert number(cell(20)) == t["probes"]
        assert number(cell(21)) == t["probe_failures"]
        assert number(cell(25)) == t["requests"]
        assert number(cell(26)) == t["lost"]
        assert number(cell(11)) == t["interval_seconds"] * 1000
        assert number(cell(13)) == {"unknown": 1, "up": 2, "degraded": 3, "down": 4}[t["state"]]
        assert number(cell(5)) == {"udp": 1, "tcp": 2}[t["transport"]]
        if t["last_rtt_seconds"] is None:
            assert oid(f"3.1.1.17.{i}") not in found
        else:
            assert number(cell(17)) == int(t["last_rtt_seconds"] * 1e6 + 1e-6)
        assert bytes.fromhex(cell(8)[1]) == bytes([127, 0, 0, 1])
        for w, seconds in zip(t["windows"], (10, 60)):
            row = lambda c: found[oid(f"4.1.1.{c}.{i}.{seconds}")]
            assert number(row(2)) == w["requests"]
            assert number(row(3)) == w["answers"]
            assert number(row(4)) == round(w["loss_ratio"] * 1e6)
            if w["rtt_p95_seconds"] is not None:
                assert number(row(10)) == int(w["rtt_p95_seconds"] * 1e6 + 1e-6)
    assert number(found[oid("1.8.0")]) == 3
    clusters = {text(v) for v in column(found, "2.1.1.2").values()}
    assert clusters == {"a", "gone"}
    # A histogram's last bucket is all that were answered.
    total = sum(number(v) for k, v in column(found, "4.2.1.2").items() if k[-1] == 2**32 - 1)
    assert total == sum(t["requests"] - t["lost"] for t in targets)


def test_every_way_of_asking(bench, master):
    master.start()
    d = daemon(bench, master)
    wait("the subagent", lambda: connected(d))
    found = settled(d, master)
    oids = list(found)
    assert oids == sorted(oids) and len(oids) > 150
    # The same instances by single steps, and by every count of repetitions.
    same = lambda other: set(other) == set(found)
    assert same(master.ask("snmpwalk", OBJECTS))
    for repetitions in (1, 2, 7, 50, 500):
        w = master.walk(options=(f"-Cr{repetitions}",))
        assert same(w) and list(w) == sorted(w)
    v3 = ("-v3", "-u", "operator", "-l", "authPriv", "-a", "SHA", "-A",
          "authauth1", "-x", "AES", "-X", "privpriv1")
    assert same(master.walk(auth=v3))
    # GET of each, some at a time; GETNEXT of each leads to the next.
    dotted = [".".join(map(str, o)) for o in oids]
    for k in range(0, len(oids), 20):
        assert list(master.ask("snmpget", *dotted[k:k + 20])) == oids[k:k + 20]
        nexts = list(master.ask("snmpgetnext", *dotted[k:k + 20]))
        want = oids[k + 1:k + 21]
        assert nexts[:len(want)] == want
    missing = master.ask("snmpget", f"{OBJECTS}.3.1.1.2.999999")
    assert "No Such Instance" in list(missing.values())[0][1]
    end = list(master.ask("snmpgetnext", dotted[-1]))[0]
    assert end[:len(oid("1")) - 1] != oid("1")[:-1]
    # Columns side by side, as tables are read.
    table = master.ask("snmpbulkget", *[f"{OBJECTS}.3.1.1.{c}" for c in (2, 13, 25)],
                       options=("-Cr3",))
    assert len(table) == 9
    with pytest.raises(ValueError, match="notWritable|noAccess|not writable"):
        master.ask("snmpset", f"{OBJECTS}.1.8.0", "u", "1")


def test_the_master_comes_late_and_returns(bench, master):
    d = daemon(bench, master)
    assert not connected(d)
    wait("a word about it", lambda: "No such file" in d.text())
    master.start()
    wait("the subagent", lambda: connected(d), 15)
    wait("the objects", lambda: number(master.walk()[oid("1.8.0")]) == 3)
    master.kill()
    wait("the loss to be seen", lambda: not connected(d), 15)
    before = d.metrics().sum("reachd_requests_total")
    wait("probing to go on", lambda: d.metrics().sum("reachd_requests_total") > before)
    master.socket.unlink(missing_ok=True)
    master.start()
    wait("the subagent again", lambda: connected(d), 15)
    assert d.metrics().one("reachd_agentx_connects_total") == 2
    wait("the objects", lambda: number(master.walk()[oid("1.8.0")]) == 3)
    master.kill()
    started = time.monotonic()
    d.stop()
    assert time.monotonic() - started < 5


def test_a_stopped_master_moves_nothing(bench, master):
    master.start()
    d = daemon(bench, master)
    wait("the subagent", lambda: connected(d))
    wait("requests", lambda: d.metrics().sum("reachd_requests_total") > 12)
    first, at = d.metrics(), time.monotonic()
    master.process.signal(signal.SIGSTOP)
    wait("eight seconds", lambda: time.monotonic() - at > 8, every=0.2)
    last, took = d.metrics(), time.monotonic() - at
    probes = last.sum("reachd_probes_total") - first.sum("reachd_probes_total")
    assert probes >= 3 * (took / 0.5) - 6, (probes, took)
    assert last.sum("reachd_probes_missed_total") == 0
    for labels, v in last.all("reachd_rolling_rtt_max_seconds", media_cluster="a", window="10s"):
        assert v < 0.1, (labels, v)
    master.process.signal(signal.SIGCONT)
    wait("the objects again", lambda: number(master.walk()[oid("1.8.0")]) == 3, 40)


def test_the_end_does_not_wait_for_a_stopped_master(bench, master):
    master.start()
    d = daemon(bench, master)
    wait("the subagent", lambda: connected(d))
    master.process.signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        d.stop()
        assert time.monotonic() - started < 6
    finally:
        master.process.signal(signal.SIGCONT)


def test_a_reload_during_a_walk(bench, master):
    master.start()
    d = daemon(bench, master)
    wait("the subagent", lambda: connected(d))
    before = column(settled(d, master), "3.1.1.2")
    p = subprocess.Popen(
        [tool("snmpwalk"), "-v2c", "-c", "public", "-On", f"127.0.0.1:{master.port}", OBJECTS],
        stdout=subprocess.PIPE, text=True, env=ENV)
    text_before = d.config.read_text()
    kept = [line for line in text_before.splitlines() if "name: gone" not in line]
    for new in ("\n".join(kept), text_before):
        d.write(new)
        assert d.reload()[0] == 200
    out, _ = p.communicate(timeout=60)
    walked = list(parse(out))
    assert walked == sorted(walked) and len(walked) > 150
    # Indexes stay with their names.
    wait("all of them", lambda: column(master.walk(), "3.1.1.2") == before)


def ietf_modules(directory):
    """The IETF's modules, named as compilers look for them."""
    directory.mkdir()
    listed = subprocess.run(["dpkg", "-L", "erlang-snmp"], capture_output=True,
                            text=True, check=True).stdout.split()
    for path in listed:
        if path.endswith(".mib"):
            name = path.rsplit("/", 1)[1][:-4]
            (directory / name).write_bytes(open(path, "rb").read())
    return listed


def test_notifications_arrive_and_wait_for_the_master(bench):
    ietf = bench.directory / "ietf"
    ietf_modules(ietf)
    (ietf / "REACHD-MIB").write_bytes((TOP / "mibs/REACHD-MIB.txt").read_bytes())
    conf = bench.directory / "snmptrapd.conf"
    conf.write_text("disableAuthorization yes\nformat2 NOTE %v\\n\n")
    port = free_port(socket.SOCK_DGRAM)
    sink = bench.start(
        [tool("snmptrapd"), "-f", "-Lo", "-C", "-c", conf, "-n", "-Oe",
         "-M", ietf, "-m", "REACHD-MIB", f"udp:127.0.0.1:{port}"], name="snmptrapd",
        env={"SNMP_PERSISTENT_DIR": str(bench.directory / "persistent2")})
    master = Master(bench, traps=port)
    d = daemon(bench, master)
    wait("a target to be down", lambda: "event=target_down" in d.text())
    assert d.metrics().one("reachd_agentx_notifications_total") == 0
    master.start()

    def notes(event):
        return [line for line in sink.text().splitlines()
                if line.startswith("NOTE") and f"REACHD-MIB::reachdEvent{event}\t" in line]

    # What happened before there was a master.
    down = wait("the notification", lambda: notes("TargetDown"))
    assert len(down) == 1
    name = re.search(r"event=target_down target=(\S+)", d.text())[1]
    for part in (f"reachdNotifySubject.0 = STRING: {name}\t", "reachdNotifyState.0 = INTEGER: 4\t",
                 "reachdNotifyIndex.0 = Gauge32: ", "reachdNotifyTime.0 = STRING: 2",
                 f"reachdNotifyMessage.0 = STRING: {name}: target is down"):
        assert part in down[0], (part, down[0])
    assert notes("ClusterState") and notes("TargetUp")
    # And what happens with one.
    d.write("nonsense: 1\n")
    assert d.reload()[0] == 500
    wait("another", lambda: notes("ConfigReloadFailed"))
    sequence = [int(n) for n in re.findall(r"NotifySequence\.0 = Gauge32: (\d+)", sink.text())]
    assert sequence == list(range(1, len(sequence) + 1))
    # Those of the other module have no number.
    sent = lambda: len(sequence) + sum(
        line.startswith("NOTE") and "mib-2.80.0." in line for line in sink.text().splitlines())
    wait("the count", lambda: d.metrics().one("reachd_agentx_notifications_total") == sent())
    m = d.metrics()
    assert m.one("reachd_agentx_notifications_suppressed_total") == 0
    assert m.one("reachd_agentx_notifications_dropped_total") == 0
    assert number(master.walk()[oid("1.18.0")]) == 0


def test_the_module_is_accepted_by_two_compilers(bench):
    ietf, ours = bench.directory / "ietf", bench.directory / "ours"
    ours.mkdir()
    listed = ietf_modules(ietf)
    binary = {p.rsplit("/", 1)[0] for p in listed if p.endswith(".bin")}
    module = (TOP / "mibs/REACHD-MIB.txt").read_bytes()
    (ours / "REACHD-MIB").write_bytes(module)
    (ours / "REACHD-MIB.mib").write_bytes(module)
    lint = subprocess.run(
        [tool("smilint"), "-s", "-m", "-l", "6", ours / "REACHD-MIB"],
        env={**os.environ, "SMIPATH": f"{ietf}:{ours}"}, capture_output=True, text=True)
    told = (lint.stdout + lint.stderr).splitlines()
    # Three nodes of the path to the default root have no name.
    assert len(told) == 3 and all("node-implicit" in line for line in told), told
    erl = subprocess.run(
        [tool("erlc"), "-o", ours, *[a for b in binary for a in ("-I", b)],
         ours / "REACHD-MIB.mib"], capture_output=True, text=True)
    assert erl.returncode == 0 and (ours / "REACHD-MIB.bin").exists(), erl.stdout + erl.stderr
