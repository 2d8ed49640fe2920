# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Partitions that move to other brokers."""

from __future__ import annotations

from typing import Any, Sequence, TypedDict

from .client import Admin, check

NO_REASSIGNMENT = 85


class Reassignment(TypedDict):
    """A partition that is being moved, by the ids of brokers."""

    topic: str
    partition: int
    replicas: list[int]
    adding: list[int]
    removing: list[int]


def under_way(admin: Admin, topics: Sequence[str] | None = None) -> list[Reassignment]:
    """Reassignments of these topics (None: all), by topic and partition."""
    from kafka.protocol.admin import ListPartitionReassignmentsRequest as Request

    answer = admin.send_to_controller(lambda: Request(timeout_ms=admin.timeout_ms, topics=None))
    check(answer, "to list reassignments")
    return sorted(
        (
            {
                "topic": topic.name,
                "partition": partition.partition_index,
                "replicas": partition.replicas,
                "adding": partition.adding_replicas,
                "removing": partition.removing_replicas,
            }
            for topic in answer.topics
            if topics is None or topic.name in topics
            for partition in topic.partitions
        ),
        key=lambda move: (move["topic"], move["partition"]),
    )


def reassign(admin: Admin, targets: dict[tuple[str, int], list[int] | None]) -> None:
    """Move partitions to these replicas, or with None cancel the move; raises KafkaError with the first refusal."""
    from kafka.protocol.admin import AlterPartitionReassignmentsRequest as Request

    topic = Request.ReassignableTopic
    named: dict[str, list[Any]] = {}
    for (name, index), replicas in sorted(targets.items()):
        named.setdefault(name, []).append(topic.ReassignablePartition(partition_index=index, replicas=replicas))
    answer = admin.send_to_controller(
        lambda: Request(
            timeout_ms=admin.timeout_ms,
            topics=[topic(name=name, partitions=changes) for name, changes in named.items()],
        )
    )
    check(answer, "the reassignment")
    for result in answer.responses:
        for partition in result.partitions:
            cancelled = (
                targets.get((result.name, partition.partition_index), ()) is None
                and partition.error_code == NO_REASSIGNMENT
            )
            if not cancelled:
                check(partition, "to reassign %s-%d" % (result.name, partition.partition_index))
