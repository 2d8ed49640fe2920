"""site with bad inputs, on a cluster that runs: each is refused in its sentence, with nothing changed on any host."""

from __future__ import annotations

import json
import re

import pytest

CHANGED = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=([1-9]\d*)", re.MULTILINE)


def host(name, **variables):
    """A second inventory that says something else about one host."""
    return {"inventory": {"kafka_brokers": {"hosts": {name: variables}}}}


def extra(**variables):
    """Extra variables."""
    return {"extra": variables}


CASES = {
    "a misspelled variable": (
        extra(broker_hap_mb=512),
        "The variable broker_hap_mb is unknown; did you mean broker_heap_mb?",
    ),
    "a heap of 4 GB": (extra(broker_heap_mb=4096), "must stay below 4096 MB"),
    "a replication factor above the brokers": (
        extra(kafka_replication_factor=4),
        "The replication factor is 4, but there are 3 brokers",
    ),
    "a replication factor below min.insync.replicas": (
        extra(kafka_replication_factor=1),
        "is below min.insync.replicas 2",
    ),
    "Kafka 4 with ZooKeeper": (extra(kafka_version="4.3.1"), "Kafka 4.3.1 cannot run with ZooKeeper nodes"),
    "an identity in broker_config": (
        extra(broker_config={"broker.id": 9}),
        "broker_config sets broker.id, which the inventory decides",
    ),
    "a misspelled setting of Kafka": (
        extra(broker_config={"log.retention.hour": 9}),
        "did you mean log.retention.hours?",
    ),
    "a duplicate node id": (host("demo-broker-2", kafka_node_id=1), "Node id 1 is given to several"),
    "a missing node id": (host("demo-broker-2", kafka_node_id=None), "Host demo-broker-2 has no kafka_node_id"),
    "two zones": (host("demo-broker-3", kafka_rack="eu-west-1a"), "The brokers lie in 2 racks"),
    "an unknown instance type": (host("demo-broker-2", kafka_instance_type="m99.large"), "m99.large"),
    "a host that cannot be reached": (host("demo-broker-3", ansible_host="198.18.3.99"), "unreachable=1"),
    "more open files than the kernel allows": (extra(kafka_open_files=2000000000), "2000000000"),
    "an archive that is not there": (
        extra(kafka_version="3.9.9", kafka_install_url="http://198.18.0.1:8000/kafka/none.tgz"),
        "none.tgz",
    ),
    "an empty inventory": ({"environment": {"KAFKA_CLUSTER": "none"}}, "The inventory has no Kafka hosts"),
}


@pytest.fixture(scope="module")
def runs(cluster, pool):
    def run(number, inventory=None, extra=None, environment=None):
        second = cluster.scratch / ("second-%d.json" % number)
        second.write_text(json.dumps(inventory or {}))
        options = ["-i", str(second)] if inventory else []
        return cluster.play(
            "site", *options, environment={"ANSIBLE_TIMEOUT": "5", **(environment or {})}, **(extra or {})
        )

    return {title: pool.submit(run, number, **case) for number, (title, (case, _sentence)) in enumerate(CASES.items())}


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused(runs, case):
    run = runs[case].result().refused(CASES[case][1])
    assert CHANGED.findall(run.text) == []
