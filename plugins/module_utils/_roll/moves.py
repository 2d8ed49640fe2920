# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Replica moves after which whole racks can go at once again, where a few misplaced partitions block that."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from .batches import Limit
from .snapshot import Cluster, PlacementGroup, named, popcount

# Beyond this, a rebalance is what is needed, not a list.
MOVES_AT_MOST = 10_000


@dataclass(frozen=True)
class Move:
    """One replica of one partition (its place in the snapshot) from a broker to another, and why."""

    number: int
    source: int
    target: int
    reason: str


@dataclass(frozen=True)
class Misplaced:
    """Partitions with more in-sync replicas in one rack than they can spare.

    stuck counts those that cannot be spread, for want of racks.
    """

    partitions: int
    stuck: int
    moves: dict[int, list[Move]]


def propose(cluster: Cluster, placements: Iterable[PlacementGroup], limits: Iterable[Limit]) -> Misplaced:
    """For each misplaced partition the moves that spread it over the racks.

    No moves when there are more than MOVES_AT_MOST.
    """
    rack_of = [cluster.racks[id_] for id_ in cluster.ids]
    crowded = set()
    for limit in limits:
        racks = [rack_of[member] for member in limit.members]
        if len(set(racks)) < len(racks) and limit.source is not None and max(Counter(racks).values()) > limit.spare:
            crowded.add(limit.source)
    if not crowded:
        return Misplaced(0, 0, {})
    concerned = [placement for placement in placements if placement.numbers[0] in crowded]
    members: dict[str | None, list[int]] = {}
    for id_, rack in sorted(cluster.racks.items()):
        if id_ not in cluster.out:
            members.setdefault(rack, []).append(id_)
    hopeful = [placement for placement in concerned if popcount(placement.in_sync) <= placement.spare * len(members)]
    count = sum(len(placement.numbers) for placement in concerned)
    hopeless = count - sum(len(placement.numbers) for placement in hopeful)
    if count - hopeless > MOVES_AT_MOST:
        return Misplaced(count, hopeless, {})
    load = Counter(id_ for partition in cluster.partitions for id_ in partition["replicas"])
    moves: dict[int, list[Move]] = {}
    for placement in hopeful:
        for number in placement.numbers:
            spread = _spread(cluster, placement, number, members, load)
            if spread:
                moves[number] = spread
                load.update(move.target for move in spread)
                load.subtract(move.source for move in spread)
    return Misplaced(count, hopeless, moves)


def _spread(
    cluster: Cluster,
    placement: PlacementGroup,
    number: int,
    members: Mapping[str | None, list[int]],
    load: Mapping[int, int],
) -> list[Move]:
    """Moves out of every rack that has more than can be spared, into the racks with fewest replicas.

    Empty when there is no room.
    """
    rack_of, in_sync = cluster.racks, set(cluster.members(placement.in_sync))
    # Where each replica is, and where it will be.
    now = {id_: id_ for id_ in cluster.partitions[number]["replicas"]}
    moves = []
    # The preferred leader, which is the first, stays if it can.
    for source in reversed(list(now)):
        counts = Counter(rack_of[now[id_]] for id_ in now)
        sharing = [now[id_] for id_ in now if id_ in in_sync and rack_of[now[id_]] == rack_of[source]]
        if source not in in_sync or len(sharing) <= placement.spare:
            continue
        taken = set(now.values())
        room = {
            rack: [id_ for id_ in ids if id_ not in taken]
            for rack, ids in members.items()
            if counts[rack] < placement.spare
        }
        room = {rack: ids for rack, ids in room.items() if ids}
        if not room:
            return []
        rack = min(room, key=lambda one: (counts[one], min(load[id_] for id_ in room[one]), one))
        target = min(room[rack], key=lambda id_: (load[id_], id_))
        reason = "%s of rack %s hold it, and it can spare %d at a time; rack %s has room." % (
            named(sharing).capitalize(),
            rack_of[source],
            placement.spare,
            rack,
        )
        moves.append(Move(number, source, target, reason))
        now[source] = target
    return moves


def mended(
    cluster: Cluster, placements: Iterable[PlacementGroup], moves: Mapping[int, Sequence[Move]]
) -> list[PlacementGroup]:
    """The placement groups once the moves have been made and are in sync."""
    placements_after = []
    for placement in placements:
        left = (
            [number for number in placement.numbers if number not in moves]
            if len(placement.numbers) > 1 or placement.numbers[0] in moves
            else placement.numbers
        )
        if left:
            placements_after.append(
                placement._replace(numbers=left) if len(left) < len(placement.numbers) else placement
            )
        if len(left) < len(placement.numbers):
            for number in placement.numbers:
                moved = moves.get(number, ())
                gone, come = (
                    cluster.broker_mask(move.source for move in moved),
                    cluster.broker_mask(move.target for move in moved),
                )
                if moved:
                    placements_after.append(
                        placement._replace(
                            replicas=placement.replicas & ~gone | come,
                            in_sync=placement.in_sync & ~gone | come,
                            numbers=[number],
                        )
                    )
    return placements_after


def needed(
    cluster: Cluster,
    moves: Mapping[int, Sequence[Move]],
    placements: Iterable[PlacementGroup],
    batches: Sequence[Sequence[int]],
) -> list[Move]:
    """The moves without which a partition would block these batches."""
    batch_masks = [cluster.broker_mask(batch) for batch in batches]
    chosen = []
    for placement in placements:
        concerned = [number for number in placement.numbers if number in moves]
        if concerned and any(popcount(placement.in_sync & batch_mask) > placement.spare for batch_mask in batch_masks):
            chosen += [move for number in concerned for move in moves[number]]
    return chosen


def as_data(cluster: Cluster, moves: Iterable[Move]) -> list[dict[str, Any]]:
    """Plain data: topic, partition, from, to, reason."""
    entries = []
    for move in moves:
        partition = cluster.partitions[move.number]
        entries.append(
            {
                "topic": partition["topic"],
                "partition": partition["partition"],
                "from": move.source,
                "to": move.target,
                "reason": move.reason,
            }
        )
    return sorted(entries, key=lambda one: (one["topic"], one["partition"], one["from"]))
