"""The file that declares everything: what is wrong with it before a host is touched, and how a living cluster becomes one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.rackaware.kafka.plugins.filter import objects as filters
from ansible_collections.rackaware.kafka.plugins.module_utils._objects import acls, declaration, quotas, topics, users
from ansible_collections.rackaware.kafka.plugins.module_utils._objects.declared import ObjectsError

ROOT = Path(__file__).resolve().parents[3]
READ = {"principal": "User:app", "resource_type": "topic", "name": "orders", "operations": ["read"]}
OBJECTS = {
    "kafka_topics": [{"name": "on", "partitions": 3, "replication_factor": 3, "config": {"retention.ms": "5"}}],
    "kafka_users": [{"name": "orders"}],
    "kafka_quotas": [{"user": "<default>", "limits": {"producer_byte_rate": 5}}],
    "kafka_acls": [READ],
}


def test_a_file_without_a_fault_has_no_findings():
    assert declaration.findings(OBJECTS) == declaration.findings({}) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kafka_topics": [{"name": "__consumer_offsets"}]}, "Kafka's own"),
        ({"kafka_users": [{"name": "a", "iterations": 1}]}, "no fewer than 4096"),
        ({"kafka_users": [{"name": "a", "password_file": "/nowhere", "password": "b"}]}, "leave one of them"),
        ({"kafka_users": [{"name": "a", "password_from": {"secret": "b", "parameter": "c"}}]}, "either secret or"),
        ({"kafka_users": [{"name": "a", "password_from": {"sekret": "b"}}]}, "an entry with a wrong type or name"),
        ({"kafka_quotas": [{"user": "a", "limits": {"x": 1}}]}, "unknown key x"),
        ({"kafka_acls": [{**READ, "operations": ["create_tokens"]}]}, "a topic does not have"),
        ({"kafka_acls": [READ, READ]}, "declared twice"),
        ({"kafka_acls": [{**READ, "operation": "read"}]}, "kafka_acls has an entry with a wrong type or name"),
        ({"objects_purge": ["acls"]}, "purge has no fence"),
        ({"objects_purge": ["acls"], "objects_owned_prefixes": [""]}, "would own what belongs to others"),
        ({"objects_protected_principals": ["operator"]}, "is no principal"),
    ],
)
def test_each_fault_is_one_sentence(change, sentence):
    (finding,) = declaration.findings({**OBJECTS, **change})
    assert sentence in finding


def test_a_purge_of_a_kind_that_is_not_set_is_a_file_that_was_forgotten():
    fence = {"objects_purge": ["users", "acls"], "objects_owned_prefixes": ["orders-"]}
    (finding,) = declaration.findings({**fence, "kafka_users": []})
    assert "objects_purge has acls, but kafka_acls is not set" in finding
    assert declaration.findings({**fence, "kafka_users": [], "kafka_acls": []}) == []


def test_faults_of_several_kinds_are_all_said_and_no_password_is():
    wrong = {"kafka_users": [{"name": "a", "password": "c4n4ry", "passwrod": "c4n4ry"}], "kafka_acls": [READ, READ]}
    found = declaration.findings(wrong)
    assert len(found) == 2 and "c4n4ry" not in str(found)


def test_numbers_that_were_given_as_texts_are_numbers():
    assert declaration.findings({"kafka_users": [{"name": "a", "iterations": "8192"}]}) == []


def test_a_living_cluster_becomes_a_file_that_reads_as_the_same():
    text = declaration.text(OBJECTS, "demo")
    assert yaml.safe_load(text) == OBJECTS
    assert text.startswith("---\n# The topics, users, quotas and ACLs of the cluster demo, as")
    assert declaration.findings(yaml.safe_load(text)) == []


@pytest.mark.parametrize("name", ["{{ lookup('pipe', 'id') }}", "{% if x %}", "{# x #}"])
def test_a_name_that_ansible_would_evaluate_is_never_written_into_a_file_of_variables(name):
    with pytest.raises(ObjectsError, match="would evaluate as a template"):
        declaration.text({"kafka_users": [{"name": name}]}, "demo")
    with pytest.raises(ObjectsError, match="would evaluate as a template"):
        declaration.text({"kafka_topics": [{"config": {name: "x"}}]}, "demo")


def test_the_filters_say_the_same():
    by_name = filters.FilterModule().filters()
    assert by_name["kafka_objects_findings"]({"localhost": {**OBJECTS, "other": 1}}) == []
    assert by_name["kafka_objects_text"](OBJECTS, "demo") == declaration.text(OBJECTS, "demo")


def undescribed(options):
    """A specification without its descriptions."""
    out = {
        name: {key: value for key, value in option.items() if key != "description"} for name, option in options.items()
    }
    for option in out.values():
        if "options" in option:
            option["options"] = undescribed(option["options"])
    return out


@pytest.mark.parametrize(
    ("variable", "options"),
    [
        ("kafka_topics", topics.TOPIC_OPTIONS),
        ("kafka_users", users.USER_OPTIONS),
        ("kafka_quotas", quotas.QUOTA_OPTIONS),
        ("kafka_acls", acls.ACL_OPTIONS),
    ],
)
def test_the_role_takes_what_the_module_takes(variable, options):
    specs = yaml.safe_load((ROOT / "roles/objects/meta/argument_specs.yml").read_text())["argument_specs"]
    said = specs["main"]["options"][variable]["options"]
    assert undescribed(said) == options
