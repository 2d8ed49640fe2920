# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Brokers, the controller, and where partitions are: the cluster as one broker describes it."""

from __future__ import annotations

from typing import Any, Iterable, Sequence, TypedDict

from .client import TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC, Admin, at_once, check
from .connection import KafkaError, LastingError

DESCRIBE_CLUSTER, DESCRIBE_TOPIC_PARTITIONS = 60, 75
LEADER_NOT_AVAILABLE = 5
# What there is to do with a cluster, by the codes of org.apache.kafka.common.acl.AclOperation
# (AclEntry.supportedOperations). Who may do all of it is a super user, or there is no authorizer.
OPERATIONS = {
    5: "Create",
    7: "Alter",
    8: "Describe",
    9: "ClusterAction",
    10: "DescribeConfigs",
    11: "AlterConfigs",
    12: "IdempotentWrite",
}


class PartialViewError(LastingError):
    """The broker may hide topics from this connection."""


class Broker(TypedDict):
    """A broker and its address for clients. fenced is known from Kafka 4.0 on; before, it is False."""

    id: int
    host: str
    port: int
    rack: str | None
    fenced: bool


class Partition(TypedDict):
    """Where a partition is, by the ids of brokers; leader is -1 for none."""

    partition: int
    leader: int
    replicas: list[int]
    isr: list[int]
    offline: list[int]


def cluster(admin: Admin, *, whole: bool = False) -> dict[str, Any]:
    """The cluster: {cluster_id, controller_id, brokers: Broker by Broker}.

    whole: raise PartialViewError where the broker may hide topics. An authorizer leaves those that a principal may not
    describe out of every list, without an error.

    controller_id is what the broker says, which under KRaft is any broker: the active controller there is
    kraft.quorum(admin)["leader"]. Before Kafka 4.0 a broker that is down is missing from the list.
    """
    from kafka.protocol.admin import DescribeClusterRequest

    # IncludeFencedBrokers came with version 2 (KIP-1073, Kafka 4.0); older brokers would refuse a message that
    # carries it.
    fenced = admin.api_versions().get(DESCRIBE_CLUSTER, (0, 0))[1] >= 2
    answer = admin.send(
        DescribeClusterRequest(include_cluster_authorized_operations=whole, include_fenced_brokers=fenced)
    )
    check(answer, "to describe the cluster")
    allowed = set(answer.authorized_operations or ()) if whole else set(OPERATIONS)
    if not allowed >= set(OPERATIONS):
        raise PartialViewError(
            "The broker lets this connection do only %s with the cluster, so that it may not show all topics; connect"
            " as a super user. See docs/clients.md."
            % (", ".join(name for code, name in OPERATIONS.items() if code in allowed) or "nothing")
        )
    brokers: list[Broker] = [
        {
            "id": broker.broker_id,
            "host": broker.host,
            "port": broker.port,
            "rack": broker.rack,
            "fenced": bool(fenced and broker.is_fenced),
        }
        for broker in answer.brokers
    ]
    return {
        "cluster_id": answer.cluster_id,
        "controller_id": answer.controller_id,
        "brokers": sorted(brokers, key=lambda broker: broker["id"]),
    }


def partitions(admin: Admin, topics: Sequence[str] | None = None) -> dict[str, list[Partition]]:
    """Partitions of the topics named (None: all) that exist, by topic."""
    return _partitions(admin.metadata(topics))


def view_of(admin: Admin, broker_id: int, topics: Sequence[str] | None = None, *, held: bool = False) -> dict[str, Any]:
    """What one broker itself says: {controller_id, brokers: [{id, host, port, rack}], partitions: as partitions()}.

    held: only the partitions that it holds, because each answer may be megabytes. Under KRaft controller_id is that of
    any broker.
    """
    answer = admin.metadata(topics, broker_id)
    brokers = [
        {"id": broker.node_id, "host": broker.host, "port": broker.port, "rack": broker.rack}
        for broker in answer.brokers
    ]
    partitions_ = _partitions(answer, broker_id if held else None)
    return {"controller_id": answer.controller_id, "brokers": brokers, "partitions": partitions_}


def controllers_named(admin: Admin, brokers: Iterable[int]) -> dict[int, int]:
    """The active controller of a cluster with ZooKeeper, by each of these brokers that answers; -1 for none."""
    said = at_once(lambda broker: admin.metadata([], broker), brokers)
    return {broker: answer.controller_id for broker, answer in said.items() if not isinstance(answer, KafkaError)}


def silent(admin: Admin, brokers: Sequence[int]) -> list[int]:
    """Those of these brokers that do not answer, in their order; all are asked at once."""
    answer = controllers_named(admin, brokers)
    return [broker for broker in brokers if broker not in answer]


def _partitions(answer: Any, holder: int | None = None) -> dict[str, list[Partition]]:
    out = {}
    for topic in answer.topics:
        if topic.error_code == UNKNOWN_TOPIC:
            continue
        # A new topic has no leader yet: its partitions say so themselves.
        if topic.error_code != LEADER_NOT_AVAILABLE:
            check(topic, "to describe topic %s" % topic.name)
        listed: list[Partition] = [
            {
                "partition": partition.partition_index,
                "leader": partition.leader_id,
                "replicas": partition.replica_nodes,
                "isr": partition.isr_nodes,
                "offline": partition.offline_replicas,
            }
            for partition in topic.partitions
            if holder is None or holder in partition.replica_nodes
        ]
        out[topic.name] = sorted(listed, key=lambda partition: partition["partition"])
    return out


def eligible_leader_replicas(admin: Admin, topics: Sequence[str]) -> dict[tuple[str, int], list[int]]:
    """The eligible leader replicas (KIP-966) by (topic, partition), where there are any.

    Empty on brokers without them.
    """
    from kafka.protocol.admin import DescribeTopicPartitionsRequest as Request

    if not topics or DESCRIBE_TOPIC_PARTITIONS not in admin.api_versions():
        return {}
    out: dict[tuple[str, int], list[int]] = {}
    cursor = None
    while True:
        answer = admin.send(
            Request(
                topics=[Request.TopicRequest(name=name) for name in sorted(topics)],
                response_partition_limit=2000,
                cursor=cursor,
            )
        )
        for topic in answer.topics:
            if topic.error_code == TOPIC_AUTHORIZATION_FAILED:
                check(topic, "to describe topic %s" % topic.name)
            for partition in topic.partitions:
                if partition.eligible_leader_replicas:
                    out[topic.name, partition.partition_index] = partition.eligible_leader_replicas
        if answer.next_cursor is None:
            return out
        cursor = Request.Cursor(
            topic_name=answer.next_cursor.topic_name, partition_index=answer.next_cursor.partition_index
        )
