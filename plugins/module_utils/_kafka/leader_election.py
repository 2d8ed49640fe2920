# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Preferred leaders: partitions that another replica leads although their first one could, and their election."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from . import metadata
from .client import Admin, by_topic, check, error_name
from .connection import KafkaError

# A controller of KRaft refuses a whole request that makes more than 10,000 records
# (QuorumController.MAX_RECORDS_PER_USER_OP).
ELECTED_AT_ONCE = 1000
ELECTION_NOT_NEEDED = 84


def led(admin: Admin, topics: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The partitions of these topics, None for all, as elect() takes them; raises KafkaError."""
    return [
        {**partition, "topic": topic}
        for topic, partitions in sorted(metadata.partitions(admin, topics).items())
        for partition in partitions
    ]


def elsewhere(partitions: Iterable[Mapping[str, Any]]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Partitions that their preferred replica does not lead: those where it is in sync, those where it is not."""
    can: list[tuple[str, int]] = []
    cannot: list[tuple[str, int]] = []
    for partition in partitions:
        if partition["replicas"] and partition["leader"] != partition["replicas"][0]:
            (can if partition["replicas"][0] in partition["isr"] else cannot).append(
                (partition["topic"], partition["partition"])
            )
    return can, cannot


def elect(
    admin: Admin, partitions: Iterable[Mapping[str, Any]], *, check: bool = False, tolerant: bool = False
) -> dict[str, Any]:
    """Have them lead again where they can: {elected, waiting, refused} as kafka_leader_election returns them.

    check: only count.

    partitions are those of led(), or of a snapshot.

    Raises KafkaError when no broker answers, or when Kafka refuses it altogether; tolerant: that is in refused.
    """
    can, cannot = elsewhere(partitions)
    refused = elect_preferred(admin, can, tolerant=tolerant) if can and not check else {}
    return {
        "elected": len(can) - len(refused),
        "waiting": len(cannot),
        "refused": [
            {"topic": topic, "partition": partition, "reason": reason}
            for (topic, partition), reason in sorted(refused.items())
        ],
    }


def elect_preferred(
    admin: Admin, partitions: Iterable[tuple[str, int]], *, tolerant: bool = False
) -> dict[tuple[str, int], str]:
    """Elect preferred leaders; Kafka's reason for each partition that could not be led so, by (topic, partition).

    A partition that its preferred replica leads already is no failure, and one whose preferred replica is out is no
    reason to stop. A request that fails as a whole raises KafkaError; tolerant: it is the reason of all partitions
    that are left then.
    """
    waiting, refused = list(partitions), {}
    for start in range(0, len(waiting), ELECTED_AT_ONCE):
        try:
            refused.update(_elect(admin, waiting[start : start + ELECTED_AT_ONCE]))
        except KafkaError as error:
            if not tolerant:
                raise
            return {**refused, **dict.fromkeys(waiting[start:], str(error))}
    return refused


def _elect(admin: Admin, partitions: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
    from kafka.protocol.admin import ElectionType, ElectLeadersRequest

    answer = admin.send_to_controller(
        lambda: ElectLeadersRequest(
            election_type=ElectionType.PREFERRED,
            topic_partitions=[*by_topic(sorted(partitions)).items()],
            timeout_ms=admin.timeout_ms,
        )
    )
    check(answer, "the election of preferred leaders")
    return {
        (result.topic, partition.partition_id): error_name(partition.error_code)
        for result in answer.replica_election_results
        for partition in result.partition_result
        if partition.error_code not in (0, ELECTION_NOT_NEEDED)
    }
