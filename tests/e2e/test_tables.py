"""Each table of REACHD-MIB beside what the API says at the same moment."""

import time

from harness import wait
from test_snmp import Master, column, connected, number, oid, text
from test_tls import certificate

STATES = {"unknown": 1, "up": 2, "degraded": 3, "down": 4}
TRANSPORTS = {"udp": 1, "tcp": 2, "tls": 3}
REACH = {"untested": 1, "reachable": 2, "unreachable": 3}


def micro(seconds):
    return int(round(seconds * 1e9) // 1000)


def check_clusters(found, clusters):
    names = {text(v): k[0] for k, v in column(found, "2.1.1.2").items()}
    assert set(names) == {c["media_cluster"] for c in clusters}
    for c in clusters:
        i = names[c["media_cluster"]]
        cell = lambda n: number(found[oid(f"2.1.1.{n}.{i}")])
        assert cell(5) == STATES[c["state"]]
        assert cell(10) == c["nodes"] and cell(11) == c["nodes_up"] and cell(12) == c["best"]
        assert cell(13) == c["transport_changes"]
        if c["preferred"] is None:
            assert oid(f"2.1.1.7.{i}") not in found and oid(f"2.1.1.8.{i}") not in found
        else:
            assert cell(7) == TRANSPORTS[c["preferred"]] and cell(9) == c["rank"]
            assert cell(8) == micro(c["rtt_seconds"])
        for link in c["links"]:
            row = lambda n: found.get(oid(f"2.2.1.{n}.{i}.{TRANSPORTS[link['transport']]}"))
            assert number(row(2)) == REACH[link["reach"]]
            assert number(row(3)) == link["nodes_up"]
            if link["rtt_seconds"] is None:
                assert row(4) is None
            else:
                assert number(row(4)) == micro(link["rtt_seconds"])
    return names


def check_sums(found, site, names):
    for f in site["failures"]:
        cells = [v for k, v in column(found, "3.2.1.2").items()
                 if k[:2] == (names[f["media_cluster"]], TRANSPORTS[f["transport"]])]
        assert sum(map(number, cells)) == sum(
            g["count"] for g in site["failures"]
            if (g["media_cluster"], g["transport"]) == (f["media_cluster"], f["transport"]))
    for h in site["rtt"]:
        buckets = [number(found[oid("4.2.1.2") + (names[h["media_cluster"]],
                                                  TRANSPORTS[h["transport"]], 0, bound)])
                   for bound in [round(b["le"] * 1e6) for b in h["rtt_seconds"]["buckets"][:-1]]
                   + [2**32 - 1]]
        assert buckets == [b["count"] for b in h["rtt_seconds"]["buckets"]]


def check_targets(found, targets):
    names = {text(v): k[0] for k, v in column(found, "3.1.1.2").items()}
    for t in targets:
        i = names[t["target"]]
        assert number(found[oid(f"3.1.1.12.{i}")]) == t["timeout_seconds"] * 1000
        assert abs(number(found[oid(f"3.1.1.22.{i}")]) - t["rtt_sum_seconds"] * 1e6) <= 1
        tls = t["tls"]
        if tls is None:
            assert oid(f"5.1.1.8.{i}") not in found
            continue
        cell = lambda n: found[oid(f"5.1.1.{n}.{i}")]
        assert text(cell(1)) == tls["info"]["version"]
        assert text(cell(4)) == tls["cert"]["subject"]
        assert bytes.fromhex(cell(6)[1]).hex() == tls["cert"]["fingerprint_sha256"]
        assert number(cell(3)) == micro(tls["handshake_seconds"])
        left = tls["not_after_timestamp_seconds"] - time.time()
        assert number(cell(8)) == left // 86400 == 89
        assert number(cell(9)) == (1 if tls["chain_valid"] else 2)
    lost, requests = (sum(t[k] for t in targets) for k in ("lost", "requests"))
    assert number(found[oid("1.12.0")]) == requests
    assert number(found[oid("1.13.0")]) == lost > 0


def test_every_table_is_what_the_api_says(bench, tmp_path):
    certificate(tmp_path, -1, 90)
    master = Master(bench).start()
    mirror = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tls=127.0.0.1:0",
                           f"--tls.cert={tmp_path}/cert.pem", f"--tls.key={tmp_path}/key.pem")
    udp, tls = mirror.port["udp"], mirror.port["tls"]
    d = bench.daemon(f"""
defaults: {{interval: 500ms, timeout: 300ms, count: 2, windows: [10s]}}
media:
  clusters:
    - {{name: a, udp: ["stun:127.0.0.1:{udp}"], xtls: ["stun:127.0.0.1:{tls}"]}}
    - {{name: b, udp: ["stun:127.0.0.1:1"], xtls: ["stun:127.0.0.1:{tls}"]}}
    - {{name: gone, class: video_mesh, udp: ["stun:127.0.0.1:1"]}}
snmp: {{agentx: {master.socket}}}
""").ready()
    wait("the subagent", lambda: connected(d))
    wait("requests", lambda: d.metrics().sum("reachd_requests_total") > 60)

    def same():
        # One moment: no request ended between the first read and the last.
        count = lambda ts: [t["requests"] for t in ts]
        before = d.api("targets")["targets"]
        found, clusters, site = master.walk(), d.api("clusters")["clusters"], d.api("site")
        targets = d.api("targets")["targets"]
        assert count(before) == count(targets)
        return found, clusters, site, targets

    found, clusters, site, targets = wait("a quiet moment", same)
    assert len(clusters) == 3 and len(targets) == 5
    names = check_clusters(found, clusters)
    check_sums(found, site, names)
    check_targets(found, targets)
    assert number(found[oid("1.8.0")]) == 5 and number(found[oid("1.9.0")]) == 2
    assert number(found[oid("1.10.0")]) == 3 and number(found[oid("1.11.0")]) == 1
