"""What happens to many topics, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.topic import Topic
from ansible_collections.rackaware.kafka.plugins.module_utils._objects import replication, topics

RACKS = {1: "a", 2: "b", 3: "c"}
THERE = Topic([[1, 2], [2, 3]], 2, {"retention.ms": "5"})


def entry(name="orders-in", **change):
    defaults = {key: option.get("default") for key, option in topics.TOPIC_OPTIONS.items()}
    return {**defaults, "name": name, **change}


def plan(before, *entries, owned=(), racks=RACKS):
    present, absent = topics.wanted(entries)
    return topics.plan(before, present, absent, owned=owned, racks=racks)


def test_a_topic_as_declared_is_left_alone_and_others_are_changed():
    before = {"orders-in": THERE, "orders-out": THERE}
    change = plan(
        before,
        entry(partitions=2, replication_factor=2, config={"retention.ms": 5}),
        entry("orders-out", partitions=3),
        entry("orders-new", partitions=1, replication_factor=3),
    )
    assert [str(edit) for edit in change.edits()] == [
        "change: topic orders-out: 2 partitions, replication factor 2, retention.ms=5"
        " -> topic orders-out: 3 partitions, replication factor 2, retention.ms=5",
        "create: topic orders-new: 1 partition, replication factor 3",
    ]


def test_what_the_brokers_choose_is_said_so():
    assert [str(edit) for edit in plan({}, entry()).edits()] == [
        "create: topic orders-in: partitions by default, replication factor by default"
    ]


def test_a_purge_stays_inside_its_prefixes_and_off_kafkas_own():
    names = ["orders-in", "orders-old", "order", "__consumer_offsets", "_private"]
    change = plan(dict.fromkeys(names, THERE), entry(), owned=("orders-", "_c", "__"))
    assert change.deleted() == ["orders-old"]
    assert plan(dict.fromkeys(names, THERE), entry()).deleted() == []
    assert topics.named(names, *topics.wanted([entry()]), ("_",)) == ["orders-in", "_private"]


def test_a_topic_that_is_declared_absent_goes():
    assert plan({"orders-in": THERE}, entry(state="absent")).deleted() == ["orders-in"]
    assert plan({}, entry(state="absent")).deleted() == []


def test_a_deletion_needs_its_words_with_the_number():
    topics.check_confirmed([], None)
    topics.check_confirmed(["a", "b"], "delete 2 topics")
    for said in (None, "yes", "delete 1 topic", "delete 3 topics"):
        with pytest.raises(RackawareError, match=r"a, b; to confirm it, write the words: delete 2 topics\."):
            topics.check_confirmed(["b", "a"], said)
    with pytest.raises(RackawareError, match="a, b, c and 2 more"):
        topics.check_confirmed(list("abcde"), None)


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([entry(), entry()], "topic is declared twice: orders-in"),
        ([entry("__consumer_offsets")], "is Kafka's own and is never declared"),
        ([entry(partitions=0)], "partitions is 0"),
        ([entry(partitions=1)], "Kafka cannot take partitions away"),
        ([entry(replication_factor=4)], "but the cluster has 3 racks; lower it"),
        ([entry("orders-new", replication_factor=4)], "but the cluster has 3 racks; lower it"),
    ],
)
def test_what_no_topic_can_be_is_refused(entries, sentence):
    with pytest.raises(RackawareError, match=sentence):
        plan({"orders-in": THERE}, *entries)


def test_brokers_without_racks_are_counted():
    with pytest.raises(RackawareError, match="but the cluster has 2 brokers"):
        plan({}, entry(replication_factor=3), racks={1: None, 2: None})
    assert plan({}, entry(replication_factor=2), racks={1: None, 2: None}).topics


def test_another_replication_factor_is_refused_with_the_plan():
    with pytest.raises(
        topics.ReplicationError, match="has replication factor 2, but another one is declared"
    ) as caught:
        plan({"orders-in": THERE, "b": THERE}, entry(replication_factor=3), entry("b", replication_factor=1))
    assert caught.value.moves == [
        {"topic": "orders-in", "partition": 0, "replicas": [1, 2], "wanted": [1, 2, 3]},
        {"topic": "orders-in", "partition": 1, "replicas": [2, 3], "wanted": [2, 3, 1]},
        {"topic": "b", "partition": 0, "replicas": [1, 2], "wanted": [1]},
        {"topic": "b", "partition": 1, "replicas": [2, 3], "wanted": [2]},
    ]
    assert str(caught.value).endswith("b-0 from [1, 2] to [1] and 1 more.")


@pytest.mark.parametrize(
    ("replicas", "factor", "racks", "wanted"),
    [
        ([[1]], 2, {1: "a", 2: "a", 3: "b"}, [[1, 3]]),
        ([[1, 2, 3]], 2, {1: "a", 2: "a", 3: "b"}, [[1, 3]]),
        ([[1], [1]], 2, {1: "a", 2: "b", 3: "b"}, [[1, 2], [1, 3]]),
        ([[1]], 3, {1: "a", 2: "a"}, [[1, 2]]),
    ],
    ids=["another rack", "keep what spreads", "spread the load", "too few brokers"],
)
def test_replicas_move_to_other_racks_and_as_few_as_possible(replicas, factor, racks, wanted):
    assert replication.moves(replicas, factor, racks) == wanted


def test_what_is_read_is_declared_again_and_changes_nothing():
    before = {"orders-in": THERE, "__consumer_offsets": THERE}
    declared = topics.entries(before)
    assert [each["name"] for each in declared] == ["orders-in"]
    assert plan(before, *[entry(**each) for each in declared]).topics == ()
