# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What happens to many topics, from what is declared and what is there; _kafka.topic decides about one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Iterable, Mapping, Sequence

from .._kafka import topic
from .._kafka.topic import Topic, Wanted
from .._text import counted
from .declared import Edit, ObjectsError, holds, once
from .replication import moves

TOPIC_OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "partitions": {"type": "int"},
    "replication_factor": {"type": "int"},
    "config": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
# Topic.java of Kafka; the last one is no topic to clients, and its name is taken.
INTERNAL = (
    "__consumer_offsets",
    "__transaction_state",
    "__share_group_state",
    "__cluster_metadata",
    "__remote_log_metadata",
)
SHOWN = 3


class ReplicationError(ObjectsError):
    """Replicas would have to move; moves has the plan."""

    def __init__(self, message: str, planned: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.moves = planned


@dataclass(frozen=True)
class Change:
    """What to do with each topic that changes."""

    topics: tuple[tuple[Wanted, topic.Change], ...]

    def deleted(self) -> list[str]:
        """The topics that are deleted with all their records."""
        return [want.name for want, change in self.topics if change.delete]

    def edits(self) -> list[Edit]:
        """The change as lines."""
        return [Edit(line(want.name, change.before), line(want.name, change.after)) for want, change in self.topics]


def line(name: str, state: Mapping[str, Any] | None) -> str | None:
    """A topic in words; None for one that is absent."""
    if state is None:
        return None
    config = ["%s=%s" % item for item in sorted(state["config"].items())]
    return "topic %s: %s" % (
        name,
        ", ".join(
            [
                counted(state["partitions"], "partition") if state["partitions"] else "partitions by default",
                "replication factor %s" % (state["replication_factor"] or "by default"),
                *config,
            ]
        ),
    )


def wanted(entries: Sequence[Mapping[str, Any]]) -> tuple[list[Wanted], list[str]]:
    """The topics that shall exist, and those that shall not; raises RackawareError for what no topic can be."""
    once([entry["name"] for entry in entries], "topic")
    for entry in entries:
        if entry["name"] in INTERNAL:
            raise ObjectsError("The topic %s is Kafka's own and is never declared; take it out." % entry["name"])
    present = [topic.wanted({**entry, "replica_assignment": None}) for entry in entries if entry["state"] == "present"]
    return present, [entry["name"] for entry in entries if entry["state"] == "absent"]


def keys(present: Iterable[Wanted]) -> list[str]:
    """The keys of configuration that are declared, and asked for."""
    return sorted({key for want in present for key in want.config})


def named(names: Iterable[str], present: Iterable[Wanted], absent: Iterable[str], owned: tuple[str, ...]) -> list[str]:
    """Those of the cluster's topics that the declaration is about."""
    declared = {want.name for want in present} | set(absent)
    return [name for name in names if name in declared or holds(owned, name)]


def plan(
    before: Mapping[str, Topic],
    present: Sequence[Wanted],
    absent: Sequence[str],
    *,
    owned: tuple[str, ...],
    racks: Mapping[int, str | None],
) -> Change:
    """What to create, to change and to delete; topics of these names that nothing declares go, too.

    racks: the rack of each broker that serves. Raises RackawareError for what would move or drop data, ReplicationError
    with the plan where replicas would move.
    """
    _check_factors(before, present, racks)
    changes = [(want, topic.present(before.get(want.name), want)) for want in present]
    kept = {want.name for want in present}
    gone = [name for name in before if name in absent or (name not in kept and holds(owned, name))]
    changes += [(Wanted(name), topic.absent(before[name])) for name in sorted(gone)]
    return Change(tuple((want, change) for want, change in changes if change.needed))


def _check_factors(before: Mapping[str, Topic], present: Iterable[Wanted], racks: Mapping[int, str | None]) -> None:
    distinct = len(set(racks.values())) if all(racks.values()) else len(racks)
    planned = []
    for want in present:
        factor, there = want.replication_factor, before.get(want.name)
        if factor is None or (there and there.replication_factor == factor):
            continue
        if factor > distinct:
            raise ObjectsError(
                "The topic %s shall have replication factor %d, but the cluster has %s; lower it."
                % (want.name, factor, counted(distinct, "rack" if all(racks.values()) else "broker"))
            )
        if there:
            planned += [
                {"topic": want.name, "partition": index, "replicas": old, "wanted": new}
                for index, (old, new) in enumerate(zip(there.replicas, moves(there.replicas, factor, racks)))
            ]
    if planned:
        first = planned[0]["topic"]
        raise ReplicationError(
            "The topic %s has replication factor %d, but another one is declared, and changing that moves data;"
            " reassign these partitions first, or declare what is there: %s."
            % (first, before[first].replication_factor, _shown(planned)),
            planned,
        )


def _shown(planned: Sequence[Mapping[str, Any]]) -> str:
    said = [
        "%s-%d from %s to %s" % (each["topic"], each["partition"], each["replicas"], each["wanted"])
        for each in planned[:SHOWN]
    ]
    more = len(planned) - len(said)
    return ", ".join(said) + (" and %d more" % more if more else "")


def words(deleted: Collection[str]) -> str | None:
    """What confirms these deletions."""
    return "delete %s" % counted(len(deleted), "topic") if deleted else None


def check_confirmed(deleted: Collection[str], confirm: str | None) -> None:
    """Raise ObjectsError unless the words confirm exactly so many deletions."""
    if deleted and confirm != words(deleted):
        names = sorted(deleted)
        raise ObjectsError(
            "These topics would be deleted with all their records: %s%s; to confirm it, write the words: %s."
            % (
                ", ".join(names[:SHOWN]),
                " and %d more" % (len(names) - SHOWN) if names[SHOWN:] else "",
                words(deleted),
            )
        )


def entries(topics: Mapping[str, Topic]) -> list[dict[str, Any]]:
    """The topics as a file declares them, without Kafka's own."""
    return [
        {
            "name": name,
            "partitions": len(found.replicas),
            "replication_factor": found.replication_factor,
            **({"config": dict(sorted(found.config.items()))} if found.config else {}),
        }
        for name, found in sorted(topics.items())
        if name not in INTERNAL
    ]
