"""The state file: what it keeps over a restart for those who number things by
it, and that only one daemon writes to it."""

import signal
import time

from harness import ASAN, Process, wait
from test_snmp import OBJECTS, Master, column, connected, number, oid, text

CONFIG = """
defaults: {{interval: 500ms, timeout: 300ms, count: 1, windows: [10s, 1m]}}
state_file: {state}
media:
  clusters:
    - {{name: a, class: public, udp: ["stun:127.0.0.1:{port}"]}}
"""


def config(bench, state="state"):
    return CONFIG.format(port=bench.reflect("--listen.udp=127.0.0.1:0").port["udp"], state=state)


def test_a_second_daemon_on_one_file(bench, tmp_path):
    """It says who has it and what to do, and touches nothing."""
    text = config(bench)
    d = bench.daemon(text).ready()
    (tmp_path / "second.yml").write_text(text)
    began = time.monotonic()
    p = Process([ASAN, f"--config.file={tmp_path}/second.yml", "--web.listen-address=127.0.0.1:0"],
                tmp_path, "second")
    assert p.child.wait(60) == 1
    assert time.monotonic() - began >= 10, "one that is ending is waited for"
    assert (f"state_file: {tmp_path}/state is in use by another reachd (process {d.pid}); stop that "
            "one, or give each a state_file of its own") in p.text(), p.text()
    assert not (tmp_path / "state").exists()
    assert d.stop() == 0
    assert (tmp_path / "state").exists()


def test_a_restart_that_overlaps(bench, tmp_path):
    """The next one starts while the last one has not ended: it waits for the
    state that is written at the end."""
    text = config(bench)
    d = bench.daemon(text).ready()
    wait("some requests", lambda: d.metrics().sum("reachd_requests_total") >= 6)
    d.signal(signal.SIGSTOP)
    (tmp_path / "next.yml").write_text(text)
    p = bench.start([ASAN, f"--config.file={tmp_path}/next.yml", "--web.listen-address=127.0.0.1:0"], "next")
    wait("the next one to wait", lambda: "waiting for it to end" in p.text())
    d.signal(signal.SIGCONT)
    assert d.stop() == 0
    wait("the state", lambda: "1 targets with" in p.text() and "is running" in p.text())
    assert p.stop() == 0


def test_one_that_waits_can_be_ended(bench, tmp_path):
    text = config(bench)
    d = bench.daemon(text).ready()
    (tmp_path / "next.yml").write_text(text)
    p = Process([ASAN, f"--config.file={tmp_path}/next.yml", "--web.listen-address=127.0.0.1:0"],
                tmp_path, "next")
    wait("the next one to wait", lambda: "waiting for it to end" in p.text(), every=0.01)
    p.signal(signal.SIGTERM)
    # At once: after its wait it would have ended with a complaint.
    assert p.child.wait(60) == -signal.SIGTERM, p.text()
    assert d.stop() == 0


def test_one_that_was_killed_holds_nothing(bench):
    text = config(bench)
    d = bench.daemon(text).ready()
    d.signal(signal.SIGKILL)
    d.child.wait()
    e = bench.daemon(text, name="again").ready()
    assert "waiting" not in e.text()
    assert e.stop() == 0


def test_a_reload_to_a_file_in_use(bench, tmp_path):
    """It is refused, as any other that cannot be; to a free one it moves."""
    d = bench.daemon(config(bench)).ready()
    other = bench.daemon(config(bench, "other"), name="other").ready()
    text = d.config.read_text()
    d.write(text.replace("state_file: state", "state_file: other"))
    status, _, body = d.reload()
    assert status == 500 and b"in use by another reachd" in body, body
    assert d.metrics().one("reachd_config_last_reload_successful") == 0
    assert other.stop() == 0
    assert d.reload()[0] == 200
    # What it has left is free, what it has moved to is not.
    third = bench.daemon(text, name="third").ready()
    third.write(text.replace("state_file: state", "state_file: other"))
    assert third.reload()[0] == 500
    d.write(text.replace("state_file: state\n", ""))
    assert d.reload()[0] == 200
    assert third.reload()[0] == 200


INDEXED = """
defaults: {{interval: 500ms, timeout: 300ms, count: 1, windows: [10s, 1m]}}
state_file: state
state_interval: 1s
snmp: {{agentx: {socket}}}
media:
  clusters:
{clusters}
proxies:
{proxies}
targets:
{targets}
"""


def numbers(master, table):
    """Name to index, of a table whose second column is the name."""
    return {text(v): k[0] for k, v in column(master.walk(f"{OBJECTS}.{table}.1.2"), f"{table}.1.2").items()}


def test_indexes_stay_with_their_names(bench, tmp_path):
    """What goes and comes back has the number that it had, and nobody else
    has had it meanwhile: over reloads, over restarts, by what SNMP says."""
    port = bench.reflect("--listen.udp=0.0.0.0:0").port["udp"]
    master = Master(bench).start()
    place = {n: i + 1 for i, n in enumerate(("one", "two", "three", "four", "Zürich"))}

    def config(targets, clusters, proxies):
        return INDEXED.format(
            socket=master.socket,
            targets="\n".join(f"  - {{name: {n}, address: '127.1.0.{place[n]}:{port}'}}" for n in targets),
            clusters="\n".join(f"    - {{name: {c}, udp: ['stun:127.0.0.{i + 2}:{port}']}}"
                               for i, c in enumerate(clusters)),
            proxies="\n".join(f"  - {{name: {p}, url: 'http://127.0.0.{i + 2}:9'}}"
                              for i, p in enumerate(proxies)))

    def seen(d, targets, clusters):
        wait("the subagent", lambda: connected(d))

        def all_three():
            t, c = numbers(master, "3.1"), numbers(master, "2.1")
            assert set(targets) <= set(t) and set(c) == set(clusters), (t, c)
            assert len(t) == len(targets) + len(clusters)
            assert len(set(t.values())) == len(t) and len(set(c.values())) == len(c)
            return t | {f"cluster {n}": i for n, i in c.items()}
        return wait("the rows", all_three, 30)

    first = (["one", "two", "three"], ["a", "b"], ["hq"])
    other = (["three", "four", "Zürich"], ["c", "b"], ["hq"])
    d = bench.daemon(config(*first))
    known = seen(d, *first[:2])
    for step, names in enumerate((other, first, other)):
        d.write(config(*names))
        assert d.reload()[0] == 200
        now = seen(d, *names[:2])
        assert all(known.setdefault(n, i) == i for n, i in now.items()), (step, known, now)
        assert len(set(i for n, i in known.items() if "cluster" not in n)) == len(
            [n for n in known if "cluster" not in n])
    # What is gone when it ends has its number when it is back.
    d.stop()
    d = bench.daemon(config(*other), name="again")
    assert seen(d, *other[:2]).items() <= known.items()
    d.write(config(*first))
    assert d.reload()[0] == 200
    assert seen(d, *first[:2]).items() <= known.items()
    # Killed between: as of the last that was saved, a second ago at most.
    saved = (tmp_path / "state").stat().st_mtime_ns
    wait("the next state", lambda: (tmp_path / "state").stat().st_mtime_ns > saved)
    d.signal(signal.SIGKILL)
    d.child.wait()
    d = bench.daemon(config(*first), name="third")
    assert seen(d, *first[:2]).items() <= known.items()
    d.stop()
    # A damaged file gives no numbers: they are given anew, each once.
    data = bytearray((tmp_path / "state").read_bytes())
    data[len(data) // 2] ^= 0x40
    (tmp_path / "state").write_bytes(data)
    d = bench.daemon(config(*other), name="fourth")
    assert "damaged" in d.text()
    fresh = seen(d, *other[:2])
    assert sorted(i for n, i in fresh.items() if "cluster" not in n) == list(range(1, 6))
    assert d.stop() == 0


def test_counters_that_begin_anew_say_so(bench):
    """A target that goes and comes back counts on, or says since when."""
    port = bench.reflect("--listen.udp=0.0.0.0:0").port["udp"]
    master = Master(bench).start()
    line = f"  - {{name: %s, address: '127.1.0.%d:{port}'}}\n"
    text_ = (f"defaults: {{interval: 500ms, timeout: 300ms, windows: [10s]}}\n"
             f"snmp: {{agentx: {master.socket}}}\ntargets:\n" + line % ("kept", 1))
    d = bench.daemon(text_ + line % ("moved", 2)).ready()
    wait("the subagent", lambda: connected(d))
    index = wait("the rows", lambda: numbers(master, "3.1")["moved"])
    cell = lambda c: number(master.ask("snmpget", f"{OBJECTS}.3.1.1.{c}.{index}")[oid(f"3.1.1.{c}.{index}")])
    wait("some requests", lambda: cell(25) > 8)
    before, since = cell(25), cell(23)
    d.write(text_)
    assert d.reload()[0] == 200
    wait("the row to be gone", lambda: "moved" not in numbers(master, "3.1"))
    d.write(text_ + line % ("moved", 2))
    assert d.reload()[0] == 200
    wait("the row", lambda: numbers(master, "3.1")["moved"] == index)
    after, then = cell(25), cell(23)
    assert after >= before or then > since, (before, since, after, then)
