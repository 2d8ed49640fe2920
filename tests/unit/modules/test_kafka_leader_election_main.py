"""main() of kafka_leader_election: check, apply, again, refused, and the error."""

from __future__ import annotations

from functools import partial

import pytest
from fake_admin import FakeAdmin

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import KafkaError
from ansible_collections.rackaware.kafka.plugins.modules import kafka_leader_election


class Leaders(FakeAdmin):
    """Partitions 0 led as preferred, 1 by another, 2 by another because the preferred one is behind, 3 without a leader, of topic a; 0 of b by another."""

    def __init__(self):
        super().__init__()
        self.leaders = {("a", 0): 1, ("a", 1): 2, ("a", 2): 2, ("a", 3): -1, ("b", 0): 3}
        self.calls, self.refuses = [], {}

    def partitions(self, topics=None):
        out = {}
        for (topic, index), leader in self.leaders.items():
            if topics is None or topic in topics:
                isr = [2, 3] if (topic, index) == ("a", 2) else [1, 2, 3]
                out.setdefault(topic, []).append(
                    {"partition": index, "leader": leader, "replicas": [1, 2, 3], "isr": isr, "offline": []}
                )
        return out

    def elect(self, partitions):
        self.calls.append(list(partitions))
        self.leaders.update({each: 1 for each in partitions if each not in self.refuses})
        return {each: self.refuses[each] for each in partitions if each in self.refuses}


@pytest.fixture
def cluster(monkeypatch):
    fake = Leaders()
    monkeypatch.setattr(kafka_leader_election, "Admin", fake)
    return fake


@pytest.fixture
def run(run_main):
    return partial(run_main, kafka_leader_election, bootstrap_servers=["one:9092"])


def test_check_mode_counts_and_elects_nothing(run, cluster):
    result = run(check=True, exclude_brokers=[3])
    assert (result["changed"], result["elected"], result["waiting"]) == (True, 3, 1)
    assert cluster.calls == [] and cluster.opened[0][1] == {"exclude": [3]}


def test_apply_then_again(run, cluster):
    result = run()
    assert (result["changed"], result["elected"], result["refused"], result["waiting"]) == (True, 3, [], 1)
    assert result["diff"] == {"before": {"without_preferred_leader": 4}, "after": {"without_preferred_leader": 1}}
    assert cluster.calls == [[("a", 1), ("a", 3), ("b", 0)]]
    again = run()
    assert (again["changed"], again["elected"], again["waiting"]) == (False, 0, 1) and len(cluster.calls) == 1


def test_only_the_topics_named(run, cluster):
    assert run(topics=["b"])["elected"] == 1 and cluster.calls == [[("b", 0)]]


def test_what_kafka_refused_is_no_change(run, cluster):
    cluster.refuses = {("b", 0): 80}
    result = run(topics=["b"])
    assert (result["changed"], result["elected"]) == (False, 0)
    assert result["refused"] == [{"topic": "b", "partition": 0, "reason": "PREFERRED_LEADER_NOT_AVAILABLE"}]


def test_an_error_is_one_sentence(run, cluster):
    cluster.error = KafkaError("No broker answered.")
    assert run()["msg"] == "No broker answered."
