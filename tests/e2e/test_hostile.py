"""What is done to a daemon by those who are in a hurry, and by machines that
have run out of something: it says so, goes on, and comes back."""

import os
import pathlib
import re
import resource
import signal
import socket
import subprocess

import pytest

from harness import RELEASE, wait

CONFIG = """
defaults: {{interval: 500ms, timeout: 300ms, count: 1, windows: [10s, 1m]}}
{more}
media:
  clusters:
    - {{name: a, class: public, udp: ["stun:127.0.0.1:{port}"]}}
"""


def config(bench, more=""):
    port = bench.reflect("--listen.udp=127.0.0.1:0").port["udp"]
    return CONFIG.format(port=port, more=more)


def test_a_config_that_becomes_a_pipe(bench):
    d = bench.daemon(config(bench)).ready()
    d.config.unlink()
    os.mkfifo(d.config)
    status, _, body = d.reload()
    assert status == 500 and b"not a regular file" in body, body
    assert d.request("/-/healthy")[0] == 200
    events = d.api("events")["events"]
    failed = [e for e in events if e["event"] == "config_reload_failed"]
    assert failed and not failed[0]["cause"].endswith("\n"), failed
    assert d.stop() == 0


def test_a_state_file_that_is_a_pipe(bench, tmp_path):
    os.mkfifo(tmp_path / "state")
    d = bench.daemon(config(bench, "state_file: state")).ready()
    assert "cannot be read" in d.text()
    d.stop()
    assert (tmp_path / "state").is_file()


def test_the_state_interval_is_reloaded(bench, tmp_path):
    text = config(bench, "state_file: state\nstate_interval: 1h")
    d = bench.daemon(text).ready()
    d.write(text.replace("1h", "1s"))
    assert d.reload()[0] == 200
    wait("the state to be saved", (tmp_path / "state").exists, 10)


def test_signals_as_fast_as_they_go(bench):
    d = bench.daemon(config(bench)).ready()
    before = d.metrics().one("reachd_requests_total")
    for _ in range(200):
        d.signal(signal.SIGHUP)
    wait("requests", lambda: d.metrics().one("reachd_requests_total") > before + 4)
    m = d.metrics()
    assert m.sum("reachd_requests_lost_total") == 0
    assert m.sum("reachd_probes_missed_total") == 0
    d.signal(signal.SIGTERM)
    d.signal(signal.SIGHUP)
    d.signal(signal.SIGTERM)
    assert d.stop() == 0


def test_a_stopped_process_is_a_stall_and_no_loss(bench):
    r = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0", "--delay=150ms")
    d = bench.daemon(f"""
defaults: {{interval: 500ms, timeout: 300ms, windows: [10s, 1m]}}
media:
  clusters:
    - {{name: a, class: public, udp: ["stun:127.0.0.1:{r.port['udp']}"],
        tcp: ["stun:127.0.0.1:{r.port['tcp']}"]}}
""").ready()
    before = d.metrics()
    d.signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        d.child.wait(6)
    d.signal(signal.SIGCONT)
    total = before.sum("reachd_probes_total")
    wait("probes", lambda: d.metrics().sum("reachd_probes_total") > total + 8)
    m = wait("every missed start to be told", lambda: (m := d.metrics()).one(
        "reachd_probes_missed_total", reason="stall") >= 20 and m)
    assert m.one("reachd_probes_missed_total", reason="overrun") == 0
    assert m.sum("reachd_requests_lost_total") == 0
    assert max(v for _, v in m.all("reachd_rolling_rtt_max_seconds")) < 0.3


def test_a_name_is_not_down_while_there_is_no_network(bench):
    ns = bench.netns("empty")
    d = bench.daemon("""
defaults: {interval: 500ms, timeout: 300ms, windows: [10s, 1m]}
resolver: 192.0.2.53
thresholds: {down_after: 1}
targets: [{name: web, probe: tcp, address: "www.example.net:443"}]
""", inside=ns)
    m = wait("a few rounds", lambda: (m := d.metrics()).sum("reachd_requests_local_total") > 2 and m)
    assert m.one("reachd_target_state", target="web", state="unknown") == 1
    assert "target_down" not in d.text()


def test_clients_that_take_all_descriptors(bench):
    d = bench.daemon(config(bench), binary=RELEASE).ready()
    used = len(os.listdir(f"/proc/{d.pid}/fd"))
    subprocess.run(["prlimit", f"--pid={d.pid}", f"--nofile={used + 6}"], check=True)
    clients = [socket.create_connection(("127.0.0.1", d.port)) for _ in range(30)]
    wait("the complaint", lambda: "limit" in d.text())
    for c in clients:
        c.close()
    wait("an answer", lambda: d.request("/-/healthy")[0] == 200, 10)
    wait("probes to work", lambda: d.metrics().one("reachd_target_up") == 1)


def test_no_memory_for_a_thread(bench):
    """A reload is refused at once rather than never answered; what needs no
    more memory goes on, and with some the reload is done."""
    d = bench.daemon(config(bench), binary=RELEASE).ready()
    size = int(re.search(r"VmSize:\s+(\d+) kB", pathlib.Path(f"/proc/{d.pid}/status").read_text())[1]) * 1024
    resource.prlimit(d.pid, resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))
    try:
        status, _, body = d.reload()
        assert status == 503 and b"out of threads" in body, (status, body)
        before = d.metrics().one("reachd_requests_total")
        wait("more requests", lambda: d.metrics().one("reachd_requests_total") > before)
    finally:
        resource.prlimit(d.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert d.reload()[0] == 200
    assert d.stop() == 0
