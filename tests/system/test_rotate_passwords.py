"""New passwords on a real broker of each mode with a stand-in of AWS: the order, the proof, resumption at every border, and who sees a password."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from kafka_cluster import free_ports
from objects_play import Plays
from secured_broker import SecuredBroker
from test_user_passwords import ROOT, SCRAM, UTILS, Processes, aws

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import secret_rotation
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import users
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection
from ansible_collections.rackaware.kafka.plugins.module_utils._objects import login, password_versions
from ansible_collections.rackaware.kafka.plugins.modules import kafka_user_passwords, kafka_users

__all__ = ["aws"]


@pytest.fixture(scope="module", params=["kraft", "zookeeper"])
def broker(request, tmp_path_factory):
    with SecuredBroker(request.param, tmp_path_factory.mktemp("broker")) as made:
        made.start_all()
        yield made


@pytest.fixture()
def run(aws, broker, tmp_path, capsys):
    """Run a module here, so that a test can end it at any point."""

    def call(module, check=False, **more):
        given = {
            **{"bootstrap_servers": [broker.plain], "login_servers": [broker.scram]},
            **{"login_protocol": "SASL_PLAINTEXT", "request_timeout_seconds": 60},
            **{"versions_file": str(tmp_path / "record.json"), "_ansible_check_mode": check},
        }
        with patch_module_args({**given, **more}), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture()
def pair(run, aws, broker, request):
    """Two users, one of each service; .rotate(), and what both keep."""
    name = "u%d-%s" % (abs(hash(request.node.name)) % 10**6, broker.mode)

    class Both:
        declared = [
            {"name": name + "-s", "password_from": {"secret": "kafka/demo/" + name}},
            {"name": name + "-p", "password_from": {"parameter": "/kafka/demo/" + name}},
        ]
        secret = "kafka/demo/" + name

        @staticmethod
        def rotate(check=False, **more):
            return run(kafka_user_passwords, check, users=Both.declared, **more)

        @staticmethod
        def current():
            found = aws.ssm.get_parameter(Name="/kafka/demo/" + name, WithDecryption=True)["Parameter"]
            return aws.password(Both.secret), found["Value"]

        @staticmethod
        def versions():
            return len(aws.manager.describe_secret(SecretId=Both.secret)["VersionIdsToStages"])

        @staticmethod
        def refused(passwords):
            """Of these passwords, those with which the users do not get in."""
            where = Connection((broker.plain,), security_protocol="SASL_PLAINTEXT")
            tried = [users.Credential(each["name"], SCRAM, 8192, text) for each, text in zip(Both.declared, passwords)]
            return len(users.refused(where, broker.scram, tried, 30))

    made = run(kafka_users, users=Both.declared)
    assert made["changed"], made
    return Both


def test_both_users_get_new_passwords_that_their_readers_find(pair, run):
    old = pair.current()
    check = pair.rotate(check=True)
    assert check["changed"] and check["versions"] == [] and pair.current() == old and pair.versions() == 1
    assert [each.rpartition("-> ")[2].partition(" in")[0] for each in check["changes"]] == ["a new password"] * 2
    done = pair.rotate()
    new = pair.current()
    assert [each["version"] for each in done["versions"]] and not set(old) & set(new)
    assert (pair.refused(new), pair.refused(old)) == (0, 2)
    # objects finds nothing to do, and without a login.
    assert run(kafka_users, users=pair.declared, login_servers=["127.0.0.1:%d" % free_ports(1)[0]])["changed"] is False
    again = pair.rotate()
    assert again["changed"] and not set(new) & set(pair.current()) and pair.refused(pair.current()) == 0


class Killed(BaseException):
    """The process ends here."""


def kill(monkeypatch, place, name, *, after, call=1):
    """At this call of a function, before or after its work."""
    work, calls = getattr(place, name), []

    def wrapped(*args, **kwargs):
        calls.append(1)
        if len(calls) == call and not after:
            raise Killed
        done = work(*args, **kwargs)
        if len(calls) == call:
            raise Killed
        return done

    monkeypatch.setattr(place, name, wrapped)


ROTATION, RECORD = secret_rotation.Rotation, password_versions.Versions
BORDERS = {
    "the record is written": (RECORD, "rotate", True),
    "one new password is kept": (ROTATION, "_begin", True),
    "all new passwords are kept": (ROTATION, "begin", True),
    "Kafka gets them": (users, "upsert", False),
    "Kafka has them": (users, "upsert", True),
    "they are proven": (login.Login, "until_taken", True),
    "one is shown to its readers": (ROTATION, "_finish", True),
    "all are shown to their readers": (ROTATION, "finish", True),
    "the versions are noted": (RECORD, "keep", False),
}


@pytest.mark.parametrize("border", BORDERS)
def test_a_run_that_ends_at_any_border_is_completed_by_the_next_one(pair, monkeypatch, border):
    old = pair.current()
    place, name, after = BORDERS[border]
    with monkeypatch.context() as patch:
        # One after another, or the other users' threads would go on.
        patch.setattr("ansible_collections.rackaware.kafka.plugins.module_utils._aws.secrets.THREADS", 1)
        kill(patch, place, name, after=after)
        with pytest.raises(Killed):
            pair.rotate()
    made = pair.versions()
    # What Kafka has is always in AWS: as the present one, or as the one that waits.
    done = pair.rotate()
    assert "failed" not in done, done
    new = pair.current()
    assert not set(old) & set(new) and (pair.refused(new), pair.refused(old)) == (0, 2)
    assert pair.versions() == 2 and made <= 2, "the secret got a second new password"


def test_after_the_way_back_the_next_rotation_makes_a_new_password(pair, aws, run):
    pair.rotate()
    leaked = pair.current()[0]
    seen = aws.manager.describe_secret(SecretId=pair.secret)["VersionIdsToStages"]
    at = {stage: version for version, stages in seen.items() for stage in stages}
    moved = {"MoveToVersionId": at["AWSPREVIOUS"], "RemoveFromVersionId": at["AWSCURRENT"]}
    aws.manager.update_secret_version_stage(SecretId=pair.secret, VersionStage="AWSCURRENT", **moved)
    assert run(kafka_users, users=pair.declared)["changed"]
    pair.rotate()
    assert pair.current()[0] != leaked, "the password that was taken back is in use again"


def test_after_a_run_that_objects_completed_the_next_rotation_makes_a_new_password(pair, run, monkeypatch):
    with monkeypatch.context() as patch:
        kill(patch, users, "upsert", after=False)
        with pytest.raises(Killed):
            pair.rotate()
    # The parameter shows its new password; objects gives it to Kafka, and nothing differs any more.
    assert run(kafka_users, users=pair.declared)["changed"]
    assert not run(kafka_users, users=pair.declared, check=True)["changed"]
    used = pair.current()[1]
    pair.rotate()
    assert pair.current()[1] != used, "a change is reported, and the user keeps its password"


def test_a_password_that_waits_is_taken_on_another_host_as_well(pair, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        kill(patch, ROTATION, "finish", after=False)
        with pytest.raises(Killed):
            pair.rotate()
    (tmp_path / "record.json").unlink()
    assert pair.rotate()["changed"]
    assert pair.versions() == 2 and pair.refused(pair.current()) == 0


def test_what_another_one_makes_is_not_touched(pair, aws):
    aws.manager.put_secret_value(SecretId=pair.secret, SecretString="theirs", VersionStages=["AWSPENDING"])
    old = pair.current()
    said = pair.rotate()["msg"]
    assert "has a version AWSPENDING that another one has made" in said and pair.current() == old
    assert pair.refused(old) == 0


def test_a_broker_that_is_down_is_said_before_anything_is_changed(pair, broker):
    old, down = pair.current(), "127.0.0.1:%d" % free_ports(1)[0]
    said = pair.rotate(login_servers=[broker.scram, down])["msg"]
    assert said.startswith("Nothing listens at %s, where the new passwords are to be proven" % down)
    assert pair.current() == old and pair.versions() == 1 and pair.refused(old) == 0


def test_a_password_that_a_broker_does_not_take_is_shown_to_no_reader(pair, monkeypatch):
    old = pair.current()
    with monkeypatch.context() as patch:
        patch.setattr(users, "upsert", lambda *_: None)
        said = pair.rotate(request_timeout_seconds=2)["msg"]
    assert "the new passwords to be taken at" in said and said.endswith("See docs/runbooks/passwords.md.")
    assert pair.current()[0] == old[0] and pair.refused(old) == 0
    assert pair.rotate()["changed"] and pair.refused(pair.current()) == 0 and pair.versions() == 2


def test_an_open_connection_stays_and_a_new_one_with_the_old_password_fails(pair, broker, tmp_path):
    (tmp_path / "old").write_text(pair.current()[0])
    client = {
        **{"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": SCRAM},
        **{"sasl_username": pair.declared[0]["name"], "sasl_password_file": str(tmp_path / "old")},
    }
    with broker.ask(broker.scram, **client) as open_one:
        assert pair.rotate()["changed"]
        assert open_one.metadata([]).cluster_id
    with pytest.raises(Exception, match="refuses the password of the user"), broker.ask(broker.scram, **client):
        pass


def test_a_password_is_in_no_output_result_process_or_file(aws, broker, run, tmp_path, monkeypatch):
    """Of the whole playbook, also where it fails."""
    record = tmp_path / "record.json"
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("ANSIBLE_DISPLAY_TRACEBACK", "always")
    name = "walter-" + broker.mode
    declared = [{"name": name, "password_from": {"secret": "kafka/demo/" + name}}]
    run(kafka_users, users=declared)
    seen = [aws.password("kafka/demo/" + name)]
    moved = {UTILS: (ROOT / UTILS).read_text() + "\nPATH = %r\n" % str(record)}
    port = int(broker.plain.rpartition(":")[2])
    plays = Plays(tmp_path / "plays", ("kafka_roll_lock",), broker.mode, port, **moved)
    given = {"kafka_users": declared, "kafka_selected_users": name, "objects_login_protocol": "SASL_PLAINTEXT"}
    processes, said = Processes(), []
    try:
        for servers in ([broker.scram], [broker.scram, "127.0.0.1:%d" % free_ports(1)[0]], [broker.scram]):
            code, text = plays.run("rotate_passwords", "-vvvv", "--diff", objects_login_servers=servers, **given)
            said.append(text)
            assert (code == 0) == (len(servers) == 1), text[-3000:]
            assert ("-> a new password in the secret" in text) == (code == 0)
            seen.append(aws.password("kafka/demo/" + name))
    finally:
        processes.close()
    assert len(set(seen)) == 3
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    for password in set(seen):
        assert password not in str(said)
        assert not [each for each in processes.seen if password.encode() in each]
        assert not [path for path in files if password.encode() in path.read_bytes()]
