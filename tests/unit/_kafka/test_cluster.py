"""The snapshot: one consistent picture, and honest counts."""

from __future__ import annotations

import time

import pytest
from fake_admin import FakeAdmin

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import snapshot as kafka_snapshot
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import KafkaError


def part(partition=0, leader=1, replicas=(1, 2, 3), isr=(1, 2, 3)):
    return {"partition": partition, "leader": leader, "replicas": list(replicas), "isr": list(isr), "offline": []}


class Cluster(FakeAdmin):
    def __init__(self, topics, minimum=2, moving=(), quorum=None, elr=None):
        self.topics, self.moving, self._quorum, self.elr = topics, list(moving), quorum, elr or {}
        self.minimum = minimum if isinstance(minimum, dict) else dict.fromkeys(topics, minimum)
        self.asked_for_elr = None

    @property
    def is_kraft(self):
        return self._quorum is not None

    def cluster(self):
        return {
            "cluster_id": "c",
            "controller_id": 3,
            "brokers": [{"id": 1, "host": "h", "port": 9092, "rack": "a", "fenced": False}],
        }

    def quorum(self):
        return self._quorum

    def partitions(self, topics):
        return {name: listed for name, listed in self.topics.items() if topics is None or name in topics}

    def min_insync_replicas(self, topics, broker=None):
        return {name: (self.minimum[name], name == "own") for name in topics if name in self.minimum}

    def reassignments(self):
        return self.moving

    def eligible_leader_replicas(self, topics):
        self.asked_for_elr = topics
        return self.elr


def test_partitions_are_in_order_and_complete():
    snapshot = kafka_snapshot.take(Cluster({"b": [part()], "a": [part(0), part(1)]}))
    assert [(each["topic"], each["partition"]) for each in snapshot.partitions] == [("a", 0), ("a", 1), ("b", 0)]
    assert set(snapshot.partitions[0]) == {
        "topic",
        "partition",
        "leader",
        "replicas",
        "isr",
        "offline",
        "elr",
        "min_isr",
        "adding",
        "removing",
    }
    assert snapshot.topics["a"] == {"partitions": 2, "replication_factor": 3, "min_isr": 2, "own_min_isr": False}
    assert kafka_snapshot.take(Cluster({"own": [part()]})).topics["own"]["own_min_isr"]


def test_min_isr_is_never_above_the_replicas():
    snapshot = kafka_snapshot.take(Cluster({"t": [part(replicas=[1], isr=[1])]}, minimum=2))
    assert snapshot.partitions[0]["min_isr"] == 1
    assert snapshot.topics["t"]["min_isr"] == 2


def test_under_zookeeper_the_controller_is_what_metadata_says():
    snapshot = kafka_snapshot.take(Cluster({}))
    assert (snapshot.metadata, snapshot.controller_id, snapshot.quorum) == ("zookeeper", 3, None)


def test_under_kraft_the_controller_is_the_leader_of_the_quorum():
    quorum = {"leader": 101, "voters": [], "observers": []}
    snapshot = kafka_snapshot.take(Cluster({}, quorum=quorum))
    assert (snapshot.metadata, snapshot.controller_id) == ("kraft", 101)


def test_a_topic_that_was_asked_for_must_exist():
    with pytest.raises(KafkaError, match="The cluster has no topic gone; create it"):
        kafka_snapshot.take(Cluster({"t": [part()]}), ["t", "gone"])


def test_a_topic_deleted_between_two_answers_is_left_out():
    snapshot = kafka_snapshot.take(Cluster({"t": [part()], "going": [part()]}, minimum={"t": 2}))
    assert list(snapshot.topics) == ["t"]
    assert {each["topic"] for each in snapshot.partitions} == {"t"}


def test_eligible_leader_replicas_are_asked_only_where_a_replica_is_behind():
    admin = Cluster({"well": [part()], "ill": [part(isr=[1])]}, elr={("ill", 0): [2]})
    snapshot = kafka_snapshot.take(admin)
    assert admin.asked_for_elr == ["ill"]
    assert snapshot.partitions[0]["elr"] == [2]


def test_a_reassignment_is_seen_and_its_new_replica_is_no_trouble_yet():
    move = {"topic": "t", "partition": 0, "replicas": [1, 2, 4], "adding": [4], "removing": [1]}
    snapshot = kafka_snapshot.take(Cluster({"t": [part(replicas=[4, 1, 2, 3], isr=[1, 2, 3])]}, moving=[move]))
    assert snapshot.partitions[0]["adding"] == [4]
    assert snapshot.counts.under_replicated == 0
    assert snapshot.topics["t"]["replication_factor"] == 3


@pytest.mark.parametrize(
    ("partition", "expected"),
    [
        (part(), {}),
        (part(isr=[1, 2]), {"under_replicated": 1, "at_min_isr": 1}),
        (part(isr=[1]), {"under_replicated": 1, "under_min_isr": 1}),
        (part(leader=-1, isr=[]), {"under_replicated": 1, "under_min_isr": 1, "offline": 1}),
        (part(leader=2), {"without_preferred_leader": 1}),
    ],
    ids=["well", "at min ISR", "below min ISR", "offline", "led by another"],
)
def test_each_kind_of_trouble_is_counted(partition, expected):
    counts = kafka_snapshot.take(Cluster({"t": [partition]})).to_dict()["counts"]
    assert {key: value for key, value in counts.items() if value and key not in ("topics", "partitions")} == expected
    asked = kafka_snapshot.take(Cluster({"t": [partition]})).partitions[0]
    assert kafka_snapshot.is_troubled(asked) == bool(set(expected) - {"without_preferred_leader"})


def test_a_hundred_thousand_partitions_take_no_time():
    topics = {"topic-%d" % topic: [part(index) for index in range(100)] for topic in range(1000)}
    admin = Cluster(topics)
    answer = admin.metadata(None)
    admin.Metadata = lambda *_: answer
    start = time.process_time()
    snapshot = kafka_snapshot.take(admin)
    plain = snapshot.to_dict()
    assert plain["counts"]["partitions"] == 100_000
    assert plain["partitions"][0] is snapshot.partitions[0]
    assert time.process_time() - start < 3
