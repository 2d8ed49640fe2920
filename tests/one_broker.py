"""The smallest cluster, as kafka_cluster_info returns it, and its host, for tests of what is shown to people."""

from __future__ import annotations

CLUSTER = {
    "cluster_id": "abc",
    "metadata": "zookeeper",
    "controller_id": 1,
    "brokers": [{"id": 1, "host": "h", "port": 9092, "rack": "a", "fenced": False}],
    "partitions": [],
    "reassignments": [],
    "quorum": None,
    "counts": dict.fromkeys(
        "topics partitions under_replicated at_min_isr under_min_isr offline without_preferred_leader".split(), 0
    ),
}
HOSTS = [{"name": "one", "id": 1, "rack": "a", "roles": ["broker"]}]
