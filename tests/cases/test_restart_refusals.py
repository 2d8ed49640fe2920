"""A restart that is not safe is refused in one sentence, and no node is stopped."""

from __future__ import annotations

import json

import pytest
from cluster import LOCK


@pytest.fixture(scope="module")
def before(cluster):
    return cluster.processes()


CASES = {
    "a limit": (["--limit", "demo-broker-1,localhost"], {}, "cut batches in two"),
    "an unknown node": ([], {"roll_only": ["none"]}, "roll_only names none"),
    "tasks that are not there": ([], {"roll_node_tasks": "none.yml"}, "There is no file"),
    "an unknown topic": ([], {"roll_allow_topics": ["none"]}, "allow names none, which the cluster does not have"),
    "an unknown order": ([], {"roll_order": "sideways"}, "roll_order"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_asked_for_cannot_be(cluster, before, case):
    options, extra, sentence = CASES[case]
    cluster.play("rolling_restart", *options, roll_all=True, **extra).refused(sentence)


def test_a_host_does_not_answer(cluster, before):
    _first, other, *_ = cluster.brokers
    second = cluster.scratch / "second.json"
    second.write_text(json.dumps({"kafka_brokers": {"hosts": {other: {"ansible_port": 1}}}}))
    cluster.play("rolling_restart", "-i", str(second), roll_all=True).refused("%s cannot be reached" % other)


def test_another_run_holds_the_lock(cluster, before):
    victim, *_ = cluster.brokers
    held = {
        "owner": "ops@elsewhere",
        "what": "rolling_restart",
        "since": "2026-01-01T00:00:00Z",
        "expires": "2999-01-01T00:00:00Z",
    }
    cluster.on(victim, "mkdir -p /var/lib/kafka-admin && cat > %s <<'END'\n%s\nEND" % (LOCK, json.dumps(held)))
    cluster.play("rolling_restart", roll_all=True).refused(
        "is held by ops@elsewhere for rolling_restart, since 2026-01-01T00:00:00Z and until"
    )
    cluster.on(victim, "rm %s" % LOCK)


def test_a_partition_has_one_replica(cluster, before):
    cluster.create_topic("single", {0: [next(iter(cluster.ids.values()))]})
    try:
        cluster.play("rolling_restart", roll_all=True).refused("It has only one replica")
    finally:
        cluster.delete_topic("single")


def test_no_refusal_stopped_a_broker(cluster, before):
    assert cluster.processes() == before
