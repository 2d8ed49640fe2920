# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What an operation does to the brokers that it takes away, and one rule for each; plan, gate and playbooks ask here.

restart: the broker comes back with its data. What it takes is counted among the in-sync replicas that run. stay_away:
the broker stops for longer. Every partition that it holds must do without it, whether it runs now or not. destroy: a
copy of its data is erased. Every partition that it holds, whether it runs or not, needs enough other complete copies
that run.

Only a restart respects a list of topics that may lose availability: for the others, what is lost stays lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from .snapshot import Cluster, named

RESTART, STAY_AWAY, DESTROY = "restart", "stay_away", "destroy"
KINDS = (RESTART, STAY_AWAY, DESTROY)
SHOWN = 5


@dataclass(frozen=True)
class Loss:
    """What a set of brokers takes with it, in numbers of partitions.

    held are those that it holds, last_copies those of which it has the last in-sync copy that runs, and below_minimum
    those that are left with fewer in-sync replicas than min.insync.replicas. first has some of their names, the worst
    first.
    """

    held: int
    last_copies: int
    below_minimum: int
    first: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether it blocks the operation."""
        return bool(self.last_copies or self.below_minimum)


def holds(partition: Mapping[str, Any], brokers: Iterable[int]) -> bool:
    """Whether one of the brokers has a copy: as a replica, or as an eligible leader replica (KIP-966)."""
    return not {*partition["replicas"], *partition.get("elr", ())}.isdisjoint(brokers)


def loss(cluster: Cluster, brokers: Iterable[int], out: Iterable[int] = (), *, headroom: int = 0) -> Loss:
    """What is lost when these brokers go together, for longer or for ever.

    out are others that do not run, besides those that the cluster knows of. Copies on the brokers themselves never
    count, whether they run or not. Nor does a replica that is behind, because it lacks acknowledged records.
    """
    going = frozenset(brokers)
    absent = cluster.out.union(out, going)
    held = last = below = 0
    worst: list[str] = []
    less: list[str] = []
    for partition in cluster.partitions:
        if not holds(partition, going):
            continue
        held += 1
        remaining = sum(1 for id_ in partition["isr"] if id_ not in absent)
        if remaining == 0:
            last += 1
            _note(worst, partition)
        elif remaining < max(1, partition["min_isr"]) + headroom:
            below += 1
            _note(less, partition)
    return Loss(held, last, below, tuple((worst + less)[:SHOWN]))


def _note(names: list[str], partition: Mapping[str, Any]) -> None:
    if len(names) < SHOWN:
        names.append("%s-%d" % (partition["topic"], partition["partition"]))


def sentence(kind: str, brokers: Iterable[int], lost: Loss) -> str | None:
    """Why these brokers may not go: what would be lost, how many partitions, and the first of them.

    None when they may.
    """
    if not lost.any:
        return None
    who = named(brokers)
    parts = []
    if lost.last_copies:
        text = (
            "%s the last in-sync copy that runs of %s"
            if kind == DESTROY
            else "%s without an in-sync replica that runs: %s"
        )
        parts.append(text % ("destroy" if kind == DESTROY else "leave", _partitions(lost.last_copies)))
    if lost.below_minimum:
        parts.append("leave fewer in-sync replicas than min.insync.replicas in %s" % _partitions(lost.below_minimum))
    would = "Erasing what %s holds would %s" if kind == DESTROY else "Taking %s out of service would %s"
    more = lost.last_copies + lost.below_minimum - len(lost.first)
    partitions = ", ".join(lost.first) + (" and %d more" % more if more else "")
    return "%s (%s); wait until the other replicas are in sync, or raise the replication factor." % (
        would % (who, " and ".join(parts)),
        partitions,
    )


def _partitions(count: int) -> str:
    return "%d partition%s" % (count, "" if count == 1 else "s")
