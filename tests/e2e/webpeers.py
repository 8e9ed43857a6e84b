"""Web servers, WebSocket servers and proxies: real ones, and scripted ones
that no honest program would be."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading

from harness import free_port, tool, wait


def openssl(directory, *argv):
    subprocess.run(["openssl", *argv], cwd=directory, check=True,
                   capture_output=True)


class Pki:
    """A root and leaves of it, in PEM files."""

    def __init__(self, directory, name="ca", subject="Test Root"):
        self.directory, self.name = pathlib.Path(directory), name
        openssl(directory, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                f"{name}.key", "-out", f"{name}.pem", "-days", "30", "-subj",
                f"/CN={subject}", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.ca = str(self.directory / f"{name}.pem")

    def leaf(self, name, names="DNS:localhost,IP:127.0.0.1", days=20):
        d = self.directory
        openssl(d, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (d / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        openssl(d, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem",
                "-CAkey", f"{self.name}.key", "-CAcreateserial", "-days", str(days),
                "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        return str(d / f"{name}.pem"), str(d / f"{name}.key")


class Nginx:
    """nginx with these server blocks; {pN} in them is a port of self.port."""

    def __init__(self, bench, servers, ports):
        d = bench.directory / "nginx"
        d.mkdir(exist_ok=True)
        self.port = {name: free_port() for name in ports}
        body = servers
        for name, number in self.port.items():
            body = body.replace("{%s}" % name, f"127.0.0.1:{number}")
        temp = "".join(f"{k}_temp_path {d}/{k};" for k in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (d / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {d}/pid; error_log stderr info;\n"
            f"worker_rlimit_nofile 1024; events {{}}\nhttp {{ access_log {d}/access.log;\n{temp}\n{body}\n}}\n")
        self.access = d / "access.log"
        self.process = bench.start(
            [tool("nginx"), "-p", d, "-c", d / "nginx.conf", "-e", "stderr"], "nginx")
        for number in self.port.values():
            wait("nginx", lambda n=number: socket.create_connection(("127.0.0.1", n), 1).close() or True)


class Squid:
    """squid; config is what is peculiar to it. Its files are where its own
    user can read them."""

    count = 0

    def __init__(self, bench, config="", port_options="", files=(), env=(),
                 listener="http_port"):
        self.port = free_port()
        d = self.directory = pathlib.Path(tempfile.mkdtemp(prefix="reachd-squid-"))
        bench.closing.append(lambda: shutil.rmtree(d, ignore_errors=True))
        d.chmod(0o755)
        for name, text in dict(files).items():
            (d / name).write_bytes(text if isinstance(text, bytes) else text.encode())
            (d / name).chmod(0o644)
        (d / "hosts").write_text("127.0.0.1 localhost\n")
        (d / "log").mkdir()
        (d / "log").chmod(0o777)
        self.access = d / "log/access"
        (d / "squid.conf").write_text(
            f"{listener} 127.0.0.1:{self.port} {port_options}\n".replace("DIR", str(d)) +
            f"pid_filename none\ncache_log {d}/log/cache\nhosts_file {d}/hosts\n"
            f"access_log stdio:{d}/log/access\ncache deny all\ncoredump_dir {d}\n"
            "pinger_enable off\nshutdown_lifetime 0 seconds\nvisible_hostname proxy.test\n"
            "connect_timeout 2 seconds\ndns_timeout 2 seconds\n"
            + config.replace("DIR", str(d)) + "\nhttp_access allow all\n")
        Squid.count += 1
        self.process = bench.start(
            [tool("squid"), "-N", "-n", f"r{os.getpid()}x{Squid.count}", "-f", d / "squid.conf"],
            f"squid{Squid.count}", env={k: v.replace("DIR", str(d)) for k, v in dict(env).items()})

        def up():
            assert self.process.alive(), self.process.text()
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        wait("squid", up)

    def requests(self):
        return self.access.read_text().splitlines() if self.access.exists() else []


class Script:
    """A server on loopback: each connection runs talk(socket, self) in a
    thread; what it leaves open is closed at the end."""

    def __init__(self, bench, talk, port=0):
        self.talk, self.open, self.connections = talk, [], 0
        self.stopping = threading.Event()
        self.notes = []
        self.socket = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        bench.closing.append(self.close)

    def _accept(self):
        while True:
            try:
                c = self.socket.accept()[0]
            except OSError:
                return
            self.connections += 1
            self.open.append(c)
            threading.Thread(target=self._run, args=(c,), daemon=True).start()

    def _run(self, c):
        try:
            self.talk(c, self)
        except OSError:
            pass

    def close(self):
        self.stopping.set()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        for c in self.open:
            c.close()


def head(c):
    """What a client sends up to the empty line."""
    text = b""
    while b"\r\n\r\n" not in text:
        more = c.recv(4096)
        if not more:
            raise OSError("closed")
        text += more
    return text.decode()


def answering(*parts):
    """A talk that reads a request and sends these."""
    def talk(c, script):
        script.notes.append(head(c))
        for p in parts:
            c.sendall(p)
        script.stopping.wait(20)
    return talk


def over_tls(context, talk):
    """The same within TLS."""
    def wrapped(c, script):
        with context.wrap_socket(c, server_side=True) as tls:
            script.open.append(tls)
            talk(tls, script)
    return wrapped
