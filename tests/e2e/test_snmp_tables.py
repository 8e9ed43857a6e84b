"""Every statistic that both faces show: each cell of each table, as snmptable
reads it with the module, is the sample of the same moment on /metrics; and
neither has one that the other lacks. What there is comes from the tables."""

import datetime
import re
import socket
import subprocess

from harness import TOP, free_port, tool, wait
from test_snmp import ENV, Master, connected, ietf_modules

# Long intervals, that nothing changes while it is read.
CONFIG = """
defaults: {{interval: 40s, timeout: 300ms, count: 3, spacing: 20ms, windows: [1m, 5m]}}
thresholds: {{down_after: 1}}
media:
  clusters:
    - {{name: fra, class: public, service: Webex, region: eu-central, udp: ["stun:127.0.0.1:{udp}"], tcp: ["stun:127.0.0.1:{tcp}"], xtls: ["stun:127.0.0.1:{tls}"]}}
    - {{name: mesh, class: video_mesh, udp: ["stun:127.0.0.1:{udp2}"]}}
    - {{name: gone, class: reference, udp: ["stun:127.0.0.1:{closed}"]}}
targets:
  - {{name: alone, probe: tcp, address: "127.0.0.1:{tcp}"}}
  - {{name: web, probe: https, url: "https://127.0.0.1:{tls}/", via: [hq]}}
proxies:
  - {{name: hq, url: "http://127.0.0.1:{tcp}"}}
snmp: {{agentx: {socket}}}
profiles: [{{name: {profile}, products: [phone]}}]
"""
TEXT = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
PROFILE = """
format: 1
id: own
vendor: ours
default: "1"
revisions: [{id: "1", source: "a test"}]
media: {prefer: [udp, tcp, tls], ports: {udp: [10000]}, tls: {sni: none, verify: report}, subnets: []}
products: {phone: a telephone}
requirements:
  - {id: M-01, section: media, text: "Media over UDP.", users: [phone], derive: [{rule: media_preferred, transport: udp}]}
  - {id: M-02, section: media, text: "Media over TCP.", users: [phone], derive: [{rule: media_preferred, transport: tcp}]}
  - {id: W-01, section: web, text: "The web.", hosts: [{supply: a name}], probe: [{probe: https}]}
"""
INDEX_LABELS = {"MIB_REQUIREMENT": "id", "MIB_PROXY": "proxy", "MIB_TARGET": "target", "MIB_CLUSTER": "media_cluster", "MIB_TRANSPORT": "transport",
                "MIB_REASON": "reason", "MIB_WINDOW": "window"}


def source(name):
    return re.sub(r"/\*.*?\*/", "", (TOP / "include" / name).read_text(), flags=re.S)


def statistics():
    """Those with an object and a family: (scope, nature, unit, object, family)."""
    found = []
    for m in re.finditer(r"^STAT\((\w+),\s*\w+,\s*(\w+),\s*(\w+),\s*(\d+),\s*(\w+),\s*" + TEXT + ",",
                         source("stats.def"), re.M):
        family = "".join(re.findall(r'"([^"]*)"', m[6]))
        if int(m[4]) and family:
            found.append((m[1], m[2], m[3], "reachd" + m[5], family))
    return found


def units():
    """Name to (suffix, what SNMP has of one)."""
    found = {}
    for m in re.finditer(r'^UNIT\((\w+), "(\w*)", (\d+), \w+,\s*"[^"]*",\s*"[^"]*",\s*(\d+)\)', source("units.def"), re.M):
        found[m[1]] = (m[2], 10 ** int(m[3]) / int(m[4]))
    return found


def labels_of():
    """Scope to the labels of its items."""
    return {m[1]: set(m[2].split(",")) for m in re.finditer(r'^SCOPE\((\w+), "([^"]*)"\)', source("stats.def"), re.M)}


def tables():
    """Scope to (name, indexes); None: scalars."""
    text = source("mib.def")
    found = {m[1]: None for m in re.finditer(r"^MIB_SCALARS\((\w+),", text, re.M)}
    for m in re.finditer(r"^MIB_TABLE\((\w+),\s*\w+,\s*\d+,\s*\d+,\s*(\w+),\s*\(([^)]*)\)", text, re.M):
        found[m[1]] = (m[2], [i.strip() for i in m[3].split(",")])
    return found


def camel(word):
    return re.sub(r"_(\w)", lambda m: m[1].upper(), word)


class Reader:
    def __init__(self, master, mibs):
        self.end = [f"127.0.0.1:{master.port}"]
        self.begin = ["-v2c", "-c", "public", "-M", mibs, "-m", "REACHD-MIB", "-r0", "-t5"]

    def _run(self, program, *args):
        p = subprocess.run([tool(program), *self.begin, *args], capture_output=True, text=True, timeout=60, env=ENV)
        assert p.returncode == 0, p.stderr
        return p.stdout

    def table(self, name):
        """Index to column to text; what has no instance is left out."""
        out = self._run("snmptable", "-OU", "-Ci", "-Cf", "|", "-Ob", *self.end, f"reachd{name}Table")
        lines = [line for line in out.splitlines()[1:] if line]
        if not lines:
            return {}
        header = lines[0].split("|")
        return {row[0]: {c: v for c, v in zip(header[1:], row[1:]) if v != "?"}
                for row in (line.split("|") for line in lines[1:])}

    def scalar(self, name):
        out = self._run("snmpget", "-OqvU", *self.end, f"{name}.0")
        return None if "No Such" in out else out.strip()


def seconds(text):
    """DateAndTime as net-snmp shows it."""
    d = [int(n) for n in re.findall(r"\d+", text)]
    at = datetime.datetime(*d[:6], tzinfo=datetime.timezone.utc)
    return at.timestamp() + d[6] / 10


def agree(nature, unit, cell, value, each):
    """Whether a cell says what a sample does."""
    if unit == "BOOL":
        return cell == ("true" if value else "false")
    if unit == "TIMESTAMP":
        return abs(seconds(cell) - value) < 0.1001
    if unit == "PPM":  # the display hint makes percent of it
        cell = str(round(float(cell) * 10000))
    return int(cell) == int(value * each + 1e-6)


class Faces:
    """One reading of both."""

    def __init__(self, daemon, reader):
        self.metrics = daemon.metrics()
        self.reader = reader
        self.tables = {}
        self.names = {
            "MIB_TARGET": self._names("TargetName"), "MIB_CLUSTER": self._names("ClusterName"),
            "MIB_REQUIREMENT": self._names("RequirementId"), "MIB_PROXY": self._names("ProxyName"),
            "MIB_WINDOW": {"60": "1m", "300": "5m"},
            "MIB_TRANSPORT": self._words(r"^WORD\(transport, \w+, (\d+), \"(\w+)\"\)", "words.def"),
            "MIB_REASON": self._words(r"^OUTCOME\(\w+, (\d+), (?:\w+, )*\"?(\w+)\"?", "outcomes.def")}

    def _names(self, column):
        rows = self.table(re.match("[A-Z][a-z]+", column)[0])
        return {i: row[f"reachd{column}"] for i, row in rows.items()} | {"0": ""}

    @staticmethod
    def _words(pattern, name):
        return dict(re.findall(pattern, source(name), re.M))

    def table(self, name):
        if name not in self.tables:
            self.tables[name] = self.reader.table(name)
        return self.tables[name]

    def labels(self, indexes, index):
        return {INDEX_LABELS[i]: self.names[i][part]
                for i, part in zip(indexes, index.split(".")) if i in INDEX_LABELS}

    def word(self, family, scope, labels):
        """Of a state set: the one that is, by the label that its items lack."""
        on = [lab for lab, v in self.metrics.all(family, **labels) if v == 1]
        assert len(on) == 1, (family, labels, on)
        return camel(*[v for k, v in on[0].items() if k not in scope])

    def histogram(self, family, indexes, obj, name):
        """Cells compared; a bound is a label there."""
        cells = 0
        for index, row in self.table(name).items():
            labels = {k: v for k, v in self.labels(indexes, index).items() if v or k != "target"}
            bound = int(index.split(".")[-1])
            le = "+Inf" if bound == 2**32 - 1 else bound / 1e6
            samples = [v for lab, v in self.metrics.all(family + "_seconds_bucket", **labels)
                       if (lab["le"] == le if le == "+Inf" else lab["le"] != "+Inf" and
                           abs(float(lab["le"]) - le) < 1e-9)]
            assert samples == [float(row[obj])], (family, index, labels, row, samples)
            cells += 1
        assert cells == len(self.metrics.all(family + "_seconds_bucket"))
        return cells


def compared(faces, known):
    """Compares all; returns how many cells of each kind of thing."""
    count = {}
    shapes, own = tables(), labels_of()
    for scope, nature, unit, obj, family in statistics():
        suffix, each = known[unit]
        metric = family + suffix + ("_total" if nature == "COUNTER" else "")
        if shapes[scope] is None:
            cell = faces.reader.scalar(obj)
            samples = faces.metrics.all(metric)
            assert (cell is None) == (not samples), (obj, cell, samples)
            if cell is not None:
                assert agree(nature, unit, cell, sum(v for _, v in samples), each), (obj, cell, samples)
            n = len(samples)
        elif nature == "HISTOGRAM":
            n = faces.histogram(family, shapes[scope][1], obj, shapes[scope][0])
        else:
            n = 0
            name, indexes = shapes[scope]
            for index, row in faces.table(name).items():
                labels = faces.labels(indexes, index)
                if obj not in row:
                    continue
                n += 1
                if nature == "STATESET":
                    assert row[obj] == faces.word(metric, own[scope], labels), (obj, index)
                else:
                    value = faces.metrics.one(metric, **labels)
                    assert agree(nature, unit, row[obj], value, each), (obj, index, row[obj], value)
            of = {tuple(sorted((k, v) for k, v in lab.items() if k in own[scope]))
                  for lab, _ in faces.metrics.all(metric)}
            assert n == len(of), (obj, metric, n, of)
        count[scope] = count.get(scope, 0) + n
    return count


def test_every_cell_is_its_sample(bench):
    mibs = bench.directory / "mibs"
    ietf_modules(mibs)
    (mibs / "REACHD-MIB").write_bytes((TOP / "mibs/REACHD-MIB.txt").read_bytes())
    master = Master(bench).start()
    peer = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0",
                         "--listen.tls=127.0.0.1:0", "--delay=3ms")
    other = bench.reflect("--listen.udp=127.0.0.1:0", "--delay=9ms")
    profile = bench.directory / "own.yml"
    profile.write_text(PROFILE)
    d = bench.daemon(CONFIG.format(**peer.port, profile=profile, udp2=other.port["udp"], closed=free_port(socket.SOCK_DGRAM),
                                   socket=master.socket)).ready(60)
    wait("the subagent", lambda: connected(d))
    reader, known = Reader(master, mibs), units()

    def same():
        faces = Faces(d, reader)
        count = compared(faces, known)
        kept = lambda m: [line for line in m.text.splitlines() if re.match(
            r"reachd_(target|probe|rolling|requests|rtt_seconds|cluster|tls|failures)", line)]
        assert kept(faces.metrics) == kept(d.metrics())
        return count

    count = wait("a quiet moment", same, 90, 0.5)
    told = {r["reachdClusterName"]: (r.get("reachdClusterService"), r.get("reachdClusterRegion"))
            for r in reader.table("Cluster").values()}
    assert told == {"fra": ("Webex", "eu-central"), "mesh": (None, None), "gone": (None, None)}
    for scope in ("agent", "target", "window", "failure", "rtt", "tls", "cluster", "link", "site", "requirement", "proxy"):
        assert count[scope] > 0, count
    assert count["window"] >= 6 * 2 * 10 and count["target"] > 6 * 10, count
