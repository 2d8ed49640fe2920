"""Clients of a broker that lets no one in without a name: our modules, and those of the page docs/clients.md."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import client_file
import demo_client
import pytest
import yaml
from certificates import Authority
from kafka_cluster import VERSIONS, run_module
from tls_broker import SCRAM, TlsBroker

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import zookeeper
from ansible_collections.rackaware.kafka.plugins.module_utils._start_guard import program
from lab import archives

USER = {"name": "app", "password": "right-password"}
PARTIAL = "so that it may not show all topics; connect as a super user. See docs/clients.md."


@pytest.fixture(scope="module", params=["kraft", "zookeeper"])
def broker(request, tmp_path_factory):
    with TlsBroker(request.param, tmp_path_factory.mktemp(request.param)) as made:
        made.start_all()
        login = {"login_servers": [made.at["CLIENT"]]}
        assert made.run("kafka_users", users=[USER], **login)["verified"]
        (made.home / "app").write_text("right-password\n")
        for name in ("orders", "hidden"):
            topic = {"name": name, "partitions": 1, "replication_factor": 1, "config": {"min.insync.replicas": 1}}
            made.run("kafka_topics", topics=[topic])
        yield made


def as_user(broker, name="app"):
    """The options of a module that logs in as a user."""
    login = {"sasl_mechanism": SCRAM, "sasl_username": name, "sasl_password_file": str(broker.home / name)}
    return {
        "bootstrap_servers": [broker.at["CLIENT"]],
        "security_protocol": "SASL_SSL",
        "ssl_cafile": str(broker.authority.file),
        **login,
    }


# Users, whose passwords are compared by logging in at another listener than the modules' own.


def test_a_password_is_compared_at_the_listener_for_clients(broker):
    login = {"login_servers": [broker.at["CLIENT"]]}
    assert not broker.run("kafka_users", users=[USER], **login)["changed"]
    other = {**USER, "name": "changing"}
    assert broker.run("kafka_users", users=[other], **login)["changed"]
    found = broker.run("kafka_users", users=[{**other, "password": "another-password"}], **login)
    assert found["changed"] and found["verified"] and "another password" in found["changes"][0]
    assert not broker.run("kafka_users", users=[{**other, "password": "another-password"}], **login)["changed"]
    # The listener of the connection has no login, and says so instead of calling the password another one.
    wrong = broker.run("kafka_users", users=[USER], login_servers=[broker.at["REPLICATION"]])
    assert wrong["failed"] and "asks for no login" in wrong["msg"]


# Who does not see everything.


def partly(broker):
    """A user that may describe one topic, and all of the cluster but one thing."""
    who = {"principal": "User:app"}
    cluster = ["create", "cluster_action", "describe", "describe_configs", "alter_configs", "idempotent_write"]
    acls = [
        {**who, "resource_type": "cluster", "operations": cluster},
        {**who, "resource_type": "topic", "name": "orders", "operations": ["describe", "describe_configs"]},
    ]
    assert "failed" not in broker.run("kafka_acls", acls=acls)
    return as_user(broker)


def test_whoever_sees_less_than_everything_is_refused_by_what_decides(broker):
    where, whole = partly(broker), broker.operator
    brokers = [{"id": 1, "host": "127.0.0.1", "name": "one", "rack": None}]
    questions = {
        "kafka_cluster_info": {},
        "kafka_roll_plan": {"restart": [1]},
        "kafka_roll_gate": {"question": "back", "nodes": [9]},
        "kafka_verify": {
            "brokers": brokers,
            "topic": "check",
            "replication_factor": 1,
            "visit_seconds": 1,
            "min_racks": 1,
        },
    }
    assert {topic["name"] for topic in run_module("kafka_topics_info", **where)["topics"]} == {"orders"}
    for module, options in questions.items():
        refused = run_module(module, **{**where, "request_timeout_seconds": 15, **options})
        assert refused.get("failed") and refused["msg"].endswith(PARTIAL), (module, refused)
        assert "Create, Describe, ClusterAction" in refused["msg"] and "Alter," not in refused["msg"]
        assert refused.get("retry") in (None, False)
    for module in ("kafka_cluster_info", "kafka_roll_plan", "kafka_roll_gate"):
        seen = run_module(module, **{**whole, "request_timeout_seconds": 15, **questions[module]})
        assert not seen.get("failed"), (module, seen)
    assert set(run_module("kafka_cluster_info", **whole)["cluster"]["topics"]) >= {"orders", "hidden"}


def test_a_client_whose_authority_signs_the_name_of_a_node_is_none(broker):
    for name in ("operator", "kafka"):
        pair = broker.client_authority.sign("as-" + name, dn="CN=%s,OU=demo,O=rackaware" % name)
        seen = run_module("kafka_topics_info", bootstrap_servers=[broker.at["CERTIFICATE"]], **broker.tls(pair))
        assert "CLUSTER_AUTHORIZATION_FAILED" in seen.get("msg", ""), seen


# The start guard, which asks as root.


def guard(broker, home, **connection):
    home.mkdir()
    given = {"node": 9, "directories": {str(home / "logs"): "vol-0"}, "servers": {"1": broker.at["REPLICATION"]}}
    (home / "config.json").write_text(
        json.dumps({**given, "connection": {**broker.tls(broker.operator_file), **connection}})
    )
    (home / "logs").mkdir()
    world = (str(home / "config.json"), str(home / "state"), sys.executable, 3)
    code = "import sys; from %s import World, main; sys.exit(main(['check'], World(*%r)))" % (program.__name__, world)
    command = [sys.executable, "-c", "import sys; sys.path[:0] = %r; %s" % ([each for each in sys.path if each], code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def test_the_start_guard_asks_by_certificate(broker, tmp_path):
    code, said = guard(broker, tmp_path / "host")
    assert code == 0 and "no broker needs what it had" in said, said


@pytest.mark.parametrize("option", ["ssl_cafile", "ssl_certfile", "ssl_keyfile"])
def test_the_start_guard_without_its_files_keeps_the_broker_down(broker, tmp_path, option):
    code, said = guard(broker, tmp_path / "host", **{option: str(tmp_path / "none.pem")})
    assert code == 1 and "\n" not in said and "The files for TLS cannot be used: No such file or directory; " in said
    assert "none.pem" in said


def test_the_start_guard_with_a_certificate_that_is_not_taken_keeps_the_broker_down(broker, tmp_path):
    stranger = Authority(tmp_path, "stranger").sign("operator")
    pair = {"ssl_certfile": str(stranger), "ssl_keyfile": str(stranger)}
    code, said = guard(broker, tmp_path / "host", **pair)
    assert code == 1 and "\n" not in said and "this client's certificate" in said


def test_the_start_guard_of_one_who_sees_less_keeps_the_broker_down(broker, tmp_path):
    where = partly(broker)
    del where["bootstrap_servers"]
    home = tmp_path / "host"
    none = {"ssl_certfile": None, "ssl_keyfile": None}
    before, broker.at["REPLICATION"] = broker.at["REPLICATION"], broker.at["CLIENT"]
    try:
        code, said = guard(broker, home, **none, **where)
    finally:
        broker.at["REPLICATION"] = before
    assert code == 1 and "\n" not in said and said.endswith(PARTIAL)


# ZooKeeper, which takes the same files.


ENSEMBLE = pytest.mark.parametrize("broker", ["zookeeper"], indirect=True)


@ENSEMBLE
def test_zookeeper_is_asked_by_certificate(broker):
    server = broker.at["INTERNAL"]
    seen = broker.run("zookeeper_info", servers=[server])
    assert seen["quorum"]["leader"] == server and seen["servers"][0]["version"] == "3.8.4"
    host, port = server.split(":")
    servers = [{"id": 201, "host": host, "port": int(port)}]
    gate = broker.run("kafka_roll_gate", question="back", kind="zookeeper", nodes=[201], zookeeper_servers=servers)
    assert gate["open"], gate


@ENSEMBLE
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"])
@pytest.mark.parametrize("whose", ["none", "stranger", "old"])
def test_zookeeper_takes_no_other_certificate(broker, tmp_path, version, whose):
    pair = (
        Authority(tmp_path, "stranger").sign("operator")
        if whose == "stranger"
        else broker.authority.sign("old", days=-1)
    )
    secure = zookeeper.client({**broker.tls(pair), "ssl_check_hostname": True})
    if whose == "none":
        secure = ssl.create_default_context(cafile=broker.authority.file)
    secure.minimum_version = secure.maximum_version = version
    said = zookeeper.look(broker.at["INTERNAL"], 5, secure)["error"]
    assert "this client's certificate" in said


@ENSEMBLE
def test_zookeeper_says_no_word_in_plaintext(broker):
    said = zookeeper.look(broker.at["INTERNAL"], 2)["error"]
    assert said.endswith("it speaks TLS on this port; set ssl_cafile, ssl_certfile, ssl_keyfile.")


# The page for clients: every snippet of it that can run here.

PAGE = (Path(__file__).parents[2] / "docs/clients.md").read_text()
SECTIONS = {"SASL_SSL": "## With a user and a password", "SSL": "## With a certificate"}
CONSOLE, KCAT = re.findall(r"```sh\n(echo .+?)```", PAGE, re.DOTALL)


def snippets(title):
    """The blocks of a section by their language."""
    section = PAGE.partition(title + "\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"```(properties|python|ini)\n(.+?)```", section, re.DOTALL))


def has_kcat():
    """Whether this machine has a kcat with a librdkafka that the page asks for."""
    if not shutil.which("kcat"):
        return False
    said = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=False).stdout
    return tuple(map(int, re.findall(r"librdkafka (\d+)\.(\d+)\.(\d+)", said)[0])) >= (2, 6, 1)


@pytest.fixture(scope="module")
def page(broker, tmp_path_factory):
    """What the page tells a client to have, for each protocol: a directory with the files, and how to run a snippet there."""
    (declared,) = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
    declared = yaml.safe_load(declared)
    assert "failed" not in broker.run("kafka_users", users=declared["kafka_users"], login_servers=[broker.at["CLIENT"]])
    assert "failed" not in broker.run("kafka_acls", acls=declared["kafka_acls"])
    homes = {}
    for protocol, listener in (("SASL_SSL", "CLIENT"), ("SSL", "CERTIFICATE")):
        home = tmp_path_factory.mktemp(protocol)
        (home / "ca.pem").write_bytes(broker.authority.file.read_bytes())
        (home / "orders-app.pem").write_bytes(broker.client_authority.sign("orders-app").read_bytes())
        (home / "libs").symlink_to(broker.libs)
        (home / "bin").mkdir()
        for name, text in archives.scripts(VERSIONS[broker.mode]).items():
            (home / "bin" / name).write_text(text)
            (home / "bin" / name).chmod(0o755)
        blocks = {
            language: re.sub(r"broker-1\.example\.com:\d+", broker.at[listener], text)
            for language, text in {
                **snippets(SECTIONS[protocol]),
                "console": CONSOLE,
                "kcat": KCAT,
            }.items()
        }
        (home / "client.properties").write_text(blocks["properties"])
        (home / "kcat.conf").write_text(blocks["ini"])
        homes[protocol] = (home, blocks)
    return homes


def run_snippet(page, protocol, client):
    home, blocks = page[protocol]
    command = [sys.executable, "-c", blocks["python"]] if client == "python" else ["bash", "-ec", blocks[client]]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("protocol", SECTIONS)
@pytest.mark.parametrize("client", ["console", "python", *(["kcat"] if has_kcat() else [])])
def test_the_pages_snippets_write_and_read(page, protocol, client):
    code, said = run_snippet(page, protocol, client)
    assert code == 0 and "one" in said, said


@pytest.mark.parametrize("protocol", SECTIONS)
def test_the_ledger_gets_in_by_the_same_file(broker, page, protocol, tmp_path):
    home, _ = page[protocol]
    principal = "User:orders-app" if protocol == "SASL_SSL" else "User:CN=orders-app"
    every = [
        {
            "principal": principal,
            "resource_type": "topic",
            "name": "ledger",
            "pattern_type": "prefixed",
            "operations": ["all"],
        },
        {"principal": principal, "resource_type": "cluster", "operations": ["idempotent_write"]},
    ]
    assert "failed" not in broker.run("kafka_acls", acls=every)
    listener = {"SASL_SSL": "CLIENT", "SSL": "CERTIFICATE"}[protocol]
    command = [sys.executable, "-m", "ledger", "run", "--bootstrap", broker.at[listener]]
    command += ["--client-config", "client.properties", "--prefix", "ledger-" + protocol.replace("_", "-")]
    command += ["--topics", "1", "--partitions", "2", "--replication", "1", "--min-isr", "1", "--count", "40"]
    command += ["--rate", "40", "--seconds", "30", "--out", str(tmp_path / "ledger")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "ledger/report.json").read_text())
    assert report["records"]["acked"] == 40 and report["lost"] == 0


# The demo, whose user inventories/demo-objects.yml declares.


@pytest.fixture(scope="module")
def demo(broker, tmp_path_factory):
    """A checkout after the demo, as far as its clients see it, and what it prints."""
    home = tmp_path_factory.mktemp("demo")
    declared = yaml.safe_load((Path(__file__).parents[2] / "inventories/demo-objects.yml").read_text())
    (topic,), (user,) = declared["kafka_topics"], declared["kafka_users"]
    topic.update(replication_factor=1, config={"min.insync.replicas": 1})
    user["password"] = "right-password"
    for kind, items in (("topics", [topic]), ("users", [user]), ("acls", declared["kafka_acls"])):
        done = broker.run("kafka_" + kind, **{kind: items})
        assert "failed" not in done, done
    reports = home / "reports"
    (home / "tests").mkdir()
    shutil.copy(client_file.__file__, home / "tests")
    reports.mkdir()
    (reports / "x-demo-password").write_text(user["password"] + "\n")
    (reports / "x-ca.pem").write_bytes(broker.authority.file.read_bytes())
    demo_client.write_files("x", reports)
    demo_client.unpack_tools(reports)
    return home, demo_client.values("x", broker.at["CLIENT"])


def paste(demo, client):
    home, printed = demo
    bin_ = os.path.dirname(sys.executable)
    environment = {**os.environ, "PYTHONPATH": str(home / "tests"), "PATH": bin_ + os.pathsep + os.environ["PATH"]}
    command = ["bash", "-ec", printed[client]]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("client", "says"),
    [
        ("console", "Processed a total of 1 messages"),
        ("python", "topic='demo-orders'"),
        *([("kcat", "one")] if has_kcat() else []),
    ],
)
def test_what_the_demo_prints_works(demo, client, says):
    code, said = paste(demo, client)
    assert code == 0 and says in said, said


@pytest.mark.parametrize("client", ["plaintext", "foreign"])
def test_what_the_demo_says_is_refused_is(demo, client):
    code, said = paste(demo, client)
    assert code == 1 and said.strip().endswith(demo[1][client + "_says"]), said


def test_only_the_owner_reads_the_passwords_of_the_demo(demo):
    written = [demo[0] / demo[1][file] for file in ("properties", "conf")]
    assert [path.stat().st_mode & 0o777 for path in written] == [0o600, 0o600]
    assert all("right-password" in path.read_text() for path in written)
    assert "right-password" not in "".join(demo[1].values())


@ENSEMBLE
def test_a_zookeeper_node_asks_another_one_from_its_shell(broker, tmp_path):
    (tmp_path / "keystore.pem").write_bytes(broker.keystore.read_bytes())
    (tmp_path / "truststore.pem").write_bytes(broker.authority.file.read_bytes())
    host, port = broker.at["INTERNAL"].split(":")
    command = client_file.zookeeper_word("srvr", host, str(tmp_path), int(port))
    said = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=30, check=False)
    assert "Mode: standalone" in said.stdout.splitlines(), said


def test_a_listener_says_which_cas_it_takes_certificates_of(broker):
    """Also to a client that has none, so that it needs no key of a CA to see what a running service trusts."""
    ports = {name: int(at.rpartition(":")[2]) for name, at in broker.at.items()}
    said = run_module("tls_listener_info", address="127.0.0.1", ports=sorted(ports.values()))["listeners"]
    inside, clients = ["CN=authority"], ["CN=client-authority"]
    assert {name: said[str(port)]["authorities"] for name, port in ports.items()} == {
        **{"REPLICATION": inside, "INTERNAL": inside, "CLIENT": [], "CERTIFICATE": clients}
    }
    # What follows the key in its file.
    shown = broker.keystore.read_text().partition("-----BEGIN CERT")
    assert {each["certificate"] for each in said.values()} == {"".join(shown[1:])}
    failed = run_module("tls_listener_info", address="127.0.0.1", ports=[1])
    assert failed["msg"].startswith("127.0.0.1:1 shows no certificate; look whether its service runs")
