"""Which access rules are created and deleted, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.acls import Acl
from ansible_collections.rackaware.kafka.plugins.module_utils._objects import acls
from ansible_collections.rackaware.kafka.plugins.module_utils._objects.declared import ObjectsError

READ = Acl("topic", "orders-in", "literal", "User:app", "*", "read", "allow")
OPERATOR = "User:operator"


def entry(**change):
    defaults = {name: option.get("default") for name, option in acls.ACL_OPTIONS.items()}
    return {
        **defaults,
        **{"principal": "User:app", "resource_type": "topic", "name": "orders-in", "operations": ["read"]},
        **change,
    }


def plan(before, *entries, owned=(), protected=(OPERATOR,)):
    present, absent = acls.wanted(entries)
    return acls.plan(set(before), present, absent, owned=owned, protected=frozenset(protected))


def test_only_what_differs_is_sent():
    change = plan([READ], entry(operations=["read", "write"]))
    assert change == acls.Change((READ._replace(operation="write"),), ())
    assert plan([READ], entry()) == acls.Change((), ())


@pytest.mark.parametrize("field", Acl._fields)
def test_a_rule_that_differs_in_one_field_is_another_rule(field):
    others = {
        "resource_type": "group",
        "name": "orders-out",
        "pattern_type": "prefixed",
        "principal": "User:other",
        "host": "198.18.0.1",
        "operation": "write",
        "permission": "deny",
    }
    other = READ._replace(**{field: others[field]})
    change = plan([other], entry(), owned=("orders-",))
    assert (change.create, change.delete) == ((READ,), (other,))


@pytest.mark.parametrize(
    "kept",
    [
        READ._replace(name="order"),
        READ._replace(name="ord", pattern_type="prefixed"),
        READ._replace(name="*"),
        READ._replace(principal=OPERATOR),
        READ._replace(resource_type="cluster", name="kafka-cluster", operation="alter"),
        READ._replace(resource_type="user", name="orders-user", operation="describe_tokens"),
    ],
    ids=["another name", "a prefix around ours", "all topics", "the operator", "the cluster", "a user"],
)
def test_a_purge_keeps_what_is_not_owned(kept):
    assert plan([kept, READ], owned=("orders-", "kafka-")).delete == (READ,)


def test_nothing_is_purged_without_a_prefix_also_when_nothing_is_declared():
    assert plan([READ]).delete == ()


def test_a_purge_works_on_an_empty_list():
    assert plan([READ], owned=("orders-",)).delete == (READ,)


def test_a_rule_goes_when_it_is_declared_absent_and_is_no_error_when_it_is_gone():
    assert plan([READ], entry(state="absent")).delete == (READ,)
    assert plan([], entry(state="absent")) == acls.Change((), ())


@pytest.mark.parametrize(
    ("before", "change", "sentence"),
    [
        ([], {"operations": ["read", "read"]}, "declared twice: allow User:app from \\* to read topic orders-in"),
        ([], {"operations": ["cluster_action"]}, "which a topic does not have; it has read, write, .* and all"),
        ([], {"operations": []}, "has no operations"),
        ([], {"principal": "app"}, "has no type; write it as User:app"),
        ([], {"principal": "User:"}, "has no type"),
        ([], {"name": None}, "a topic without a name"),
        ([], {"resource_type": "cluster", "operations": ["alter"]}, "there is only kafka-cluster"),
        ([], {"principal": OPERATOR, "permission": "deny"}, "would shut the operator out"),
        (
            [],
            {
                **{"principal": "User:*", "permission": "deny"},
                **{"resource_type": "cluster", "name": None, "operations": ["alter"]},
            },
            "would shut the operator out",
        ),
        (
            [],
            {
                **{"principal": "User:*", "permission": "deny"},
                **{"resource_type": "cluster", "name": None, "operations": ["describe"]},
            },
            "would shut the operator out",
        ),
        (
            [READ._replace(principal=OPERATOR)],
            {"principal": OPERATOR, "state": "absent"},
            "gives an operator access",
        ),
        (
            [Acl("cluster", "kafka-cluster", "literal", "User:app", "*", "alter", "allow")],
            {"resource_type": "cluster", "name": None, "operations": ["alter"], "state": "absent"},
            "gives an operator access",
        ),
    ],
)
def test_what_no_rule_can_be_or_must_not_be_is_refused(before, change, sentence):
    with pytest.raises(ObjectsError, match=sentence):
        plan(before, entry(**change))


def test_one_rule_cannot_be_present_and_absent():
    with pytest.raises(ObjectsError, match="declared twice"):
        plan([], entry(), entry(state="absent"))


def test_every_resource_type_has_its_operations():
    assert set(acls.OPERATIONS_OF) == set(acls.ACL_OPTIONS["resource_type"]["choices"])
    assert {name for names in acls.OPERATIONS_OF.values() for name in names} | {"all"} == set(
        acls.ACL_OPTIONS["operations"]["choices"]
    )


def test_what_is_read_is_declared_again_and_changes_nothing():
    there = {
        READ,
        READ._replace(operation="write"),
        READ._replace(pattern_type="prefixed", permission="deny", host="198.18.0.1"),
        Acl("cluster", "kafka-cluster", "literal", "User:app", "*", "describe", "allow"),
    }
    declared = acls.entries(there)
    assert {"principal": "User:app", "resource_type": "cluster", "operations": ["describe"]} in declared
    present, absent = acls.wanted(
        [{**{name: option.get("default") for name, option in acls.ACL_OPTIONS.items()}, **each} for each in declared]
    )
    assert set(present) == there and absent == []


def test_an_exported_rule_against_an_operator_that_is_there_already_changes_nothing():
    there = READ._replace(principal=OPERATOR, permission="deny")
    assert plan([there], entry(principal=OPERATOR, permission="deny")) == acls.Change((), ())
