"""A Zabbix of the distribution, for one test: a database in a folder, the
server, and the frontend for its API. PostgreSQL does not run as root: it is
in a user namespace where it is someone else."""

import http.client
import json
import os
import pathlib
import socket
import shutil
import tempfile
import subprocess

from harness import free_port, tool, wait

SOMEONE = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
SCHEMA = pathlib.Path("/usr/share/zabbix-server-pgsql")


def low_port():
    """The server takes none above 32767, the kernel chooses none below."""
    for port in range(20000 + os.getpid() % 10000, 32768):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no port is free")


class Zabbix:
    def __init__(self, bench):
        self.dir = bench.directory / "zabbix"
        self.dir.mkdir()
        self.token = None
        self._database(bench)
        self._server(bench)
        self._frontend(bench)
        self.token = self.call("user.login", username="Admin", password="zabbix")

    def _psql(self, text):
        p = subprocess.run([tool("psql"), "-h", self.dir, "-U", "zabbix", "-q", "-d", "postgres",
                            "-v", "ON_ERROR_STOP=1", "-1", "-f", "-"],
                           input=text, capture_output=True, text=True, timeout=600)
        assert p.returncode == 0, p.stderr[-2000:]
        return p.stdout

    def _database(self, bench):
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        data = self.dir / "data"
        p = subprocess.run([*SOMEONE, programs / "initdb", "-D", data, "-U", "zabbix", "-A", "trust",
                            "-N", "--no-locale", "-E", "UTF8"], capture_output=True, text=True)
        assert p.returncode == 0, p.stderr
        server = bench.start([*SOMEONE, programs / "postgres", "-D", data, "-k", self.dir, "-h", "",
                              "-c", "fsync=off", "-c", "max_connections=60"], name="postgres")
        wait("the database", lambda: self._psql("select 1"))
        assert server.alive()
        for part in ("schema", "images", "data"):
            packed = (SCHEMA / f"{part}.sql.gz").read_bytes()
            self._psql(subprocess.run(["gzip", "-dc"], input=packed, capture_output=True,
                                      check=True).stdout.decode())

    def _server(self, bench):
        self.port = low_port()
        conf = self.dir / "server.conf"
        # The name of a socket has room for 108 octets.
        sockets = tempfile.mkdtemp(prefix="reachd-zabbix-")
        bench.closing.append(lambda: shutil.rmtree(sockets, ignore_errors=True))
        conf.write_text(
            f"DBHost={self.dir}\nDBName=postgres\nDBUser=zabbix\nLogType=console\nAllowRoot=1\n"
            f"ListenPort={self.port}\nListenIP=127.0.0.1\nPidFile={self.dir}/pid\nSocketDir={sockets}\n"
            "CacheUpdateFrequency=1\nStartPollers=2\nStartPreprocessors=1\nStartLLDProcessors=1\n"
            "StartHTTPPollers=0\nStartDiscoverers=0\nStartPingers=0\nStartPollersUnreachable=1\n"
            "StartEscalators=1\nStartTimers=1\nStartTrappers=2\nUnreachableDelay=1\n"
            "UnavailableDelay=1\nUnreachablePeriod=5\nTimeout=10\n")
        bench.start([tool("zabbix_server"), "-f", "-c", conf], name="zabbix_server",
                    env={"MIBS": "", "SNMP_PERSISTENT_DIR": str(self.dir)})

    def _frontend(self, bench):
        etc = self.dir / "etc"
        etc.mkdir()
        (etc / "zabbix.conf.php").write_text(
            "<?php\n$DB['TYPE'] = 'POSTGRESQL'; $DB['SERVER'] = '%s'; $DB['PORT'] = '0';\n"
            "$DB['DATABASE'] = 'postgres'; $DB['USER'] = 'zabbix'; $DB['PASSWORD'] = '';\n"
            "$DB['SCHEMA'] = ''; $DB['ENCRYPTION'] = false; $DB['DOUBLE_IEEE754'] = true;\n"
            "$ZBX_SERVER = '127.0.0.1'; $ZBX_SERVER_PORT = '%d'; $ZBX_SERVER_NAME = '';\n"
            "$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;\n" % (self.dir, self.port))
        self.web = free_port()
        # The frontend looks for its configuration in /etc/zabbix only.
        bench.start(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                     'mount --bind "$1" /etc/zabbix && shift && exec "$@"', "sh", etc,
                     tool("php"), "-d", "error_reporting=0", "-d", "max_execution_time=60",
                     "-S", f"127.0.0.1:{self.web}", "-t", "/usr/share/zabbix"], name="php")
        wait("the frontend", lambda: self.call("apiinfo.version"))

    def call(self, method, **params):
        body = {"jsonrpc": "2.0", "method": method, "params": params or [], "id": 1}
        if self.token:
            body["auth"] = self.token
        c = http.client.HTTPConnection("127.0.0.1", self.web, timeout=60)
        try:
            c.request("POST", "/api_jsonrpc.php", json.dumps(body), {"Content-Type": "application/json-rpc"})
            text = c.getresponse().read().decode()
        finally:
            c.close()
        answer = json.loads(text)
        if "error" in answer:
            raise ValueError(f"{method}: {answer['error']}")
        return answer["result"]

    def load(self, path):
        """Imports a template; returns its name to identifier."""
        yes = {"createMissing": True, "updateExisting": True}
        kinds = ("discoveryRules", "graphs", "groups", "items", "templates", "triggers", "valueMaps")
        self.call("configuration.import", format="yaml", source=pathlib.Path(path).read_text(),
                  rules={k: dict(yes) if k != "groups" else yes for k in kinds})
        return {t["name"]: t["templateid"] for t in self.call("template.get", output=["name"])}

    def host(self, name, template, port, **details):
        found = self.call(
            "host.create", host=name, groups=[{"groupid": "2"}], templates=[{"templateid": template}],
            interfaces=[{"type": 2, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": "",
                         "port": str(port), "details": details}])
        return found["hostids"][0]

