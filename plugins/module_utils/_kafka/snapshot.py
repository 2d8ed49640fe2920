# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""One consistent snapshot of a cluster, from one broker's view, and what can be counted in it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, Callable, Mapping, Sequence, TypedDict, cast

from . import configs, kraft, metadata, reassignments
from .client import Admin
from .connection import KafkaError


@dataclass(frozen=True)
class Counts:
    """How many partitions there are, and how many are in each kind of trouble."""

    topics: int
    partitions: int
    under_replicated: int
    at_min_isr: int
    under_min_isr: int
    offline: int
    without_preferred_leader: int


class SnapshotPartition(metadata.Partition):
    """A partition with all that a gate asks about it; min_isr is the effective one, never above the replicas."""

    topic: str
    elr: list[int]
    min_isr: int
    adding: list[int]
    removing: list[int]


@dataclass(frozen=True)
class Snapshot:
    """A cluster as one broker sees it.

    topics: {name: {partitions, replication_factor, min_isr, own_min_isr}}. own_min_isr is whether the topic itself sets
    it. If not, min_isr is what the broker that was asked has, and others may have another.

    partitions are by topic and partition, plain dicts because there may be 100,000 of them.

    quorum is None under ZooKeeper. witness is the broker whose answer agreed() has compared, None for one answer alone.
    """

    cluster_id: str
    metadata: str
    controller_id: int
    brokers: list[metadata.Broker]
    topics: dict[str, dict[str, int]]
    partitions: list[SnapshotPartition]
    reassignments: list[reassignments.Reassignment]
    quorum: kraft.Quorum | None
    witness: int | None = None

    @property
    def counts(self) -> Counts:
        """What is wrong, in numbers."""
        return count(self.partitions, len(self.topics))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without copies of the partitions."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "witness"}
        plain["counts"] = asdict(self.counts)
        return plain


class Summary(TypedDict):
    """A snapshot as small as the number of brokers asks for.

    loads: [{id, leaders, replicas, out_of_sync}] of each broker that has any. examples: {kind of trouble: the first few
    partitions, as topic-partition}. reassigning is a number of partitions, counts are a Counts as a dict.
    """

    cluster_id: str
    metadata: str
    controller_id: int
    brokers: list[metadata.Broker]
    quorum: kraft.Quorum | None
    counts: dict[str, int]
    loads: list[dict[str, int]]
    examples: dict[str, list[str]]
    reassigning: int


def is_under_replicated(partition: Mapping[str, Any]) -> bool:
    """Whether a replica that should hold the partition is not in sync.

    As in Kafka, a replica that a reassignment adds does not count yet.
    """
    isr = partition["isr"]
    if len(isr) >= len(partition["replicas"]):
        return False
    adding = partition["adding"]
    return any(replica not in isr and replica not in adding for replica in partition["replicas"])


def is_troubled(partition: Mapping[str, Any]) -> bool:
    """Whether it has no leader, too few replicas in sync, or one that should be in sync and is not."""
    return partition["leader"] < 0 or len(partition["isr"]) < partition["min_isr"] or is_under_replicated(partition)


def count(partitions: Sequence[Mapping[str, Any]], topics: int) -> Counts:
    """Count partitions of a snapshot, typed or plain."""
    under = at_min = below = offline = elsewhere = 0
    for partition in partitions:
        in_sync = len(partition["isr"])
        under += is_under_replicated(partition)
        at_min += in_sync == partition["min_isr"]
        below += in_sync < partition["min_isr"]
        offline += partition["leader"] < 0
        elsewhere += (
            bool(partition["replicas"]) and partition["leader"] >= 0 and partition["leader"] != partition["replicas"][0]
        )
    return Counts(
        topics=topics,
        partitions=len(partitions),
        under_replicated=under,
        at_min_isr=at_min,
        under_min_isr=below,
        offline=offline,
        without_preferred_leader=elsewhere,
    )


def take(
    admin: Admin,
    topics: Sequence[str] | None = None,
    *,
    minimum: dict[str, tuple[int, bool]] | None = None,
    eligible: bool = True,
) -> Snapshot:
    """Read the cluster in one pass; with topics only those; raises KafkaError for a topic that does not exist.

    Raises PartialViewError where the broker may hide topics.

    All partitions come from a single Metadata answer, so that they fit together. The eligible leader replicas are asked
    for only with eligible, and only for topics with a replica out of sync: others have none. minimum is what
    configs.min_insync_replicas returned for topics that were read before, and gets those that are read now.
    """
    minimum = {} if minimum is None else minimum
    cluster = metadata.cluster(admin, whole=True)
    quorum = kraft.quorum(admin)
    partitions_of = metadata.partitions(admin, topics)
    missing = sorted(set(topics or ()) - set(partitions_of))
    if missing:
        raise KafkaError("The cluster has no topic %s; create it, or correct the name." % ", ".join(missing))
    unread = sorted(set(partitions_of) - set(minimum))
    minimum.update(configs.min_insync_replicas(admin, unread) if unread else {})
    moving = reassignments.under_way(admin, topics)
    moves = {(move["topic"], move["partition"]): move for move in moving}
    behind = (
        [
            name
            for name, members in partitions_of.items()
            if any(len(partition["isr"]) < len(partition["replicas"]) for partition in members)
        ]
        if eligible
        else []
    )
    eligibles = metadata.eligible_leader_replicas(admin, behind) if behind else {}
    partitions: list[SnapshotPartition] = []
    topic_rows = {}
    for name in sorted(partitions_of):
        # Deleted between the two answers.
        if name not in minimum:
            continue
        # Completed in place, because there may be 100,000.
        members, (least, own) = cast("list[SnapshotPartition]", partitions_of[name]), minimum[name]
        for partition in members:
            key = (name, partition["partition"])
            move = moves.get(key)
            partition["topic"] = name
            partition["elr"] = eligibles.get(key, [])
            partition["min_isr"] = min(least, len(partition["replicas"]))
            partition["adding"] = move["adding"] if move else []
            partition["removing"] = move["removing"] if move else []
        partitions.extend(members)
        factor = min((len(partition["replicas"]) - len(partition["adding"]) for partition in members), default=0)
        topic_rows[name] = {
            "partitions": len(members),
            "replication_factor": factor,
            "min_isr": least,
            "own_min_isr": own,
        }
    return Snapshot(
        cluster_id=cluster["cluster_id"],
        metadata="zookeeper" if quorum is None else "kraft",
        controller_id=cluster["controller_id"] if quorum is None else quorum["leader"],
        brokers=cluster["brokers"],
        topics=topic_rows,
        partitions=partitions,
        reassignments=moving,
        quorum=quorum,
    )


def settled(admin: Admin, seen: Snapshot) -> Snapshot:
    """The snapshot, with a quorum whose leader knows its followers, for what is decided by one answer alone."""
    if seen.quorum is None:
        return seen
    alive = [broker["id"] for broker in seen.brokers if not broker["fenced"]]
    known = kraft.settled(admin, seen.quorum, [*alive, *(voter["id"] for voter in seen.quorum["voters"])])
    return replace(seen, quorum=known, controller_id=known["leader"] if known else seen.controller_id)


def agreed(seen: Snapshot, witness: int, view: Mapping[str, Any], minimum: Mapping[str, tuple[int, bool]]) -> Snapshot:
    """What two answers have in common: the snapshot, and another broker's view (metadata.view_of); each may be old.

    A replica is in sync when both say so, and a broker is unfenced when both list it. A partition that only one answer
    names stays as that one says. Replicas are those of the controller, whichever of the two it is. minimum is
    min.insync.replicas of topics that only the view has, as configs.min_insync_replicas returns it; one that is missing
    there is gone again.
    """
    boss_is_witness = view["controller_id"] == witness
    other = {
        (name, partition["partition"]): partition
        for name, members in view["partitions"].items()
        for partition in members
    }
    partitions = []
    for partition in seen.partitions:
        witnessed = other.pop((partition["topic"], partition["partition"]), None)
        if witnessed is not None and (
            witnessed["isr"] != partition["isr"] or witnessed["replicas"] != partition["replicas"]
        ):
            both = set(witnessed["isr"]).intersection(partition["isr"])
            first = witnessed if boss_is_witness else partition
            replicas = first["replicas"]
            least = min(seen.topics[partition["topic"]]["min_isr"], len(replicas))
            partition = {
                **partition,
                "leader": first["leader"],
                "replicas": replicas,
                "isr": [id_ for id_ in first["isr"] if id_ in both],
                "min_isr": least,
            }
        partitions.append(partition)
    moves = {(move["topic"], move["partition"]): move for move in seen.reassignments}
    topics = dict(seen.topics)
    for (name, index), witnessed in other.items():
        known = topics.get(name)
        least, own = (known["min_isr"], bool(known["own_min_isr"])) if known else minimum.get(name, (0, False))
        if not known and name not in minimum:
            continue
        if not known:
            members = view["partitions"][name]
            factor = min(len(partition["replicas"]) for partition in members)
            topics[name] = {
                "partitions": len(members),
                "replication_factor": factor,
                "min_isr": least,
                "own_min_isr": own,
            }
        move = moves.get((name, index), {"adding": [], "removing": []})
        more = {
            "topic": name,
            "elr": [],
            "min_isr": min(least, len(witnessed["replicas"])),
            "adding": move["adding"],
            "removing": move["removing"],
        }
        partitions.append({**witnessed, **more})
    brokers_of_witness = {broker["id"]: broker for broker in view["brokers"]}
    brokers = [
        {**broker, "fenced": broker["fenced"] or broker["id"] not in brokers_of_witness} for broker in seen.brokers
    ]
    ours = {broker["id"] for broker in seen.brokers}
    brokers += [{**broker, "fenced": True} for id_, broker in brokers_of_witness.items() if id_ not in ours]
    return replace(
        seen,
        brokers=sorted(brokers, key=lambda broker: broker["id"]),
        topics=topics,
        partitions=partitions,
        witness=witness,
    )


def troubled(plain: dict[str, Any], limit: int | None = None) -> dict[str, Any]:
    """The same with at most limit partitions in trouble, and their topics; counts stay those of all.

    Raises KafkaError.
    """
    if limit is not None and limit < 0:
        raise KafkaError("limit is %d, but must be at least 0." % limit)
    left = list(islice(filter(is_troubled, plain["partitions"]), limit))
    named = {partition["topic"] for partition in left}
    return {
        **plain,
        "partitions": left,
        "topics": {name: topic for name, topic in plain["topics"].items() if name in named},
    }


def summarize(plain: dict[str, Any]) -> Summary:
    """What people are shown of a cluster; plain is a Snapshot.to_dict(), or a summary already."""
    if "loads" in plain:
        return cast("Summary", plain)
    loads: dict[int, dict[str, int]] = {}
    examples: dict[str, list[str]] = {kind: [] for kind in TROUBLES}
    for partition in plain["partitions"]:
        for replica in {*partition["replicas"], *([partition["leader"]] if partition["leader"] >= 0 else [])}:
            load = loads.get(replica) or loads.setdefault(
                replica, {"id": replica, "leaders": 0, "replicas": 0, "out_of_sync": 0}
            )
            load["leaders"] += replica == partition["leader"]
            load["replicas"] += replica in partition["replicas"]
            load["out_of_sync"] += (
                replica in partition["replicas"]
                and replica not in partition["isr"]
                and replica not in partition["adding"]
            )
        if is_troubled(partition):
            for kind, has in TROUBLES.items():
                if len(examples[kind]) < EXAMPLES and has(partition):
                    examples[kind].append("%s-%d" % (partition["topic"], partition["partition"]))
    kept = {name: value for name, value in plain.items() if name not in ("topics", "partitions", "reassignments")}
    loads_by_id = [loads[id_] for id_ in sorted(loads)]
    more = {"loads": loads_by_id, "examples": examples, "reassigning": len(plain["reassignments"])}
    return cast("Summary", {**kept, **more})


def now() -> str:
    """The time in UTC, as ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


TROUBLES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "offline": lambda partition: partition["leader"] < 0,
    "under_min_isr": lambda partition: len(partition["isr"]) < partition["min_isr"],
    "under_replicated": is_under_replicated,
}
# Of each kind of trouble.
EXAMPLES = 3
