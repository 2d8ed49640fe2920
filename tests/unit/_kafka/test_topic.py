"""What happens to a topic, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import topic
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.topic import Topic, TopicError, Wanted

PARAMS = {"name": "t", "partitions": None, "replication_factor": None, "replica_assignment": None, "config": {}}
THERE = Topic([[1, 2], [2, 3]], 2, {"retention.ms": "5"})


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (5, "5"), ("x", "x"), (None, None), (["delete", "compact"], "delete,compact")],
)
def test_values_are_written_as_kafka_writes_them(value, text):
    assert topic.text(value) == text


def test_an_assignment_says_both_numbers():
    want = topic.wanted(dict(PARAMS, replica_assignment=[[1, 2], [2, 3], [3, 1]]))
    assert (want.partitions, want.replication_factor) == (3, 2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"partitions": 0}, "partitions is 0, but must be at least 1"),
        ({"replication_factor": 0}, "replication_factor is 0"),
        ({"replica_assignment": []}, "at least one partition"),
        ({"replica_assignment": [[1], []]}, "at least one broker each"),
        ({"replica_assignment": [[1, 1]]}, "names a broker twice for partition 0"),
        ({"replica_assignment": [[1, 2], [1]]}, "gives partition 1 1 replicas, but partition 0 has 2"),
    ],
)
def test_what_no_topic_can_be_is_refused(change, sentence):
    with pytest.raises(TopicError, match=sentence):
        topic.wanted({**PARAMS, **change})


def test_a_new_topic_is_created_with_what_is_set():
    change = topic.present(None, Wanted("t", 3, 2, {"a": "1", "b": None}))
    assert change.create and change.needed and change.before is None
    assert change.after == {"partitions": 3, "replication_factor": 2, "config": {"a": "1"}}


def test_a_topic_as_wanted_is_left_alone():
    assert not topic.present(THERE, Wanted("t", 2, 2, {"retention.ms": "5", "absent": None}, [[1, 2], [2, 3]])).needed


def test_partitions_are_added():
    change = topic.present(THERE, Wanted("t", 4))
    assert (change.partitions, change.config) == (4, {})
    assert change.after["partitions"] == 4


def test_only_configuration_that_differs_is_set_or_removed():
    change = topic.present(THERE, Wanted("t", config={"retention.ms": None, "min.insync.replicas": "2"}))
    assert change.config == {"retention.ms": None, "min.insync.replicas": "2"}
    assert change.after["config"] == {"min.insync.replicas": "2"}


@pytest.mark.parametrize(
    ("want", "sentence"),
    [
        (Wanted("t", 1), "has 2 partitions, but 1 are wanted, and Kafka cannot take partitions away"),
        (Wanted("t", 2, 3), "has replication factor 2, but 3 is wanted; changing that moves data"),
        (Wanted("t", 2, 2, {}, [[1, 2], [3, 2]]), r"partition 1 lies on brokers \[2, 3\], but \[3, 2\] are wanted"),
    ],
    ids=["fewer partitions", "another replication factor", "other brokers"],
)
def test_what_would_move_or_drop_data_is_refused(want, sentence):
    with pytest.raises(TopicError, match=sentence):
        topic.present(THERE, want)


def test_an_absent_topic_stays_absent_and_a_present_one_goes():
    assert not topic.absent(None).needed
    assert topic.absent(THERE).delete


@pytest.mark.parametrize(
    ("shown", "declared"),
    [
        ("compact,delete", "compact, delete"),
        ("0.5", "0.50"),
        ("1.0E-5", 0.00001),
        ("true", "TRUE"),
        ("5000", " 05000 "),
    ],
)
def test_a_value_that_kafka_writes_in_another_way_does_not_differ(shown, declared):
    want = topic.wanted(
        {
            **dict.fromkeys(("partitions", "replication_factor", "replica_assignment")),
            **{"name": "a", "config": {"k": declared}},
        }
    )
    assert not topic.present(topic.Topic([[1]], 1, {"k": shown}), want).needed


@pytest.mark.parametrize(
    ("shown", "declared"),
    [
        ("compact,delete", "delete"),
        ("compact,delete", "delete,compact"),
        ("9223372036854775807", 9223372036854775806),
        ("true", "false"),
        ("5", None),
        ("gzip", "GZIP"),
        ("", "0"),
    ],
)
def test_another_value_differs(shown, declared):
    want = topic.wanted(
        {
            **dict.fromkeys(("partitions", "replication_factor", "replica_assignment")),
            **{"name": "a", "config": {"k": declared}},
        }
    )
    assert topic.present(topic.Topic([[1]], 1, {"k": shown}), want).config
