"""The status page as a browser shows it, the plain-text one, and the quick
start as a newcomer runs it."""

import os
import subprocess

from harness import TOP, tool, wait

CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def browse(tmp_path, url, *more):
    return subprocess.run(
        [tool("chromium"), *CHROMIUM, f"--user-data-dir={tmp_path}/chromium", *more, url],
        capture_output=True, text=True, timeout=90)


def started(bench):
    good = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0",
                         "--listen.tls=127.0.0.1:0", "--delay=3ms")
    silent = bench.reflect("--listen.udp=127.0.0.1:0", "--loss=100%")
    return bench.daemon(f"""
defaults: {{interval: 1s, timeout: 500ms, windows: [10s, 1m]}}
media:
  clusters:
    - {{name: amsterdam, class: public, udp: ["stun:127.0.0.1:{good.port['udp']}"],
        tcp: ["stun:127.0.0.1:{good.port['tcp']}"], xtls: ["stun:127.0.0.1:{good.port['tls']}"]}}
    - {{name: london, class: public, udp: ["stun:127.0.0.1:{silent.port['udp']}"],
        tcp: ["stun:127.0.0.1:{good.port['tcp']}"]}}
""").ready()


def test_the_page_in_a_browser(bench, tmp_path, output):
    d = started(bench)
    wait("london over tcp", lambda: d.metrics().one(
        "reachd_cluster_preferred_transport", media_cluster="london", transport="tcp") == 1)
    url = f"http://127.0.0.1:{d.port}/"
    dom = browse(tmp_path, url, "--dump-dom").stdout
    for word in ("amsterdam", "london", "udp", "timeout", "metrics"):
        assert word in dom, (word, dom[:3000])
    shot = output / "status-page.png"
    browse(tmp_path, url, f"--screenshot={shot}", "--window-size=1280,1400")
    assert shot.stat().st_size > 10000
    # Nothing comes from elsewhere.
    for word in ("http://", "https://", "//cdn"):
        assert word not in d.get("/").replace("http://www.w3.org", ""), word


def test_the_same_for_a_terminal(bench):
    d = started(bench)
    wait("london over tcp", lambda: d.metrics().one(
        "reachd_cluster_preferred_transport", media_cluster="london", transport="tcp") == 1)
    status, headers, body = d.request("/status")
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    lines = body.decode().splitlines()
    assert any("amsterdam" in line and "udp" in line for line in lines), body
    assert any("london" in line and "tcp" in line for line in lines), body
    assert max(len(line) for line in lines) <= 100, body


def test_the_quick_start(tmp_path):
    env = {**os.environ, "REACHD_BUILD": os.environ.get(
        "REACHD_QUICKSTART_BUILD", str(TOP / "build/quickstart"))}
    p = subprocess.run([str(TOP / "deploy/quickstart"), "--rounds", "4"], env=env,
                       capture_output=True, text=True, timeout=900)
    assert p.returncode == 0, p.stdout[-3000:] + p.stderr[-3000:]
    last = p.stdout.split("reachd is running")[-1]
    for word in ("/metrics", "amsterdam", "frankfurt", "london"):
        assert word in last, p.stdout
    bad = subprocess.run([str(TOP / "deploy/quickstart"), "--nonsense"],
                         capture_output=True, text=True, timeout=60)
    assert bad.returncode == 2 and "--nonsense" in bad.stderr
