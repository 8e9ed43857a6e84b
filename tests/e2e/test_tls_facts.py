"""What handshakes show, whatever comes of them: every word for a chain and for
a staple, the certificate as openssl prints it, for each kind of probe over TLS
and on each face."""

import re
import socket
import ssl

import pytest

from harness import TOP, free_port, tool, wait
from nameserver import Nameserver
from pki import Pki
from test_snmp import Master, connected, ietf_modules
from test_snmp_tables import Reader, seconds
from test_tls_peers import TARGET, chain_of, expect, faketime, outcome, settled, staple_of


@pytest.fixture
def pki(tmp_path):
    return Pki(tmp_path / "pki")


def words(vocabulary):
    return set(re.findall(rf'^WORD\({vocabulary}, \w+, \d+, "(\w+)"\)',
                          (TOP / "include/words.def").read_text(), re.M))


class Servers:
    """openssl's servers, each with a target; what they show they do not judge."""

    def __init__(self, bench, pki):
        self.bench, self.pki, self.targets, self.count = bench, pki, "", 0

    def add(self, name, cert, *options, more="", chain="issuing.pem", key=None):
        port = free_port()
        self.bench.start(
            [tool("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-quiet",
             "-cert", self.pki.path(cert), "-key", self.pki.path(key or cert.split(".")[0] + ".key"),
             *(["-cert_chain", self.pki.path(chain)] if chain else []), *options], name=f"s-{name}")
        wait(name, lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True)
        self.targets += TARGET.format(name=name, host="www.test", port=port, more=more)
        self.count += 1
        return port

    def daemon(self, more=""):
        ns = Nameserver(self.bench, {"www.test": ["127.0.0.1"]})
        return self.bench.daemon(f"resolver: {ns.address}\nca_file: {self.pki.path('root.pem')}\n"
                                 f"defaults: {{windows: [1m]}}\n{more}\ntargets:\n{self.targets}")


def flip(pki, name):
    """The same certificate with another signature."""
    der = bytearray(ssl.PEM_cert_to_DER_cert((pki.dir / f"{name}.pem").read_text()))
    der[-1] ^= 1
    (pki.dir / f"{name}.flipped.pem").write_text(ssl.DER_cert_to_PEM_cert(bytes(der)))


def test_every_word_for_a_chain(bench, pki):
    names = "DNS:www.test"
    pki.make("good", names=names)
    pki.make("expired", names=names, days=(-90, -3))
    pki.make("early", names=names, days=(3, 90))
    pki.self_signed("own", names)
    pki.make("client", names=names, more="extendedKeyUsage = clientAuth")
    pki.make("strange", names=names, more="1.2.3.4 = critical,ASN1:NULL")
    pki.make("below", names=names, issuer="good")
    flip(pki, "good")
    other = Pki(pki.dir.parent / "other")
    other.make("good", names=names)
    for f in ("good.pem", "good.key", "issuing.pem", "root.pem"):
        (pki.dir / f"other-{f}").write_text((other.dir / f).read_text())
    (pki.dir / "other-top.pem").write_text(
        (other.dir / "issuing.pem").read_text() + (other.dir / "root.pem").read_text())
    pki.run("req", "-x509", "-config", "ca.cnf", "-newkey", "rsa:1024", "-nodes", "-keyout", "weak.key",
            "-out", "weak.self", "-subj", "/CN=weak", "-addext", f"subjectAltName={names}")
    pki.run("req", "-new", "-config", "ca.cnf", "-key", "weak.key", "-out", "weak.req",
            "-subj", "/CN=weak", "-addext", f"subjectAltName={names}")
    pki.run("ca", "-batch", "-config", "ca.cnf", "-notext", "-cert", "issuing.pem", "-keyfile",
            "issuing.key", "-in", "weak.req", "-out", "weak.pem", "-days", "9")
    s = Servers(bench, pki)
    weak = ("-cipher", "ALL:@SECLEVEL=0")
    want = {"good": ("valid", 0), "expired": ("expired", 10), "early": ("not_yet_valid", 9),
            "own": ("self_signed", 18), "strange": ("other", 34), "client": ("wrong_purpose", 26)}
    for name in want:
        s.add(name, f"{name}.pem", chain=None if name == "own" else "issuing.pem")
    s.add("alone", "good.pem", chain=None)
    s.add("other", "other-good.pem", chain="other-issuing.pem")
    s.add("other-top", "other-good.pem", chain="other-top.pem")
    (pki.dir / "path.pem").write_text((pki.dir / "good.pem").read_text()
                                      + (pki.dir / "issuing.pem").read_text())
    s.add("below", "below.pem", chain="path.pem")
    s.add("flipped", "good.flipped.pem", key="good.key")
    s.add("weak", "weak.pem", *weak)
    want |= {"alone": ("unknown_issuer", 20), "other": ("unknown_issuer", 20),
             "other-top": ("untrusted_root", 19), "below": ("bad_chain", 79),
             "flipped": ("bad_signature", 7), "weak": ("weak", 66)}
    d = s.daemon()
    m = settled(d, s.count)
    for name, (word, code) in want.items():
        seen = (chain_of(m, name), outcome(d, m, name)["last_outcome"], outcome(d, m, name)["last_code"])
        assert seen == (word, "tls_certificate" if code else "answered", code), (name, seen)
        assert m.one("reachd_tls_chain_valid", target=name) == (code == 0)
    assert {w for w, _ in want.values()} == words("chain")


def test_every_word_for_a_staple(bench, pki):
    pki.make("good", names="DNS:www.test")
    pki.make("gone", names="DNS:www.test")
    pki.revoke("gone")
    past = {"LD_PRELOAD": faketime(), "FAKETIME": "-10d"}
    future = {"LD_PRELOAD": faketime(), "FAKETIME": "+2d"}
    responses = {n: pki.response(f"{n}.der", c, *o, env=e) for n, c, o, e in (
        ("good", "good", (), None), ("revoked", "gone", (), None),
        ("expired", "good", ("-ndays", "1"), past), ("future", "good", ("-ndays", "1"), future))}
    # Of one that the responder has never heard of.
    index = (pki.dir / "index.txt").read_text()
    serial = pki.run("x509", "-in", "good.pem", "-noout", "-serial").strip().split("=")[1]
    (pki.dir / "index.txt").write_text("".join(
        line for line in index.splitlines(True) if f"\t{serial}\t" not in line))
    responses["unknown"] = pki.response("unknown.der", "good")
    (pki.dir / "index.txt").write_text(index)
    # One that is not entitled to speak for this authority.
    pki.make("forger", extensions="ocsp", issuer="root")
    pki.run("ocsp", "-issuer", "issuing.pem", "-cert", "good.pem", "-reqout", "forged.req")
    pki.run("ocsp", "-index", "index.txt", "-rsigner", "forger.pem", "-rkey", "forger.key", "-CA",
            "issuing.pem", "-reqin", "forged.req", "-respout", "forged.der", "-ndays", "1")
    responses["forged"] = pki.path("forged.der")
    (pki.dir / "later.der").write_bytes(bytes([0x30, 3, 0x0a, 1, 3]))
    responses["later"] = pki.path("later.der")
    s = Servers(bench, pki)
    want = {"good": ("good", 0), "revoked": ("revoked", 23), "expired": ("expired", 0),
            "future": ("invalid", 0), "unknown": ("unknown", 0), "forged": ("invalid", 0),
            "later": ("invalid", 0), "absent": ("absent", 0)}
    for name in want:
        s.add(name, "gone.pem" if name == "revoked" else "good.pem",
              *(["-status_file", responses[name]] if name in responses else []))
        # Who insists on one takes none but a good one.
        if name not in ("good", "revoked"):
            s.add(f"must-{name}", "good.pem", more=", staple: required",
                  *(["-status_file", responses[name]] if name in responses else []))
    d = s.daemon()
    m = settled(d, s.count)
    for name, (word, code) in want.items():
        assert staple_of(m, name) == word, name
        expect(d, m, name, 0 if code else 1, "tls_certificate" if code else None, code, chain_valid=1)
        if name not in ("good", "revoked"):
            assert staple_of(m, f"must-{name}") == word
            assert outcome(d, m, f"must-{name}")["last_outcome"] == "tls_certificate", name
    assert {w for w, _ in want.values()} == words("staple")
    for name in ("good", "revoked", "expired"):
        printed = pki.run("ocsp", "-respin", f"{name}.der", "-resp_text", "-noverify")
        stamp = re.search(r"Next Update: (.*)", printed)[1]
        assert m.one("reachd_tls_ocsp_next_update_timestamp_seconds",
                     target=name) == ssl.cert_time_to_seconds(stamp), name


def printed(pki, name, *options):
    return pki.run("x509", "-in", f"{name}.pem", "-noout", *options).strip().split("=", 1)[1]


def test_each_kind_and_each_face(bench, pki):
    """One server, shown to every kind of probe over TLS, be they content with
    it or not: what openssl prints of its certificate is what all faces say.
    The expiry is the earliest of those that it sends."""
    mibs = bench.directory / "mibs"
    ietf_modules(mibs)
    (mibs / "REACHD-MIB").write_bytes((TOP / "mibs/REACHD-MIB.txt").read_bytes())
    pki.make("issuing", subject="/O=Test Trust/CN=Test Issuing", issuer="root",
             extensions="authority", days=(-1, 9))
    pki.make("good", names="DNS:www.test,IP:127.0.0.1")
    pki.make("ocsp", subject="/CN=Test Responder", extensions="ocsp")
    response = pki.response("good.der", "good")
    s = Servers(bench, pki)
    port = s.add("tls", "good.pem", "-status_file", response, "-tls1_2")
    keys = {"https": f'probe: https, url: "https://127.0.0.1:{port}/"',
            "wss": f'probe: wss, url: "wss://127.0.0.1:{port}/"',
            "sip": f'probe: sip, transport: sip_tls, address: "127.0.0.1:{port}"',
            "wary": f'probe: tls, issuers: [Nobody], ciphers: ["*CHACHA20*"], tls_least: 1.3, server_name: a.test, address: "127.0.0.1:{port}"',
            "walled": f'probe: tls, expect: blocked, server_name: b.test, address: "127.0.0.1:{port}"'}
    s.targets += "".join(f"  - {{name: {n}, {k}, interval: 700ms, timeout: 600ms}}\n" for n, k in keys.items())
    master = Master(bench).start()
    d = s.daemon(f"snmp: {{agentx: {master.socket}}}\n"
                 f'media: {{clusters: [{{name: m, xtls: ["stun:127.0.0.1:{port}"]}}]}}')
    shown = {
        "fingerprint_sha256": printed(pki, "good", "-fingerprint", "-sha256").replace(":", "").lower(),
        "serial_number": printed(pki, "good", "-serial").lower(), "subject": "CN=good",
        "issuer": "CN=Test Issuing, O=Test Trust", "root": "O=Test Trust, CN=Test Root"}
    end = ssl.cert_time_to_seconds(printed(pki, "issuing", "-enddate"))
    assert end < ssl.cert_time_to_seconds(printed(pki, "good", "-enddate"))
    m = wait("all of them", lambda: len((m := d.metrics()).all("reachd_tls_cert_info")) == 7 and m)
    rows = {t["target"]: t for t in d.api("targets")["targets"]}
    ended = {n: rows[n]["last_outcome"] for n in ("tls", *keys)}
    assert (ended["tls"], ended["wary"], ended["walled"]) == (
        "answered", "tls_intercepted", "tls_certificate"), ended
    assert {ended[n] for n in ("https", "wss", "sip")} <= {"protocol", "reset"}, ended
    wait("the subagent", lambda: connected(d))
    reader = Reader(master, mibs)
    names = {i: row["reachdTargetName"] for i, row in reader.table("Target").items()}
    cells = {names[i]: row for i, row in reader.table("Tls").items()}
    assert set(cells) == set(rows) and len(rows) == 7, (set(cells), set(rows))
    for name, t in rows.items():
        of, cell = t["tls"], cells[name]
        labels = m.all("reachd_tls_cert_info", target=name)[0][0]
        assert {k: labels[k] for k in shown} == shown == of["cert"], name
        assert cell["reachdTlsCertFingerprint"].replace('"', "").replace(" ", "").lower() == \
            shown["fingerprint_sha256"]
        assert (cell["reachdTlsCertSubject"], cell["reachdTlsCertIssuer"]) == ("CN=good", shown["issuer"])
        assert m.one("reachd_tls_cert_not_after_timestamp_seconds", target=name) == end
        assert of["not_after_timestamp_seconds"] == end == seconds(cell["reachdTlsCertNotAfter"])
        assert cell["reachdTlsCertDaysLeft"] == "8"
        session = m.all("reachd_tls_info", target=name)[0][0]
        for k in ("version", "cipher", "chain"):
            assert session[k] == of["info"][k]
        assert session["version"] == cell["reachdTlsVersion"] == "TLSv1.2"
        assert session["cipher"] == cell["reachdTlsCipher"] == "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
        assert of["chain"] == session["chain"] == cell["reachdTlsChain"] == "valid"
        assert staple_of(m, name) == of["staple"] == cell["reachdTlsOcspStaple"] == "good"
        assert of["name_match"] == (cell["reachdTlsNameMatch"] == "true") == (
            name not in ("wary", "walled")), name
        assert m.one("reachd_tls_chain_valid", target=name) == 1 and of["chain_valid"] is True
        # Policies and issuers are judged only where some are named.
        assert (of["policy"], of["intercepted"]) == ((False, True) if name == "wary" else (None, None))
        assert 0 < of["handshake_seconds"] < 1


def test_slow_key_exchanges_are_not_offered(bench, pki):
    """The server picks the key exchange, and we pay for it: half a second and
    more with a large finite field."""
    pki.run("req", "-x509", "-config", "ca.cnf", "-newkey", "rsa:2048", "-nodes", "-keyout", "rsa.key",
            "-out", "rsa.pem", "-days", "9", "-subj", "/CN=rsa", "-addext", "subjectAltName=DNS:www.test")
    for bits in (2048, 3072, 8192):
        pki.run("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", f"group:ffdhe{bits}",
                "-out", f"dh{bits}.pem")
    s = Servers(bench, pki)
    both = "DHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"

    def add(name, *options, more=""):
        s.add(name, "rsa.pem", *options, chain=None, more=", verify: false" + more)
    add("group", "-tls1_3", "-groups", "ffdhe8192")
    add("choice13", "-tls1_3", "-groups", "ffdhe8192:P-256", "-serverpref")
    for bits in (2048, 3072, 8192):
        dh = ("-tls1_2", "-cipher", "DHE", "-dhparam", pki.path(f"dh{bits}.pem"))
        add(f"dhe{bits}", *dh)
        add(f"old{bits}", *dh, more=", tls_least: 1.0")
    add("choice12", "-tls1_2", "-cipher", both, "-serverpref", "-dhparam", pki.path("dh8192.pem"))
    d = s.daemon()
    m = settled(d, s.count)
    for name in ("group", "dhe2048", "dhe3072", "dhe8192", "old3072", "old8192"):
        assert outcome(d, m, name)["last_outcome"] == "tls_handshake", (name, outcome(d, m, name))
    for name in ("choice12", "choice13", "old2048"):
        expect(d, m, name, 1)
    cipher = {n: m.all("reachd_tls_info", target=n)[0][0]["cipher"] for n in ("choice12", "old2048")}
    assert cipher["choice12"] == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", cipher
    assert cipher["old2048"].startswith("TLS_DHE_RSA_"), cipher
