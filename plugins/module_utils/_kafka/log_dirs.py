# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Log directories: what brokers have on their disks."""

from __future__ import annotations

from typing import Any, Iterable, TypedDict

from .client import CLUSTER_AUTHORIZATION_FAILED, Admin, error_name, raise_for

REFUSED = "to describe the log directories of broker %d"


class Replica(TypedDict):
    """A replica on a disk; future is whether it is being moved to that disk."""

    topic: str
    partition: int
    size_bytes: int
    lag: int
    future: bool


class LogDir(TypedDict):
    """A log directory; error is None or Kafka's name of what is wrong with it, bytes of its file system are -1 when unknown."""

    path: str
    error: str | None
    total_bytes: int
    usable_bytes: int
    replicas: list[Replica]


def describe(admin: Admin, broker_id: int, partitions: Iterable[tuple[str, int]] | None = None) -> list[LogDir]:
    """Log directories of one broker, with the replicas of these partitions (None: all)."""
    from kafka.protocol.admin import DescribeLogDirsRequest as Request

    named: dict[str, list[int]] = {}
    for name, index in sorted(partitions or ()):
        named.setdefault(name, []).append(index)
    topics = (
        None
        if partitions is None
        else [Request.DescribableLogDirTopic(topic=name, partitions=indexes) for name, indexes in named.items()]
    )
    return [
        {
            "path": directory.log_dir,
            "error": error_name(directory.error_code) if directory.error_code else None,
            "total_bytes": directory.total_bytes,
            "usable_bytes": directory.usable_bytes,
            "replicas": [
                {
                    "topic": topic.name,
                    "partition": partition.partition_index,
                    "size_bytes": partition.partition_size,
                    "lag": partition.offset_lag,
                    "future": partition.is_future_key,
                }
                for topic in directory.topics
                for partition in topic.partitions
            ],
        }
        for directory in _ask(admin, broker_id, topics)
    ]


def held_by(admin: Admin, broker_id: int) -> set[tuple[str, int]]:
    """The partitions that one broker has on its disks; raises KafkaError when it does not say.

    Replicas that are being moved to another disk are left out. A principal that may describe the cluster sees all
    of them, also those of topics that it may not describe. A broker always has a log directory, so an answer
    without one means that the principal may not see it: before version 3 of the answer there was no error for that.
    """
    directories = _ask(admin, broker_id, None)
    if not directories:
        raise_for(CLUSTER_AUTHORIZATION_FAILED, None, REFUSED % broker_id)
    return {
        (topic.name, partition.partition_index)
        for directory in directories
        for topic in directory.topics
        for partition in topic.partitions
        if not partition.is_future_key
    }


def _ask(admin: Admin, broker_id: int, topics: Any) -> Any:
    from kafka.protocol.admin import DescribeLogDirsRequest

    answer = admin.send(DescribeLogDirsRequest(topics=topics), broker_id)
    raise_for(getattr(answer, "error_code", 0) or 0, None, REFUSED % broker_id)
    return answer.results
