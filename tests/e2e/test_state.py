"""The state file: what it keeps over a restart for those who number things by
it, and that only one daemon writes to it."""

import signal
import time

from harness import ASAN, Process, wait

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
