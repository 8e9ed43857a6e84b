"""Servers of SIP that are not ours: Kamailio over UDP, TCP, TLS and TLS with
client certificates, and SIPp with a scenario."""

import socket
import subprocess

from harness import free_port, tool, wait

EXTENSIONS = """
[server]
subjectAltName = DNS:sip.test, IP:127.0.0.1, IP:::1
extendedKeyUsage = serverAuth
[client]
extendedKeyUsage = clientAuth
"""


def certificates(directory):
    """ca.pem, and signed by it server.pem and client.pem with their keys."""
    (directory / "ext.cnf").write_text(EXTENSIONS)

    def run(*argv):
        subprocess.run(["openssl", *argv], cwd=directory, check=True, capture_output=True)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "30", "-subj", "/CN=SIP Test CA", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("server", "client"):
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}.test", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "20", "-extfile", "ext.cnf", "-extensions", name,
            "-out", f"{name}.pem")


KAMAILIO = """#!KAMAILIO
debug=0
log_stderror=yes
children=1
tcp_children=1
tcp_max_connections=64
auto_aliases=no
disable_sctp=yes
{tls}
listen=udp:{address}:{udp}
listen=tcp:{address}:{udp}
{listen}
loadmodule "kex.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
{modules}
request_route {{
    if (method == "OPTIONS" && $rU == "down") {{
        append_to_reply("Retry-After: 10\\r\\n");
        sl_send_reply("503", "Service Unavailable");
        exit;
    }}
    if (method == "OPTIONS") {{
        append_to_reply("X-Proto: $proto\\r\\n");
        sl_send_reply("200", "OK");
        exit;
    }}
    sl_send_reply("405", "Method Not Allowed");
}}
"""

TLS = """[server:default]
method = TLSv1.2+
certificate = {directory}/server.pem
private_key = {directory}/server.key
verify_certificate = no
require_certificate = no

[server:{address}:{mtls}]
method = TLSv1.2+
certificate = {directory}/server.pem
private_key = {directory}/server.key
verify_certificate = yes
require_certificate = yes
ca_list = {directory}/ca.pem
"""


def kamailio(bench, directory, address="127.0.0.1", tls=False, ports=None):
    """A server with .port of udp (and tcp), tls and mtls; with tls the
    directory has server.pem, server.key and ca.pem."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    port = ports or {
        "udp": free_port(socket.SOCK_STREAM, family, address),
        "tls": free_port(socket.SOCK_STREAM, family, address),
        "mtls": free_port(socket.SOCK_STREAM, family, address)}
    text = f"[{address}]" if family == socket.AF_INET6 else address
    listen, modules, enable = "", "", ""
    if tls:
        (directory / "tls.cfg").write_text(
            TLS.format(directory=directory, address=text, mtls=port["mtls"]))
        enable = "enable_tls=yes"
        listen = "".join(f"listen=tls:{text}:{port[k]}\n" for k in ("tls", "mtls"))
        modules = f'loadmodule "tls.so"\nmodparam("tls", "config", "{directory}/tls.cfg")\n'
    (directory / "kamailio.cfg").write_text(KAMAILIO.format(
        tls=enable, listen=listen, modules=modules, address=text, udp=port["udp"]))
    run = directory / "run"
    run.mkdir(exist_ok=True)
    p = bench.start(
        [tool("kamailio"), "-DD", "-E", "-f", "kamailio.cfg", "-P", run / "pid", "-Y", run,
         "-m", "64", "-M", "8", "-w", run], name="kamailio")
    p.port = port
    ports = [port["udp"]] + ([port["tls"], port["mtls"]] if tls else [])

    def listens():
        assert p.alive(), p.text()
        for n in ports:
            socket.create_connection((address, n), 1).close()
        return True
    wait("kamailio to listen", listens)
    return p


SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="options">
  <recv request="OPTIONS"/>
{actions}
</scenario>
"""
SEND = """  <send><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

  ]]></send>
"""


def sipp(bench, directory, statuses, transport="udp", address="127.0.0.1"):
    """A server that sends these statuses to each OPTIONS; with .port."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    port = free_port(kind, family, address)
    (directory / f"scenario{port}.xml").write_text(SCENARIO.format(
        actions="".join(SEND.format(status=s) for s in statuses)))
    p = bench.start(
        [tool("sipp"), "-sf", f"scenario{port}.xml", "-t", "u1" if transport == "udp" else "t1",
         "-i", address, "-p", port, "-nostdin", "-m", "1000000", "-timeout_error"],
        name=f"sipp-{port}", env={"TERM": "dumb"})
    p.port = port

    def listens():
        assert p.alive(), p.text()
        if transport == "tcp":
            socket.create_connection((address, port), 1).close()
            return True
        table = open("/proc/net/udp6" if family == socket.AF_INET6 else "/proc/net/udp").read()
        return f":{port:04X} " in table
    wait("sipp to listen", listens)
    return p
