"""What many nodes say together: subnets of a profile, Video Mesh, the
reference group, and the profile that comes with reachd."""

import json
import subprocess

import pytest

from harness import ASAN, PROFILES, link, wait

PROFILE = """
format: 1
id: try
vendor: Nobody
default: "2"
revisions: [{id: "1", source: "a first document"}, {id: "2", source: "a later one"}]
media:
  prefer: [udp, tcp, tls]
  ports: {udp: [5004, 9000], tcp: [5004], tls: [443]}
  tls: {sni: none, verify: report}
  subnets:
    - {id: N1, cidr: "10.77.0.0/16"}
    - {id: N2, cidr: "10.77.1.128/25", revisions: ["2"]}
    - {id: N3, cidr: "fd77:1::/64"}
"""


def nodes(bench, far, *addresses):
    """Answers over UDP on the port that the profile names."""
    for a in addresses:
        length = "32" if "." in a else "128"
        far.run("ip", "addr", "add", f"{a}/{length}", "dev", "v1b",
                *([] if "." in a else ["nodad"]))
    text = [a if "." in a else f"[{a}]" for a in addresses]
    bench.reflect(*(f"--listen.udp={a}:5004" for a in text), inside=far)


@pytest.mark.parametrize("revision,more", [("", True), ("1", False), ("2", True)])
def test_nodes_by_subnet(bench, tmp_path, revision, more):
    near, far = bench.netns("near"), bench.netns("far")
    link(near, far)
    inside = ["10.77.1.20", "10.77.1.130", "10.77.1.140", "fd77:1::20"]
    nodes(bench, far, *inside, "192.0.2.7")
    near.run("ip", "route", "add", "192.0.2.0/24", "via", "10.77.1.2")
    (tmp_path / "try.yml").write_text(PROFILE)
    profile = f'{{name: ./try.yml, revision: "{revision}"}}' if revision else "./try.yml"
    d = bench.daemon(f"""
profiles: [{profile}]
defaults: {{interval: 1s, timeout: 500ms, count: 2, windows: [1m]}}
media:
  clusters:
    - {{name: c, udp: [stun:10.77.1.20, stun:10.77.1.130, stun:10.77.1.140,
        "stun:[fd77:1::20]", stun:192.0.2.7, stun:192.0.2.8]}}
    - {{name: elsewhere, class: reference, udp: [stun:10.77.1.20]}}
""", inside=near)
    wait("five up", lambda: d.metrics().sum("reachd_target_up", media_cluster="c") == 5)
    m = d.metrics()

    def subnets(name):
        return {lab["subnet"]: v for lab, v in m.all(name)}
    want = {"10.77.0.0/16": 1, "10.77.1.128/25": 2, "fd77:1::/64": 1} if more else {
        "10.77.0.0/16": 3, "fd77:1::/64": 1}
    assert subnets("reachd_media_subnet_nodes") == want
    assert subnets("reachd_media_subnet_nodes_reachable") == want
    # Somebody else's server is no media node, wherever it is.
    assert m.one("reachd_media_nodes_outside_subnets") == 2
    assert {lab["port"] for lab, _ in m.all("reachd_target_info")} == {"5004"}


def check(tmp_path, config):
    (tmp_path / "c.yml").write_text(config)
    p = subprocess.run([ASAN, "--config.check", f"--config.file={tmp_path}/c.yml"],
                       capture_output=True, text=True, timeout=60, env={"REACHD_PROFILES": PROFILES})
    return p.returncode, p.stdout, p.stderr


def test_both_revisions_of_the_profile_that_comes_along(bench, tmp_path):
    """163.129.0.0 is a /16 in the document of 2023 and a /17 in the later one,
    66.114.160.0/20 is only in the former, two Azure and three IPv6 subnets
    only in the latter."""
    d = bench.daemon("profiles: [webex]\n")
    seen = {}
    for revision in ("", "2023-05-24", "2026-03-16"):
        if revision:
            d.write(f"profiles: [{{name: webex, revision: {revision}}}]\n")
            assert d.reload()[0] == 200
        seen[revision] = {lab["subnet"] for lab, _ in d.metrics().all("reachd_media_subnet_nodes")}
    old, new = seen["2023-05-24"], seen["2026-03-16"]
    assert seen[""] == new
    assert old - new == {"66.114.160.0/20", "163.129.0.0/16"}
    assert new - old == {"163.129.0.0/17", "4.152.180.0/24", "4.144.190.0/24", "2402:2500::/34",
                         "2607:fcf0::/34", "2a00:a640::/34"}
    code, _, said = check(tmp_path, "profiles: [{name: webex, revision: 1999-01-01}]\n")
    assert code == 1 and "1999-01-01" in said and "2023-05-24, 2026-03-16" in said, said
    code, _, said = check(tmp_path, "profiles: [nobodys]\n")
    assert code == 1 and "c.yml:1:" in said and "nobodys" in said and "webex" in said, said


def test_video_mesh_over_udp_only(bench, tmp_path):
    """Whatever a document lists for it; and a configuration that asks for
    more is told so."""
    r = bench.reflect("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0")
    (tmp_path / "clusters.json").write_text(json.dumps({
        "clusters": {"mesh": {"udp": [f"stun:127.0.0.1:{r.port['udp']}"],
                              "tcp": [f"stun:127.0.0.1:{r.port['tcp']}"], "xtls": []}},
        "clusterClasses": {"hybridMedia": ["mesh"]}}))
    d = bench.daemon("""
defaults: {interval: 1s, timeout: 500ms, windows: [1m]}
media: {discovery: [{file: clusters.json}]}
""")
    wait("up", lambda: d.metrics().sum("reachd_target_up") == 1)
    m = d.metrics()
    assert [lab["transport"] for lab, _ in m.all("reachd_target_up")] == ["udp"]
    for t, reach in (("udp", "reachable"), ("tcp", "untested"), ("tls", "untested")):
        assert m.one("reachd_cluster_reach", media_cluster="mesh", transport=t, reach=reach) == 1
    # The site's verdicts are about public media: nothing is known of that.
    assert not m.all("reachd_media_backend_unreachable")
    assert m.all("reachd_cluster_info", media_cluster="mesh", **{"class": "video_mesh"})
    code, _, said = check(tmp_path, "media: {clusters: [{name: m, class: video_mesh, "
                          "tcp: [stun:192.0.2.1:5004]}]}\n")
    assert code == 1 and "media.clusters[0].tcp: a video_mesh is probed over UDP only" in said


def test_the_vendor_is_down_or_the_site_is(bench):
    """Both media transports of the vendor die while the reference answers:
    the vendor. Then the reference dies, too: the site."""
    near, far = bench.netns("near"), bench.netns("far")
    _, host = link(near, far)
    r = bench.reflect(f"--listen.udp={host}:0", f"--listen.tcp={host}:0",
                      f"--listen.tls={host}:0", inside=far)
    other = bench.reflect(f"--listen.udp={host}:0", inside=far)
    d = bench.daemon(f"""
defaults: {{interval: 500ms, timeout: 300ms, count: 2, windows: [10s]}}
thresholds: {{down_after: 2}}
media:
  clusters:
    - {{name: far, class: public, udp: ["stun:{host}:{r.port['udp']}"],
        tcp: ["stun:{host}:{r.port['tcp']}"], xtls: ["stun:{host}:{r.port['tls']}"]}}
    - {{name: elsewhere, class: reference, udp: ["stun:{host}:{other.port['udp']}"]}}
""", inside=near).ready()
    wait("all well", lambda: (m := d.metrics()).one("reachd_media_backend_unreachable") == 0
         and m.one("reachd_local_outage") == 0)
    r.stop()
    m = wait("the vendor", lambda: (m := d.metrics()).one(
        "reachd_media_backend_unreachable") == 1 and m)
    assert m.one("reachd_local_outage") == 0
    other.stop()
    wait("the site", lambda: d.metrics().one("reachd_local_outage") == 1)
    events = [e["event"] for e in reversed(d.api("events")["events"])]
    assert events.index("site_media_unreachable") < events.index("site_local_outage")
