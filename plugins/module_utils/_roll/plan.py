# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The plan of a roll: which brokers go together, in which order, why not in fewer batches, what is refused, and why.

Every partition can spare some of its in-sync replicas. A batch is safe when it takes no more than that of any
partition. That decides, not the rack: racks are only where the search begins. The gate (_roll.gate) asks again, with
fresh data, before a broker is stopped.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from contextlib import contextmanager
from typing import Any, Iterable, Iterator, Mapping, Sequence

from .._text import counted
from . import disruption as roll_disruption
from . import moves as repairs
from .batches import Limit, groups, pack, puzzle
from .gate import admit, back
from .lower_bound import Bound, bound, certificate, without_bridges
from .snapshot import (
    METADATA_TOPIC,
    Cluster,
    PlacementGroup,
    RollError,
    bits,
    from_cluster,
    majority,
    named,
    placement_groups,
    popcount,
    read,
    spare,
)

__all__ = ["RollError", "admit", "back", "from_cluster", "plan", "plan_quorum", "ramp", "resume", "resume_quorum"]


def plan(snapshot: Any, disruption: str = roll_disruption.RESTART) -> dict[str, Any]:
    """Batches for the brokers of a snapshot (_roll.snapshot) that need a restart, as plain data; raises RollError.

    For another disruption (_roll.disruption) each broker goes alone, and is judged by the rule of that disruption,
    whether it runs or not.

    {batches, lower_bound, certificate, refused, repairs, notes, seconds}: batches covers exactly the brokers that can
    be restarted; refused says which partition blocks the others; certificate has a sentence and the facts behind it;
    seconds is how long planning took.
    """
    begun = time.perf_counter()
    with _gc_paused():
        cluster = read(snapshot)
        batched = _plan(cluster) if disruption == roll_disruption.RESTART else _plan_apart(cluster, disruption)
    return {**batched, "seconds": round(time.perf_counter() - begun, 3)}


def resume(snapshot: Any, disruption: str = roll_disruption.RESTART) -> dict[str, Any]:
    """As plan(), for a roll that continues after it was broken off.

    Brokers that are down or behind go first, because a restart may be what heals them. The brokers that can only go
    once those are back are planned as if they were. So more than one batch may rest on what is not true yet. The gate
    holds every broker until it is.
    """
    current = plan(snapshot, disruption)
    # A restart gives back what it took. Nothing else does, so that nothing may be planned on it.
    if disruption != roll_disruption.RESTART or not current["refused"]:
        return current
    down = set(snapshot["restart"]) & set(snapshot["out"])
    late = behind(snapshot["partitions"]).intersection(snapshot["restart"]) - {
        id_ for one in current["refused"] for id_ in one["brokers"]
    }
    first = sorted(down | late)
    if not first:
        return current
    whole = _returned(snapshot, frozenset(first))
    later = plan(whole)
    held = {id_ for one in current["refused"] for id_ in one["brokers"]} - {
        id_ for one in later["refused"] for id_ in one["brokers"]
    }
    if not held:
        return current
    # A broker that is held back goes after at least one batch of those that are down.
    rest = plan({**whole, "restart": sorted(held)})
    least = rest["lower_bound"] + 1
    batches = plan({**snapshot, "restart": first})["batches"] + later["batches"]
    sentence = "%s %s and must be back before %s can go. %s" % (
        named(first).capitalize() + (" is" if len(first) == 1 else " are"),
        "down" if set(first) == down else "behind" if not down else "down or behind",
        named(held),
        rest["certificate"]["sentence"],
    )
    notes = [note for note in later["notes"] if not note.startswith("No plan has fewer")]
    if len(batches) > least:
        notes.append(
            "No plan has fewer than %s; whether one has fewer than %d is not known."
            % (counted(least, "batch"), len(batches))
        )
    return {
        **later,
        "batches": batches,
        "lower_bound": least,
        "certificate": {**rest["certificate"], "lower_bound": least, "sentence": sentence},
        "notes": notes,
        "seconds": round(current["seconds"] + later["seconds"] + rest["seconds"], 3),
    }


def _returned(snapshot: dict[str, Any], back_again: frozenset[int]) -> dict[str, Any]:
    """The snapshot once these have had their restart, and are in sync again."""
    partitions = [
        {
            **partition,
            "isr": [
                *partition["isr"],
                *sorted(back_again.intersection(partition["replicas"]).difference(partition["isr"])),
            ],
        }
        if back_again.intersection(partition["replicas"])
        else partition
        for partition in snapshot["partitions"]
    ]
    left = {key: [id_ for id_ in snapshot[key] if id_ not in back_again] for key in ("out", "restart")}
    return {**snapshot, **left, "partitions": partitions}


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Pause garbage collection: planning makes no cycles, and the collector would take a third of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _plan(cluster: Cluster) -> dict[str, Any]:
    placements = placement_groups(cluster)
    # Not the gate's question: a topic may be deleted while a roll goes on.
    unknown = cluster.allow and cluster.allow.difference(partition["topic"] for partition in cluster.partitions)
    if unknown:
        raise RollError(
            "allow names %s, which the cluster does not have as a topic; correct the name, or leave it out."
            % ", ".join(sorted(unknown))
        )
    refused, blocked = refusals(cluster, placements)
    # A broker that is down takes no replica away, so no partition blocks it; but a voter counts when it starts, too.
    down = cluster.restart & cluster.out
    waiting = sorted(down - cluster.voters)
    candidates = cluster.broker_mask(cluster.restart - cluster.out) & ~blocked | cluster.broker_mask(
        down & cluster.voters
    )
    batches, bounds, limits = solve(cluster, placements, candidates)
    certified = certificate(cluster, limits, bounds, popcount(candidates) + len(waiting))
    moves, notes = _repairs(cluster, placements, limits, candidates, batches)
    ordered = in_order(cluster, batches, waiting)
    verify(cluster, ordered)
    if len(ordered) > certified["lower_bound"]:
        notes.append(
            "No plan has fewer than %s; whether one has fewer than %d is not known."
            % (counted(certified["lower_bound"], "batch"), len(ordered))
        )
    return {
        "batches": ordered,
        "lower_bound": certified["lower_bound"],
        "certificate": certified,
        "refused": refused,
        "repairs": moves,
        "notes": notes + _accepted(cluster, ordered),
    }


def _plan_apart(cluster: Cluster, disruption: str) -> dict[str, Any]:
    """One broker at a time, each judged as the gate will judge it."""
    refused = []
    for broker in sorted(cluster.restart):
        lost = roll_disruption.loss(
            cluster, [broker], headroom=cluster.headroom if disruption == roll_disruption.STAY_AWAY else 0
        )
        reason = roll_disruption.sentence(disruption, [broker], lost)
        if reason:
            topic, _, partition = lost.first[0].rpartition("-")
            refused.append({"topic": topic, "partition": int(partition), "brokers": [broker], "reason": reason})
    going = sorted(cluster.restart - {id_ for one in refused for id_ in one["brokers"]})
    text = (
        "Each of %s goes alone, because what it holds is judged again once the one before is back." % named(going)
        if going
        else "No broker can go."
    )
    certified = {"kind": disruption, "lower_bound": len(going), "brokers": going, "sentence": text}
    return {
        "batches": [[broker] for broker in going],
        "lower_bound": len(going),
        "certificate": certified,
        "refused": refused,
        "repairs": [],
        "notes": [],
    }


def refusals(cluster: Cluster, placements: Iterable[PlacementGroup]) -> tuple[list[dict[str, Any]], int]:
    """Every partition that cannot spare a broker to restart, with the reason, and the mask of these brokers."""
    asked = cluster.restart - cluster.out
    wanted_mask = cluster.broker_mask(asked)
    blocked = 0
    refused: list[dict[str, Any]] = []
    for placement in placements:
        if placement.spare > 0:
            continue
        # Below its minimum, a replica that is behind may be the first to heal it, so that it stays as well.
        concerned = wanted_mask & (placement.in_sync if placement.spare == 0 else placement.replicas)
        if concerned:
            blocked |= concerned
            brokers, reason = cluster.members(concerned), why_not(cluster, placement)
            for partition in (cluster.partitions[number] for number in placement.numbers):
                refused.append(
                    {
                        "topic": partition["topic"],
                        "partition": partition["partition"],
                        "brokers": list(brokers),
                        "reason": reason,
                    }
                )
    others = [
        (
            topic,
            number,
            touched & asked,
            "It is being reassigned, so that its in-sync replicas may change; wait until that has ended, or cancel it."
            " See docs/runbooks/under_replicated.md.",
        )
        for (topic, number), touched in cluster.moving.items()
    ]
    if cluster.quorum_spare < 1:
        others.append(
            (METADATA_TOPIC, 0, cluster.voters & asked, quorum_trouble(cluster.voters, cluster.leader, cluster.out))
        )
    for topic, number, brokers, reason in others:
        if brokers:
            blocked |= cluster.broker_mask(brokers)
            refused.append({"topic": topic, "partition": number, "brokers": sorted(brokers), "reason": reason})
    return sorted(refused, key=lambda one: (one["topic"], one["partition"])), blocked


def why_not(cluster: Cluster, placement: PlacementGroup) -> str:
    """Why a partition of this placement group can spare no replica, and what to do."""
    replicas, in_sync = popcount(placement.replicas), popcount(placement.in_sync)
    down = cluster.out.intersection(cluster.members(placement.replicas))
    not_counting = (
        ", not counting %s that is down" % named(down)
        if len(down) == 1
        else ", not counting %s that are down" % named(down)
        if down
        else ""
    )
    has = "It has %d of %d replicas in sync%s" % (in_sync, replicas, not_counting)
    allowed = cluster.partitions[placement.numbers[0]]["topic"] in cluster.allow
    if replicas == 1:
        return (
            "It has only one replica, so that a restart takes it offline; raise its replication factor, or allow the"
            " topic by name. See docs/runbooks/rolling_restart.md."
        )
    if replicas <= placement.min_isr:
        if allowed:
            return (
                "%s, and the last one in sync never goes; bring the others back first."
                " See docs/runbooks/under_replicated.md." % has
            )
        return (
            "It has %d replicas and needs %d in sync, so that it can never spare one; raise its replication factor,"
            " lower min.insync.replicas, or allow it. See docs/runbooks/rolling_restart.md."
            % (replicas, placement.min_isr)
        )
    needs = "%d" % placement.min_isr + (" and %d of headroom" % cluster.headroom if cluster.headroom else "")
    if placement.spare == 0 and in_sync == replicas:
        return (
            "%s and needs %s, so that it can spare none; lower isr_headroom, or raise its replication factor."
            " See docs/runbooks/rolling_restart.md." % (has, needs)
        )
    return (
        "%s and needs %s, so that it %s; bring its replicas back, then plan again."
        " See docs/runbooks/under_replicated.md."
        % (
            has,
            needs,
            "can spare none"
            if placement.spare == 0
            else "has too few already, and one that is behind may be the first to heal it",
        )
    )


def solve(
    cluster: Cluster, placements: Iterable[PlacementGroup], candidates: int
) -> tuple[list[list[int]], list[Bound], list[Limit]]:
    """Batches of ids for the mask of candidates, the bounds of each group of them, and the limits behind both."""
    limits = []
    for placement in placements:
        inside = placement.in_sync & candidates
        if inside & (inside - 1) and (placement.spare == 1 or popcount(inside) > placement.spare):
            limits.append(Limit(inside, placement.spare, tuple(bits(inside)), placement.numbers[0]))
    voters = cluster.broker_mask(cluster.voters) & candidates
    if voters & (voters - 1):
        limits.append(Limit(voters, 1, tuple(bits(voters)), None))
    whole = puzzle(candidates, limits, [cluster.racks[id_] for id_ in cluster.ids], cluster.max_batch)
    tight = max((limit for limit in limits if limit.spare == 1), key=lambda limit: len(limit.members), default=None)
    batches, bounds = [], []
    for group in groups(whole):
        part = whole.part(group)
        least = bound(part, [tight.brokers] if tight else [])
        packed, exhausted = pack(part, least.value)
        if exhausted and len(packed) > least.value:
            least = Bound(len(packed), "exhaustive", group, group)
        bounds.append(least)
        batches += [[cluster.ids[number] for number in batch] for batch in packed]
    if cluster.max_batch and len(batches) > sum(bound_.value for bound_ in bounds):
        core = whole.part(without_bridges(whole))
        fewer = [bound(core.part(group), []) for group in groups(core)]
        bounds = max(bounds, fewer, key=lambda some: sum(bound_.value for bound_ in some))
    return batches, bounds, limits


def in_order(cluster: Cluster, batches: Sequence[Sequence[int]], down: Sequence[int] = ()) -> list[list[int]]:
    """Brokers that are down first, then those that are behind, then small batches before large ones, the leader last.

    Down and behind go first, because their restart takes the least, and heals. Small goes before large, so that a
    mistake meets few brokers. The leader is that of the quorum.
    """
    late = behind(cluster.partitions) - cluster.out

    def priority(batch: Sequence[int]) -> tuple[Any, ...]:
        leads = cluster.leader in set(batch) - cluster.out
        return (
            leads,
            cluster.out.isdisjoint(batch),
            late.isdisjoint(batch),
            len(batch),
            cluster.racks[batch[0]] or "",
            batch,
        )

    ordered = sorted((sorted(batch) for batch in batches), key=priority)
    waiting = list(down)
    for batch in ordered if cluster.max_batch else ordered[:1]:
        room = cluster.max_batch - len(batch) if cluster.max_batch else len(waiting)
        batch += waiting[:room]
        del waiting[:room]
        batch.sort()
    size = cluster.max_batch or len(waiting) or 1
    first = [waiting[start : start + size] for start in range(0, len(waiting), size)]
    # Within its batch, too, the leader goes last and a broker that is behind first: a batch may be taken in steps.
    return [sorted(batch, key=lambda id_: (id_ == cluster.leader, id_ not in late, id_)) for batch in first + ordered]


def behind(partitions: Iterable[Mapping[str, Any]]) -> set[int]:
    """The brokers that are not in sync in a partition that they hold, those that a reassignment adds left out."""
    return {
        id_
        for partition in partitions
        if len(partition["isr"]) < len(partition["replicas"])
        for id_ in partition["replicas"]
        if id_ not in partition["isr"] and id_ not in partition.get("adding", ())
    }


def verify(cluster: Cluster, batches: Sequence[Sequence[int]]) -> None:
    """Count, partition by partition, what the batches take; raises RollError when one takes more than can be spared."""
    batch_of = {id_: number for number, batch in enumerate(batches) for id_ in batch if id_ not in cluster.out}
    out, allow, headroom = cluster.out, cluster.allow, cluster.headroom
    for partition in cluster.partitions:
        running = [id_ for id_ in partition["isr"] if id_ not in out] if out else partition["isr"]
        taken = [batch_of[id_] for id_ in running if id_ in batch_of]
        most = 1 if len(set(taken)) == len(taken) else max(Counter(taken).values())
        can = spare(
            len(running),
            len(partition["replicas"]),
            partition["min_isr"],
            headroom,
            allowed=partition["topic"] in allow,
        )
        if (taken and most > can) or (can < 0 and any(id_ in batch_of for id_ in partition["replicas"])):
            raise RollError(
                "The plan takes more of partition %s-%d than it can spare; do not use it, and report this fault."
                % (partition["topic"], partition["partition"])
            )
    for batch in batches:
        voting = cluster.voters.intersection(batch)
        if (
            len(voting) > 1
            or len(voting - out) > max(0, cluster.quorum_spare)
            or len(batch) > (cluster.max_batch or len(batch))
        ):
            raise RollError(
                "The plan takes too many of %s at once; do not use it, and report this fault." % named(batch)
            )


def _repairs(
    cluster: Cluster,
    placements: Sequence[PlacementGroup],
    limits: Sequence[Limit],
    candidates: int,
    batches: Sequence[Sequence[int]],
) -> tuple[list[dict[str, Any]], list[str]]:
    """The moves that make the plan shorter, checked by planning again with them, and notes about racks."""
    if not batches or not any(cluster.racks.values()):
        return [], []
    misplaced = repairs.propose(cluster, placements, limits)
    notes = []
    if misplaced.stuck:
        notes.append(
            "Too many replicas for the racks: %s with more in one than can be spared, whatever is moved; "
            "another rack, or another replica of each, would let whole racks go at once."
            % counted(misplaced.stuck, "partition")
        )
    if misplaced.partitions - misplaced.stuck > repairs.MOVES_AT_MOST:
        notes.append(
            "Placed without regard to racks: %s, more than moves are listed for; let a rebalance spread them."
            % counted(misplaced.partitions, "partition")
        )
    if not misplaced.moves:
        return [], notes
    shorter, _bounds, _limits = solve(cluster, repairs.mended(cluster, placements, misplaced.moves), candidates)
    if len(shorter) >= len(batches):
        return [], notes
    chosen = repairs.needed(cluster, misplaced.moves, placements, shorter)
    notes.append(
        "With %s the plan would have %s instead of %d."
        % (counted(len(chosen), "replica move"), counted(len(shorter), "batch"), len(batches))
    )
    return repairs.as_data(cluster, chosen), notes


def _accepted(cluster: Cluster, batches: Sequence[Sequence[int]]) -> list[str]:
    """One sentence for each topic that becomes unavailable in this roll because it is allowed by name."""
    going = {id_ for batch in batches for id_ in batch} - cluster.out
    topics: dict[str, set[int]] = {}
    for partition in cluster.partitions if cluster.allow else ():
        if (
            partition["topic"] in cluster.allow
            and len(partition["replicas"]) <= partition["min_isr"]
            and going.intersection(partition["isr"])
        ):
            topics.setdefault(partition["topic"], set()).update(going.intersection(partition["isr"]))
    return [
        "Topic %s loses availability while %s restart, as allowed by name." % (topic, named(brokers))
        for topic, brokers in sorted(topics.items())
    ]


def quorum_trouble(voters: Iterable[int], leader: int | None, out: Iterable[int]) -> str:
    """Why no voter can go."""
    everyone, down = set(voters), set(voters) & set(out)
    if leader not in everyone - down:
        return (
            "No running voter is known to lead the quorum; wait until it has a leader."
            " See docs/runbooks/quorum_node_down.md."
        )
    return (
        "%d of %d voters run and %d must, so that none can go; bring the others back first."
        " See docs/runbooks/quorum_node_down.md."
        % (
            len(everyone - down),
            len(everyone),
            majority(len(everyone)),
        )
    )


def plan_quorum(
    voters: Iterable[int], leader: int | None, restart: Iterable[int], out: Iterable[int] = ()
) -> dict[str, Any]:
    """Batches of one for controllers or ZooKeeper nodes: {batches, lower_bound, certificate, refused}.

    Nodes that are down go first, the leader last.
    """
    everyone, to_restart, down = set(voters), set(restart), set(out)
    unknown = (to_restart | down) - everyone
    if unknown:
        raise RollError(
            "%s is not among the voters (%s); correct restart or out."
            % (named(unknown, "node").capitalize(), named(everyone, "node"))
        )
    first, later = sorted(to_restart & down), sorted(to_restart - down, key=lambda id_: (id_ == leader, id_))
    refused = []
    if later and (leader not in everyone - down or len(everyone - down) - 1 < majority(len(everyone))):
        refused = [
            {
                "topic": METADATA_TOPIC,
                "partition": 0,
                "brokers": sorted(later),
                "reason": quorum_trouble(everyone, leader, down),
            }
        ]
        later = []
    going = first + later
    sentence = "Voters go one at a time, so there are as many batches as nodes to restart: %d." % len(going)
    return {
        "batches": [[id_] for id_ in going],
        "lower_bound": len(going),
        "certificate": {"kind": "quorum", "lower_bound": len(going), "brokers": going, "sentence": sentence},
        "refused": refused,
    }


def resume_quorum(
    voters: Iterable[int], leader: int | None, restart: Iterable[int], out: Iterable[int] = ()
) -> dict[str, Any]:
    """As plan_quorum(), for a roll that continues after it was broken off.

    Nodes that are down go first, and the others are planned as if those were back.
    """
    everyone, to_restart, down = list(voters), set(restart), set(out)
    current = plan_quorum(everyone, leader, to_restart, down)
    if not current["refused"] or not to_restart & down:
        return current
    later = plan_quorum(everyone, leader, to_restart - down, down - to_restart)
    if later["refused"]:
        return current
    # As many as nodes, whatever their order; the leader is still the last.
    return {**plan_quorum(everyone, leader, to_restart), "batches": current["batches"] + later["batches"]}


def ramp(
    batches: Sequence[Sequence[int]], canary: int = 1, max_batch: int | None = None, forks: int | None = None
) -> list[dict[str, Any]]:
    """Steps for the batches: a canary, then a tenth of all brokers, then as many as max_batch and forks allow.

    Each step is {kind, batch, brokers}; batch counts from 1. Part of a safe batch is safe, so steps are not counted
    again.
    """
    if canary < 0 or any(most is not None and most < 1 for most in (max_batch, forks)):
        text = (
            "canary is %r, max_batch %r and forks %r, but canary must be at least 0, and the others at least 1 or null."
        )
        raise RollError(text % (canary, max_batch, forks))
    most = min((most for most in (max_batch, forks) if most is not None), default=None)
    tenth = -(-sum(len(batch) for batch in batches) // 10)
    sizes = [("canary", canary), ("ramp", tenth)] if canary else []
    steps: list[dict[str, Any]] = []
    for number, batch in enumerate(batches, 1):
        left = list(batch)
        while left:
            kind, size = sizes.pop(0) if sizes else ("batch", len(left))
            if kind == "ramp" and size <= canary:
                continue
            size = min(size, most or size)
            steps.append({"kind": kind, "batch": number, "brokers": left[:size]})
            del left[:size]
    return steps
