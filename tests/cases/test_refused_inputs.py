"""site with bad inputs, on a cluster that runs: each is refused in its sentence, with nothing changed on any host."""

from __future__ import annotations

import json
import re

import pytest

CHANGED = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=([1-9]\d*)", re.MULTILINE)


# What site is run with. The preflight lists all that it finds, so that most sentences need no run of their own.
RUNS = {
    "many at once": {
        "hosts": {"demo-broker-2": {"kafka_node_id": 1}, "demo-broker-3": {"kafka_rack": "eu-west-1a"}},
        "extra": {
            "broker_hap_mb": 512,
            "broker_heap_mb": 4096,
            "kafka_replication_factor": 4,
            "kafka_version": "4.3.1",
            "broker_config": {"broker.id": 9, "log.retention.hour": 9},
        },
    },
    "the opposite": {
        "hosts": {"demo-broker-2": {"kafka_node_id": None}},
        "extra": {"kafka_replication_factor": 1},
    },
    "type": {"hosts": {"demo-broker-2": {"kafka_instance_type": "m99.large"}}},
    "address": {"hosts": {"demo-broker-3": {"ansible_host": "198.18.3.99"}}, "environment": {"ANSIBLE_TIMEOUT": "5"}},
    "kernel": {"extra": {"kafka_open_files": 2000000000}},
    "archive": {
        "extra": {"kafka_version": "3.9.9", "kafka_install_url": "http://198.18.0.1:8000/kafka/none.tgz"},
    },
    "empty": {"environment": {"KAFKA_CLUSTER": "none"}},
}
CASES = {
    "a misspelled variable": ("many at once", "The variable broker_hap_mb is unknown; did you mean broker_heap_mb?"),
    "a heap of 4 GB": ("many at once", "must stay below 4096 MB"),
    "a replication factor above the brokers": ("many at once", "The replication factor is 4, but there are 3 brokers"),
    "a replication factor below min.insync.replicas": ("the opposite", "is below min.insync.replicas 2"),
    "Kafka 4 with ZooKeeper": ("many at once", "Kafka 4.3.1 cannot run with ZooKeeper nodes"),
    "an identity in broker_config": ("many at once", "broker_config sets broker.id, which the inventory decides"),
    "a misspelled setting of Kafka": ("many at once", "did you mean log.retention.hours?"),
    "a duplicate node id": ("many at once", "Node id 1 is given to several"),
    "a missing node id": ("the opposite", "Host demo-broker-2 has no kafka_node_id"),
    "two zones": ("many at once", "The brokers lie in 2 racks"),
    "an unknown instance type": ("type", "m99.large"),
    "a host that cannot be reached": ("address", "unreachable=1"),
    "more open files than the kernel allows": ("kernel", "2000000000"),
    "an archive that is not there": ("archive", "none.tgz"),
    "an empty inventory": ("empty", "The inventory has no Kafka hosts"),
}


@pytest.fixture(scope="module")
def runs(cluster, pool):
    def run(name, hosts=None, extra=None, environment=None):
        second = cluster.scratch / ("%s.json" % name)
        second.write_text(json.dumps({"kafka_brokers": {"hosts": hosts}}))
        return cluster.play("site", *(["-i", str(second)] if hosts else []), environment=environment, **(extra or {}))

    return {name: pool.submit(run, name, **asked) for name, asked in RUNS.items()}


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused(runs, case):
    name, sentence = CASES[case]
    run = runs[name].result().refused(sentence)
    assert CHANGED.findall(run.text) == []
