"""DISMAN-PING-MIB through the snmpd of the distribution: the same requests
that the API counts, and every table of both modules as managers read them."""

import re
import socket
import subprocess

import pytest

import disman
from harness import TOP, free_port, tool, wait
from test_snmp import ENV, Master, connected, ietf_modules, number

PING = "1.3.6.1.2.1.80.1"
CONFIG = """
defaults: {{interval: 500ms, timeout: 300ms, count: 3, windows: [10s, 1m]}}
media:
  clusters:
    - {{name: a, class: public, udp: ["stun:127.0.0.1:{udp}"], tcp: ["stun:127.0.0.1:{tcp}"]}}
targets:
  - {{name: closed, address: "127.0.0.1:{closed}", count: 5, dscp: ef}}
  - {{name: named, address: "localhost:{udp}", family: ipv4, interval: 2s}}
  - {{name: "Zürich", address: "127.0.0.1:{udp}", source: 127.0.0.1}}
  - {{name: quiet, probe: tcp, transport: tcp, address: "127.0.0.1:{tcp}", count: 1}}
snmp: {{agentx: {socket}}}
"""


@pytest.fixture
def modules(bench):
    """A directory with every module, for managers."""
    where = bench.directory / "modules"
    ietf_modules(where)
    (where / "DISMAN-PING-MIB").write_text(disman.text())
    for ours in (TOP / "mibs").glob("*.txt"):
        (where / ours.stem).write_bytes(ours.read_bytes())
    return where


@pytest.fixture
def site(bench):
    master = Master(bench).start()
    udp = bench.reflect("--listen.udp=127.0.0.1:0").port["udp"]
    tcp = bench.reflect("--listen.tcp=127.0.0.1:0").port["tcp"]
    d = bench.daemon(CONFIG.format(
        udp=udp, tcp=tcp, closed=free_port(socket.SOCK_DGRAM), socket=master.socket)).ready()
    wait("the subagent", lambda: connected(d))
    return master, d


def oid(suffix):
    return tuple(int(x) for x in f"{PING}.{suffix}".split("."))


def octets(value):
    assert value[0] in ("Hex-STRING", "STRING") or value[1] == '""', value
    return bytes.fromhex(value[1]) if value[0] == "Hex-STRING" else value[1].strip('"').encode()


def rows(found, prefix):
    """Name of the target (and number) to column to value."""
    out, p = {}, oid(prefix) + (1,)
    for k, v in found.items():
        if k[:len(p)] != p:
            continue
        column, rest = k[len(p)], k[len(p) + 1:]
        assert rest[:7] == (6, *b"reachd"), k
        length = rest[7]
        key = bytes(rest[8:8 + length]).decode()
        assert len(rest) in (8 + length, 9 + length), k
        if len(rest) == 9 + length:
            key = (key, rest[-1])
        out.setdefault(key, {})[column] = v
    return out


def test_values_are_those_of_the_api(site):
    master, d = site
    wait("requests", lambda: d.metrics().sum("reachd_requests_total") > 60, 40)

    def same():
        before = d.api("targets")["targets"]
        found = master.walk(PING)
        after = d.api("targets")["targets"]
        assert [t["requests"] for t in before] == [t["requests"] for t in after]
        return found, after

    found, targets = wait("a quiet moment", same)
    assert number(found[oid("1.0")]) == 0
    control, results, history = (rows(found, t) for t in ("2", "3", "4"))
    names = {t["target"] for t in targets}
    assert set(control) == set(results) == names and len(names) == 6
    assert {"Zürich", "closed", "named", "quiet"} < names
    for t in targets:
        c, r = control[t["target"]], results[t["target"]]
        h = {n: v for (name, n), v in history.items() if name == t["target"]}
        assert set(c) == set(range(3, 24))
        # Nothing was local here: requests are numbered as they are counted.
        assert max(h) == t["requests"] and len(h) == min(50, t["requests"])
        assert sorted(h) == list(range(max(h) - len(h) + 1, max(h) + 1))
        newest = [h[n] for n in sorted(h)][-number(c[7]):]
        answered = [number(v[2]) for v in newest if number(v[3]) == 1]
        assert number(r[8]) == len(newest) and number(r[7]) == len(answered)
        assert number(r[9]) == sum(ms * ms for ms in answered)
        assert number(r[4]) == min(answered, default=0)
        assert number(r[5]) == max(answered, default=0)
        assert number(r[4]) <= number(r[6]) <= number(r[5])
        assert number(r[1]) == number(c[8]) == 1
        assert number(c[6]) == 1 and number(c[23]) == 1 and number(c[12]) == 5
        if t["last_rtt_seconds"] is not None:
            assert 0 <= number(h[max(h)][2]) - t["last_rtt_seconds"] * 1000 <= 1
            assert len(octets(r[10])) == 11
    closed = history[("closed", max(n for name, n in history if name == "closed"))]
    assert number(closed[3]) == 2 and number(closed[4]) == 4 and 10 not in results["closed"]
    # 15 requests in three rounds of five; 15 of three; 15 of one.
    assert [number(control[n][7]) for n in ("closed", "named", "quiet")] == [15] * 3
    assert [number(control[n][10]) for n in ("closed", "named", "quiet")] == [2, 10, 8]
    assert number(control["closed"][22]) == 46 << 2
    assert number(control["named"][3]) == 16 and octets(control["named"][4]) == b"localhost"
    assert octets(results["named"][3]) == bytes([127, 0, 0, 1])
    assert octets(control["Zürich"][4]) == octets(control["Zürich"][19]) == bytes([127, 0, 0, 1])
    assert octets(results["Zürich"][3]) == b"" and number(results["Zürich"][2]) == 0
    assert control["quiet"][16][1].endswith("1.3.6.1.2.1.80.3.4")
    assert control["closed"][16][1].endswith("5004.3.1")


def test_every_way_of_asking(site):
    master, d = site
    # Those that are asked three times a half second keep fifty by now.
    wait("full histories", lambda: len(rows(master.walk(PING), "4")) > 200, 40)
    found = master.walk(PING)
    oids = list(found)
    assert oids == sorted(oids)
    # The control table does not move under a walk.
    fixed = [o for o in oids if o[len(oid("2")) - 1] == 2]
    for repetitions in (1, 9, 500):
        w = master.walk(f"{PING}.2", options=(f"-Cr{repetitions}",))
        assert list(w) == fixed
    dotted = [".".join(map(str, o)) for o in fixed]
    for k in range(0, len(dotted), 30):
        assert list(master.ask("snmpget", *dotted[k:k + 30])) == fixed[k:k + 30]
        nexts = list(master.ask("snmpgetnext", *dotted[k:k + 30]))
        want = fixed[k + 1:k + 31]
        assert nexts[:len(want)] == want
    # A name that is one letter longer, one shorter, and none at all.
    key = ".".join(map(str, (6, *b"reachd")))
    for name in (b"close", b"closedd", b"CLOSED", b""):
        missing = f"{PING}.2.1.3.{key}.{'.'.join(map(str, (len(name), *name)))}"
        assert "No Such Instance" in list(master.ask("snmpget", missing).values())[0][1]
        after = list(master.ask("snmpgetnext", missing))[0]
        assert after == min(o for o in fixed if o > tuple(map(int, missing.split("."))))
    end = list(master.ask("snmpgetnext", f"{PING}.4.1.5.999"))[0]
    assert end[:len(oid("1")) - 1] != oid("1")[:-1]
    with pytest.raises(ValueError, match="notWritable|noAccess|not writable"):
        master.ask("snmpset", f"{PING}.1.0", "u", "1")


def tables(module):
    """Of a module's text: its tables."""
    return re.findall(r"^(\w+) OBJECT-TYPE\s+SYNTAX SEQUENCE OF", module.read_text(), re.M)


def test_managers_read_every_table(site, modules):
    master, d = site
    wait("requests", lambda: d.metrics().sum("reachd_requests_total") > 30)
    listed = set()
    for module in ("REACHD-MIB", "DISMAN-PING-MIB"):
        for table in tables(modules / module):
            p = subprocess.run(
                [tool("snmptable"), "-v2c", "-c", "public", "-M", modules, "-m", module,
                 "-Cf", "|", "-Ci", f"127.0.0.1:{master.port}", f"{module}::{table}"],
                capture_output=True, text=True, timeout=60, env={**ENV, "MIBS": ""})
            assert p.returncode == 0, (table, p.stdout, p.stderr)
            lines = [line for line in p.stdout.splitlines() if "|" in line]
            if not lines:
                assert "No entries" in p.stdout
                continue
            listed.add(table)
            width = lines[0].count("|")
            assert all(line.count("|") == width for line in lines), (table, p.stdout)
            if table == "pingResultsTable":
                named = [line for line in lines if "named" in line]
                assert len(named) == 1 and "enabled" in named[0], p.stdout
    assert {"reachdClusterTable", "reachdLinkTable", "reachdTargetTable", "reachdFailureTable",
            "reachdStatsTable", "reachdHistogramTable", "pingCtlTable", "pingResultsTable",
            "pingProbeHistoryTable"} <= listed


def test_what_is_served_stands_in_sysORTable(site):
    master, d = site
    ours = "1.3.6.1.4.1.8072.9999.9999.5004"

    def told():
        found = master.walk("1.3.6.1.2.1.1.9.1")
        column = lambda c: {k[-1]: v for k, v in found.items() if k[-2] == c}
        name = {i: v[1].lstrip(".") for i, v in column(2).items()}
        return sorted((name[i], octets(v).decode()) for i, v in column(3).items()
                      if name[i].startswith(ours))

    def both():
        t = told()
        assert [name for name, _ in t] == [ours, ours + ".4.1"], t
        assert "REACHD-MIB" in t[0][1] and "DISMAN-PING-MIB" in t[1][1]
        return t

    wait("both", both)
    # Another master is told again.
    master.kill()
    wait("the loss to be seen", lambda: not connected(d), 15)
    master.socket.unlink(missing_ok=True)
    master.start()
    wait("the subagent again", lambda: connected(d), 15)
    wait("both again", both)


def test_the_capabilities_are_accepted_by_compilers(modules, tmp_path):
    module = "REACHD-CAPABILITY-MIB"
    lint = subprocess.run(
        [tool("smilint"), "-s", "-m", "-l", "6", modules / module],
        env={**ENV, "SMIPATH": str(modules)}, capture_output=True, text=True)
    assert lint.stdout + lint.stderr == "", lint.stdout + lint.stderr
    # The compiler of Erlang knows no VARIATION; this is the second one.
    dump = subprocess.run(
        [tool("mibdump"), f"--mib-source=file://{modules}", "--destination-format=json",
         f"--destination-directory={tmp_path}", "--no-python-compile", module],
        capture_output=True, text=True, timeout=120, env={**ENV, "HOME": str(tmp_path)})
    assert dump.returncode == 0, dump.stdout + dump.stderr
    assert f"Created/updated MIBs: " in dump.stdout + dump.stderr
    assert (tmp_path / f"{module}.json").exists()
    p = subprocess.run([tool("snmptranslate"), "-M", modules, "-m", module, "-On",
                        f"{module}::reachdAgentCapabilities"], capture_output=True, text=True, env=ENV)
    assert p.stdout.strip() == ".1.3.6.1.4.1.8072.9999.9999.5004.4.1", p.stderr
