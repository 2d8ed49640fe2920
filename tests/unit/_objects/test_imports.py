"""What Strimzi and kafka-acls say, as our file; what it cannot say is refused."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.rackaware.kafka.plugins.filter import objects as filters
from ansible_collections.rackaware.kafka.plugins.module_utils._objects import acls, declaration, imports
from ansible_collections.rackaware.kafka.plugins.module_utils._objects.declared import ObjectsError

TOPIC = """
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaTopic
metadata:
  name: orders-in
  namespace: shop
  labels: {strimzi.io/cluster: demo}
spec:
  topicName: orders.in
  partitions: 12
  replicas: 3
  config:
    retention.ms: 7200000
    cleanup.policy: compact
status:
  observedGeneration: 1
"""
USER = """
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaUser
metadata:
  name: billing
  labels: {strimzi.io/cluster: demo}
spec:
  authentication:
    type: scram-sha-512
  authorization:
    type: simple
    acls:
      - resource: {type: topic, name: orders, patternType: prefix}
        operations: [Read, DescribeConfigs]
      - {type: deny, resource: {type: group, name: "*", patternType: literal}, operations: [Delete], host: 198.51.100.7}
      - {resource: {type: transactionalId, name: billing}, operation: Write}
      - {resource: {type: cluster}, operations: [IdempotentWrite]}
  quotas:
    producerByteRate: 1048576
    requestPercentage: 55
    controllerMutationRate: 0.5
"""
EXPECTED = {
    "kafka_topics": [
        {
            "name": "orders.in",
            "partitions": 12,
            "replication_factor": 3,
            "config": {"retention.ms": 7200000, "cleanup.policy": "compact"},
        }
    ],
    "kafka_users": [{"name": "billing"}],
    "kafka_quotas": [
        {
            "user": "billing",
            "limits": {"producer_byte_rate": 1048576, "request_percentage": 55, "controller_mutation_rate": 0.5},
        }
    ],
    "kafka_acls": [
        {
            "principal": "User:billing",
            "resource_type": "topic",
            "name": "orders",
            "pattern_type": "prefixed",
            "operations": ["describe_configs", "read"],
        },
        {
            "principal": "User:billing",
            "resource_type": "group",
            "name": "*",
            "operations": ["delete"],
            "permission": "deny",
            "host": "198.51.100.7",
        },
        {"principal": "User:billing", "resource_type": "transactional_id", "name": "billing", "operations": ["write"]},
        {"principal": "User:billing", "resource_type": "cluster", "operations": ["idempotent_write"]},
    ],
}
# As AclCommand of 3.9.2 prints it; that of 4.3.1 has no spaces at the ends of lines.
LISTED = (
    "Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=orders, name=x, patternType=PREFIXED)`: \n"
    " \t(principal=User:CN=app,OU=shop,O=example, host=*, operation=READ, permissionType=ALLOW)\n"
    "\t(principal=User:billing, host=198.51.100.7, operation=DESCRIBE_CONFIGS, permissionType=DENY) \n\n"
    "Current ACLs for resource `ResourcePattern(resourceType=CLUSTER, name=kafka-cluster, patternType=LITERAL)`: \n"
    " \t(principal=User:billing, host=*, operation=IDEMPOTENT_WRITE, permissionType=ALLOW) \n\n"
)


def test_topics_users_quotas_and_acls_of_strimzi():
    assert imports.imported(TOPIC + "---" + USER) == EXPECTED


def test_what_kubectl_prints_is_a_list():
    items = [yaml.safe_load(text) for text in (TOPIC, USER)]
    assert imports.imported(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})) == EXPECTED


def test_a_topic_and_a_user_may_say_little():
    short = "{kind: KafkaTopic, metadata: {name: a}}\n---\n"
    short += "{kind: KafkaUser, metadata: {name: b}, spec: {authentication: {type: scram-sha-512}}}\n---\n"
    assert imports.imported(short) == {"kafka_topics": [{"name": "a"}], "kafka_users": [{"name": "b"}]}


def test_what_kafka_acls_lists():
    assert imports.imported(LISTED) == {
        "kafka_acls": [
            {"principal": "User:billing", "resource_type": "cluster", "operations": ["idempotent_write"]},
            {
                "principal": "User:CN=app,OU=shop,O=example",
                "resource_type": "topic",
                "name": "orders, name=x",
                "pattern_type": "prefixed",
                "operations": ["read"],
            },
            {
                "principal": "User:billing",
                "resource_type": "topic",
                "name": "orders, name=x",
                "pattern_type": "prefixed",
                "operations": ["describe_configs"],
                "permission": "deny",
                "host": "198.51.100.7",
            },
        ]
    }


def test_the_spaces_of_3_9_do_not_matter():
    assert imports.imported("\n".join(map(str.rstrip, LISTED.splitlines()))) == imports.imported(LISTED)


def test_a_list_for_some_principals_says_a_rule_twice():
    head = "ACLs for principal `User:billing`\n"
    assert imports.imported(head + LISTED + head + LISTED) == imports.imported(LISTED)


@pytest.mark.parametrize("text", [TOPIC + "---" + USER, LISTED], ids=["Strimzi", "kafka-acls"])
def test_the_file_reads_as_what_was_imported_and_its_rules_are_the_same(text):
    written = filters.FilterModule().filters()["kafka_objects_imported"](text, "given.txt")
    assert written.startswith(
        "---\n# The topics, users, quotas and ACLs out of given.txt, as import_objects read them."
    )
    again = yaml.safe_load(written)
    assert again == imports.imported(text) and declaration.findings(again) == []
    defaults = {"pattern_type": "literal", "permission": "allow", "host": "*", "state": "present", "name": None}
    rules, _absent = acls.wanted({**defaults, **entry} for entry in again["kafka_acls"])
    in_order = sorted(again["kafka_acls"], key=str)
    assert sorted(acls.entries(rules), key=str) == in_order


def changed(text, *pairs):
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (changed(USER, ("scram-sha-512\n", "tls\n")), "KafkaUser billing has the authentication tls, but only"),
        (changed(USER, ("scram-sha-512\n", "tls-external\n")), "has the authentication tls-external, but"),
        ("", "The file has no topic, user or ACL"),
        (
            changed(USER, ("scram-sha-512\n", "scram-sha-512\n    password: {valueFrom: {}}\n")),
            "KafkaUser billing takes its password from a secret of Kubernetes (authentication.password)",
        ),
        (changed(USER, ("type: topic, name: orders,", "type: topic,")), "An ACL of KafkaUser billing names no topic"),
        ("{kind: KafkaUser, metadata: {name: b}, spec: {}}", "KafkaUser b has the authentication None, but"),
        (changed(USER, ("type: simple", "type: custom")), "KafkaUser billing has another authorization than simple"),
        (changed(USER, ("producerByteRate", "producerRate")), "KafkaUser billing has quotas.producerRate, which"),
        (
            changed(USER, ("[Delete]", "[Clean]")),
            "An ACL of KafkaUser billing has Clean, which this file cannot declare",
        ),
        (changed(USER, ("[Delete]", "[Write]")), "has the operation write, which a group does not have"),
        (changed(USER, (", host: 198", ", hosts: 198")), "An ACL of KafkaUser billing has hosts, which"),
        (changed(USER, ("patternType: prefix", "patternType: match")), "An ACL of KafkaUser billing has match, which"),
        (changed(USER, ("type: deny", "type: never")), "An ACL of KafkaUser billing has never, which"),
        (changed(USER, ("  quotas:", "  template: {}\n  quotas:")), "KafkaUser billing has template, which this file"),
        (changed(TOPIC, ("  replicas: 3", "  replica: 3")), "KafkaTopic orders-in has replica, which this file cannot"),
        (changed(TOPIC, ("topicName: orders.in", "topicName: __consumer_offsets")), "Kafka's own"),
        (TOPIC + "---" + TOPIC, "declared twice"),
        (
            TOPIC + "---" + changed(USER, ("cluster: demo", "cluster: other")),
            "resources of several clusters (demo, other)",
        ),
        ("{kind: Kafka, metadata: {name: demo}}", "Kafka demo is neither a KafkaTopic nor a KafkaUser"),
        ("{kind: KafkaTopic}", "KafkaTopic None cannot be read (KeyError: 'name')"),
        ("- just\n- text", "The file has ['just', 'text'] where a resource of Kubernetes belongs"),
        ("a: [", "The file is neither YAML nor what kafka-acls --list prints"),
        (LISTED + "and more", "The line 'and more' is not what kafka-acls --list prints"),
        (LISTED + LISTED.replace("Current", "Former"), "is not what kafka-acls --list prints"),
        (changed(LISTED, ("operation=READ", "operation=UNKNOWN")), "has UNKNOWN, which this file cannot declare"),
        (changed(LISTED, ("patternType=PREFIXED", "patternType=MATCH")), "has MATCH, which this file cannot declare"),
        (changed(LISTED, ("orders, name=x", "{{ 1 }}")), None),
    ],
)
def test_what_cannot_be_carried_is_one_sentence(text, sentence):
    if sentence is None:
        with pytest.raises(ObjectsError, match="would evaluate as a template"):
            declaration.text(imports.imported(text), "x")
    else:
        with pytest.raises(ObjectsError, match=re.escape(sentence)):
            imports.imported(text)
