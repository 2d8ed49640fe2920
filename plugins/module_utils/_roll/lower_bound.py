# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Why a roll cannot have fewer batches: a lower bound, and a certificate that a person can check with the snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from .._text import counted
from .batches import Limit, Puzzle
from .snapshot import METADATA_TOPIC, Cluster, bits, named, popcount

# Looks at a broker while searching for a clique: about a quarter of a second.
CLIQUE_STEPS = 500_000
# Brokers of a clique. Beyond that, its pairs are too many to list; the snapshot still shows them.
WITNESSED = 60


@dataclass(frozen=True)
class Bound:
    """These brokers need at least value batches; brokers and witnesses are broker masks.

    kind says why, witnesses are the brokers that show it, and limit is the partition that does.
    """

    value: int
    kind: str
    brokers: int
    witnesses: int
    limit: Limit | None = None


def bound(part: Puzzle, seeds: Sequence[int]) -> Bound:
    """The best lower bound for one group of brokers that is cheap to find.

    seeds are masks of brokers that are all near each other.
    """
    brokers = part.brokers
    options = [Bound(1, "single", brokers, brokers & -brokers)]
    for limit in part.wide:
        value = -(-len(limit.members) // limit.spare)
        if value > options[-1].value:
            options.append(Bound(value, "partition", brokers, limit.brokers, limit))
    together = clique(part, seeds)
    options.append(Bound(popcount(together), "clique", brokers, together))
    if part.max_batch:
        options.append(Bound(-(-popcount(brokers) // part.max_batch), "cap", brokers, brokers))
    # Of equals the first, which is the easiest to check.
    return max(options, key=lambda option: option.value)


def clique(part: Puzzle, seeds: Sequence[int]) -> int:
    """The mask of brokers of which no two go together.

    The search is greedy from many starts, so the mask is large, but not always the largest.
    """
    near = part.near
    degree = {number: popcount(near[number]) for number in bits(part.brokers)}
    order = sorted(degree, key=degree.__getitem__, reverse=True)
    best = 1 << order[0]
    steps = CLIQUE_STEPS
    for start in [1 << order[0]] + [seed & part.brokers for seed in seeds] + [1 << number for number in order[1:]]:
        members, open_to = start, part.brokers
        for number in bits(start):
            open_to &= near[number]
        while open_to and popcount(members | open_to) > popcount(best):
            steps -= popcount(open_to)
            # The broker that leaves most others to choose from.
            number = max(bits(open_to), key=lambda one: popcount(near[one] & open_to))
            members |= 1 << number
            open_to &= near[number]
        if popcount(members) > popcount(best):
            best = members
        if steps < 0:
            break
    return best


def without_bridges(whole: Puzzle) -> int:
    """The mask of the brokers less a few, so that those of two racks never go together.

    Where only a few pairs can, these brokers give a higher bound than all of them.
    """
    racks: dict[str | None, int] = {}
    for number in bits(whole.brokers):
        racks[whole.racks[number]] = racks.get(whole.racks[number], 0) | 1 << number
    friends = {
        number: whole.brokers & ~whole.near[number] & ~racks[whole.racks[number]] for number in bits(whole.brokers)
    }
    left = whole.brokers
    for number in sorted(friends, key=lambda one: popcount(friends[one]), reverse=True):
        if friends[number] & left:
            left &= ~(1 << number)
    return left


def certificate(cluster: Cluster, limits: Sequence[Limit], bounds: Sequence[Bound], waiting: int) -> dict[str, Any]:
    """How few batches there can be: {kind, lower_bound, sentence, and the facts that the sentence names}.

    The bounds are those of all groups, and add up. waiting counts every broker to restart, also those that are down.
    """
    total = sum(bound_.value for bound_ in bounds)
    if not waiting:
        return {"kind": "nothing", "lower_bound": 0, "sentence": "There is no broker to restart, so there is no batch."}
    least = -(-waiting // cluster.max_batch) if cluster.max_batch else 1
    if least > total:
        kind = (
            _cap(cluster, waiting)
            if least > 1
            else {"kind": "single", "sentence": "There is a broker to restart, so there is at least one batch."}
        )
        return {**kind, "lower_bound": least}
    best = max(limits, key=lambda limit: -(-len(limit.members) // limit.spare), default=None)
    if best and -(-len(best.members) // best.spare) == total:
        return {**_one_limit(cluster, best), "lower_bound": total}
    if total == 1:
        return {
            "kind": "single",
            "lower_bound": 1,
            "sentence": "There is a broker to restart, so there is at least one batch.",
        }
    if least == total:
        return {**_cap(cluster, waiting), "lower_bound": total}
    if all(bound_.kind in ("clique", "single") for bound_ in bounds):
        return {**_clique(cluster, limits, sum(bound_.witnesses for bound_ in bounds)), "lower_bound": total}
    if len(bounds) == 1:
        return {**_exhaustive(cluster, bounds[0]), "lower_bound": total}
    parts = [{"brokers": cluster.members(bound_.brokers), **_part(cluster, limits, bound_)} for bound_ in bounds]
    sentence = (
        "No broker of one of these %d groups can go with a broker of another, because every two share what can spare"
        " only one; they need %s batches."
        % (
            len(parts),
            " + ".join(str(part["lower_bound"]) for part in parts),
        )
    )
    return {"kind": "groups", "lower_bound": total, "groups": parts, "sentence": sentence}


def _part(cluster: Cluster, limits: Sequence[Limit], bound_: Bound) -> dict[str, Any]:
    if bound_.kind == "single":
        part: dict[str, Any] = {"kind": "single", "sentence": "It has a broker, so it needs a batch."}
    elif bound_.kind == "partition" and bound_.limit:
        part = _one_limit(cluster, bound_.limit)
    elif bound_.kind == "cap":
        part = _cap(cluster, popcount(bound_.brokers))
    elif bound_.kind == "clique":
        part = _clique(cluster, limits, bound_.witnesses)
    else:
        part = _exhaustive(cluster, bound_)
    return {**part, "lower_bound": bound_.value}


def _one_limit(cluster: Cluster, limit: Limit) -> dict[str, Any]:
    members = cluster.members(limit.brokers)
    value = -(-len(members) // limit.spare)
    if limit.source is None:
        sentence = "%s are voters of the quorum and go one at a time, so there are at least %d batches." % (
            named(members).capitalize(),
            value,
        )
        return {"kind": "quorum", "brokers": members, "spare": limit.spare, "sentence": sentence}
    partition = cluster.partitions[limit.source]
    sentence = (
        "Partition %s-%d is in sync on %s, which all need a restart, and can spare %d at a time, so there %s."
        % (
            partition["topic"],
            partition["partition"],
            named(members),
            limit.spare,
            "are at least %d batches" % value if value > 1 else "is at least 1 batch",
        )
    )
    return {
        "kind": "partition",
        **_place(cluster, limit),
        "brokers": members,
        "spare": limit.spare,
        "sentence": sentence,
    }


def _place(cluster: Cluster, limit: Limit) -> dict[str, Any]:
    if limit.source is None:
        return {"topic": METADATA_TOPIC, "partition": 0, "replicas": sorted(cluster.voters)}
    partition = cluster.partitions[limit.source]
    return {"topic": partition["topic"], "partition": partition["partition"], "replicas": list(partition["replicas"])}


def _cap(cluster: Cluster, brokers: int) -> dict[str, Any]:
    sentence = "%d brokers need a restart and max_batch lets %d go at once, so there are at least %d batches."
    cap = cluster.max_batch or brokers
    return {"kind": "cap", "max_batch": cap, "sentence": sentence % (brokers, cap, -(-brokers // cap))}


def _exhaustive(cluster: Cluster, bound_: Bound) -> dict[str, Any]:
    members = cluster.members(bound_.brokers)
    sentence = "Every way to put %s into %s was tried, and each takes more of a partition than it can spare%s." % (
        named(members),
        counted(bound_.value - 1, "batch"),
        ", or more brokers than max_batch" if cluster.max_batch else "",
    )
    return {"kind": "exhaustive", "brokers": members, "sentence": sentence}


def _clique(cluster: Cluster, limits: Sequence[Limit], clique_mask: int) -> dict[str, Any]:
    """Brokers with, for every two of them, a partition that can spare only one."""
    members = cluster.members(clique_mask)
    sentence = (
        "Every two of %s share a partition that can spare only one of them, so there are at least %d batches."
        % (named(members), len(members))
    )
    witnesses: list[dict[str, Any]] = []
    missing = len(members) * (len(members) - 1) // 2 if len(members) <= WITNESSED else 0
    seen: set[tuple[int, int]] = set()
    for limit in limits:
        if not missing:
            break
        shared = limit.brokers & clique_mask
        if limit.spare > 1 or not shared & (shared - 1):
            continue
        inside = list(bits(shared))
        new = {(one, other) for one in inside for other in inside if one < other} - seen
        if new:
            seen |= new
            missing -= len(new)
            witnesses.append(_place(cluster, limit))
    return {"kind": "clique", "brokers": members, "partitions": witnesses, "sentence": sentence}
