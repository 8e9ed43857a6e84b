"""How the site looks from outside: a NAT in a namespace of its own between
the daemon and two servers."""

from harness import link, wait


def topology(bench):
    near, nat, far = bench.netns("near"), bench.netns("nat"), bench.netns("far")
    link(near, nat, 1)
    link(nat, far, 2)
    nat.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    near.run("ip", "route", "add", "default", "via", "10.77.1.2")
    far.run("ip", "addr", "add", "10.77.2.3/24", "dev", "v2b")
    nat.run("ip", "addr", "add", "10.77.2.9/24", "dev", "v2a")
    return near, nat, far


def snat(nat, rule):
    nat.nft("flush ruleset\ntable ip n { chain p { type nat hook postrouting priority 100;\n"
            f"oifname v2a {rule}\n}}\n}}\n")


def start(bench, near, far):
    a = bench.reflect("--listen.udp=10.77.2.2:0", inside=far)
    b = bench.reflect("--listen.udp=10.77.2.3:0", inside=far)
    return bench.daemon(f"""
defaults: {{interval: 1s, timeout: 400ms, count: 2, windows: [1m]}}
media:
  clusters:
    - name: far
      class: public
      udp: ["stun:10.77.2.2:{a.port['udp']}", "stun:10.77.2.3:{b.port['udp']}"]
""", inside=near).ready()


def test_symmetric_nat_is_told(bench):
    near, nat, far = topology(bench)
    snat(nat, "snat to 10.77.2.1 fully-random")
    d = start(bench, near, far)
    wait("the verdict", lambda: d.metrics().one("reachd_nat_symmetric") == 1)
    assert "site_nat_symmetric" in {e["event"] for e in d.api("events")["events"]}


def test_a_nat_that_keeps_ports_is_not_symmetric(bench):
    near, nat, far = topology(bench)
    snat(nat, "snat to 10.77.2.1")
    d = start(bench, near, far)
    wait("the verdict", lambda: d.metrics().one("reachd_nat_symmetric") == 0)


def test_egress_change_is_told(bench):
    near, nat, far = topology(bench)
    snat(nat, "snat to 10.77.2.1")
    d = start(bench, near, far)
    wait("the address", lambda: d.metrics().all("reachd_site_info", ipv4="10.77.2.1"))
    snat(nat, "snat to 10.77.2.9")
    # Every round has a new source port, so the change shows with the next.
    wait("the change", lambda: d.metrics().all("reachd_site_info", ipv4="10.77.2.9"), 10)
    m = d.metrics()
    assert m.one("reachd_egress_address_changes_total") >= 1
    assert m.sum("reachd_stun_mapped_address_changes_total") >= 1
