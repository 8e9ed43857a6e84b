"""The web configuration: TLS, client certificates, users, headers and the
rate limit, asked by curl; a file that changes; and what promtool thinks of
the same files."""

import concurrent.futures
import json
import subprocess
import urllib.request

import pytest

from harness import ASAN, free_port, tool, wait

CONFIG = "defaults: {interval: 1s, timeout: 500ms}\n"
# htpasswd -nbBC 4 prometheus secret, and of "changed"
SECRET = "$2y$04$8pThsHZ1nA3y.D1hqzbMke7bYzjbqKXOg5HEpXWXmR6tVQpNMiuWC"


def bcrypt(password):
    out = subprocess.run(["htpasswd", "-nbBC", "4", "u", password],
                         capture_output=True, text=True, check=True).stdout
    return out.strip().split(":", 1)[1]


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """ca.pem, other-ca.pem; server.pem/key; client, stranger, wrong-name."""
    d = tmp_path_factory.mktemp("pki")

    def run(*args):
        subprocess.run(["openssl", *args], cwd=d, check=True, capture_output=True)

    def authority(name):
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
            "-out", f"{name}.pem")

    def leaf(name, ca, san, usage):
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (d / "ext").write_text(f"subjectAltName={san}\nextendedKeyUsage={usage}\n")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
            "-CAcreateserial", "-days", "30", "-extfile", "ext", "-out", f"{name}.pem")
    authority("ca")
    authority("other-ca")
    leaf("server", "ca", "IP:127.0.0.1", "serverAuth")
    leaf("server2", "ca", "IP:127.0.0.1", "serverAuth")
    leaf("client", "ca", "DNS:prometheus.example.net,IP:192.0.2.9", "clientAuth")
    leaf("other-name", "ca", "DNS:other.example.net", "clientAuth")
    leaf("for-servers", "ca", "DNS:prometheus.example.net", "serverAuth")
    leaf("stranger", "other-ca", "DNS:prometheus.example.net", "clientAuth")
    return d


def curl(d, path, *args, scheme="http"):
    """Status (0: no answer) and what curl said."""
    r = subprocess.run(
        ["curl", "-sS", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", *args,
         f"{scheme}://127.0.0.1:{d.port}{path}"], capture_output=True, text=True)
    return int(r.stdout or 0), r.stderr


def start(bench, web, name="web.yml"):
    path = bench.directory / name
    path.write_text(web)
    return bench.daemon(CONFIG, args=[f"--web.config.file={path}"]), path


def rewrite(path, text):
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


def test_users(bench):
    users = f"basic_auth_users: {{prometheus: {bcrypt('secret')}, other: {bcrypt('changed')}}}\n"
    d, path = start(bench, users)
    for page in ("/", "/metrics", "/api/v1/targets", "/-/healthy", "/nowhere"):
        status, headers, body = d.request(page)
        assert (status, headers["WWW-Authenticate"], body) == (
            401, "Basic", b"Unauthorized\n"), page
    assert curl(d, "/metrics", "-u", "prometheus:secret")[0] == 200
    assert curl(d, "/metrics", "-u", "other:changed")[0] == 200
    for wrong in ("prometheus:changed", "prometheus:", "nobody:secret", ":", "prometheus"):
        assert curl(d, "/metrics", "-u", wrong + ("" if ":" in wrong else ":"))[0] == 401, wrong
    # A header that is none: refused, and the next one is served.
    for value in ("Basic", "Basic !!!", "Bearer x", "Basic " + "A" * 4000):
        assert d.request("/metrics", headers={"Authorization": value})[0] == 401, value
    # While many guess, who is known is answered at once.
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        guesses = [pool.submit(curl, d, "/metrics", "-u", f"prometheus:{i}") for i in range(40)]
        known = [curl(d, "/metrics", "-u", "prometheus:secret")[0] for _ in range(5)]
        assert known == [200] * 5
        # Only so many are checked at a time; the others may come again.
        assert {401} <= {g.result()[0] for g in guesses} <= {401, 503}
    counts = subprocess.run(["curl", "-sS", "-u", "prometheus:secret",
                             f"http://127.0.0.1:{d.port}/metrics"],
                            capture_output=True, text=True, check=True).stdout
    assert 'reachd_http_requests_total{handler="/metrics",code="401"}' in counts
    assert "secret" not in d.text() and "$2y$" not in d.text()
    # The file changes: so does who may.
    rewrite(path, f"basic_auth_users: {{new: {bcrypt('other')}}}\n")
    wait("the new user", lambda: curl(d, "/metrics", "-u", "new:other")[0] == 200)
    assert curl(d, "/metrics", "-u", "prometheus:secret")[0] == 401
    # One that is wrong changes nothing, and is said.
    rewrite(path, "basic_auth_users: {new: plain}\n")
    wait("the complaint", lambda: curl(d, "/") and "is no bcrypt hash" in d.text())
    assert curl(d, "/metrics", "-u", "new:other")[0] == 200


def test_tls_and_its_renewal(bench, pki):
    for f in ("server.pem", "server.key"):
        (bench.directory / f).write_bytes((pki / f).read_bytes())
    d, path = start(bench, """
tls_server_config: {cert_file: server.pem, key_file: server.key}
http_server_config: {headers: {Strict-Transport-Security: max-age=600,
                               X-Content-Type-Options: nosniff}}
""")
    ca = ["--cacert", str(pki / "ca.pem")]
    assert curl(d, "/metrics", *ca, scheme="https")[0] == 200
    assert curl(d, "/metrics", *ca, "--tls-max", "1.2", scheme="https")[0] == 200
    assert curl(d, "/metrics", *ca, "--tls-max", "1.1", scheme="https")[0] == 0
    assert curl(d, "/metrics", "--cacert", str(pki / "other-ca.pem"), scheme="https")[0] == 0
    assert curl(d, "/metrics")[0] == 0, "not without TLS"
    shown = subprocess.run(["curl", "-sSi", *ca, f"https://127.0.0.1:{d.port}/-/healthy"],
                           capture_output=True, text=True, check=True).stdout
    assert "Strict-Transport-Security: max-age=600" in shown
    assert shown.count("X-Content-Type-Options: nosniff") == 1

    def serial():
        out = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{d.port}"],
                             stdin=subprocess.DEVNULL, capture_output=True).stdout
        return subprocess.run(["openssl", "x509", "-noout", "-subject"], input=out,
                              capture_output=True).stdout
    assert b"CN = server\n" in serial()
    # A new certificate, as a renewal brings it: the key after it.
    for f in ("server2.pem", "server2.key"):
        new = bench.directory / (f + ".new")
        new.write_bytes((pki / f).read_bytes())
        new.rename(bench.directory / f.replace("2", ""))
    wait("the new certificate", lambda: b"CN = server2\n" in serial())
    assert curl(d, "/metrics", *ca, scheme="https")[0] == 200
    # A key that is not the certificate's: the old pair stays.
    (bench.directory / "server.key").write_bytes((pki / "server.key").read_bytes())
    wait("the complaint", lambda: serial() and "web configuration stays as it was" in d.text())
    assert curl(d, "/metrics", *ca, scheme="https")[0] == 200
    # And to plain HTTP.
    rewrite(path, "{}\n")
    wait("plain HTTP", lambda: curl(d, "/metrics")[0] == 200)


@pytest.mark.parametrize("mode, sans, works", [
    ("RequestClientCert", "", "none client other-name for-servers stranger"),
    ("RequireAnyClientCert", "", "client other-name for-servers stranger"),
    ("VerifyClientCertIfGiven", "", "none client other-name"),
    ("RequireAndVerifyClientCert", "", "client other-name"),
    ("RequireAndVerifyClientCert", "[prometheus.example.net]", "client"),
    ("RequireAndVerifyClientCert", "[192.0.2.9]", "client"),
    ("RequireAndVerifyClientCert", "[example.net, '*.example.net']", ""),
])
def test_client_certificates(bench, pki, mode, sans, works):
    trust = f", client_ca_file: {pki}/ca.pem" if "Verify" in mode else ""
    names = f", client_allowed_sans: {sans}" if sans else ""
    d, _ = start(bench, f"""
tls_server_config: {{cert_file: {pki}/server.pem, key_file: {pki}/server.key,
                     client_auth_type: {mode}{trust}{names}}}
""")
    for version in ("1.2", "1.3"):
        for who in ("none", "client", "other-name", "for-servers", "stranger"):
            cert = [] if who == "none" else ["--cert", str(pki / f"{who}.pem"),
                                             "--key", str(pki / f"{who}.key")]
            status, why = curl(d, "/metrics", "--cacert", str(pki / "ca.pem"), *cert,
                               "--tlsv" + version, "--tls-max", version, scheme="https")
            assert (status == 200) == (who in works.split()), (version, who, status, why)
            assert status in (0, 200)


def test_rate_limit(bench):
    d, path = start(bench, "rate_limit: {interval: 30s, burst: 3}\n")
    assert [d.request("/-/healthy")[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    rewrite(path, "{}\n")
    wait("no limit", lambda: [d.request("/-/healthy")[0] for _ in range(3)] == [200] * 3)


FILES = {
    "empty": "",
    "tls": "tls_server_config: {cert_file: server.pem, key_file: server.key}",
    "no key": "tls_server_config: {cert_file: server.pem}",
    "no certificate": "tls_server_config: {key_file: server.key}",
    "files that are not there": "tls_server_config: {cert_file: x.pem, key_file: x.key}",
    "another key": "tls_server_config: {cert_file: server.pem, key_file: client.key}",
    "junk": "tls_server_config: {cert_file: ext, key_file: ext}",
    "verify": "tls_server_config: {cert_file: server.pem, key_file: server.key, "
              "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem}",
    "authority, nobody asked": "tls_server_config: {cert_file: server.pem, "
                               "key_file: server.key, client_ca_file: ca.pem}",
    "no such authority": "tls_server_config: {cert_file: server.pem, key_file: server.key, "
                         "client_auth_type: RequireAndVerifyClientCert, client_ca_file: x}",
    "an unknown word": "tls_server_config: {cert_file: server.pem, key_file: server.key, "
                       "client_auth_type: Perhaps}",
    "versions": "tls_server_config: {cert_file: server.pem, key_file: server.key, "
                "min_version: TLS12, max_version: TLS13}",
    "no version": "tls_server_config: {cert_file: server.pem, key_file: server.key, "
                  "min_version: TLS14}",
    "suites": "tls_server_config: {cert_file: server.pem, key_file: server.key, "
              "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384], "
              "curve_preferences: [CurveP256, X25519]}",
    "no suite": "tls_server_config: {cert_file: server.pem, key_file: server.key, "
                "cipher_suites: [TLS_NOTHING]}",
    "no curve": "tls_server_config: {cert_file: server.pem, key_file: server.key, "
                "curve_preferences: [Curve1]}",
    "headers": "http_server_config: {headers: {X-Frame-Options: sameorigin, "
               "Content-Security-Policy: x, X-XSS-Protection: y}}",
    "a header of others": "http_server_config: {headers: {Server: x}}",
    "a header's value": "http_server_config: {headers: {X-Frame-Options: x}}",
    "users": f"basic_auth_users: {{a: {SECRET}}}",
    "a plain password": "basic_auth_users: {a: secret}",
    "an unknown key": "nope: 1",
    "an unknown key within": "http_server_config: {nope: 1}",
    "a list": "[a]",
}


@pytest.mark.parametrize("name", FILES)
def test_promtool_agrees(bench, pki, name):
    path = pki / (name.replace(" ", "-").replace(",", "") + ".yml")
    path.write_text(FILES[name] + "\n")
    theirs = subprocess.run([tool("promtool"), "check", "web-config", path],
                            capture_output=True, text=True)
    config = bench.directory / "c.yml"
    config.write_text(CONFIG)
    ours = subprocess.run(
        [ASAN, "--config.check", f"--config.file={config}", f"--web.config.file={path}"],
        capture_output=True, text=True)
    assert (ours.returncode == 0) == (theirs.returncode == 0), (
        theirs.stdout + theirs.stderr, ours.stdout + ours.stderr)
    if theirs.returncode != 0:
        assert str(path) in ours.stderr and "error: " in ours.stderr, ours.stderr


def test_prometheus_scrapes_over_tls_with_a_password(bench, pki):
    d, _ = start(bench, f"""
tls_server_config: {{cert_file: {pki}/server.pem, key_file: {pki}/server.key}}
basic_auth_users: {{prometheus: {bcrypt('secret')}}}
""")
    port = free_port()
    (bench.directory / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: reachd
    scheme: https
    tls_config: {{ca_file: {pki}/ca.pem}}
    basic_auth: {{username: prometheus, password: secret}}
    static_configs: [{{targets: ["127.0.0.1:{d.port}"]}}]
""")
    bench.start([tool("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                 f"--web.listen-address=127.0.0.1:{port}"], name="prometheus")

    def up():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/targets", timeout=5) as r:
            target, = json.load(r)["data"]["activeTargets"]
        assert target["health"] == "up" and target["lastError"] == "", target
        return True
    wait("the target is up", up, 60)
