# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The quorum of controllers that keeps the metadata in KRaft mode."""

from __future__ import annotations

import base64
import time
from typing import Any, Callable, Iterable, Mapping, TypedDict

from .._text import counted
from .client import Admin, check

# broker.session.timeout.ms: a broker that is silent for so long is fenced. Heartbeats take another connection than the
# metadata, so that a broker without the latter stays unfenced (KAFKA-20025).
BEHIND_SECONDS = 9
# A follower that loses its leader finds the next one within two timeouts of 2 s, controller.quorum.fetch.timeout.ms and
# controller.quorum.request.timeout.ms.
SETTLE_SECONDS = 5.0
AGAIN = 0.5


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


class Lag(TypedDict):
    """How far a node is behind the quorum's leader; seconds is None where it has never caught up with this leader."""

    records: int
    seconds: float | None


def lag(quorum: Mapping[str, Any] | None, id_: int) -> Lag | None:
    """How far a voter or an observer is behind, all by the leader's clock; None where the leader does not know it.

    A leader forgets an observer that has not fetched for five minutes, and all of them when another one leads.
    """
    if quorum is None or not any(voter["id"] == quorum["leader"] for voter in quorum["voters"]):
        return None
    # A node whose disk was replaced is listed twice for some minutes.
    seen = [member for key in ("voters", "observers") for member in quorum[key] if member["id"] == id_]
    if not seen:
        return None
    leader = next(voter for voter in quorum["voters"] if voter["id"] == quorum["leader"])
    caught_up = max(member["last_caught_up_ms"] for member in seen)
    known = min(caught_up, leader["last_caught_up_ms"]) >= 0
    return {
        "records": max(0, leader["log_end_offset"] - max(member["log_end_offset"] for member in seen)),
        "seconds": max(0, leader["last_caught_up_ms"] - caught_up) / 1000 if known else None,
    }


def why_behind(quorum: Mapping[str, Any] | None, id_: int) -> str | None:
    """What is wrong with a node that runs and whose metadata is old, None when nothing is or it is not known.

    Nothing is known without a leader, or from one that says no time.
    """
    if quorum is None or (lag(quorum, quorum["leader"]) or {"seconds": None})["seconds"] is None:
        return None
    seen = lag(quorum, id_)
    if seen is None or seen["seconds"] is None:
        return "does not follow the cluster's metadata"
    if seen["seconds"] <= BEHIND_SECONDS:
        return None
    return "is %.0f s behind in the cluster's metadata (%s)" % (seen["seconds"], counted(seen["records"], "record"))


def behind_sentence(who: str, why: str) -> str:
    """The refusal, and the finding."""
    return (
        "%s %s, so that what it knows is old; see whether its certificate has expired, and restart it before any other."
        " See docs/runbooks/metadata_behind.md." % (who, why)
    )


def settled(
    admin: Admin, seen: Quorum | None, ids: Iterable[int], *, sleep: Callable[[float], None] = time.sleep
) -> Quorum | None:
    """The quorum, asked again for some seconds while a new leader may not have heard of these nodes yet."""
    nodes, left = list(ids), SETTLE_SECONDS
    while left > 0 and any((why_behind(seen, id_) or "").startswith("does not") for id_ in nodes):
        sleep(AGAIN)
        left -= AGAIN
        seen = quorum(admin)
    return seen


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
