"""reachd as a service: the manager's socket, sockets it hands over, and the
journal."""

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from harness import PROFILES, RELEASE, free_port, tool, wait

CONFIG = """
defaults: {{interval: 500ms, timeout: 300ms, count: 1, windows: [10s, 1m]}}
{state}
media:
  clusters:
    - {{name: a, udp: ["stun:127.0.0.1:{port}"]}}
"""


class Manager:
    """The socket that a service manager listens on."""

    def __init__(self, directory):
        self.path = str(directory / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.told = []

    def next(self, seconds=20):
        self.socket.settimeout(seconds)
        self.told.append(dict(line.split("=", 1) for line in
                              self.socket.recv(4096).decode().splitlines()))
        return self.told[-1]

    def until(self, name, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            got = self.next(max(0.01, end - time.monotonic()))
            if name in got:
                return got[name]
        raise AssertionError((name, self.told))


def test_from_start_to_end(bench, tmp_path):
    port = bench.reflect("--listen.udp=127.0.0.1:0").port["udp"]
    m = Manager(tmp_path)
    text = CONFIG.format(port=port, state=f"state_file: {tmp_path}/state")
    d = bench.daemon(text, env={"NOTIFY_SOCKET": m.path, "WATCHDOG_USEC": "4000000"})
    assert m.until("READY") == "1"
    # Ready is: bound, and the targets are there.
    assert len(d.api("targets")["targets"]) == 1
    assert m.until("STATUS") == "1 target, 0 of 1 media clusters reachable"
    assert m.until("STATUS") == "1 target, 1 of 1 media clusters reachable"
    beats = []
    for _ in range(3):
        m.until("WATCHDOG")
        beats.append(time.monotonic())
    assert 1.5 < beats[2] - beats[0] < 3.5, beats
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    d.signal(signal.SIGHUP)
    assert m.until("RELOADING") == "1"
    stamp = int(m.told[-1]["MONOTONIC_USEC"])
    assert before <= stamp <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert m.until("READY") == "1"
    d.write("nonsense: 1\n")
    d.signal(signal.SIGHUP)
    assert m.until("RELOADING") == "1"
    assert m.until("READY") == "1"
    assert m.until("STATUS").endswith("; the configuration was not loaded again")
    d.child.terminate()
    assert m.until("STOPPING") == "1"
    assert d.stop() == 0
    assert (tmp_path / "state").exists()


def test_a_second_signal_does_no_harm(bench):
    d = bench.daemon(CONFIG.format(port=9, state="")).ready()
    d.child.terminate()
    wait("its end to be near", lambda: "msg=ended" in d.text(), every=0.001)
    assert d.stop() == 0


def test_a_configuration_that_is_wrong_is_never_ready(tmp_path):
    m = Manager(tmp_path)
    (tmp_path / "reachd.yml").write_text("nonsense: 1\n")
    p = subprocess.run([RELEASE, f"--config.file={tmp_path}/reachd.yml"], capture_output=True,
                       env={"NOTIFY_SOCKET": m.path}, timeout=20)
    assert p.returncode == 1
    with pytest.raises(TimeoutError):
        m.next(0.1)


PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


def test_no_sign_of_life_while_a_loop_hangs(bench, tmp_path):
    """The media loop's thread alone is held; the other goes on, and yet the
    manager does not hear of it."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ptrace(request, pid):
        assert libc.ptrace(request, pid, None, None) == 0, os.strerror(ctypes.get_errno())

    m = Manager(tmp_path)
    # Not the one with sanitizers: their runtime does not like to be traced.
    d = bench.daemon(CONFIG.format(port=9, state=""), binary=RELEASE,
                     env={"NOTIFY_SOCKET": m.path, "WATCHDOG_USEC": "4000000"})
    m.until("WATCHDOG")
    ptrace(PTRACE_SEIZE, d.pid)
    ptrace(PTRACE_INTERRUPT, d.pid)
    held = time.monotonic()
    try:
        last = held
        with pytest.raises((TimeoutError, AssertionError)):
            while True:
                m.until("WATCHDOG", 4)
                last = time.monotonic()
                assert last - held < 14, "still alive"
        # Ten seconds of grace, and then silence while HTTP is still served.
        assert 7 < last - held < 13, last - held
        assert d.request("/-/healthy")[0] == 503
    finally:
        os.waitpid(d.pid, 0x40000000)  # __WALL: the stop
        ptrace(PTRACE_DETACH, d.pid)
    m.until("WATCHDOG")


def test_sockets_that_are_handed_over(bench, tmp_path):
    """systemd-socket-activate stands for the manager."""
    path, port = tmp_path / "http", free_port()
    (tmp_path / "reachd.yml").write_text("targets: []\n")
    p = bench.start([tool("systemd-socket-activate"), "-l", str(path), "-l", f"127.0.0.1:{port}",
                     "-E", f"REACHD_PROFILES={PROFILES}", RELEASE,
                     f"--config.file={tmp_path}/reachd.yml", "--web.systemd-socket",
                     f"--web.port-file={tmp_path}/port"])

    def ask(request):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(path))
            s.sendall(f"GET {request} HTTP/1.0\r\n\r\n".encode())
            return b"".join(iter(lambda: s.recv(65536), b""))

    # The first request starts it.
    assert b" 200 " in wait("the socket", lambda: ask("/metrics")).splitlines()[0]
    ports = (tmp_path / "port").read_text().split()
    assert ports == ["0", str(port)]
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
        assert b" 200 " in s.recv(4096)
    assert p.stop() in (0, -signal.SIGTERM)
    # The manager's socket is left to the manager.
    assert path.exists()


def test_no_sockets_were_handed_over(tmp_path):
    (tmp_path / "reachd.yml").write_text("targets: []\n")
    argv = [RELEASE, f"--config.file={tmp_path}/reachd.yml", "--web.systemd-socket"]
    for env in ({}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "0"}):
        p = subprocess.run(argv, capture_output=True, text=True, env=env, timeout=20)
        assert p.returncode == 1 and "--web.systemd-socket: no socket" in p.stderr, p
    # Number 3 is no listening socket.
    for inherited in ("/dev/null", None):
        fd = os.open(inherited, os.O_RDWR) if inherited else socket.socket().detach()
        script = f'LISTEN_PID=$$ exec "$@" 3<&{fd}'
        p = subprocess.run(["bash", "-c", script, "sh", *argv], capture_output=True, text=True,
                           env={"LISTEN_FDS": "1", "PATH": os.environ["PATH"]},
                           pass_fds=[fd], timeout=20)
        os.close(fd)
        assert p.returncode == 1 and "is no listening socket" in p.stderr, (inherited, p)


# A journal of our own in place of the system's, seen by the daemon only.
JOURNAL = r"""
mount -t tmpfs none /run && mkdir -p /run/systemd/journal &&
ln -s "$1" /run/systemd/journal/socket && shift &&
exec /usr/bin/python3 -c '
import os, socket, sys
a, b = socket.socketpair()
os.dup2(a.fileno(), 2)
st = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{st.st_dev}:{st.st_ino}"
os.set_inheritable(b.fileno(), True)
os.execv(sys.argv[1], sys.argv[1:])' "$@"
"""


def fields(datagram):
    return dict(line.split("=", 1) for line in datagram.decode().splitlines())


def test_fields_of_the_journal(bench, tmp_path):
    """One entry for each change of a state, with what and why."""
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind(str(tmp_path / "journal"))
    journal.settimeout(20)
    reflect = bench.reflect("--listen.udp=127.0.0.1:0")
    config = tmp_path / "reachd.yml"
    config.write_text(CONFIG.format(port=reflect.port["udp"], state=""))
    d = bench.start(["unshare", "-m", "sh", "-c", JOURNAL, "sh", tmp_path / "journal", RELEASE,
                     f"--config.file={config}", "--web.listen-address=127.0.0.1:0"])
    seen = []

    def until(event, **want):
        while True:
            seen.append(fields(journal.recv(65536)))
            e = seen[-1]
            if e.get("REACHD_EVENT") == event and all(e.get(k) == v for k, v in want.items()):
                return e

    up = until("target_up")
    name = up["REACHD_TARGET"]
    assert re.fullmatch(r"a-udp-\d+-[0-9a-f]{6}", name)
    assert up["PRIORITY"] == "6" and up["SYSLOG_IDENTIFIER"] == "reachd"
    assert (up["REACHD_FROM"], up["REACHD_TO"]) == ("unknown", "up")
    reflect.stop()
    down = until("target_down", REACHD_TARGET=name)
    assert down["PRIORITY"] == "4" and down["REACHD_TO"] == "down"
    assert "port is closed" in down["REACHD_CAUSE"]
    assert down["MESSAGE"].startswith(f"target is down event=target_down target={name} from=")
    assert until("cluster_state", REACHD_MEDIA_CLUSTER="a")["REACHD_TO"] == "down"
    assert sum(e.get("REACHD_EVENT") == "target_down" for e in seen) == 1
    assert d.text() == ""
    assert d.stop() == 0


def test_many_changes_at_once(bench, tmp_path):
    """500 targets end at once: a burst of lines, and a count of the rest."""
    reflect = bench.reflect("--listen.udp=0.0.0.0:0")
    port = reflect.port["udp"]
    targets = "\n".join(f'- {{name: t{i}, address: "127.0.1.{i % 250 + 1}:{port}", dscp: {i // 250}}}'
                        for i in range(500))
    d = bench.daemon("defaults: {interval: 500ms, timeout: 300ms, count: 1}\n"
                     "thresholds: {down_after: 1, up_after: 1}\ntargets:\n" + targets,
                     args=["--log.format=json"]).ready()
    wait("all up", lambda: d.metrics().sum("reachd_target_up") == 500)
    reflect.stop()
    wait("all down", lambda: d.metrics().one("reachd_targets_down") == 500)

    def told():
        lines = [json.loads(line) for line in d.text().splitlines() if line.startswith("{")]
        down = [e for e in lines if e.get("event") == "target_down"]
        rest = [e for e in lines if e.get("kind") == "target is down"]
        return lines, down, rest

    wait("the count", lambda: told()[2])
    lines, down, rest = told()
    assert 200 <= len(down) < 300
    assert len({e["target"] for e in down}) == len(down)
    assert all(e["cause"] and e["from"] in ("up", "degraded") and e["level"] == "warn" for e in down)
    assert len(down) + sum(int(e["count"]) for e in rest) <= 500

    def counted():
        """What was left out is told of at the end of a while, in a line."""
        left = d.metrics().one("reachd_log_messages_suppressed_total", level="warn")
        told_of = sum(int(e["count"]) for e in told()[0] if "kind" in e and e["level"] == "warn")
        assert left == told_of, (left, told_of)
        return left

    # Targets that were degraded first are counted, too.
    assert wait("all to be told of", counted, 40) >= 500 - len(down)
    m = d.metrics()
    assert m.one("reachd_log_messages_total", level="warn") >= len(down) + 1
