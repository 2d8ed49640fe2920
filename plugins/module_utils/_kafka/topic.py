# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The change that a topic needs, decided from what it is and what it shall be."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from .._errors import RackawareError


class TopicError(RackawareError):
    """What is wanted of a topic cannot be, or not by this module."""


@dataclass(frozen=True)
class Topic:
    """A topic as it is: replicas[n] lists the broker ids of partition n; config has only what the topic itself sets."""

    replicas: list[list[int]]
    replication_factor: int
    config: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for results and diffs."""
        return _plain(len(self.replicas), self.replication_factor, self.config)


@dataclass(frozen=True)
class Wanted:
    """A topic as it shall be; None leaves a number to the broker (new topic) or as it is.

    A configuration value of None removes the key.
    """

    name: str
    partitions: int | None = None
    replication_factor: int | None = None
    config: dict[str, str | None] = field(default_factory=dict)
    replicas: list[list[int]] | None = None


@dataclass(frozen=True)
class Change:
    """What to do; before and after are plain data or None for an absent topic."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    create: bool = False
    delete: bool = False
    partitions: int | None = None
    config: dict[str, str | None] = field(default_factory=dict)

    @property
    def needed(self) -> bool:
        """Whether anything changes."""
        return self.create or self.delete or self.partitions is not None or bool(self.config)


def text(value: Any) -> str | None:
    """A configuration value as Kafka writes it; None stays None."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return str(value)


def _alike(there: str | None, value: str | None) -> bool:
    """Whether Kafka shows this value so: it takes blanks away, and writes numbers, true and false in its own way."""
    if there is None or value is None:
        return there is value
    return there == value or [_plainly(item) for item in there.split(",")] == [
        _plainly(item) for item in value.split(",")
    ]


def _plainly(item: str) -> str | Decimal:
    item = item.strip()
    if item.lower() in ("true", "false"):
        return item.lower()
    try:
        return Decimal(item)
    except InvalidOperation:
        return item


def wanted(params: dict[str, Any]) -> Wanted:
    """What a module's parameters ask for; raises TopicError for what no topic can be."""
    name, replicas = params["name"], params["replica_assignment"]
    partitions, factor = params["partitions"], params["replication_factor"]
    for key, value in (("partitions", partitions), ("replication_factor", factor)):
        if value is not None and value < 1:
            raise TopicError("Topic %s: %s is %d, but must be at least 1." % (name, key, value))
    if replicas is not None:
        _check_assignment(name, replicas)
        partitions, factor = len(replicas), len(replicas[0])
    return Wanted(
        name, partitions, factor, {key: text(value) for key, value in (params["config"] or {}).items()}, replicas
    )


def _check_assignment(name: str, replicas: list[list[int]]) -> None:
    if not replicas or not all(replicas):
        raise TopicError(
            "Topic %s: replica_assignment must list the brokers of at least one partition, and at least one broker"
            " each." % name
        )
    for index, ids in enumerate(replicas):
        if len(set(ids)) != len(ids):
            raise TopicError(
                "Topic %s: replica_assignment names a broker twice for partition %d (%s); name each once."
                % (name, index, ids)
            )
        if len(ids) != len(replicas[0]):
            raise TopicError(
                "Topic %s: replica_assignment gives partition %d %d replicas, but partition 0 has %d; give all the"
                " same." % (name, index, len(ids), len(replicas[0]))
            )


def absent(before: Topic | None) -> Change:
    """The topic shall not exist."""
    return Change(before.as_dict() if before else None, None, delete=before is not None)


def present(before: Topic | None, want: Wanted) -> Change:
    """The topic shall exist as wanted; raises TopicError for what would need data to be moved or dropped."""
    if before is None:
        config = {key: value for key, value in want.config.items() if value is not None}
        return Change(None, _plain(want.partitions, want.replication_factor, config), create=True, config=dict(config))
    count = len(before.replicas)
    if want.partitions is not None and want.partitions < count:
        raise TopicError(
            "Topic %s has %d partitions, but %d are wanted, and Kafka cannot take partitions away; ask for at least %d."
            % (want.name, count, want.partitions, count)
        )
    if want.replication_factor is not None and want.replication_factor != before.replication_factor:
        raise TopicError(
            "Topic %s has replication factor %d, but %d is wanted; changing that moves data, so reassign its partitions"
            " instead." % (want.name, before.replication_factor, want.replication_factor)
        )
    for index, ids in enumerate((want.replicas or [])[:count]):
        if ids != before.replicas[index]:
            raise TopicError(
                "Topic %s: partition %d lies on brokers %s, but %s are wanted; changing that moves data, so reassign it"
                " instead." % (want.name, index, before.replicas[index], ids)
            )
    differs = {key: value for key, value in want.config.items() if not _alike(before.config.get(key), value)}
    more = want.partitions if want.partitions is not None and want.partitions > count else None
    config = {key: value for key, value in {**before.config, **differs}.items() if value is not None}
    return Change(
        before.as_dict(), _plain(more or count, before.replication_factor, config), partitions=more, config=differs
    )


def _plain(partitions: int | None, factor: int | None, config: dict[str, str]) -> dict[str, Any]:
    return {"partitions": partitions, "replication_factor": factor, "config": dict(sorted(config.items()))}
