"""Users whose passwords are in a stand-in of AWS, made on a real broker: who logs in when, and where a password is seen."""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import sys
import threading
import time
import urllib.request
from pathlib import Path

import boto3
import pytest
from kafka_cluster import run_module
from moto.server import ThreadedMotoServer
from objects_play import Plays
from secured_broker import SecuredBroker

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import users
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection

UTILS = "plugins/module_utils/_objects/password_versions.py"
ROOT = Path(__file__).resolve().parents[2]
SCRAM = "SCRAM-SHA-512"
# What Ansible's modules write to where there is one.
JOURNAL = """
import os


def send(*args, **fields):
    with open(os.environ["PASSWORDS_JOURNAL"], "a") as out:
        out.write(repr((args, fields)) + "\\n")


sendv = send
"""


class Door:
    """A listener before the broker's that counts its clients."""

    def __init__(self, server: str) -> None:
        self.behind = server.rpartition(":")[0], int(server.rpartition(":")[2])
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.entered = 0
        threading.Thread(target=self._open, daemon=True).start()

    def _open(self) -> None:
        while True:
            try:
                inside = self.socket.accept()[0]
            except OSError:
                return
            self.entered += 1
            threading.Thread(
                target=self._carry, args=(inside, socket.create_connection(self.behind)), daemon=True
            ).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        with one, other:
            while True:
                for source in select.select([one, other], [], [])[0]:
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    (other if source is one else one).sendall(data)

    def close(self) -> None:
        self.socket.close()


class Processes:
    """Arguments and environments of all processes, looked at over and over until it is closed."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._done.is_set():
            for place in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add((place / name).read_bytes())
                    except OSError:
                        continue
            time.sleep(0.02)

    def close(self) -> None:
        self._done.set()
        self._thread.join()


class Aws:
    """Both services, and the metadata of an instance."""

    def __init__(self, endpoint: str) -> None:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
        self.manager, self.ssm = (
            boto3.client(name, endpoint_url=endpoint, **keys) for name in ("secretsmanager", "ssm")
        )

    def password(self, name: str) -> str:
        """What a secret holds now."""
        return self.manager.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["SecretString"]


@pytest.fixture(scope="module")
def aws():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://%s:%d" % server.get_host_and_port()
    # What it keeps is the process's, and so that of the files of tests before.
    urllib.request.urlopen(urllib.request.Request(endpoint + "/moto-api/reset", method="POST"), timeout=30).close()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_EC2_METADATA_SERVICE_ENDPOINT"):
            patch.setenv(name, endpoint)
        yield Aws(endpoint)
    server.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with SecuredBroker("kraft", tmp_path_factory.mktemp("broker")) as made:
        made.start_all()
        yield made


@pytest.fixture()
def door(broker):
    made = Door(broker.scram)
    yield made
    made.close()


@pytest.fixture()
def run(aws, broker, door, tmp_path):
    """Run kafka_users with a record of its own."""

    def users(*declared, check=False, **more):
        return run_module(
            "kafka_users",
            check=check,
            users=list(declared),
            bootstrap_servers=[broker.plain],
            login_servers=[door.address],
            login_protocol="SASL_PLAINTEXT",
            versions_file=str(tmp_path / "record.json"),
            request_timeout_seconds=60,
            **more,
        )

    return users


def enters(broker, name, password):
    where = Connection((broker.plain,), security_protocol="SASL_PLAINTEXT")
    return not users.refused(where, broker.scram, [users.Credential(name, SCRAM, 8192, password)], 30)


def test_a_secret_that_did_not_exist_is_made_and_then_no_login_is_needed(run, aws, broker, door, tmp_path):
    alice = {"name": "alice", "password_from": {"secret": "kafka/demo/alice"}}
    bob = {"name": "bob", "password_from": {"parameter": "/kafka/demo/bob"}}
    check = run(alice, bob, check=True)
    assert check["changes"][0] == "create: parameter /kafka/demo/bob, with a new password" and door.entered == 0
    assert aws.manager.list_secrets()["SecretList"] == [] and aws.ssm.describe_parameters()["Parameters"] == []
    first = run(alice, bob)
    assert first["changed"] and first["verified"] and len(first["versions"]) == 2, first
    assert enters(broker, "alice", aws.password("kafka/demo/alice"))
    entered = door.entered
    assert entered >= 2
    second = run(alice, bob)
    assert not second["changed"] and second["versions"] == first["versions"]
    assert door.entered == entered, "a user whose version was verified logged in again"
    # Without the record all log in.
    (tmp_path / "record.json").unlink()
    assert not run(alice, bob)["changed"] and door.entered > entered


def test_a_new_version_of_the_secret_changes_the_user(run, aws, broker):
    carol = {"name": "carol", "password_from": {"secret": "kafka/demo/carol"}}
    run(carol)
    old = aws.password("kafka/demo/carol")
    aws.manager.put_secret_value(SecretId="kafka/demo/carol", SecretString="another'\"\\password\n")
    check = run(carol, check=True)
    assert "another password" in check["changes"][0] and enters(broker, "carol", old)
    assert run(carol)["changed"]
    assert enters(broker, "carol", "another'\"\\password") and not enters(broker, "carol", old)
    assert not run(carol)["changed"]


def test_other_iterations_on_the_cluster_are_seen_though_the_version_stays(run, broker):
    dave = {"name": "dave", "password_from": {"secret": "kafka/demo/dave"}}
    run(dave)
    with broker.ask(broker.plain) as admin:
        users.upsert(admin, [users.Credential("dave", SCRAM, 4096, "another-ones")])
    assert run(dave)["changed"] and not run(dave)["changed"]


def test_a_user_that_has_a_password_gets_no_generated_one(run, aws, broker):
    run({"name": "erin", "password": "erins-password"})
    said = run({"name": "erin", "password_from": {"secret": "kafka/demo/erin"}})
    assert "The user erin exists, but there is no secret kafka/demo/erin" in said["msg"]
    assert enters(broker, "erin", "erins-password")
    assert "kafka/demo/erin" not in [each["Name"] for each in aws.manager.list_secrets()["SecretList"]]


def test_a_password_is_in_no_output_result_journal_process_or_file(aws, broker, tmp_path, monkeypatch):
    """Also not where the run fails."""
    library = tmp_path / "library/systemd"
    library.mkdir(parents=True)
    (library / "__init__.py").touch()
    (library / "journal.py").write_text(JOURNAL)
    (library / "daemon.py").write_text("def booted():\n    return True\n")
    journal, record = tmp_path / "journal", tmp_path / "record.json"
    journal.touch()
    monkeypatch.setenv("PASSWORDS_JOURNAL", str(journal))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    moved = {UTILS: (ROOT / UTILS).read_text() + "\nPATH = %r\n" % str(record)}
    port = int(broker.plain.rpartition(":")[2])
    plays = Plays(tmp_path / "plays", ("kafka_roll_lock",), "kraft", port, **moved)
    # For the module: the interpreter of hosts.
    wrapper = tmp_path / "python"
    wrapper.write_text(
        '#!/bin/sh\nexport PYTHONPATH="%s:$PYTHONPATH"\nexec %s "$@"\n' % (library.parent, sys.executable)
    )
    wrapper.chmod(0o755)
    login = {"objects_login_servers": [broker.scram], "objects_login_protocol": "SASL_PLAINTEXT"}
    given = {"ansible_python_interpreter": str(wrapper), **login}
    declared = [
        {"name": "frank", "password_from": {"secret": "kafka/demo/frank"}},
        {"name": "grace", "password_from": {"parameter": "/kafka/demo/grace"}},
    ]
    processes, said = Processes(), []
    try:
        code, text = plays.run("objects", "-vvvv", "--diff", kafka_users=declared, **given)
        assert code == 0 and "create: user frank" in text, text[-3000:]
        said.append(text)
        # A password that no user can have.
        aws.manager.create_secret(Name="kafka/demo/heidi", SecretString="c4n4ry\nc4n4ry")
        wrong = {"name": "heidi", "password_from": {"secret": "kafka/demo/heidi"}}
        monkeypatch.setenv("ANSIBLE_DISPLAY_TRACEBACK", "always")
        code, text = plays.run("objects", "-vvvv", kafka_users=[*declared, wrong], **given)
        assert code != 0 and "The password of the user heidi is empty, or has a line break" in text, text[-3000:]
        said.append(text)
    finally:
        processes.close()
    grace = aws.ssm.get_parameter(Name="/kafka/demo/grace", WithDecryption=True)["Parameter"]["Value"]
    assert "frank SCRAM-SHA-512" in json.loads(record.read_text())["users"]
    assert any(b"ansible" in each for each in processes.seen)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    for password in (aws.password("kafka/demo/frank"), grace, "c4n4ry"):
        forms = {password, base64.b64encode(password.encode()).decode().rstrip("="), password.encode().hex()}
        for form in forms:
            assert form not in str(said)
            assert not [each for each in processes.seen if form.encode() in each]
            assert not [path for path in files if form.encode() in path.read_bytes()]


def test_the_search_finds_what_is_there():
    """The processes, of which one has the word in its arguments."""
    processes = Processes()
    try:
        pid = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "0.5", "0.1234567")
        os.waitpid(pid, 0)
    finally:
        processes.close()
    assert [each for each in processes.seen if b"0.1234567" in each]
