"""A public-key infrastructure made with the openssl command: a root, an
issuing authority, servers and clients of every quality, and what an OCSP
responder says of them."""

import datetime
import os
import subprocess

from harness import tool

CONF = """
[req]
distinguished_name = d
prompt = no
[d]
[ca]
default_ca = c
[c]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = p
copy_extensions = copy
unique_subject = no
[p]
commonName = supplied
organizationName = optional
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[ocsp]
extendedKeyUsage = OCSPSigning
"""


class Pki:
    """Everything lies in one directory: NAME.pem, NAME.key, NAME.chain.pem."""

    def __init__(self, directory, urls=""):
        self.dir = directory
        self.urls = urls
        directory.mkdir(exist_ok=True)
        (directory / "ca.cnf").write_text(CONF)
        (directory / "index.txt").write_text("")
        self.run("req", "-x509", "-config", "ca.cnf", "-extensions", "authority",
                 *self.key("root"), "-out", "root.pem", "-days", "3000",
                 "-subj", "/O=Test Trust/CN=Test Root")
        self.make("issuing", subject="/O=Test Trust/CN=Test Issuing", issuer="root",
                  extensions="authority")
        self.make("ocsp", subject="/CN=Test Responder", extensions="ocsp")

    def run(self, *argv, env=None):
        p = subprocess.run([tool("openssl"), *[str(a) for a in argv]], cwd=self.dir,
                           capture_output=True, text=True, env={**os.environ, **(env or {})})
        assert p.returncode == 0, (argv, p.stderr)
        return p.stdout

    @staticmethod
    def key(name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{name}.key"]

    def path(self, name):
        return str(self.dir / name)

    def make(self, name, subject=None, names=None, days=(-1, 90), issuer="issuing",
             extensions=None, more=""):
        """A certificate that is valid from and to so many days from now."""
        lines = []
        if names:
            lines.append(f"subjectAltName = {names}")
        if more:
            lines.append(more)
        (self.dir / f"{name}.cnf").write_text(
            CONF + ("[extra]\n" + "\n".join(lines) + "\n" if lines else ""))
        self.run("req", "-new", "-config", f"{name}.cnf", *self.key(name),
                 *(["-reqexts", "extra"] if lines else []),
                 "-out", f"{name}.req", "-subj", subject or f"/CN={name}")
        now = datetime.datetime.now(datetime.timezone.utc)
        start, end = ((now + datetime.timedelta(days=d)).strftime("%Y%m%d%H%M%SZ") for d in days)
        self.run("ca", "-batch", "-config", f"{name}.cnf", "-notext", "-cert", f"{issuer}.pem",
                 "-keyfile", f"{issuer}.key", "-in", f"{name}.req", "-out", f"{name}.pem",
                 "-startdate", start, "-enddate", end,
                 *(["-extensions", extensions] if extensions else []))
        chain = (self.dir / f"{name}.pem").read_text()
        if issuer == "issuing":
            chain += (self.dir / "issuing.pem").read_text()
        (self.dir / f"{name}.chain.pem").write_text(chain)

    def self_signed(self, name, names):
        self.run("req", "-x509", "-config", "ca.cnf", *self.key(name), "-out", f"{name}.pem",
                 "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}")
        (self.dir / f"{name}.chain.pem").write_text((self.dir / f"{name}.pem").read_text())

    def revoke(self, name):
        self.run("ca", "-config", "ca.cnf", "-cert", "issuing.pem", "-keyfile", "issuing.key",
                 "-revoke", f"{name}.pem")

    def response(self, out, of, *options, env=None):
        """What the responder says of a certificate, in a file."""
        self.run("ocsp", "-issuer", "issuing.pem", "-cert", f"{of}.pem", "-reqout", "ocsp.req")
        self.run("ocsp", "-index", "index.txt", "-rsigner", "ocsp.pem", "-rkey", "ocsp.key",
                 "-CA", "issuing.pem", "-reqin", "ocsp.req", "-respout", out,
                 *(options or ("-ndays", "1")), env=env)
        return self.path(out)
