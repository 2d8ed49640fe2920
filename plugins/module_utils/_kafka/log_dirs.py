# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Log directories: what brokers have on their disks."""

from __future__ import annotations

from typing import Iterable

from .client import CLUSTER_AUTHORIZATION_FAILED, Admin, by_topic, refusal


def sizes(
    admin: Admin, broker_id: int, partitions: Iterable[tuple[str, int]] | None = None
) -> dict[tuple[str, int], int]:
    """How many bytes of each of these partitions (None: of all) one broker has; raises KafkaError when it does not say.

    Replicas that are being moved to another disk are left out. A principal that may describe the cluster sees all
    partitions, also those of topics that it may not describe. A broker always has a log directory, so an answer
    without one means that the principal may not see it: before version 3 of the answer there was no error for that.
    """
    from kafka.protocol.admin import DescribeLogDirsRequest as Request

    topics = None
    if partitions is not None:
        named = by_topic(sorted(partitions)).items()
        topics = [Request.DescribableLogDirTopic(topic=name, partitions=indexes) for name, indexes in named]
    answer = admin.send(Request(topics=topics), broker_id)
    code = getattr(answer, "error_code", 0) or 0
    if topics is None and not answer.results:
        code = code or CLUSTER_AUTHORIZATION_FAILED
    if code:
        raise refusal(code, None, "to describe the log directories of broker %d" % broker_id)
    return {
        (topic.name, partition.partition_index): partition.partition_size
        for directory in answer.results
        for topic in directory.topics
        for partition in topic.partitions
        if not partition.is_future_key
    }
