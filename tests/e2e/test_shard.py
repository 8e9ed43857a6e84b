"""A list of targets that three processes split without talking."""

import pathlib
import re
import subprocess

from harness import ASAN

HEAD = "defaults: {interval: 1s, timeout: 300ms, count: 1}\ntarget_files: [more.yml]\n"


def config(port):
    lines = [HEAD, "media:", "  clusters:"]
    for c in range(12):
        nodes = ", ".join(f'"stun:127.0.{c}.{n + 1}:{port}"' for n in range(1 + c * 7 % 6))
        lines.append(f"  - {{name: c{c}, udp: [{nodes}]}}")
    lines.append("targets:")
    for t in range(40):
        at = f", media_cluster: c{t % 12}" if t % 8 == 0 else ""
        lines.append(f'- {{name: t{t}, probe: stun, address: "127.1.{t}.1:{port}"{at}}}')
    return "\n".join(lines) + "\n"


def names(d):
    return {t["target"]: t["media_cluster"] for t in d.api("targets")["targets"]}


def expect_split(whole, parts):
    union = {}
    for p in parts:
        for name, cluster in names(p).items():
            assert name not in union, name
            union[name] = cluster
    assert union == names(whole)
    clusters = [{c for c in names(p).values() if c} for p in parts]
    assert sum(map(len, clusters)) == len(set().union(*clusters)) == 12, clusters
    # Clusters of other parts are not shown as ones without nodes.
    for p, own in zip(parts, clusters):
        assert {c["media_cluster"] for c in p.api("clusters")["clusters"]} == own
    return [len(names(p)) for p in parts]


def test_three_daemons(bench, tmp_path):
    port = bench.reflect("--listen.udp=0.0.0.0:0").port["udp"]
    (tmp_path / "more.yml").write_text("[]\n")
    text = config(port)
    whole = bench.daemon(text, name="whole").ready()
    parts = [bench.daemon(text, name=f"part{i}", args=[f"--shard=reachd-{i}/3"]).ready()
             for i in range(3)]
    m = whole.metrics()
    assert (m.one("reachd_shard"), m.one("reachd_shards")) == (0, 1)
    for i, p in enumerate(parts):
        m = p.metrics()
        assert (m.one("reachd_shard"), m.one("reachd_shards")) == (i, 3)
        assert m.one("reachd_targets") == len(names(p)) > 0
    before = expect_split(whole, parts)
    assert max(before) - min(before) <= 8, before
    # The configuration check counts as they do.
    said = subprocess.run([ASAN, "--config.check", "--shard=0/3", f"--config.file={whole.config}"],
                          capture_output=True, text=True, check=True).stdout
    assert [int(n) for n in re.findall(r"^shard \d/3: (\d+) targets", said, re.M)] == before
    # A longer list is split anew; what was there stays with its process.
    had = [names(p).keys() for p in parts]
    pathlib.Path(tmp_path / "more.yml").write_text(
        f"- targets: [{', '.join(f'127.2.{i}.1:{port}' for i in range(9))}]\n")
    for d in (whole, *parts):
        assert d.reload()[0] == 200
    after = expect_split(whole, parts)
    assert sum(after) == sum(before) + 9
    kept = sum(len(h & names(p).keys()) for h, p in zip(had, parts))
    assert kept >= sum(before) - 6, (before, after, kept)
