"""The protobuf exposition: read with a decoder of its own, compared with the
text of the same moment, and taken by Prometheus as native histograms."""

import json
import math
import struct
import urllib.parse
import urllib.request

from harness import Metrics, free_port, tool, wait

ACCEPT = ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
          "encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,"
          "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
CONFIG = """
defaults: {{interval: 1s, timeout: 500ms, windows: [10s, 1m]}}
state_file: {state}
media:
  clusters:
    - {{name: 'a "b"', class: public, udp: ["stun:127.0.0.1:{udp}"], tcp: ["stun:127.0.0.1:{tcp}"]}}
"""


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def zigzag(v):
    return v >> 1 ^ -(v & 1)


def fields(data):
    """{number: [value, ...]}, by the wire alone."""
    out, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        else:
            assert key & 7 == 2, key
            n, at = varint(data, at)
            value, at = data[at:at + n], at + n
            assert len(value) == n
        out.setdefault(key >> 3, []).append(value)
    return out


def labels(pairs):
    out = {}
    for pair in pairs:
        f = fields(pair)
        out[f[1][0].decode()] = f.get(2, [b""])[0].decode()
    return out


def moment(data):
    f = fields(data)
    return f[1][0] + f.get(2, [0])[0] / 1e9


def families(data):
    """[(name, type, [(labels, fields of the value)])]"""
    out, at = [], 0
    while at < len(data):
        n, at = varint(data, at)
        f = fields(data[at:at + n])
        at += n
        metrics = []
        for metric in f[4]:
            m = fields(metric)
            value, = (m[k][0] for k in (2, 3, 7) if k in m)
            metrics.append((labels(m.get(1, [])), fields(value)))
        out.append((f[1][0].decode(), f[3][0], metrics))
    assert at == len(data)
    return out


def scrape(d):
    status, headers, data = d.request("/metrics", headers={"Accept": ACCEPT})
    assert status == 200
    assert headers["Content-Type"] == (
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
        "encoding=delimited")
    return families(data)


def deltas(data):
    out, at, total = [], 0, 0
    while at < len(data):
        v, at = varint(data, at)
        total += zigzag(v)
        out.append(total)
    return out


def native(h):
    """{index: count} and the zero count."""
    counts, index = {}, 0
    values = deltas(h.get(13, [b""])[0])
    for span in h[12]:
        f = fields(span)
        index += zigzag(f[1][0])
        for _ in range(f[2][0]):
            counts[index] = values.pop(0)
            index += 1
    assert not values
    return counts, h[7][0]


def plain(escaped):
    return escaped.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def started(bench, tmp_path):
    r = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0", "--delay=3ms")
    return bench.daemon(CONFIG.format(state=tmp_path / "state", **r.port)).ready()


def test_every_sample_is_that_of_the_text(bench, tmp_path):
    d = started(bench, tmp_path)
    wait("a whole round", lambda: d.metrics().sum("reachd_requests_total") > 20)

    def same():
        # Both of one snapshot: it is a second old at most.
        before = d.request("/metrics")[2]
        found = scrape(d)
        return before == d.request("/metrics")[2] and (Metrics(before.decode()), found)
    text, found = wait("one snapshot read in both formats", same)
    expected = {(n, tuple(sorted((k, plain(v)) for k, v in lab.items()))): v
                for n, lab, v in text.samples}
    seen = {}
    for name, kind, metrics in found:
        for lab, value in metrics:
            key = tuple(sorted(lab.items()))
            if kind == 4:
                seen[name + "_count", key] = value[1][0]
                seen[name + "_sum", key] = value[2][0]
                for bucket in map(fields, value[3]):
                    le = bucket[2][0]
                    le = "+Inf" if math.isinf(le) else repr(le)
                    key_le = tuple(sorted({**lab, "le": le}.items()))
                    seen[name + "_bucket", key_le] = bucket[1][0]
            else:
                seen[name, key] = value[1][0]
    assert not seen.keys() ^ expected.keys(), sorted(seen.keys() ^ expected.keys())[:6]
    wrong = [(k, seen[k], v) for k, v in expected.items()
             if not math.isclose(seen[k], v, rel_tol=1e-12)]
    assert not wrong, wrong[:5]
    assert any(dict(k)["media_cluster"] == 'a "b"' for n, k in seen if n == "reachd_target_up")


def test_native_buckets_agree_with_the_classic_ones(bench, tmp_path):
    d = started(bench, tmp_path)
    wait("some answers", lambda: d.metrics().sum("reachd_requests_total") > 40)
    found = {n: m for n, _, m in scrape(d)}
    for lab, h in found["reachd_rtt_seconds"]:
        counts, zero = native(h)
        assert h[5] == [6], "schema 3, as zigzag"
        assert h[6] == [2.0 ** -15]
        assert sum(counts.values()) + zero == h[1][0] > 0
        # 3 ms and more: no bucket below it has anything.
        assert all(2 ** (i / 8) >= 0.003 for i, n in counts.items() if n > 0), counts
        exemplars = [fields(b) for b in h[3] if 3 in fields(b)]
        assert exemplars
        for bucket in exemplars:
            e = fields(bucket[3][0])
            names = labels(e[1])
            assert names["address"] == "127.0.0.1"
            assert names["target"] in {t["target"] for t in d.api("targets")["targets"]}
            assert 0.003 <= e[2][0] <= bucket[2][0]
            assert abs(moment(e[3][0]) - d.metrics().one(
                "reachd_probe_last_success_timestamp_seconds", target=names["target"])) < 10
    # Counts of this process have the moment when they were 0.
    start = d.metrics().one("process_start_time_seconds")
    for lab, h in found["reachd_rtt_seconds"]:
        assert abs(moment(h[15][0]) - start) < 5
    for lab, c in found["reachd_requests_total"]:
        assert abs(moment(c[3][0]) - start) < 5
    # Over a restart the counts go on, and that moment is not known any more.
    d.stop()
    d = bench.daemon(d.config.read_text()).ready()
    again = {n: m for n, _, m in scrape(d)}
    old = {tuple(lab.items()): h for lab, h in found["reachd_rtt_seconds"]}
    for lab, h in again["reachd_rtt_seconds"]:
        counts, zero = native(h)
        before, zero_before = native(old[tuple(lab.items())])
        assert all(counts.get(i, 0) >= n for i, n in before.items()), (counts, before)
        assert sum(counts.values()) + zero == h[1][0] >= old[tuple(lab.items())][1][0]
        assert 15 not in h
    assert all(3 not in c for _, c in again["reachd_requests_total"])


def get(port, path, **query):
    url = f"http://127.0.0.1:{port}{path}?" + urllib.parse.urlencode(query)
    with urllib.request.urlopen(url, timeout=10) as r:
        return json.load(r)["data"]


def test_prometheus_takes_native_histograms_and_exemplars(bench, tmp_path):
    d = started(bench, tmp_path)
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: reachd
    static_configs: [{{targets: ["127.0.0.1:{d.port}"]}}]
""")
    bench.start([tool("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                 "--enable-feature=native-histograms,exemplar-storage",
                 f"--web.listen-address=127.0.0.1:{port}"], name="prometheus")

    def up():
        target, = get(port, "/api/v1/targets")["activeTargets"]
        assert target["health"] == "up" and target["lastError"] == "", target
        return True
    wait("the target is up", up, 60)
    quantile = wait("a quantile of native buckets", lambda: (r := get(
        port, "/api/v1/query", query='histogram_quantile(0.5, sum by (transport) '
        '(rate(reachd_rtt_seconds{transport="udp"}[30s]))) > 0')["result"]) and r)
    p50 = d.metrics().one("reachd_rolling_rtt_p50_seconds", transport="udp", window="1m")
    # Eight buckets to an octave: an error of at most 9 %, and time goes on.
    assert math.isclose(float(quantile[0]["value"][1]), p50, rel_tol=0.25), (quantile, p50)
    count = get(port, "/api/v1/query", query="histogram_count(reachd_rtt_seconds)")["result"]
    assert len(count) == 2 and all(float(c["value"][1]) > 0 for c in count), count
    exemplars = wait("exemplars", lambda: get(
        port, "/api/v1/query_exemplars", query="reachd_rtt_seconds",
        start=d.metrics().one("process_start_time_seconds"),
        end=d.metrics().one("process_start_time_seconds") + 600))
    assert all(e["labels"]["target"].startswith("a--b-") for s in exemplars
               for e in s["exemplars"]), exemplars
