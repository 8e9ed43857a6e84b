"""Name servers for the tests: real ones with a small zone, and one that
answers as a test tells it to."""

import ipaddress
import socket
import struct
import threading

from harness import free_port, tool, wait

# Of each: an address, an alias of it, a text too long for a datagram without
# EDNS0, a mail server, and nothing else.
LONG = ["x%02d-" % i + "y" * 60 for i in range(20)]

UNBOUND = """
server:
  interface: 127.0.0.1@{port}
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "{dir}"
  pidfile: "{dir}/unbound.pid"
  use-syslog: no
  do-daemonize: no
  module-config: "iterator"
  local-zone: "example.net." static
  local-data: "www.example.net. 300 IN A 192.0.2.7"
  local-data: "www.example.net. 300 IN AAAA 2001:db8::7"
  local-data: "example.net. 300 IN MX 10 mx.example.net."
{long}
  local-zone: "refused.test." refuse
"""

ZONE = """$TTL 300
@ IN SOA ns.example.net. host.example.net. 1 3600 600 86400 60
@ IN NS ns.example.net.
ns IN A 127.0.0.1
www IN A 192.0.2.7
www IN AAAA 2001:db8::7
alias IN CNAME www
loop IN CNAME loop2
loop2 IN CNAME loop
@ IN MX 10 mx.example.net.
{long}
"""

NAMED = """
options {{
  directory "{dir}";
  pid-file "{dir}/named.pid";
  session-keyfile "{dir}/session.key";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion no;
  allow-query {{ any; }};
}};
controls {{ }};
zone "example.net" {{ type primary; file "{dir}/example.net.zone"; }};
"""


def _answers(port):
    """Whether somebody answers there: any answer will do."""
    query = b"\x12\x34\x00\x00\x00\x01" + bytes(6) + name("www.example.net") + b"\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.2)
        s.connect(("127.0.0.1", port))
        s.send(query)
        return s.recv(512)


class Real:
    """A server of that kind on a port of loopback; stop() and start()."""

    def __init__(self, bench, kind):
        self.bench, self.kind = bench, kind
        self.port = free_port(socket.SOCK_DGRAM)
        self.dir = bench.directory / kind
        self.dir.mkdir()
        self.process = None
        self.start()

    def _argv(self):
        d, port = self.dir, self.port
        if self.kind == "unbound":
            long = "\n".join(f"  local-data: 'long.example.net. 300 IN TXT \"{t}\"'"
                             for t in LONG)
            (d / "c").write_text(UNBOUND.format(dir=d, port=port, long=long))
            return [tool("unbound"), "-d", "-c", d / "c"]
        if self.kind == "dnsmasq":
            return [tool("dnsmasq"), "-k", "-C", "/dev/null", f"--port={port}",
                    "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv",
                    "--no-hosts", "--user=root", f"--pid-file={d}/pid", "--auth-ttl=300",
                    "--local=/example.net/", "--local-ttl=300", "--log-facility=-",
                    "--host-record=www.example.net,192.0.2.7,2001:db8::7",
                    "--cname=alias.example.net,www.example.net",
                    "--mx-host=example.net,mx.example.net,10",
                    *[f"--txt-record=long.example.net,{t}" for t in LONG]]
        long = "\n".join(f'long IN TXT "{t}"' for t in LONG)
        (d / "example.net.zone").write_text(ZONE.format(long=long))
        (d / "c").write_text(NAMED.format(dir=d, port=port))
        return [tool("named"), "-g", "-c", d / "c"]

    def start(self):
        self.process = self.bench.start(self._argv(), name=self.kind)
        wait(f"{self.kind} to answer", lambda: _answers(self.port), 20)

    def stop(self):
        self.process.stop()


def name(text):
    return b"".join(bytes([len(x)]) + x.encode() for x in text.split(".") if x) + b"\0"


def record(owner, kind, data, ttl=300):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


class Scripted:
    """manner(query, send): send(bytes) answers, send(bytes, other=True) does
    so from another port. What was asked is kept: (port, id)."""

    def __init__(self, bench, manner):
        self.manner, self.asked = manner, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.other.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        bench.closing.append(self.close)

    def _serve(self):
        while True:
            query, client = self.socket.recvfrom(2048)
            if client[1] == self.port:
                return
            self.asked.append((client[1], struct.unpack("!H", query[:2])[0]))

            def send(data, other=False):
                (self.other if other else self.socket).sendto(data, client)
            self.manner(query, send)

    def close(self):
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join(5)
        self.socket.close()
        self.other.close()


def question_of(query):
    at = 12
    while query[at]:
        at += 1 + query[at]
    return query[12:at + 5]


def respond(query, flags=0x8180, records=(), identity=None, question=None):
    """A response to the query."""
    return ((identity or query[:2])
            + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
            + (question or question_of(query)) + b"".join(records))


def a(address, owner=b"\xc0\x0c", ttl=300):
    return record(owner, 1, ipaddress.ip_address(address).packed, ttl)
