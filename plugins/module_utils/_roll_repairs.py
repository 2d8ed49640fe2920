# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Replica moves that let whole racks go at once again, where a few misplaced partitions stand against it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Collection, Iterable, Mapping, Sequence

from ._roll_snapshot import Cluster, Shape, named

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
    """How many partitions hold more in-sync replicas in one rack than they can spare, and which of them cannot be spread, for want of racks."""

    partitions: int
    stuck: int
    moves: dict[int, list[Move]]


def propose(cluster: Cluster, shapes: Sequence[Shape], restartable: Collection[int]) -> Misplaced:
    """For each misplaced partition the moves that spread it over the racks; none at all when there are more than MOVES_AT_MOST."""
    rack_of = cluster.racks
    crowded = []
    for shape in shapes:
        inside = shape.in_sync & restartable if len(restartable) < len(rack_of) else shape.in_sync
        if shape.spare > 0 and len(inside) > shape.spare and max(Counter(rack_of[id_] for id_ in inside).values()) > shape.spare:
            crowded.append(shape)
    count = sum(len(shape.numbers) for shape in crowded)
    load = Counter(id_ for each in cluster.partitions for id_ in each["replicas"]) if crowded and count <= MOVES_AT_MOST else Counter()
    moves: dict[int, list[Move]] = {}
    stuck = 0
    members: dict[str | None, list[int]] = {}
    for id_, rack in sorted(rack_of.items()):
        if id_ not in cluster.out:
            members.setdefault(rack, []).append(id_)
    for shape in crowded:
        for number in shape.numbers:
            made = _spread(cluster, shape, number, members, load) if len(members) > 1 else []
            stuck += not made
            if made and count <= MOVES_AT_MOST:
                moves[number] = made
                load.update(move.target for move in made)
                load.subtract(move.source for move in made)
    return Misplaced(count, stuck, moves)


def _spread(cluster: Cluster, shape: Shape, number: int, members: Mapping[str | None, list[int]], load: Mapping[int, int]) -> list[Move]:
    """Moves out of every rack that has more than can be spared, into the racks with fewest replicas; empty when there is no room."""
    rack_of = cluster.racks
    replicas = list(cluster.partitions[number]["replicas"])
    moves = []
    # The preferred leader, which is the first, stays if it can.
    for source in reversed(replicas):
        if source not in shape.in_sync:
            continue
        now = [move.target if move.source == id_ else id_ for id_ in replicas for move in [_of(moves, id_)]]
        counts = Counter(rack_of[id_] for id_ in now)
        if counts[rack_of[source]] <= shape.spare:
            continue
        room = [rack for rack, ids in members.items() if counts[rack] < shape.spare and any(id_ not in now for id_ in ids)]
        if not room:
            return []
        rack = min(room, key=lambda one: (counts[one], min(load[id_] for id_ in members[one])))
        target = min((id_ for id_ in members[rack] if id_ not in now), key=lambda id_: (load[id_], id_))
        sharing = [id_ for id_ in now if rack_of[id_] == rack_of[source]]
        reason = "%s of rack %s hold it, which can spare %d at a time; rack %s has room." % (named(sharing).capitalize(), rack_of[source], shape.spare, rack)
        moves.append(Move(number, source, target, reason))
    return moves


def _of(moves: Iterable[Move], source: int) -> Move:
    return next((move for move in moves if move.source == source), Move(-1, -1, -1, ""))


def moved(shape: Shape, moves: Sequence[Move]) -> Shape:
    """The one partition of these moves, once they have been made and are in sync."""
    gone, come = {move.source for move in moves}, {move.target for move in moves}
    return shape._replace(replicas=shape.replicas - gone | come, in_sync=shape.in_sync - gone | come, numbers=[moves[0].number])


def needed(moves: Mapping[int, list[Move]], shapes: Sequence[Shape], batches: Sequence[Sequence[int]]) -> list[Move]:
    """Those without which a partition would stand against these batches."""
    turn = {id_: number for number, batch in enumerate(batches) for id_ in batch}
    chosen = []
    for shape in shapes:
        concerned = [number for number in shape.numbers if number in moves]
        if concerned and max(Counter(turn[id_] for id_ in shape.in_sync if id_ in turn).values(), default=0) > shape.spare:
            chosen += [move for number in concerned for move in moves[number]]
    return chosen


def as_data(cluster: Cluster, moves: Iterable[Move]) -> list[dict[str, Any]]:
    """Plain data: topic, partition, from, to, reason."""
    listed = []
    for move in moves:
        each = cluster.partitions[move.number]
        listed.append({"topic": each["topic"], "partition": each["partition"], "from": move.source, "to": move.target, "reason": move.reason})
    return sorted(listed, key=lambda one: (one["topic"], one["partition"], one["from"]))
