# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The quorum of controllers that keeps the metadata in KRaft mode."""

from __future__ import annotations

import base64
from typing import Any, TypedDict

from .client import Admin, check


class Member(TypedDict):
    """A voter or an observer; last_caught_up_ms is milliseconds since 1970 by the leader's clock, -1 when unknown."""

    id: int
    directory_id: str | None
    log_end_offset: int
    last_caught_up_ms: int


class Quorum(TypedDict):
    """Who leads, who votes and who follows; leader is -1 for none."""

    leader: int
    epoch: int
    high_watermark: int
    voters: list[Member]
    observers: list[Member]


def quorum(admin: Admin) -> Quorum | None:
    """The quorum, None under ZooKeeper."""
    from kafka.protocol.admin import DescribeQuorumRequest as Request

    if not admin.is_kraft:
        return None
    asked = Request.TopicData(
        topic_name="__cluster_metadata", partitions=[Request.TopicData.PartitionData(partition_index=0)]
    )
    answer = admin.send(Request(topics=[asked]))
    check(answer, "to describe the quorum")
    partition = answer.topics[0].partitions[0]
    check(partition, "to describe the quorum")
    return {
        "leader": partition.leader_id,
        "epoch": partition.leader_epoch,
        "high_watermark": partition.high_watermark,
        "voters": _members(partition.current_voters),
        "observers": _members(partition.observers),
    }


def _members(replicas: Any) -> list[Member]:
    members: list[Member] = [
        {
            "id": member.replica_id,
            "directory_id": _directory_id(getattr(member, "replica_directory_id", None)),
            "log_end_offset": member.log_end_offset,
            "last_caught_up_ms": member.last_caught_up_timestamp,
        }
        for member in replicas
    ]
    return sorted(members, key=lambda member: member["id"])


def _directory_id(id_: Any) -> str | None:
    """As meta.properties writes it."""
    return base64.urlsafe_b64encode(id_.bytes).decode().rstrip("=") if id_ else None
