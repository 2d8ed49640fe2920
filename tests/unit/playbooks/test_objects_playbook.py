"""objects and export_objects under Ansible itself: what is asked in which order, where, and what happens when the answer is no."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import yaml
from objects_play import Plays

from ansible_collections.rackaware.kafka.plugins.filter import inventory
from ansible_collections.rackaware.kafka.plugins.module_utils._config import variables as config_variables

DEMO = Path(__file__).resolve().parents[3] / "inventories/demo-objects.yml"
WRITERS = ("kafka_topics", "kafka_users", "kafka_quotas", "kafka_acls")
READERS = tuple(name + "_info" for name in WRITERS)
SECRET = "c4n4ry-p4ssw0rd"
OBJECTS = {
    "kafka_topics": [{"name": "orders-in", "partitions": 3}],
    "kafka_users": [{"name": "orders", "password": SECRET}],
    "kafka_quotas": [{"user": "orders", "limits": {"producer_byte_rate": 5}}],
    "kafka_acls": [{"principal": "User:orders", "resource_type": "topic", "name": "orders-in", "operations": ["read"]}],
}


@pytest.fixture(scope="module")
def plays(tmp_path_factory):
    return Plays(tmp_path_factory.mktemp("objects"), ("kafka_roll_lock", *WRITERS, *READERS))


def calls(plays):
    return [
        each["module"].removeprefix("kafka_")
        + (":" + (each.get("removals") or "now") if "owned_prefixes" in each else "")
        for each in plays.log
    ]


def test_everything_is_created_before_anything_is_removed_and_acls_go_last(plays):
    left = {name: [{"removals": ["remove: x"]}, {"changes": ["remove: x"], "changed": True}] for name in WRITERS}
    code, said = plays.run("objects", answers=left, kafka_confirm="delete 1 topic", **OBJECTS)
    assert code == 0, said
    first = ["topics:later", "users:later", "quotas:later", "acls:later"]
    assert calls(plays) == ["roll_lock", *first, "topics:now", "users:now", "quotas:now", "acls:now", "roll_lock"]
    asked = plays.log[1]
    # As the operator, at the listener between brokers.
    assert asked["bootstrap_servers"] == ["127.0.0.1:9091", "127.0.0.2:9091", "127.0.0.3:9091"]
    assert (asked["security_protocol"], asked["ssl_certfile"]) == ("SSL", "/etc/kafka/tls/operator.pem")
    assert (asked["on"], asked["confirm"]) == ("b1", "delete 1 topic")
    assert '"remove: x"' in said and SECRET not in said


def test_a_run_without_removals_asks_once_for_each_kind_and_says_that_nothing_differs(plays):
    code, said = plays.run("objects", "--check", answers={"kafka_users": [{"verified": False}]}, **OBJECTS)
    assert code == 0 and len(plays.log) == 6 and all(each["check"] for each in plays.log), said
    assert "Nothing differs." in said and "The passwords of users were not compared" in said


def test_the_demos_file_declares_a_user_whose_password_is_made_once(plays, monkeypatch, tmp_path):
    there = partial(plays.project.run, KAFKA_CLUSTER="demo", PWD=str(tmp_path))
    monkeypatch.setattr(plays.project, "run", there)
    # A second run asks for the same password.
    asked = []
    for _ in range(2):
        code, said = plays.run("objects", "-vv", "-e", "@%s" % DEMO)
        assert code == 0, said
        asked.append(plays.log[1:-1])
    topics, users, acls = asked[0]
    assert asked[1] == asked[0] and topics["topics"][0]["name"] == "demo-orders"
    file = tmp_path / "reports/demo-demo-password"
    password = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600 and len(password) == 32 and password not in said
    assert (users["users"][0]["name"], users["users"][0]["password"]) == ("demo", password)
    assert all(acl["name"] == "demo-" and acl["principal"] == "User:demo" for acl in acls["acls"])


def test_what_is_not_declared_is_not_asked_for_but_what_is_purged_is(plays):
    purge = {"objects_purge": ["acls"], "objects_owned_prefixes": ["orders-"], "kafka_acls": []}
    connection = {"objects_connection": {"security_protocol": "SASL_SSL", "ssl_cafile": "/ca"}}
    code, said = plays.run("objects", kafka_topics=OBJECTS["kafka_topics"], **purge, **connection)
    assert code == 0 and calls(plays) == ["roll_lock", "topics:later", "acls:later", "roll_lock"], said
    topics, acls = plays.log[1:3]
    assert (topics["purge"], acls["purge"], acls["owned_prefixes"]) == (False, True, ["orders-"])
    assert (topics["security_protocol"], topics["ssl_cafile"]) == ("SASL_SSL", "/ca")


def test_a_purge_with_the_file_forgotten_asks_nothing_and_removes_nothing(plays):
    code, said = plays.run("objects", objects_purge=["users", "acls"], objects_owned_prefixes=["orders-"])
    assert code != 0 and "objects_purge has users, but kafka_users is not set" in said and plays.log == []


def test_a_refusal_ends_the_run_and_the_lock_is_released(plays):
    code, said = plays.run("objects", answers={"kafka_topics": [{"failed": True, "msg": "No."}]}, **OBJECTS)
    assert code != 0 and calls(plays) == ["roll_lock", "topics:later", "roll_lock"]
    assert [each.get("state") for each in plays.log if each["module"] == "kafka_roll_lock"] == [None, "released"]


def test_a_broker_that_cannot_be_reached_leaves_no_lock_behind(plays):
    lost = {"kafka_users": [{"unreachable": True, "msg": "No route."}]}
    code, said = plays.run("objects", answers=lost, **OBJECTS)
    assert code != 0 and "cannot be reached; bring it back, then run the same command again" in said
    assert [each.get("state") for each in plays.log if each["module"] == "kafka_roll_lock"] == [None, "released"]
    assert not [each for each in plays.log if each.get("removals") == "now"]


def test_nothing_is_removed_when_the_host_came_back_after_something_was_not_created(plays):
    answers = {
        "kafka_topics": [{"unreachable": True, "msg": "No route."}],
        "kafka_acls": [{"removals": ["remove: x"]}, {"changes": ["remove: x"], "changed": True}],
    }
    code, said = plays.run("objects", answers=answers, **OBJECTS)
    assert code != 0 and "cannot be reached; bring it back" in said
    assert calls(plays) == ["roll_lock", "topics:later", "users:later", "quotas:later", "acls:later", "roll_lock"]


def test_a_host_that_is_lost_at_a_removal_ends_the_run_as_well(plays):
    answers = {"kafka_acls": [{"removals": ["remove: x"]}, {"unreachable": True, "msg": "No route."}]}
    code, said = plays.run("objects", answers=answers, **OBJECTS)
    assert code != 0 and "cannot be reached; bring it back" in said and calls(plays)[-2:] == ["acls:now", "roll_lock"]


def test_a_lock_that_another_run_holds_is_left_alone(plays):
    held = {"kafka_roll_lock": [{"failed": True, "msg": "Held by ann."}]}
    code, said = plays.run("objects", answers=held, **OBJECTS)
    assert code != 0 and "Held by ann." in said and calls(plays) == ["roll_lock"]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"kafka_topcis": []}, "The variable kafka_topcis is unknown; did you mean kafka_topics?"),
        ({"objects_purge": ["topics"]}, "purge has no fence, because owned_prefixes is empty"),
    ],
    ids=["by the preflight", "by the playbook"],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(plays, variables, sentence):
    code, said = plays.run("objects", **{**OBJECTS, **variables})
    assert code != 0 and sentence in said and plays.log == [] and SECRET not in said


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"objects_prefixes": []}, "The variable objects_prefixes is unknown"),
        ({"kafka_topics": [{"nam": "a"}]}, "kafka_topics"),
        ({"kafka_acls": [{**OBJECTS["kafka_acls"][0], "operations": ["reed"]}]}, "must be one or more of: all, read"),
        ({"objects_purge": ["topic"]}, "must be a list of topics, users, quotas, acls"),
        ({"kafka_users": [{"name": "a", "password": SECRET, "iterations": "many"}]}, "iterations"),
    ],
)
def test_what_is_misspelled_is_a_finding_of_the_preflight(variables, sentence):
    known = inventory._known_inputs()
    faults = {"localhost": config_variables.unfit(variables, known)}
    found = config_variables.findings({"localhost": variables}, known, faults)
    assert sentence in found[0] and SECRET not in str(found)


def test_what_nodes_have_and_the_run_does_not_see_is_a_finding():
    known = inventory._known_inputs()
    (finding,) = config_variables.misplaced({"b1": {"kafka_acls": []}}, {}, known)
    assert finding.startswith("kafka_acls is set for b1, but the run reads it on localhost")


def test_a_living_cluster_is_written_as_a_file_that_can_be_read(plays):
    # A relative path is one below the current directory, and not beside the playbook.
    file = plays.project.place / "exported.yml"
    users = [{"name": "orders"}]
    answers = {
        "kafka_topics_info": [{"topics": OBJECTS["kafka_topics"]}],
        "kafka_users_info": [{"users": users}],
        "kafka_quotas_info": [{"quotas": OBJECTS["kafka_quotas"]}],
        "kafka_acls_info": [{"acls": OBJECTS["kafka_acls"]}],
    }
    code, said = plays.run("export_objects", answers=answers, kafka_objects_file=file.name)
    assert code == 0, said
    assert yaml.safe_load(file.read_text()) == {**OBJECTS, "kafka_users": users}
    assert calls(plays) == ["topics_info", "users_info", "quotas_info", "acls_info"]
    assert {each["on"] for each in plays.log} == {"b1"}


STRIMZI = """
{kind: KafkaUser, metadata: {name: orders}, spec: {authentication: {type: %s}}}
---
{kind: KafkaTopic, metadata: {name: orders-in}, spec: {partitions: 3}}
"""


def test_what_strimzi_declares_is_written_as_the_file_and_no_cluster_is_asked(plays):
    place = plays.project.place
    given, file = place / "strimzi.yml", place / "objects.yml"
    given.write_text(STRIMZI % "scram-sha-512")
    files = {"kafka_import_file": given.name, "kafka_objects_file": file.name}
    code, said = plays.run("import_objects", "--check", **files)
    assert code == 0 and not file.exists(), said
    code, said = plays.run("import_objects", **files)
    assert code == 0 and plays.log == [], said
    topics = [{"name": "orders-in", "partitions": 3}]
    assert yaml.safe_load(file.read_text()) == {"kafka_topics": topics, "kafka_users": [{"name": "orders"}]}
    file.unlink()
    given.write_text(STRIMZI % "tls")
    code, said = plays.run("import_objects", **files)
    assert code != 0 and "KafkaUser orders has the authentication tls, but only" in said and not file.exists()
    assert "Finalization of task args" not in said
    code, said = plays.run("import_objects", kafka_objects_file=str(file))
    assert code != 0 and "Say what to read: add -e kafka_import_file=<file>" in said and not file.exists()
