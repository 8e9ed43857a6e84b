"""What the end-to-end tests share: processes that are started on ports the
kernel chooses, network namespaces, and waiting for a condition with a
deadline. A failing wait says what it saw last."""

import http.client
import itertools
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
ASAN = os.environ.get("REACHD_ASAN", str(TOP / "build/asan/reachd"))
RELEASE = os.environ.get("REACHD_RELEASE", str(TOP / "build/release/reachd"))
OUTPUT = pathlib.Path(os.environ.get("REACHD_OUTPUT", str(TOP / "build/e2e")))
PROFILES = str(TOP / "deploy/profiles")


def wait(what, check, seconds=20.0, every=0.05):
    """Waits until check() is true and returns its value. An exception in
    check() counts as not yet."""
    end = time.monotonic() + seconds
    seen = None
    while True:
        try:
            seen = check()
            if seen:
                return seen
        except (OSError, http.client.HTTPException, ValueError, KeyError,
                IndexError, AssertionError) as e:
            seen = e
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}; last seen: {seen!r}")
        select.select([], [], [], every)


# Below the ports that the kernel gives out by itself.
LOWEST, EACH, WORKERS = 10000, 1400, 16
WORKER = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % WORKERS
TURN = itertools.count(random.randrange(EACH))


def free_port(kind=socket.SOCK_STREAM, family=socket.AF_INET, address="127.0.0.1"):
    """A port that is free, for servers that cannot take 0, or for none at all.
    One of the kernel's could be another socket's before the server has it; of
    these each worker has its own, and takes them in turn."""
    for _ in range(EACH):
        port = LOWEST + WORKER * EACH + next(TURN) % EACH
        with socket.socket(family, kind) as s:
            try:
                s.bind((address, port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no port is free from {LOWEST + WORKER * EACH} on")


class Process:
    """A child in its own session, ended with the test, its output kept."""

    def __init__(self, argv, directory, name, env=None, inside=None):
        self.name = name
        self.log_path = pathlib.Path(directory) / f"{name}.log"
        self.argv = (inside.enter if inside else []) + [str(a) for a in argv]
        self.log = open(self.log_path, "ab")
        self.child = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT, cwd=directory,
            env={**os.environ, **(env or {})}, start_new_session=True)

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def text(self):
        self.log.flush()
        return self.log_path.read_text(errors="replace")

    def signal(self, number):
        os.kill(self.child.pid, number)

    def stop(self, seconds=15):
        """Ends it; returns the exit status. Kills it if it does not end."""
        if self.alive():
            self.child.terminate()
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.send_signal(signal.SIGQUIT)
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.name} did not end in {seconds} s:\n{self.text()[-4000:]}")
        self.log.close()
        return self.child.returncode


class Netns:
    """A network namespace held by a process of our own."""

    def __init__(self, bench, name):
        self.name = name
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up; echo up; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        assert self.holder.stdout.readline() == b"up\n"
        self.enter = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        bench.closing.append(self.close)

    def run(self, *argv, text=None, check=True):
        p = subprocess.run(self.enter + [str(a) for a in argv], input=text,
                           capture_output=True, text=True, timeout=30)
        if check and p.returncode != 0:
            raise AssertionError(f"{self.name}: {argv}: {p.stderr}")
        return p.stdout

    def nft(self, rules):
        self.run("nft", "-f", "-", text=rules)

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(10)


def link(a, b, number=1):
    """A veth pair between two namespaces; returns their addresses."""
    ia, ib = f"v{number}a", f"v{number}b"
    a.run("ip", "link", "add", ia, "type", "veth", "peer", "name", ib,
          "netns", str(b.holder.pid))
    for ns, dev, last in ((a, ia, 1), (b, ib, 2)):
        ns.run("ip", "addr", "add", f"10.77.{number}.{last}/24", "dev", dev)
        ns.run("ip", "-6", "addr", "add", f"fd77:{number}::{last}/64", "dev", dev, "nodad")
        ns.run("ip", "link", "set", dev, "up")
    for ns, dev in ((a, ia), (b, ib)):
        wait(f"{dev} to run", lambda: "LOWER_UP" in ns.run("ip", "link", "show", dev))
    return f"10.77.{number}.1", f"10.77.{number}.2"


class Daemon(Process):
    """reachd itself, with a configuration and an HTTP client for it."""

    def __init__(self, directory, config, name="reachd", binary=None, args=(),
                 env=None, inside=None, listen="127.0.0.1:0"):
        self.directory = pathlib.Path(directory)
        self.config = self.directory / f"{name}.yml"
        self.write(config)
        self.port_file = self.directory / f"{name}.port"
        self.port_file.unlink(missing_ok=True)
        self.inside = inside
        full = {"REACHD_PROFILES": PROFILES,
                "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99",
                "LSAN_OPTIONS": f"print_suppressions=0:suppressions='{TOP}/tests/e2e/leaks.supp'",
                "UBSAN_OPTIONS": "print_stacktrace=1", **(env or {})}
        super().__init__(
            [binary or ASAN, f"--config.file={self.config}",
             f"--web.listen-address={listen}",
             f"--web.port-file={self.port_file}", "--web.enable-lifecycle",
             *args], directory, name, full, inside)
        wait(f"{name} to listen", self._listening, 20)
        self.port = int(self.port_file.read_text().split()[0])

    def _listening(self):
        if not self.alive():
            raise RuntimeError(f"{self.name} ended:\n{self.text()}")
        return self.port_file.exists() and self.port_file.read_text().endswith("\n")

    def write(self, config):
        """The configuration, put in place as an editor does: by rename."""
        new = self.config.with_suffix(".new")
        new.write_text(config)
        new.rename(self.config)

    def request(self, path, method="GET", headers=None, body=None):
        """Status, headers and body of a request, from within its namespace."""
        if self.inside:
            return self._request_inside(path, method, headers or {})
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            c.request(method, path, body, headers or {})
            r = c.getresponse()
            return r.status, dict(r.getheaders()), r.read()
        finally:
            c.close()

    def _request_inside(self, path, method, headers):
        argv = ["curl", "-sS", "-i", "-X", method, "--max-time", "20"]
        for k, v in headers.items():
            argv += ["-H", f"{k}: {v}"]
        out = subprocess.run(
            self.inside.enter + argv + [f"http://127.0.0.1:{self.port}{path}"],
            capture_output=True, timeout=40)
        if out.returncode != 0:
            raise OSError(out.stderr.decode())
        head, _, body = out.stdout.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        pairs = dict(line.split(": ", 1) for line in lines[1:])
        return int(lines[0].split()[1]), pairs, body

    def get(self, path, **kw):
        status, _, body = self.request(path, **kw)
        assert status == 200, (status, body[:500])
        return body.decode()

    def api(self, path):
        return json.loads(self.get(f"/api/v1/{path}"))

    def metrics(self):
        return Metrics(self.get("/metrics"))

    def reload(self):
        return self.request("/-/reload", "POST")

    def ready(self, seconds=30):
        wait("readiness", lambda: self.request("/-/ready")[0] == 200, seconds)
        return self

    def stop(self, seconds=15):
        code = super().stop(seconds)
        text = self.log_path.read_text(errors="replace")
        for word in ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer"):
            assert word not in text, text[-6000:]
        assert code in (0, -signal.SIGKILL), (code, text[-4000:])
        return code


class Metrics:
    """Samples of a text exposition: name and labels to value."""

    LINE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
    LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if line.startswith("#") or not line:
                continue
            m = self.LINE.match(line)
            assert m, line
            self.samples.append((m[1], dict(self.LABEL.findall(m[2] or "")), float(m[3])))

    def all(self, name, **labels):
        return [(lab, v) for n, lab, v in self.samples
                if n == name and all(lab.get(k) == w for k, w in labels.items())]

    def one(self, name, **labels):
        found = self.all(name, **labels)
        if len(found) != 1:
            raise KeyError(f"{name} {labels}: {len(found)} samples")
        return found[0][1]

    def sum(self, name, **labels):
        return sum(v for _, v in self.all(name, **labels))


class Bench:
    """What one test has started; closed in reverse order."""

    def __init__(self, directory):
        self.directory = directory
        self.closing = []
        self.count = 0

    def start(self, argv, name=None, **kw):
        self.count += 1
        p = Process(argv, self.directory, name or f"p{self.count}", **kw)
        self.closing.append(lambda: p.stop() if p.alive() else None)
        return p

    def daemon(self, config, **kw):
        d = Daemon(self.directory, config, **kw)
        self.closing.append(lambda: d.stop() if d.alive() else None)
        return d

    def reflect(self, *options, name=None, inside=None, binary=None, env=None):
        """A reflector; returns it with .port = {"udp": n, "tcp": n, "tls": n}."""
        self.count += 1
        name = name or f"reflect{self.count}"
        p = self.start([binary or RELEASE, "reflect", "--print-ports", *options],
                       name=name, inside=inside, env=env)
        want = sum(o.startswith("--listen") for o in options)

        def ports():
            assert p.alive(), p.text()
            lines = [line.split() for line in p.text().splitlines()
                     if re.match(r"^(udp|tcp|tls) \S+:\d+$", line)]
            return lines if len(lines) >= want else None

        p.lines = wait(f"{name} to say its ports", ports)
        p.port = {t: int(a.rsplit(":", 1)[1]) for t, a in p.lines}
        return p

    def netns(self, name):
        return Netns(self, name)

    def close(self):
        first = None
        for f in reversed(self.closing):
            try:
                f()
            except BaseException as e:  # every one is closed, the first is told
                first = first or e
        self.closing.clear()
        if first:
            raise first


def tool(name):
    """The path of a program that the test needs; missing is a failure."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    assert path, f"{name} is not installed: tests/packages names what is needed"
    return path
