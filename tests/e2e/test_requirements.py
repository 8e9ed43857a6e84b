"""Requirements of a profile that is not ours, against servers that are not
ours, which stop and come back: in metrics, JSON, on the page, by SNMP, as
events; and the profile that comes along, where nothing can be reached."""

import re
import signal
import socket
import subprocess

from harness import ASAN, PROFILES, free_port, tool, wait
from pki import Pki as Authorities
from test_coturn import coturn
from test_page import browse
from test_proxy import secret
from test_snmp import Master, column, number, text
from webpeers import Nginx, Pki, Squid

PROFILE = """
format: 1
id: try
vendor: nobody
default: "1"
revisions: [{id: "1"}]
media:
  prefer: [udp, tcp, tls]
  ports: {udp: [5004]}
  tls: {sni: none, verify: report}
  subnets:
    - {id: NET-1, cidr: 127.0.0.0/8}
    - {id: NET-2, cidr: 192.0.2.0/24}
products: {app: an app, phone: a phone}
requirements:
  - id: WEB-1
    section: web
    text: "The web server <answers>."
    users: [app]
    hosts: [{supply: your web server}]
    probe: [{probe: tcp, ports: [443]}]
  - id: WEB-2
    section: web
    text: "A phone's own server."
    users: [phone]
    hosts: [{supply: your phone server}]
    probe: [{probe: tcp, ports: [443]}]
  - {id: ALL-1, section: web, text: Everything of the web., derive: [{rule: rows, section: web}]}
  - id: TURN-1
    section: media
    text: "A STUN server."
    hosts: [{supply: your STUN server}]
    probe: [{probe: stun, transport: udp}]
  - {id: UDP-1, section: media, text: Media over UDP., derive: [{rule: media, transport: udp}]}
  - {id: NET-1, section: media, text: Our subnet., derive: [subnet]}
  - {id: NET-2, section: media, text: Another subnet., derive: [subnet]}
  - {id: NO-1, section: media, text: Ciphers., not_probeable: Within calls only.}
"""

CONFIG = """
profiles:
  - name: ./try.yml
    products: [app]
    interval: 500ms
    thresholds: {{down_after: 2, up_after: 1}}
    hosts:
      WEB-1: ["127.0.0.1:{web}"]
      TURN-1: ["127.0.0.1:{udp}"]
defaults: {{interval: 500ms, timeout: 300ms, count: 2, windows: [10s]}}
thresholds: {{down_after: 2, up_after: 1}}
media:
  clusters:
    - {{name: fra1, udp: ["stun:127.0.0.1:{udp}"]}}
snmp: {{agentx: {socket}}}
"""


def nginx(bench, directory, port, inside=None):
    (directory / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {directory}/nginx.pid; error_log stderr;
events {{}}
http {{ access_log off; client_body_temp_path {directory}/t1; proxy_temp_path {directory}/t2;
  fastcgi_temp_path {directory}/t3; uwsgi_temp_path {directory}/t4; scgi_temp_path {directory}/t5;
  server {{ listen 127.0.0.1:{port}; return 204; }} }}
""")
    p = bench.start([tool("nginx"), "-p", directory, "-c", directory / "nginx.conf"], inside=inside)
    if not inside:
        wait("nginx to listen", lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True)
    return p


def statuses(d):
    return {r["id"]: r["status"] for r in d.api("requirements")["requirements"]}


def of(d, name):
    return next(r for r in d.api("requirements")["requirements"] if r["id"] == name)


def told(d, kind, subject):
    return [e for e in d.api("events")["events"]
            if e["event"] == kind and e["subject"] == subject]


def test_met_failed_and_met_again(bench, tmp_path):
    web = free_port()
    turn, _, udp, _, _ = coturn(bench, tmp_path)
    server = nginx(bench, tmp_path, web)
    master = Master(bench).start()
    (tmp_path / "try.yml").write_text(PROFILE)
    d = bench.daemon(CONFIG.format(web=web, udp=udp, socket=master.socket)).ready()

    good = {"WEB-1": "met", "WEB-2": "not_selected", "ALL-1": "met", "TURN-1": "met",
            "UDP-1": "met", "NET-1": "met", "NET-2": "untested", "NO-1": "not_probeable"}
    wait("all that can be to be met", lambda: statuses(d) == good)

    # The same in every face.
    row = of(d, "WEB-1")
    assert row["about"] == {"category": "required", "users": "app",
                            "description": "The web server <answers>.", "limits": ""}
    assert [t["state"] for t in row["targets"]] == ["up"]
    assert of(d, "NO-1")["now"]["reason"] == "Within calls only."
    assert "no media node" in of(d, "NET-2")["now"]["reason"]
    m = d.metrics()
    for name, status in good.items():
        for word in ("met", "failed", "untested", "not_probeable", "not_selected"):
            assert m.one("reachd_requirement_status", profile="try", id=name,
                         status=word) == (word == status), name

    # The STUN server stands for a row of its own, a rule and a subnet.
    turn.stop()
    wait("the rows of the STUN server to fail", lambda: statuses(d) == {
        **good, "TURN-1": "failed", "UDP-1": "failed", "NET-1": "failed"})
    assert of(d, "TURN-1")["now"]["reason"].endswith(": refused")
    assert of(d, "NET-1")["now"]["reason"] == "127.0.0.0/8: no node answers"
    assert d.metrics().one("reachd_requirement_status", id="UDP-1", status="failed") == 1
    assert len(told(d, "requirement_failed", "try TURN-1")) == 1

    server.stop()
    wait("the web server's to fail", lambda: statuses(d)["WEB-1"] == "failed")
    wait("what sums it up, too", lambda: of(d, "ALL-1")["now"]["reason"] == "WEB-1: failed")

    dom = browse(tmp_path, f"http://127.0.0.1:{d.port}/requirements", "--dump-dom").stdout
    for word in ("5 of 6 requirements are not met", "The web server &lt;answers&gt;.",
                 "Within calls only.", "cannot be probed", "not selected"):
        assert word in dom, word
    assert '<p>Not met: <a href="#WEB-1">WEB-1</a>, <a href="#ALL-1">ALL-1</a>, ' in dom
    terminal = d.get("/status")
    assert "requirements: 0 met, 1 untested, 5 failed:" in terminal
    assert re.search(r"\nALL-1 +\d+s +WEB-1: failed\n", terminal), terminal
    home = d.get("/")
    assert "Requirements</h2>" in home and "TURN-1" in home

    found = master.walk()
    ids = {k: text(v) for k, v in column(found, "9.1.1.3").items()}
    assert sorted(ids.values()) == sorted(good)
    state = {ids[k]: number(v) for k, v in column(found, "9.1.1.5").items()}
    assert state == {"WEB-1": 2, "WEB-2": 5, "ALL-1": 2, "TURN-1": 2, "UDP-1": 2,
                     "NET-1": 2, "NET-2": 3, "NO-1": 4}
    why = {ids[k]: text(v) for k, v in column(found, "9.1.1.8").items()}
    assert why["ALL-1"] == "WEB-1: failed"

    # A reload does not tell it all again.
    assert d.reload()[0] == 200
    wait("the rows after the reload", lambda: statuses(d)["WEB-1"] == "failed")

    nginx(bench, tmp_path, web)
    bench.start(turn.argv, name="coturn2")
    wait("all to be met again", lambda: statuses(d) == good, 30)
    for name in ("TURN-1", "WEB-1", "ALL-1"):
        assert len(told(d, "requirement_failed", f"try {name}")) == 1, name
        assert len(told(d, "requirement_met", f"try {name}")) == 1, name
    assert not told(d, "requirement_met", "try NET-2")


def test_picks_change_by_reload(bench, tmp_path):
    (tmp_path / "try.yml").write_text(PROFILE)
    d = bench.daemon("profiles: [./try.yml]\n").ready()
    assert set(statuses(d).values()) == {"not_selected", "not_probeable"}
    assert d.api("targets")["targets"] == []
    closed = free_port()
    d.write(f"""profiles: [{{name: ./try.yml, products: [phone], interval: 300ms, timeout: 200ms,
      thresholds: {{down_after: 1}}, hosts: {{WEB-2: ["127.0.0.1:{closed}"]}}}}]\n""")
    assert d.reload()[0] == 200
    wait("the row to fail", lambda: statuses(d)["WEB-2"] == "failed")
    assert of(d, "TURN-1")["now"] == {"reason": "give hosts for it: your STUN server",
                                      "supply": "your STUN server"}
    d.write("profiles: [{name: ./try.yml, products: [fax]}]\n")
    status, _, body = d.reload()
    assert status == 500 and b"'fax' is no product of the profile 'try'" in body
    assert statuses(d)["WEB-2"] == "failed"


def test_the_profile_that_comes_along_where_nothing_is(bench):
    """In a namespace of its own: every host of the profile, none reachable."""
    ns = bench.netns("alone")
    d = bench.daemon("profiles: [{name: webex, products: [all]}]\nresolver: 127.0.0.1:53\n",
                     inside=ns)
    rows = wait("the rows", lambda: d.api("requirements")["requirements"])
    count = {}
    for r in rows:
        count[r["status"]] = count.get(r["status"], 0) + 1
    assert len(rows) >= 175 and count["not_probeable"] == 22, count
    wait("no row to be met but those on data", lambda: {
        r["id"] for r in d.api("requirements")["requirements"] if r["status"] == "met"} <= {
            "REV-01", "REV-02", "REV-03", "REV-05", "REV-06"})
    page = d.get("/requirements")
    for r in rows:
        assert f'<tr id="{r["id"]}">' in page
    samples = d.metrics().all("reachd_requirement_status", profile="webex")
    assert len(samples) == 5 * len(rows)
    # All faces say the same; the page may be a second younger.
    def agree():
        api = statuses(d)
        metrics = {lab["id"]: lab["status"] for lab, v in d.metrics().all(
            "reachd_requirement_status", profile="webex") if v == 1}
        shown = re.findall(r'<tr id="([^"]+)">.*?<span class="s [^"]*">([^<]+)<',
                           d.get("/requirements"), re.S)
        words = {"cannot be probed": "not_probeable", "not selected": "not_selected"}
        assert api == metrics, set(api.items()) ^ set(metrics.items())
        assert api == {i: words.get(w, w) for i, w in shown}
        return True
    wait("API, metrics and page to agree", agree)


def test_print_profile(tmp_path):
    def run(*args):
        return subprocess.run([ASAN, "print", "profile", *args], capture_output=True, text=True,
                              timeout=60, env={"REACHD_PROFILES": PROFILES, "PATH": "/usr/bin"})

    webex = run("webex")
    assert webex.returncode == 0 and webex.stdout.startswith("# webex (")
    lines = [line for line in webex.stdout.splitlines() if line.startswith("| ")]
    assert len(lines) > 175 and all(line.count(" | ") >= 6 for line in lines[1:])
    both = run()
    assert "# jitsi (" in both.stdout and "# teams (" in both.stdout and webex.stdout in both.stdout
    (tmp_path / "bad.yml").write_text(PROFILE + "  - {id: NO-1, section: s, text: t}\n")
    bad = run(str(tmp_path / "bad.yml"))
    assert bad.returncode == 2 and "bad.yml:" in bad.stderr and "is in the list twice" in bad.stderr
    assert run("nobody").returncode == 2


SIGNALLING = """
format: 1
id: try
vendor: nobody
default: "1"
revisions: [{id: "1"}]
media: {prefer: [udp, tcp, tls], ports: {}, tls: {sni: none, verify: report}, subnets: []}
products: {app: an app}
requirements:
  - id: WEB-1
    section: web
    text: "The web server."
    hosts: [{supply: your web server}]
    probe: [{probe: https}]
  - {id: TLS-1, section: web, text: Its chain., hosts_of: [WEB-1],
     derive: [tls_chain, {rule: tls_version, least: "1.2"}]}
  - {id: SEEN-1, section: web, text: Nobody opens it., hosts_of: [WEB-1],
     probe: [{probe: https, issuers: ["*Good CA*"], verify: false}], derive: [inspection]}
  - {id: CODE-1, section: web, text: No portal., hosts: [{supply: a web server}],
     probe: [{probe: https, transport: http, path: /check}], derive: [{rule: status, codes: [204]}]}
  - {id: CA-1, section: web, text: Authorities., hosts: [{match: "127.0.0.1", supply: an authority}],
     probe: [{probe: https, transport: http}], derive: [responders]}
"""


def authority(directory, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                    "-keyout", f"{name}.key", "-out", f"{name}.pem"],
                   cwd=directory, check=True, capture_output=True)


def issue(directory, ca, ocsp):
    """A certificate of 127.0.0.1 that says where its status is asked for."""
    (directory / "ext.cnf").write_text(
        "subjectAltName=IP:127.0.0.1\n"
        f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{ocsp}/\n")
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", "/CN=web", "-keyout", "web.key", "-out", "web.csr"],
                   cwd=directory, check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", "web.csr", "-CA", f"{ca}.pem", "-CAkey",
                    f"{ca}.key", "-CAcreateserial", "-days", "20", "-extfile", "ext.cnf",
                    "-out", "web.pem"], cwd=directory, check=True, capture_output=True)


def secure(bench, directory, tls, plain, code):
    (directory / "tls.conf").write_text(f"""
daemon off; master_process off; pid {directory}/tls.pid; error_log stderr;
events {{}}
http {{ access_log off; client_body_temp_path {directory}/t1; proxy_temp_path {directory}/t2;
  fastcgi_temp_path {directory}/t3; uwsgi_temp_path {directory}/t4; scgi_temp_path {directory}/t5;
  server {{ listen 127.0.0.1:{tls} ssl; ssl_certificate {directory}/web.pem;
    ssl_certificate_key {directory}/web.key; return 200; }}
  server {{ listen 127.0.0.1:{plain}; location /check {{ return {code} /; }} }} }}
""")
    p = bench.start([tool("nginx"), "-p", directory, "-c", directory / "tls.conf"])
    wait("nginx to listen", lambda: socket.create_connection(("127.0.0.1", tls), 1).close() or True)
    return p


def test_signalling_rows_by_what_handshakes_show(bench, tmp_path):
    """Chains, interception, statuses, and authorities learned from the
    certificates that were seen."""
    tls, plain, ocsp = free_port(), free_port(), free_port()
    authority(tmp_path, "Good CA")
    authority(tmp_path, "Evil CA")
    issue(tmp_path, "Good CA", ocsp)
    server = secure(bench, tmp_path, tls, plain, 204)
    responder = nginx(bench, tmp_path, ocsp)
    (tmp_path / "try.yml").write_text(SIGNALLING)
    d = bench.daemon(f"""
ca_file: Good CA.pem
profiles:
  - {{name: ./try.yml, products: [all], interval: 1s, timeout: 900ms,
      thresholds: {{down_after: 2, up_after: 1}},
      hosts: {{WEB-1: ["127.0.0.1:{tls}"], CODE-1: ["127.0.0.1:{plain}"]}}}}
""")
    good = {n: "met" for n in ("WEB-1", "TLS-1", "SEEN-1", "CODE-1", "CA-1")}
    wait("all to be met", lambda: statuses(d) == good, 30)
    # The authority was in no configuration: a certificate named it.
    learned = [t for t in d.api("targets")["targets"] if t["info"]["port"] == str(ocsp)]
    assert len(learned) == 1 and learned[0]["info"]["probe"] == "https"

    responder.stop()
    wait("the authority to fail", lambda: statuses(d) == {**good, "CA-1": "failed"})
    assert of(d, "CA-1")["now"]["reason"] == "127.0.0.1: does not answer"
    server.stop()
    issue(tmp_path, "Evil CA", ocsp)
    server = secure(bench, tmp_path, tls, plain, 302)
    wait("everything to fail", lambda: set(statuses(d).values()) == {"failed"})
    assert "its certificate does not verify" in of(d, "TLS-1")["now"]["reason"]
    assert "TLS is intercepted" in of(d, "SEEN-1")["now"]["reason"]
    assert "answers with status 302" in of(d, "CODE-1")["now"]["reason"]
    assert "tls_certificate" in of(d, "WEB-1")["now"]["reason"]


def test_responders_and_lists(bench, tmp_path):
    """openssl's responder and an nginx with the list of revoked certificates,
    known from the certificate that is served alone."""
    ns = bench.netns("authorities")  # openssl's listens at every address
    ocsp, crl, tls = free_port(), free_port(), free_port()
    pki = Authorities(tmp_path / "pki")
    pki.make("web", names="IP:127.0.0.1", more=(
        f"authorityInfoAccess = OCSP;URI:http://127.0.0.1:{ocsp}/, "
        "caIssuers;URI:http://ca.nowhere.test/ca.crt\n"
        f"crlDistributionPoints = URI:http://127.0.0.1:{crl}/ca.crl"))
    bench.start([tool("openssl"), "s_server", "-accept", f"127.0.0.1:{tls}", "-WWW",
                 "-cert", pki.path("web.pem"), "-key", pki.path("web.key"),
                 "-cert_chain", pki.path("issuing.pem")], name="web", inside=ns)
    responder = [tool("openssl"), "ocsp", "-ignore_err", "-index", pki.path("index.txt"), "-port", str(ocsp),
                 "-rsigner", pki.path("ocsp.pem"), "-rkey", pki.path("ocsp.key"),
                 "-CA", pki.path("issuing.pem")]
    answering = bench.start(responder, name="ocsp", inside=ns)
    lists = nginx(bench, tmp_path, crl, ns)
    (tmp_path / "try.yml").write_text(SIGNALLING)
    d = bench.daemon(f"""
ca_file: {pki.path("root.pem")}
profiles:
  - {{name: ./try.yml, products: [all], interval: 1s, timeout: 900ms,
      thresholds: {{down_after: 2, up_after: 1}}, hosts: {{WEB-1: ["127.0.0.1:{tls}"]}}}}
""", inside=ns)

    def becomes(status, reason=""):
        def check():
            row = of(d, "CA-1")
            assert (row["status"], reason in row["now"]["reason"]) == (status, True), row
            return row
        return wait(f"the authorities {status}", check, 30)

    becomes("met")
    learned = {t["info"]["port"] for t in d.api("targets")["targets"]} - {str(tls)}
    assert learned == {str(ocsp), str(crl)}, learned
    answering.stop()
    becomes("failed", "127.0.0.1: does not answer")
    bench.start(responder, name="ocsp2", inside=ns)
    becomes("met")
    lists.stop()
    becomes("failed", "127.0.0.1: does not answer")


PATHS = """
format: 1
id: try
vendor: nobody
default: "1"
revisions: [{id: "1"}]
media: {prefer: [udp, tcp, tls], ports: {}, tls: {sni: none, verify: report}, subnets: []}
products: {app: an app}
requirements:
  - {id: WEB-1, section: web, text: The web server., hosts: [{match: "*.origin.test", supply: x}],
     probe: [{probe: https}]}
  - {id: PRX-1, section: web, text: Through proxies., hosts_of: [WEB-1], derive: [proxy]}
  - {id: PRX-2, section: web, text: Two schemes., hosts_of: [WEB-1],
     derive: [{rule: proxy_auth, schemes: [none, basic]}]}
  - {id: PRX-3, section: web, text: Others., hosts_of: [WEB-1],
     derive: [{rule: proxy_auth, schemes: [none, digest]}]}
  - {id: NAME-1, section: web, text: By name., hosts_of: [WEB-1], derive: [by_name]}
  - {id: CDN-1, section: web, text: Delivery., hosts_of: [WEB-1],
     derive: [{rule: alias, match: "*.cdn.test"}]}
  - {id: CDN-2, section: web, text: Other delivery., hosts_of: [WEB-1],
     derive: [{rule: alias, match: "*.cdn.example"}]}
"""


def test_proxies_names_and_aliases(bench, tmp_path):
    """One host directly and through a squid that wants a password; its name is
    an alias, as a dnsmasq has it."""
    pki = Pki(tmp_path)
    good, key = pki.leaf("good", "DNS:a.origin.test")
    origin = Nginx(bench, f"server {{ listen {{tls}} ssl; ssl_certificate {good}; "
                   f"ssl_certificate_key {key}; return 200; }}", ("tls",))
    users = "reachd:$apr1$x$" + subprocess.run(
        ["openssl", "passwd", "-apr1", "-salt", "x", "s3cret"], capture_output=True,
        text=True).stdout.strip().rsplit("$", 1)[1] + "\n"
    squid = Squid(bench, "auth_param basic program /usr/lib/squid/basic_ncsa_auth DIR/users\n"
                  "acl known proxy_auth REQUIRED\nhttp_access deny !known\n",
                  files={"users": users})
    (squid.directory / "hosts").write_text("127.0.0.1 localhost a.origin.test\n")
    squid.process.signal(signal.SIGHUP)
    secret(bench, "password", "s3cret")
    port = free_port(socket.SOCK_DGRAM)
    names = [tool("dnsmasq"), "-k", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
             "--pid-file", f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces",
             "--host-record=edge.cdn.test,127.0.0.1", "--cname=a.origin.test,edge.cdn.test",
             "--local-ttl=1", "--user=root"]
    server = bench.start(names, "dnsmasq")
    (tmp_path / "try.yml").write_text(PATHS)
    d = bench.daemon(f"""
ca_file: {pki.ca}
resolver: 127.0.0.1:{port}
proxies:
  - {{name: hq, url: "http://127.0.0.1:{squid.port}", auth: basic, username: reachd,
      password_file: {tmp_path}/password}}
profiles:
  - {{name: ./try.yml, products: [all], interval: 1s, timeout: 900ms, via: [direct, hq],
      thresholds: {{down_after: 2, up_after: 1}},
      hosts: {{WEB-1: ["a.origin.test:{origin.port['tls']}"]}}}}
""")
    good = {"WEB-1": "met", "PRX-1": "met", "PRX-2": "met", "PRX-3": "failed", "NAME-1": "met",
            "CDN-1": "met", "CDN-2": "untested"}
    wait("the rows", lambda: statuses(d) == good, 60)
    assert of(d, "PRX-3")["now"]["reason"].startswith(
        "hq: authentication by basic is not known there")
    assert len(of(d, "WEB-1")["targets"]) == 2

    squid.process.stop()
    wait("the proxy to be missed", lambda: statuses(d)["PRX-1"] == "failed")
    # What is behind it stands above all rows.
    wait("the cause", lambda: ", but proxy hq is down" in d.get("/status")
         or "here? not known: there is no media cluster to probe; proxy hq is down"
         in d.get("/status"))
    assert "Known causes: proxy hq is down." in d.get("/requirements")
    assert "But proxy hq is down." in d.get("/")
    # Directly it works: the row fails all the same, for both ways were picked.
    assert statuses(d)["WEB-1"] == "failed" and statuses(d)["CDN-1"] == "met"
    server.stop()
    wait("the name to be missed", lambda: statuses(d)["NAME-1"] == "failed", 40)
    assert of(d, "NAME-1")["now"]["reason"].endswith("does not resolve")
    assert "Would a meeting work from here? no: names do not resolve" in d.get("/status")
    assert "Nobody can sign in: names do not resolve" in d.get("/")


RETRY = SIGNALLING.split("  - {id: TLS-1")[0]


def test_an_outage_is_confirmed_soon(bench, tmp_path):
    """Probed once in ten minutes; down after three probes all the same soon."""
    web = free_port()
    (tmp_path / "try.yml").write_text(RETRY.replace("probe: https", "probe: tcp"))
    server = nginx(bench, tmp_path, web)
    d = bench.daemon(f"""
profiles:
  - {{name: ./try.yml, products: [all], interval: 10m, retry: 500ms, timeout: 400ms,
      hosts: {{WEB-1: ["127.0.0.1:{web}"]}}}}
""")
    wait("the server to be met", lambda: statuses(d) == {"WEB-1": "met"})
    server.stop()
    assert d.request("/-/probe", "POST")[0] == 202
    wait("the row to fail", lambda: statuses(d) == {"WEB-1": "failed"})
    nginx(bench, tmp_path, web)
    assert d.request("/-/probe", "POST")[0] == 202
    wait("the row to be met again", lambda: statuses(d) == {"WEB-1": "met"})
    assert [t["trigger"] for t in d.api("targets")["targets"]] == ["retry"]
