"""What an operator installs: Debian packages, the unit, completion."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest
import yaml

from harness import OUTPUT, RELEASE, TOP, tool, wait

DEPLOY = TOP / "deploy"
UNIT = DEPLOY / "systemd/reachd.service"


def run(*argv, **kw):
    p = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=600, **kw)
    assert p.returncode == 0, (argv, p.stdout[-4000:], p.stderr[-4000:])
    return p.stdout


# ---- packages ----

class Root:
    """A throw-away root that dpkg installs into from outside: maintainer
    scripts get DPKG_ROOT, so nothing of this host is touched."""

    def __init__(self, directory):
        self.path = directory / "root"
        for d in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "var/log", "lib", "usr"):
            (self.path / d).mkdir(parents=True)
        (self.path / "var/lib/dpkg/status").touch()
        (self.path / "var/lib/dpkg/available").touch()
        self.empty = self.files()

    def dpkg(self, *argv):
        return run("dpkg", f"--root={self.path}", "--log=/dev/null", "--force-depends",
                   "--force-not-root", "--force-script-chrootless", "--force-confdef",
                   "--force-confold", *argv,
                   env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"})

    def files(self):
        return {str(p.relative_to(self.path)) for p in self.path.rglob("*") if not p.is_dir()}


def newer(deb, directory):
    """The same package with a higher version: an upgrade without a build."""
    tree = directory / "newer"
    run("dpkg-deb", "-R", deb, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 9.9-1", control.read_text(), flags=re.M))
    run("dpkg-deb", "--root-owner-group", "-b", tree, directory / "newer.deb")
    return directory / "newer.deb"


def start(bench, root, name):
    """What the unit's ExecStart is, in the root."""
    unit = (root.path / "lib/systemd/system/reachd.service").read_text()
    program, *args = re.search(r"^ExecStart=(.*)$", unit, re.M)[1].split()
    assert args == ["$ARGS"] and "EnvironmentFile=-/etc/default/reachd" in unit
    assert (root.path / "etc/default/reachd").read_text().endswith('ARGS=""\n')
    port = root.path.parent / f"{name}.port"
    d = bench.start([f"{root.path}{program}", f"--config.file={root.path}/etc/reachd/reachd.yml",
                     "--web.listen-address=127.0.0.1:0", f"--web.port-file={port}"], name=name,
                    env={"REACHD_PROFILES": str(root.path / "usr/share/reachd/profiles")})

    def listening():
        assert d.alive(), d.text()
        return port.exists() and port.read_text().endswith("\n")

    wait("the port", listening)
    return d, f"http://127.0.0.1:{port.read_text().strip()}"


def to_a_page_and_a_dashboard(root):
    """The commands of README, one by one, within the root."""
    section = (TOP / "README.md").read_text().split("### To a page and a dashboard")[1]
    commands = re.findall(r"^    (cp .*)$", section.split("\n## ")[0], re.M)
    assert len(commands) == 4
    for d in ("prometheus", "grafana/provisioning/dashboards", "grafana/provisioning/datasources"):
        (root.path / "etc" / d).mkdir(parents=True)
    for c in commands:
        run(*[w if w == "cp" else f"{root.path}{w}" for w in c.split()])
    etc = root.path / "etc"
    config = etc / "prometheus/prometheus.yml"
    assert "[/usr/share/reachd/prometheus/*.rules.yml]" in config.read_text()
    config.write_text(config.read_text().replace("[/usr", f"[{root.path}/usr"))
    said = run(tool("promtool"), "check", "config", config)
    assert said.count("rules found") == 2, said
    run(tool("amtool"), "check-config", etc / "prometheus/alertmanager.yml")
    board, = yaml.safe_load((etc / "grafana/provisioning/dashboards/reachd.yml").read_text())[
        "providers"]
    assert len(list((root.path / board["options"]["path"][1:]).glob("*.json"))) == 5
    source, = yaml.safe_load((etc / "grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"]
    assert source["isDefault"] and source["type"] == "prometheus"
    shutil.rmtree(etc / "prometheus")
    shutil.rmtree(etc / "grafana")


def test_debian_packages(bench, tmp_path):
    out = OUTPUT / "package"
    shutil.rmtree(out, ignore_errors=True)
    run(DEPLOY / "package", out)
    debs = {p.name.split("_")[0]: p for p in out.glob("*.deb")}
    assert {"reachd", "reachd-snmp"} <= debs.keys()
    changes, = out.glob("*.changes")
    lint = run(tool("lintian"), "--fail-on", "error", changes)
    assert "E: " not in lint
    # No script of our own is run at installation; those there are debhelper's.
    assert not [p.name for p in (DEPLOY / "debian").iterdir()
                if p.name.endswith(("postinst", "preinst", "prerm"))]

    root = Root(tmp_path)
    root.dpkg("-i", debs["reachd"], debs["reachd-snmp"])
    assert re.search(r"^reachd:x:\d+:\d+:", (root.path / "etc/passwd").read_text(), re.M)
    assert (root.path / "etc/systemd/system/multi-user.target.wants/reachd.service").is_symlink()
    conffiles = run("dpkg-deb", "-I", debs["reachd"], "conffiles").split()
    assert conffiles == ["/etc/default/reachd", "/etc/reachd/reachd.yml"]
    for name in ("etc/snmp/snmpd.conf.d/reachd.conf", "usr/share/snmp/mibs/REACHD-MIB.txt",
                 "usr/lib/sysusers.d/reachd.conf", "lib/systemd/system/reachd.socket",
                 "usr/share/bash-completion/completions/reachd",
                 "usr/share/zsh/vendor-completions/_reachd",
                 "usr/share/fish/vendor_completions.d/reachd.fish",
                 "usr/share/man/man8/reachd.8.gz", "usr/share/man/man5/reachd.conf.5.gz"):
        assert (root.path / name).exists(), name
    run(f"{root.path}/usr/sbin/reachd", "--config.check",
        f"--config.file={root.path}/etc/reachd/reachd.yml",
        env={"REACHD_PROFILES": str(root.path / "usr/share/reachd/profiles")})

    to_a_page_and_a_dashboard(root)

    # As installed: it starts, and what it knows outlives an upgrade, as does
    # the configuration that was edited.
    port = bench.reflect("--listen.udp=127.0.0.1:0").port["udp"]
    config, state = root.path / "etc/reachd/reachd.yml", root.path / "var/lib/reachd/state"
    text = (f"state_file: {state}\ndefaults: {{interval: 200ms, timeout: 100ms, count: 1}}\n"
            f'targets: [{{name: mirror, address: "127.0.0.1:{port}"}}]\n')
    config.write_text(text)
    state.parent.mkdir(parents=True)  # StateDirectory= of the unit

    def probes(url):
        line = re.search(r'^reachd_probes_total\{[^}]*target="mirror"[^}]*\} (\d+)',
                         run("curl", "-fsS", f"{url}/metrics"), re.M)
        return int(line[1]) if line else 0

    d, url = start(bench, root, "before")
    wait("some probes", lambda: probes(url) >= 5)
    before = probes(url)
    assert d.stop() == 0
    saved = state.read_bytes()
    root.dpkg("-i", newer(debs["reachd"], tmp_path))
    assert config.read_text() == text and state.read_bytes() == saved
    d, url = start(bench, root, "after")
    wait("the counters to go on", lambda: probes(url) >= before)
    assert d.stop() == 0

    # Removal keeps both, purging neither; users stay, as Debian has it.
    root.dpkg("--remove", "reachd-snmp", "reachd")
    assert config.exists() and state.exists() and not (root.path / "usr/sbin/reachd").exists()
    root.dpkg("--purge", "reachd-snmp", "reachd")
    left = {f for f in root.files() - root.empty
            if not re.fullmatch(r"var/lib/dpkg/.*|etc/(passwd|group|shadow|gshadow)-?|etc/\.pwd\.lock", f)}
    assert not left, left
    assert not list(root.path.rglob("*reachd*")), list(root.path.rglob("*reachd*"))


def test_what_the_packages_are_built_with():
    """One list for the quick start and the image, one for Debian's builders."""
    text = re.sub(r"#.*", "", (DEPLOY / "packages").read_text())
    listed = {p for p in text.split() if p.endswith("-dev")} - {"libc6-dev"}
    control = (DEPLOY / "debian/control").read_text()
    needed = re.search(r"^Build-Depends:\n((?: .*\n)+)", control, re.M)[1]
    assert {line.split()[0].rstrip(",") for line in needed.splitlines()} >= listed


# ---- the unit ----

def test_the_unit_is_hardened():
    p = subprocess.run([tool("systemd-analyze"), "security", "--offline=true", "--threshold=15",
                        "--no-pager", UNIT], capture_output=True, text=True)
    assert p.returncode == 0, p.stdout[-2000:] + p.stderr
    exposure = re.search(r"Overall exposure level for reachd.service: ([\d.]+)", p.stdout)
    assert float(exposure[1]) <= 1.5


def test_the_units_are_right(tmp_path):
    """As installed: with the program in its place."""
    for name in ("usr/sbin", "bin", "etc"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copytree("/lib/systemd/system", tmp_path / "lib/systemd/system", symlinks=True)
    shutil.copy(RELEASE, tmp_path / "usr/sbin/reachd")
    shutil.copy("/bin/kill", tmp_path / "bin/kill")
    for unit in (UNIT, UNIT.with_suffix(".socket")):
        shutil.copy(unit, tmp_path / "lib/systemd/system")

    def verify():
        p = subprocess.run([tool("systemd-analyze"), "verify", "--man=no", f"--root={tmp_path}",
                            "reachd.service", "reachd.socket"], capture_output=True, text=True)
        return [line for line in p.stderr.splitlines() if "reachd" in line]

    assert not verify(), verify()
    with open(tmp_path / "lib/systemd/system/reachd.service", "a") as f:
        f.write("[Service]\nRestrictEverything=yes\n")
    assert any("RestrictEverything" in line for line in verify())
    said = run(tool("systemd-sysusers"), "--dry-run", f"--root={tmp_path}",
               DEPLOY / "systemd/reachd.sysusers")
    assert "reachd" in said or said == ""


def allowed():
    """System calls that the unit's filters leave."""
    groups, name = {}, None
    for line in run(tool("systemd-analyze"), "syscall-filter", "--no-pager").splitlines():
        if re.match(r"@\S+$", line):
            name = line.strip()
            groups[name] = set()
        elif line.startswith("    ") and name and not line.strip().startswith("#"):
            groups[name].add(line.strip())

    def members(group):
        return {c for m in groups[group] for c in (members(m) if m[0] == "@" else {m})}

    calls = set()
    for row in re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.M):
        listed = {c for g in row.lstrip("~").split() for c in members(g)}
        calls = calls - listed if row[0] == "~" else calls | listed
    assert len(calls) > 200 and "chown" not in calls and "sendmsg" in calls
    # What a process does before the filter is in force.
    return calls | {"execve", "arch_prctl"}


# What a target of a kind has to say besides its address.
MUST = {"dns": ", query: example.net", "sip_mtls": ", client_cert: me.pem, client_key: me.pem"}


def kinds():
    """Every probe over every transport, as include/kinds.def has them."""
    text = (TOP / "include/kinds.def").read_text()
    rows = re.findall(r"^KIND\((\w+), (\w+), (-?\d+),", text, re.M)
    assert len(rows) > 10, rows
    return [(probe, transport.lower(), int(port)) for probe, transport, port in rows]


def targets(port):
    lines = []
    for i, (probe, transport, usual) in enumerate(kinds()):
        over = next(t for t, names in (("tls", "tls https wss"), ("udp", "udp ntp"), ("tcp", ""))
                    if any(n in transport for n in names.split()) or not names)
        at = "127.0.0.1" if usual < 0 else f"127.0.0.1:{port[over]}"
        where = (f'url: "{transport}://{at}/"' if probe in ("https", "wss") else
                 f'transport: {transport}, address: "{at}"')
        lines.append(f"  - {{name: k{i}, probe: {probe}, {where}"
                     f"{MUST.get(probe, '')}{MUST.get(transport, '')}}}\n")
    return "".join(lines)


def test_it_needs_no_other_system_calls(bench, tmp_path):
    """Everything that it does, seen by strace, is in the unit's filter; and
    what it does stays within the unit's address families."""
    reflect = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0",
                            "--listen.tls=127.0.0.1:0")
    trace = tmp_path / "trace"
    at = {k: f"stun:127.0.0.1:{v}" for k, v in reflect.port.items()}
    (tmp_path / "reachd.yml").write_text(
        f"state_file: {tmp_path}/state\nsnmp: {{agentx: {tmp_path}/agentx}}\n"
        f"defaults: {{interval: 500ms, timeout: 300ms}}\n"
        f"media: {{clusters: [{{name: a, udp: ['{at['udp']}', 'stun:localhost:9'],"
        f" tcp: ['{at['tcp']}'], xtls: ['{at['tls']}']}}]}}\n"
        f"targets:\n  - {{name: six, address: '[::1]:9', dscp: ef}}\n" + targets(reflect.port))
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", "/CN=me", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem")
    (tmp_path / "me.pem").write_text((tmp_path / "cert.pem").read_text() +
                                     (tmp_path / "key.pem").read_text())
    d = bench.start([tool("strace"), "-f", "-qq", "-o", trace, RELEASE,
                     f"--config.file={tmp_path}/reachd.yml", "--web.listen-address=127.0.0.1:0",
                     f"--web.listen-address=unix:{tmp_path}/http",
                     f"--web.port-file={tmp_path}/port", "--web.enable-lifecycle"])
    wait("the port", lambda: (tmp_path / "port").read_text().count("\n") == 2, 60)
    url = f"http://127.0.0.1:{(tmp_path / 'port').read_text().split()[0]}"
    wait("all transports", lambda: len(re.findall(
        r"^reachd_target_up\{.*\} 1$", run("curl", "-fsS", f"{url}/metrics"), re.M)) >= 3, 60)
    ended = r'^reachd_probes_total\{[^}]*target="(\w+)"[^}]*\} [1-9]'
    wait("every kind", lambda: len(set(re.findall(
        ended, run("curl", "-fsS", f"{url}/metrics"), re.M))) >= len(kinds()), 60)
    run("curl", "-fsS", "-X", "POST", f"{url}/-/reload")
    run("curl", "-fsS", "--compressed", f"{url}/")
    pid = int(pathlib.Path(f"/proc/{d.pid}/task/{d.pid}/children").read_text().split()[0])
    os.kill(pid, 15)
    d.child.wait(30)
    text = trace.read_text()
    used = set(re.findall(r"^\d+ +(\w+)\(", text, re.M))
    assert {"sendto", "recvmmsg", "epoll_wait"} & used and "exit_group" in used, used
    # It raises its limit of open files where it may; the unit has set it.
    assert used - allowed() <= {"setrlimit"}, used - allowed()
    families = set(re.findall(r"socket\(AF_(\w+)", text))
    granted = re.search(r"^RestrictAddressFamilies=(.*)$", UNIT.read_text(), re.M)[1]
    assert families <= {f[3:] for f in granted.split()} and len(families) >= 3, families
    assert not re.search(r"mmap\(.*PROT_WRITE\|PROT_EXEC", text)


# ---- completion ----

BASH = """
. /usr/share/bash-completion/bash_completion
. "$1"; shift
COMP_LINE=$1; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_POINT=${#COMP_LINE}
_reachd 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""

CASES = [
    (["reachd", "--log.level", "=", ""], {"debug", "info", "warn", "error"}),
    (["reachd", "--log.format", "=", "j"], {"json"}),
    (["reachd", "pri"], {"print"}),
    (["reachd", "print", "wo"], {"words"}),
    (["reachd", "reflect", "--tls."], {"--tls.cert", "--tls.key", "--tls.require-sni"}),
    (["reachd", "--config.c"], {"--config.check"}),
    (["reachd", "--config.file", "=", "/etc/hostna"], {"/etc/hostname"}),
    (["reachd", "--shard", "=", ""], set()),
]


def line_of(words):
    return re.sub(r" = ?", "=", " ".join(words))


@pytest.mark.parametrize("words,want", CASES, ids=[line_of(w) for w, _ in CASES])
def test_completion(words, want):
    got = run("bash", "-c", BASH, "bash", DEPLOY / "completion/reachd.bash", line_of(words), *words)
    assert {w.rstrip("=") for w in got.split()} == want, got
    got = run("fish", "-c", f"source {shlex.quote(str(DEPLOY / 'completion/reachd.fish'))}; "
              f"complete -C {shlex.quote(line_of(words))}")
    assert {line.split("\t")[0].split("=")[-1] for line in got.splitlines()} == want, got


ZSH = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D
PROMPT=; RPROMPT=; unsetopt zle_bracketed_paste prompt_cr beep; stty -echo
compadd() {
  local -a out; builtin compadd -O out \"\$@\"
  (( \$#out )) && print -rl -- \$out >>$3
  builtin compadd \"\$@\"
}
zle-line-init() { print -n ZLE'UP' >/dev/tty }; zle -N zle-line-init
bindkey '^I' complete-word"
zpty -r z line '*ZLEUP*'
zpty -w -n z "$2"$'\t'
zpty -w -n z $'\C-u'"print DO'NE'"$'\n'
zpty -r z line '*DONE*'
zpty -d z
"""


@pytest.mark.parametrize("words,want", CASES, ids=[line_of(w) for w, _ in CASES])
def test_completion_of_zsh(tmp_path, words, want):
    """A shell on a terminal of its own, and what it adds when TAB is hit."""
    shutil.copy(DEPLOY / "completion/reachd.zsh", tmp_path / "_reachd")
    (tmp_path / "out").touch()
    run("zsh", "-f", "-c", ZSH, "zsh", tmp_path, line_of(words), tmp_path / "out")
    got = set((tmp_path / "out").read_text().split()) - {"etc", words[1]}
    assert got == {pathlib.PurePath(w).name for w in want}, got


@pytest.mark.parametrize("command", [[], ["reflect"], ["print"]], ids=str)
def test_completion_has_every_option(command):
    options = re.findall(r"^  --([\w.-]+)", run(RELEASE, *command, "--help"), re.M)
    for shell in ("bash", "zsh", "fish"):
        text = (DEPLOY / f"completion/reachd.{shell}").read_text()
        for o in options:
            assert (f"-l {o} " if shell == "fish" else f"--{o}") in text, (shell, o)


