"""Which quotas are set and removed, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.quotas import Entity
from ansible_collections.rackaware.kafka.plugins.module_utils._objects import quotas
from ansible_collections.rackaware.kafka.plugins.module_utils._objects.declared import ObjectsError

RATE = "producer_byte_rate"
APP = Entity((("user", "orders-app"),))


def entry(**change):
    return {**{key: option.get("default") for key, option in quotas.QUOTA_OPTIONS.items()}, **change}


def plan(before, *entries, owned=()):
    present, absent = quotas.wanted(entries)
    return quotas.plan(before, present, absent, owned=owned)


def test_only_declared_keys_that_differ_are_set():
    before = {APP: {RATE: 5.0, "consumer_byte_rate": 7.0}}
    assert plan(before, entry(user="orders-app", limits={RATE: 5})).set == {}
    assert plan(before, entry(user="orders-app", limits={RATE: "6"})).set == {APP: {RATE: 6.0}}
    assert plan(before, entry(user="orders-app", limits={RATE: None})).set == {APP: {RATE: None}}


def test_an_entity_has_types_and_defaults():
    present, _absent = quotas.wanted(
        [
            entry(user="<default>", client_id="c", limits={RATE: 1}),
            entry(ip="<default>", limits={"connection_creation_rate": 1}),
        ]
    )
    assert [str(each) for each in present] == ["client-id c, user <default>", "ip <default>"]


@pytest.mark.parametrize(
    ("parts", "purged"),
    [
        ((("user", "orders-app"),), True),
        ((("client-id", "orders-c"),), True),
        ((("client-id", "x"), ("user", "orders-app")), True),
        ((("client-id", "orders-c"), ("user", "x")), False),
        ((("client-id", "orders-c"), ("user", None)), False),
        ((("user", None),), False),
        ((("user", "order"),), False),
        ((("ip", "orders-host"),), False),
        ((("user", "__orders"),), False),
    ],
)
def test_a_purge_stays_inside_its_prefixes(parts, purged):
    entity = Entity(parts)
    change = plan({entity: {RATE: 1.0}}, owned=("orders-", "_"))
    assert change.removed() == ([entity] if purged else [])
    assert plan({entity: {RATE: 1.0}}).set == {}


def test_a_purge_removes_keys_of_a_declared_entity_too():
    before = {APP: {RATE: 5.0, "consumer_byte_rate": 7.0}}
    change = plan(before, entry(user="orders-app", limits={RATE: 5}), owned=("orders-",))
    assert change.set == {APP: {"consumer_byte_rate": None}} and change.removed() == []
    assert [str(each) for each in change.edits()] == [
        "change: quota of user orders-app: consumer_byte_rate=7, producer_byte_rate=5"
        " -> quota of user orders-app: producer_byte_rate=5"
    ]


def test_all_limits_go_with_absent():
    before = {APP: {RATE: 5.0, "consumer_byte_rate": 7.5}}
    change = plan(before, entry(user="orders-app", state="absent"))
    assert [str(each) for each in change.edits()] == [
        "remove: quota of user orders-app: consumer_byte_rate=7.5, producer_byte_rate=5"
    ]
    assert plan({}, entry(user="orders-app", state="absent")).set == {}


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([entry(limits={RATE: 1})], "A quota is of nothing, but must be of a user"),
        ([entry(ip="198.18.0.1", user="a", limits={RATE: 1})], "is of ip and user, but must be"),
        ([entry(user="", limits={RATE: 1})], "has an empty name"),
        ([entry(user="a", limits={"producer_rate": 1})], "unknown key producer_rate; it may have producer_byte_rate"),
        ([entry(ip="198.18.0.1", limits={RATE: 1})], "it may have connection_creation_rate"),
        ([entry(user="a")], "has no limits"),
        ([entry(user="a", limits={RATE: 0})], "must be a number above 0"),
        ([entry(user="a", limits={RATE: "much"})], "to 'much', but it must be a number above 0"),
        ([entry(user="a", limits={RATE: True})], "must be a number above 0"),
        ([entry(user="a", limits={RATE: 1}), entry(user="a", state="absent")], "quota is declared twice: user a"),
    ],
)
def test_what_no_quota_can_be_is_refused(entries, sentence):
    with pytest.raises(ObjectsError, match=sentence):
        quotas.wanted(entries)


def test_what_is_read_is_declared_again_and_changes_nothing():
    before = {
        APP: {RATE: 5.5},
        Entity((("client-id", None), ("user", "a"))): {RATE: 1.0},
        Entity((("ip", "198.18.0.1"),)): {"connection_creation_rate": 3.0},
    }
    assert plan(before, *[entry(**each) for each in quotas.entries(before)]).set == {}
