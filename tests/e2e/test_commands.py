"""The command line, and what is read rather than run: the sample
configurations, the manual pages, the scripts."""

import os
import pathlib
import re
import subprocess

import pytest

from harness import ASAN, PROFILES, TOP, tool


def reachd(*argv, cwd=None):
    p = subprocess.run([ASAN, *argv], capture_output=True, text=True, timeout=60, cwd=cwd,
                       stdin=subprocess.DEVNULL, env={**os.environ, "REACHD_PROFILES": PROFILES})
    assert "Sanitizer" not in p.stderr, p.stderr
    return p


@pytest.mark.parametrize("what", ["metrics", "options", "events", "words"])
def test_references(what):
    p = reachd("print", what)
    assert p.returncode == 0 and p.stderr == ""
    assert p.stdout == (TOP / f"tests/contract/{what}.md").read_text()
    with open("/dev/full", "w") as full:
        p = subprocess.run([ASAN, "print", what], stdout=full, stderr=subprocess.PIPE)
    assert p.returncode == 1 and p.stderr


def test_help_and_version():
    p = reachd("--version")
    assert p.returncode == 0 and re.match(r"reachd, version \d+\.\d+\.\d+", p.stdout), p.stdout
    for argv in (["--help"], ["reflect", "--help"], ["print", "--help"]):
        p = reachd(*argv)
        assert p.returncode == 0 and p.stdout.startswith("usage: reachd") and not p.stderr, p
    manual = re.sub(r"\\", "", (TOP / "daemon/reachd.8").read_text())
    for option in re.findall(r"^  --([\w.-]+)", reachd("--help").stdout, re.M):
        assert option in manual, f"reachd.8 does not know --{option}"
    for option in re.findall(r"^  --([\w.-]+)", reachd("reflect", "--help").stdout, re.M):
        assert option in manual, f"reachd.8 does not know reflect --{option}"


@pytest.mark.parametrize("argv,says", [
    (["--nonsense"], "--nonsense"), (["--config.file"], "config.file"),
    (["--log.level=loud"], "'loud' is none of debug, info, warn, error"),
    (["--log.format=xml"], "'xml' is neither logfmt nor json"),
    (["run"], "'run' is no command and no option"),
    (["--config.check", "extra"], "'extra'"),
    (["print"], "usage"), (["print", "nothing"], '"nothing"'), (["print", "words", "x"], "usage"),
    (["reflect"], "--listen.udp"), (["reflect", "--listen.udp=nowhere"], "'nowhere'"),
    (["reflect", "--listen.udp=127.0.0.1:0", "--loss=101%"], "0% to 100%"),
    (["reflect", "--listen.udp=127.0.0.1:0", "--delay=1y"], "'1y'"),
    (["reflect", "--listen.tls=127.0.0.1:0", "--tls.key=k.pem"], "--tls.cert")])
def test_mistakes_on_the_command_line(argv, says):
    p = reachd(*argv)
    assert p.returncode == 2 and says in p.stderr, p
    assert not p.stdout


@pytest.mark.parametrize("argv,says", [
    (["--config.file=/nowhere/reachd.yml"], "/nowhere/reachd.yml"),
    (["--config.check", "--config.file=/nowhere/reachd.yml"], "/nowhere/reachd.yml"),
    (["reflect", "--listen.udp=192.0.2.1:0"], "192.0.2.1"),
    (["reflect", "--listen.tls=127.0.0.1:0", "--tls.cert=/nowhere/c.pem"], "/nowhere/c.pem")])
def test_what_cannot_be_done(argv, says):
    p = reachd(*argv)
    assert p.returncode == 1 and says in p.stderr, p


def yaml_of_readme():
    return re.search(r"```yaml\n(.*?)```", (TOP / "README.md").read_text(), re.S)[1]


@pytest.mark.parametrize("name", ["reachd.yml", "webex.example.yml", "README.md"])
def test_samples_are_right(tmp_path, name):
    text = yaml_of_readme() if name == "README.md" else (TOP / "deploy" / name).read_text()
    (tmp_path / "reachd.yml").write_text(text)
    # What the one in README.md refers to.
    (tmp_path / "clusters.json").write_text(
        '{"clusters": {"a": {"udp": ["stun:192.0.2.1:5004"], "tcp": [], "xtls": []}}}')
    (tmp_path / "targets.d").mkdir()
    (tmp_path / "targets.d/a.yml").write_text("- targets: ['192.0.2.2:5004']\n")
    p = reachd("--config.check", "--config.file=reachd.yml", cwd=tmp_path)
    assert p.returncode == 0 and not p.stderr, p.stderr
    for word in ("targets", "series", "memory", "requests"):
        assert word in p.stdout, p.stdout


def test_check_of_a_file_with_targets(tmp_path):
    """Two UDP nodes with 5 requests in 10 s, one TCP node with 1."""
    (tmp_path / "reachd.yml").write_text("""
media:
  clusters:
    - {name: a, udp: ["stun:192.0.2.1:5004", "stun:192.0.2.2:5004"], tcp: ["stun:192.0.2.1:5004"]}
""")
    p = reachd("--config.check", "--config.file=reachd.yml", cwd=tmp_path)
    assert p.returncode == 0, p.stderr
    assert re.search(r"\b3 targets?\b|targets\s*:?\s*3\b", p.stdout), p.stdout
    assert "1.1" in p.stdout, p.stdout
    (tmp_path / "reachd.yml").write_text("defaults: {interval: 1 day}\nmedia: {cluster: []}\n")
    p = reachd("--config.check", "--config.file=reachd.yml", cwd=tmp_path)
    assert p.returncode == 1, p
    lines = p.stderr.splitlines()
    assert len(lines) >= 2 and "reachd.yml:1:22: error: defaults.interval" in lines[0], lines
    assert any("reachd.yml:2:" in line and "clusters" in line for line in lines), lines


def test_manual_pages():
    pages = sorted(str(p) for p in (TOP / "daemon").glob("reachd*.[578]"))
    assert len(pages) >= 3
    p = subprocess.run([tool("mandoc"), "-Tlint", "-Wwarning", *pages],
                       capture_output=True, text=True)
    assert p.returncode == 0, p.stdout


def test_scripts():
    scripts = ["autogen.sh", "deploy/quickstart", "deploy/need", "deploy/package", "deploy/debian/tests/smoke",
               "deploy/debian/tests/snmp", "deploy/kubernetes/generate", "deploy/debian/reachd.postrm", "tests/run", ".ci/run",
               *(str(p.relative_to(TOP)) for p in (TOP / "tests").glob("*.sh"))]
    scripts = [s for s in scripts if pathlib.Path(TOP / s).exists()]
    # What make check hands over is not assigned in the script itself.
    p = subprocess.run([tool("shellcheck"), "-x", "-S", "warning", "-e", "SC2154", *scripts],
                       cwd=TOP, capture_output=True, text=True)
    assert p.returncode == 0, p.stdout
