"""What may become of the SNMP master, and of its socket: no probe is missed,
no round-trip time moves, the state is a metric, and the objects are back
within seconds. And a storm of events, counted from one end to the other."""

import grp
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from harness import RELEASE, Daemon, free_port, tool, wait
from test_snmp import ENV, OBJECTS, Master, column, connected, number, oid, parse

CONFIG = """
defaults: {{interval: 1s, timeout: 900ms, count: 4, spacing: 20ms, windows: [10s, 1m]}}
media:
  clusters:
    - {{name: a, class: public, udp: ["stun:127.0.0.1:{udp}"], tcp: ["stun:127.0.0.1:{tcp}"]}}
snmp: {{agentx: {socket}}}
"""
TARGETS = 2
INTERVAL = 1.0
COUNT = 4


class Probing:
    """Watched from its making to its end()."""

    def __init__(self, daemon):
        self.daemon = daemon
        wait("ten seconds of requests", lambda: self._now()[1] > TARGETS * COUNT * 10, 40)
        self.began, self.first, self.rtt = time.monotonic(), *self._now()[::2]

    def _now(self):
        m = self.daemon.metrics()
        rtt = {lab["target"]: v for lab, v in m.all("reachd_rolling_rtt_p50_seconds", window="10s")}
        return m.sum("reachd_probes_total"), m.sum("reachd_requests_total"), rtt

    def end(self):
        took = time.monotonic() - self.began
        done, _, rtt = self._now()
        m = self.daemon.metrics()
        due = TARGETS * took / INTERVAL
        # A probe is under way, and what is read is up to a second old.
        assert done - self.first >= due - 3 * TARGETS, (done - self.first, due)
        assert m.sum("reachd_probes_missed_total") == 0
        assert m.sum("reachd_requests_lost_total") == 0
        assert rtt.keys() == self.rtt.keys() and len(rtt) == TARGETS
        for target, was in self.rtt.items():
            assert abs(rtt[target] - was) < 0.002, (target, was, rtt[target])


def daemon(bench, master, **kw):
    peer = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0", "--delay=3ms")
    return bench.daemon(CONFIG.format(socket=master.socket, **peer.port), **kw).ready()


def served(master):
    return number(master.ask("snmpget", f"{OBJECTS}.1.8.0")[oid("1.8.0")]) == TARGETS


def back(d, master, connects, seconds=10):
    """Connected for that many times, and served; returns after how long."""
    began = time.monotonic()
    wait("the subagent", lambda: d.metrics().one("reachd_agentx_connects_total") >= connects and connected(d), seconds)
    wait("the objects", lambda: served(master), seconds)
    return time.monotonic() - began


@pytest.fixture
def master(bench):
    return Master(bench)


def test_absent_at_start_then_restarted(bench, master):
    d = daemon(bench, master)
    watch = Probing(d)
    assert not connected(d)
    assert d.text().count("master: No such file or directory") == 1
    master.start()
    assert back(d, master, 1) < 8
    # Ended in good order, and by force; each time a new one takes its place.
    for n, number_ in ((2, signal.SIGTERM), (3, signal.SIGKILL)):
        master.process.signal(number_)
        master.process.child.wait()
        wait("the loss to be seen", lambda: not connected(d))
        master.start()
        assert back(d, master, n) < 8
    watch.end()
    assert d.metrics().one("reachd_agentx_connects_total") == 3
    assert d.text().count("the master is gone") == 2


def sink_of(bench, port):
    """A receiver; returns what gives the numbers of what has arrived."""
    conf = bench.directory / "snmptrapd.conf"
    conf.write_text("disableAuthorization yes\nformat2 NOTE %v\\n\n")
    p = bench.start([tool("snmptrapd"), "-f", "-Lo", "-On", "-C", "-c", conf, "-n", f"udp:127.0.0.1:{port}"],
                    name="snmptrapd", env={**ENV, "SNMP_PERSISTENT_DIR": str(bench.directory / "persistent2")})
    return lambda: [int(n) for n in re.findall(r"\.5004\.1\.7\.1\.0 = Gauge32: (\d+)", p.text())]


def happened(d):
    return d.api("events")["total"]


@pytest.mark.slow
def test_stopped_for_a_minute(bench, master):
    master.start()
    d = daemon(bench, master)
    wait("the subagent", lambda: connected(d))
    watch = Probing(d)
    master.process.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        wait("the state", lambda: not connected(d), 15)
        # Both faces that remain go on meanwhile.
        while time.monotonic() - began < 60:
            asked = time.monotonic()
            assert not connected(d)
            assert time.monotonic() - asked < 2
            wait("a second", lambda: time.monotonic() - asked > 1, every=0.2)
    finally:
        master.process.signal(signal.SIGCONT)
    assert back(d, master, 2, 20) < 12
    watch.end()


def test_socket_replaced_under_a_living_master(bench, master):
    master.start()
    d = daemon(bench, master)
    assert back(d, master, 1) < 8
    watch = Probing(d)
    master.socket.unlink()
    other = bench.directory / "other"
    other.mkdir()

    class Elsewhere:
        directory = other
        start = bench.start

    second = Master(Elsewhere)
    second.socket = master.socket
    second.conf.write_text(second.conf.read_text().replace(str(other / "master"), str(master.socket)))
    second.start()
    assert master.process.alive()
    assert back(d, second, 2) < 10
    # The first has no part in it any more.
    wait("the first to let go", lambda: "No Such" in master.ask("snmpget", f"{OBJECTS}.1.8.0")[oid("1.8.0")][1])
    watch.end()
    assert d.text().count("replaced by another") == 1


def someone_else():
    """How to run as another user; with the mode that closes a socket of group
    adm to them. Where there is no other user, in a namespace: as one who is
    nobody there, by a mode that closes it to its owner."""
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*user, "true"], capture_output=True).returncode == 0:
        return user, 0o660
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000"], 0o006


def test_permission_denied_and_given(bench):
    """An unprivileged daemon, and a socket that is open to a group it is not
    in: which one is said, once; and once it is let in it is there."""
    enter, mode = someone_else()
    group = grp.getgrnam("adm").gr_gid if mode == 0o660 else os.getgid()

    class Other:
        pass

    Other.enter = enter
    # The folders of tests are their owner's alone.
    place = pathlib.Path(tempfile.mkdtemp(prefix="reachd-e2e-"))
    bench.closing.append(lambda: shutil.rmtree(place))
    place.chmod(0o777)
    program = shutil.copy(RELEASE, place / "reachd")
    master = Master(bench)
    text = master.conf.read_text().replace(str(master.socket), str(place / "master"))
    master.socket = place / "master"
    master.conf.write_text(text)
    master.start()
    os.chown(master.socket, -1, group)
    master.socket.chmod(mode)
    peer = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0", "--delay=3ms")
    d = Daemon(place, CONFIG.format(socket=master.socket, **peer.port), inside=Other, binary=program)
    bench.closing.append(lambda: d.stop() if d.alive() else None)
    d.ready()
    watch = Probing(d)
    name = grp.getgrgid(group).gr_name
    wait("a word about it", lambda: f"not in the group {name} " in d.text() or "mode 0006" in d.text())
    began = time.monotonic()
    wait("two more attempts", lambda: time.monotonic() - began > 7, every=0.5)
    assert d.text().count("permission denied") == 1 and not connected(d)
    if mode == 0o660:
        os.chown(master.socket, -1, 65534)
    else:
        master.socket.chmod(0o660)
    assert back(d, master, 1) < 8
    watch.end()


def test_a_directory_that_is_closed(bench):
    """Not the socket's group is at fault here: it cannot even be seen."""
    enter, mode = someone_else()

    class Other:
        pass

    Other.enter = enter
    place = pathlib.Path(tempfile.mkdtemp(prefix="reachd-e2e-"))
    bench.closing.append(lambda: shutil.rmtree(place))
    place.chmod(0o777)
    program = shutil.copy(RELEASE, place / "reachd")
    closed = place / "agentx"
    closed.mkdir()
    closed.chmod(0o700 if mode == 0o660 else 0)
    d = Daemon(place, CONFIG.format(socket=closed / "master", udp=9, tcp=9), inside=Other, binary=program)
    bench.closing.append(lambda: d.stop() if d.alive() else None)
    wait("a word about it", lambda: re.search(
        r"/agentx/master: permission denied: .*/agentx\b.*is not open", d.text()))


# ---- walks ----

def test_walks_during_reloads(bench, master):
    """Targets come and go while walks go on: each walk is in order, ends, and
    has every row that was there all the time."""
    master.start()
    peer = bench.reflect("--listen.udp=0.0.0.0:0").port["udp"]
    head = (f"defaults: {{interval: 30s, timeout: 300ms, count: 1, windows: [10s, 1m]}}\n"
            f"snmp: {{agentx: {master.socket}}}\ntargets:\n")

    def config(leave_out):
        return head + "".join(
            f"  - {{name: t{i:03d}, probe: stun, address: '127.1.0.{i + 1}:{peer}'}}\n"
            for i in range(200) if i % 7 != leave_out)

    d = bench.daemon(config(None))
    wait("the subagent", lambda: connected(d))
    names = lambda found: {v[1]: k for k, v in column(found, "3.1.1.2").items()}
    before = wait("all rows", lambda: names(master.walk(f"{OBJECTS}.3.1.1.2")) if len(
        master.walk(f"{OBJECTS}.3.1.1.2")) == 200 else None)
    for n in range(7):
        walk = subprocess.Popen(
            [tool("snmpbulkwalk"), "-v2c", "-c", "public", "-On", "-Oe", "-Ox", f"-Cr{(1, 2, 7, 50)[n % 4]}",
             f"127.0.0.1:{master.port}", OBJECTS], stdout=subprocess.PIPE, text=True, env=ENV)
        for leave_out in (n, None, n):
            d.write(config(leave_out))
            assert d.reload()[0] == 200
        out, _ = walk.communicate(timeout=60)
        assert walk.returncode == 0
        found = parse(out)
        assert list(found) == sorted(found)
        walked = names(found)
        for name, key in before.items():
            i = int(bytes.fromhex(name).decode()[1:])
            assert walked.get(name, key) == key
            if i % 7 != n:
                assert name in walked, (i, n)
        # What is shown is up to five seconds old while walks go on.
        d.write(config(None))
        assert d.reload()[0] == 200
        wait("all of them", lambda: names(master.walk(f"{OBJECTS}.3.1.1.2")) == before)


def test_walks_move_nothing(bench, master):
    """Two managers that read without a pause for some seconds."""
    master.start()
    d = daemon(bench, master)
    assert back(d, master, 1) < 8
    watch = Probing(d)
    loop = ["sh", "-c", 'end=$(($(date +%s) + 6)); while [ $(date +%s) -lt $end ]; do "$@" >/dev/null || exit 1; done',
            "sh", tool("snmpbulkwalk"), "-v2c", "-c", "public", "-On", "-Cr50", f"127.0.0.1:{master.port}", OBJECTS]
    managers = [subprocess.Popen(loop, env=ENV) for _ in range(2)]
    assert [m.wait(60) for m in managers] == [0, 0]
    watch.end()
    assert d.metrics().one("reachd_agentx_requests_total") > 1000


V3 = ("-v3", "-u", "operator", "-l", "authPriv", "-a", "SHA", "-A", "authauth1",
      "-x", "AES", "-X", "privpriv1")


def test_repetitions_versions_and_both_modules(bench, master):
    """GETBULK of every size, with and without encryption, gives what single
    steps give; and a walk of everything goes through both modules."""
    master.start()
    d = daemon(bench, master)
    wait("the subagent", lambda: connected(d))
    column_ = f"{OBJECTS}.3.1.1"
    rows = wait("all rows", lambda: master.walk(column_))
    oids = [".".join(map(str, o)) for o in rows]
    for repetitions in (*range(1, 20), 49, 50, 51, 99, 100, 101, 250, 499, 500):
        found = list(master.ask("snmpbulkget", column_, options=(f"-Cr{repetitions}",)))
        want = [tuple(map(int, o.split("."))) for o in oids][:repetitions]
        # The master gives up to a hundred in an answer.
        assert found[:len(want)] == want[:len(found)]
        assert len(found) >= min(repetitions, len(want), 100)
    assert list(master.walk(column_, auth=V3)) == list(rows)
    for auth in (V3[:4] + ("-l", "authNoPriv") + V3[6:10], V3[:7] + ("SHA", "-A", "wrongwrong") + V3[10:]):
        with pytest.raises(ValueError):
            master.walk(column_, auth=auth)
    # From before either of them to behind both.
    everything = master.ask("snmpwalk", "1.3.6.1.2.1.79", options=("-CE", "1.3.6.1.4.1.8072.9999.9999.5005"))
    keys = list(everything)
    assert keys == sorted(keys)
    ping = tuple(map(int, "1.3.6.1.2.1.80".split(".")))
    own = oid("1")[:-1]
    both = [k for k in keys if k[:len(ping)] == ping]
    assert both and list(rows)[0] in everything
    mixed = [".".join(map(str, k)) for k in (both[0], [k for k in keys if k[:len(own)] == own][0], both[-1])]
    got = master.ask("snmpget", *mixed)
    assert len(got) == 3 and all("No Such" not in v[1] for v in got.values())


# ---- notifications ----

def test_a_storm_of_state_changes(bench):
    """5,000 changes of state: what arrives, what is reported as suppressed
    and what as dropped is what happened."""
    port = free_port(socket.SOCK_DGRAM)
    arrived = sink_of(bench, port)
    master = Master(bench, traps=port).start()
    count = 1250
    flapping = bench.reflect("--listen.udp=0.0.0.0:0")
    steady = bench.reflect("--listen.udp=0.0.0.0:0")
    lines = ["defaults: {interval: 2s, timeout: 500ms, count: 1, windows: [10s]}",
             "limits: {requests_per_second: 20000}",
             "thresholds: {down_after: 1, up_after: 1}",
             f"snmp: {{agentx: {master.socket}, ping_notifications: []}}", "media:", "  clusters:",
             f"    - {{name: ref, class: reference, udp: ['stun:127.0.0.1:{steady.port['udp']}']}}", "targets:"]
    lines += [f"  - {{name: t{i:04d}, probe: stun, address: '127.1.{i // 200}.{i % 200 + 1}:{flapping.port['udp']}'}}"
              for i in range(count)]
    d = bench.daemon("\n".join(lines) + "\n")
    wait("the subagent", lambda: connected(d))
    state = lambda word: sum(v for _, v in d.metrics().all("reachd_target_state", state=word))
    wait("all up", lambda: state("up") == count + 1, 60, 0.5)
    for _ in range(2):
        flapping.signal(signal.SIGSTOP)
        wait("all down", lambda: state("down") == count, 60, 0.5)
        flapping.signal(signal.SIGCONT)
        wait("all up", lambda: state("down") == 0 and state("unknown") == 0, 60, 0.5)
    assert d.metrics().sum("reachd_target_state_changes_total") >= 4 * count

    def counted():
        m = d.metrics()
        names = ("reachd_agentx_notifications_total", "reachd_agentx_notifications_suppressed_total",
                 "reachd_agentx_notifications_dropped_total")
        return [int(m.one(n)) for n in names]

    def adds_up():
        sent, suppressed, dropped = counted()
        assert sent == len(arrived()), (sent, len(arrived()))
        # What was left out and still holds is told later, so it counts twice.
        assert happened(d) <= sent + suppressed + dropped <= happened(d) + sent, (
            sent, suppressed, dropped, happened(d))
        return sent, suppressed, dropped

    # What is still news is told later, ten a second.
    sent, suppressed, dropped = wait("the sum", adds_up, count / 10 + 60, 0.5)
    assert happened(d) >= 4 * count
    # Nothing was lost on the way, or came twice; there was a rate that held.
    assert sorted(arrived()) == list(range(1, sent + 1))
    assert dropped == 0 and suppressed > 3 * count and sent >= 100
    # The MIB says the same.
    assert number(master.ask("snmpget", f"{OBJECTS}.1.18.0")[oid("1.18.0")]) == counted()[1]


def test_a_storm_without_a_master(bench):
    """What waits is bounded: the oldest make room, and are counted."""
    port = free_port(socket.SOCK_DGRAM)
    arrived = sink_of(bench, port)
    master = Master(bench, traps=port)
    d = daemon(bench, master)
    # Of the daemon itself: such are never suppressed.
    text = d.config.read_text()
    for n in range(400):
        d.write(text + f"# {n}\n")
        assert d.reload()[0] == 200
    m = d.metrics()
    assert m.one("reachd_agentx_notifications_dropped_total") == happened(d) - 256
    master.start()
    wait("the newest 256", lambda: len(arrived()) >= 256)
    last = happened(d)
    assert arrived()[:256] == sorted(arrived())[:256]
    assert sorted(arrived()) == list(range(last - len(arrived()) + 1, last + 1))


def test_what_happens_while_the_master_is_stopped_is_told(bench):
    """Before it is missed as well: each arrives, once and in order."""
    port = free_port(socket.SOCK_DGRAM)
    arrived = sink_of(bench, port)
    master = Master(bench, traps=port).start()
    d = daemon(bench, master)
    assert back(d, master, 1) < 8
    text = d.config.read_text()

    def events(seconds):
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            d.write(text + f"# {time.monotonic()}\n")
            assert d.reload()[0] == 200
            asked = time.monotonic()
            wait("the next", lambda: time.monotonic() - asked > 0.3)

    events(1)
    master.process.signal(signal.SIGSTOP)
    try:
        events(8)
    finally:
        master.process.signal(signal.SIGCONT)
    events(2)
    wait("all of them", lambda: arrived() == list(range(1, happened(d) + 1)))
    assert happened(d) > 20
