# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Preferred leaders: partitions that another replica leads although their first one could, and their election."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from .client import Admin


def led(admin: Admin, topics: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The partitions of these topics, None for all, as elect() takes them; raises KafkaError."""
    return [
        {**partition, "topic": topic}
        for topic, partitions in sorted(admin.partitions(topics).items())
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
    refused = admin.elect_preferred(can, tolerant=tolerant) if can and not check else {}
    return {
        "elected": len(can) - len(refused),
        "waiting": len(cannot),
        "refused": [
            {"topic": topic, "partition": partition, "reason": reason}
            for (topic, partition), reason in sorted(refused.items())
        ],
    }
