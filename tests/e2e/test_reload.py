"""Reload is a transaction; what did not change loses nothing. And what a
restart keeps."""

import signal
import time

from harness import ASAN, Process, wait

TWO = """
defaults: {{interval: 500ms, timeout: 300ms, count: 1, windows: [10s, 1m]}}
{state}
media:
  clusters:
    - {{name: a, class: public, udp: ["stun:127.0.0.1:{a}"]}}
    - {{name: b, class: public, udp: ["stun:127.0.0.1:{b}"]}}
"""
ONE = TWO.replace("    - {{name: b, class: public, udp: [\"stun:127.0.0.1:{b}\"]}}\n", "")


def reflectors(bench):
    return (bench.reflect("--listen.udp=127.0.0.1:0").port["udp"],
            bench.reflect("--listen.udp=127.0.0.1:0").port["udp"])


def total(d, cluster):
    return d.metrics().one("reachd_requests_total", media_cluster=cluster)


def test_unchanged_targets_keep_everything(bench):
    a, b = reflectors(bench)
    d = bench.daemon(TWO.format(a=a, b=b, state="")).ready()
    wait("some requests", lambda: total(d, "a") >= 6)
    before = total(d, "a")
    window = d.metrics().one("reachd_rolling_requests", media_cluster="a", window="1m")
    d.write(ONE.format(a=a, b=b, state=""))
    status, _, body = d.reload()
    assert status == 200, body
    wait("b to go", lambda: not d.metrics().all("reachd_target_up", media_cluster="b"))
    assert total(d, "a") >= before
    assert d.metrics().one("reachd_rolling_requests", media_cluster="a", window="1m") >= window
    d.write(TWO.format(a=a, b=b, state=""))
    d.signal(signal.SIGHUP)
    wait("b to return", lambda: d.metrics().one("reachd_target_up", media_cluster="b") == 1)
    m = d.metrics()
    assert m.one("reachd_config_reloads_total") == 2
    assert m.one("reachd_config_reload_failures_total") == 0
    # Sums over targets did not go back when b left.
    assert m.one("reachd_rtt_seconds_count", media_cluster="b") > 0


def test_a_reload_starts_a_round(bench):
    a, b = reflectors(bench)
    d = bench.daemon(TWO.format(a=a, b=b, state="").replace("500ms", "60s", 1)).ready()
    assert d.metrics().sum("reachd_probes_total") == 2
    began = time.monotonic()
    d.signal(signal.SIGHUP)
    wait("the round", lambda: d.metrics().sum("reachd_probes_total") == 4)
    assert {t["trigger"] for t in d.api("targets")["targets"]} == {"reload"}
    # As often as one likes, but a round in two seconds at most: others bear
    # the load.
    for _ in range(20):
        d.signal(signal.SIGHUP)
    assert 429 in [d.request("/-/probe", "POST")[0] for _ in range(3)]
    wait("every reload", lambda: d.metrics().one("reachd_config_reloads_total") >= 2)
    rounds = d.metrics().sum("reachd_probes_total") / 2 - 1
    assert rounds <= 1 + (time.monotonic() - began) / 2, rounds


def test_a_bad_file_changes_nothing_and_is_told(bench):
    a, b = reflectors(bench)
    d = bench.daemon(TWO.format(a=a, b=b, state="")).ready()
    before = total(d, "a")
    d.write(TWO.format(a=a, b=b, state="").replace("count: 1", "count: many, intervall: 3s"))
    status, _, body = d.reload()
    text = body.decode()
    assert status == 500 and "count" in text and ":2:" in text, text
    m = d.metrics()
    assert m.one("reachd_config_last_reload_successful") == 0
    assert m.one("reachd_config_reload_failures_total") == 1
    assert len(m.all("reachd_target_up")) == 2
    wait("probing to go on", lambda: total(d, "a") > before)
    d.write(TWO.format(a=a, b=b, state=""))
    assert d.reload()[0] == 200
    assert d.metrics().one("reachd_config_last_reload_successful") == 1


def test_a_new_interval_keeps_the_samples(bench):
    a, b = reflectors(bench)
    d = bench.daemon(TWO.format(a=a, b=b, state="")).ready()
    wait("some requests", lambda: total(d, "a") >= 6)
    before = total(d, "a")
    d.write(TWO.format(a=a, b=b, state="").replace("interval: 500ms", "interval: 300ms")
            .replace("timeout: 300ms", "timeout: 150ms").replace("1m]", "1m, 5m]"))
    assert d.reload()[0] == 200
    wait("the new interval", lambda: d.metrics().one(
        "reachd_target_interval_seconds", media_cluster="a") == 0.3)
    assert total(d, "a") >= before
    m = wait("the new window", lambda: (m := d.metrics()).all(
        "reachd_rolling_requests", media_cluster="a", window="5m") and m)
    assert m.one("reachd_rolling_requests", media_cluster="a", window="5m") >= before


def test_a_restart_keeps_counters_windows_and_order(bench, tmp_path):
    a, b = reflectors(bench)
    config = TWO.format(a=a, b=b, state="state_file: state")
    d = bench.daemon(config).ready()
    wait("some requests", lambda: total(d, "a") >= 6)
    d.stop()
    assert (tmp_path / "state").stat().st_size > 0
    e = bench.daemon(config, name="again").ready()
    m = e.metrics()
    assert m.one("reachd_requests_total", media_cluster="a") >= 6
    assert m.one("reachd_rolling_requests", media_cluster="a", window="1m") >= 6
    e.stop()
    # A damaged file is set aside and never stops the start.
    (tmp_path / "state").write_bytes((tmp_path / "state").read_bytes()[:-7] + b"garbage")
    f = bench.daemon(config, name="third").ready()
    assert list(tmp_path.glob("state.damaged*")), list(tmp_path.iterdir())
    assert "damaged" in f.text()


def test_the_end_is_quick_and_clean(bench):
    a, b = reflectors(bench)
    d = bench.daemon(TWO.format(a=a, b=1 + b if b < 65535 else 1024, state="")).ready()
    d.signal(signal.SIGTERM)
    d.child.wait(10)
    assert d.stop() == 0


def test_a_config_that_is_bad_at_the_start(bench, tmp_path):
    (tmp_path / "bad.yml").write_text("media: {clusters: [{name: x, udp: [nonsense]}]}\nfoo: 1\n")
    p = Process([ASAN, f"--config.file={tmp_path}/bad.yml"], tmp_path, "bad")
    p.child.wait(20)
    assert p.child.returncode == 1
    text = p.text()
    assert "bad.yml:1:" in text and "bad.yml:2:1" in text and "foo" in text, text
