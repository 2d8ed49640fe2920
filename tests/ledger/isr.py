# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the in-sync replicas did while brokers were out, from many brokers' answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping, NamedTuple

from .records import LedgerError

# How old another broker's answer may be to say who is alive, in seconds.
FRESH = 2.0
EVENTS = ("stopping", "stopped", "started", "back")


class State(NamedTuple):
    """A partition as one broker tells it."""

    leader: int
    epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]


# Of a partition that was deleted.
DELETED = State(-1, -1, (), ())


class Change(NamedTuple):
    """From time (epoch seconds) on, a partition has these in-sync replicas; min_isr is effective: never above the number of replicas."""

    time: float
    topic: str
    partition: int
    leader: int
    epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    min_isr: int


class Watch:
    """Merges the brokers' answers into one view and says what changed.

    Answers are not all true: a broker that just came back or that is cut off shows what it knew before, and each is some milliseconds behind.
    So (a) an older leader epoch never replaces a newer one; (b) a broker that the others do not list as alive is not believed: the
    controller takes a broker out of the alive ones in the same record that takes it out of the in-sync replicas (KRaft), and lists it again only
    once it has caught up with the metadata; (c) a state that was replaced a moment ago is not news from a broker that has not told its successor yet;
    (d) a partition is deleted when no broker that has told it tells it any more: in ZooKeeper mode a broker that just came back tells none at all.
    """

    def __init__(self) -> None:
        self.partitions: dict[tuple[str, int], State] = {}
        self.distrusted = 0
        self._alive: dict[int, tuple[float, frozenset[int]]] = {}
        self._past: dict[tuple[str, int], list[tuple[float, State]]] = {}
        self._told: dict[int, dict[tuple[str, int], State]] = {}

    def answer(
        self, time: float, broker: int, alive: Iterable[int], partitions: Mapping[tuple[str, int], State]
    ) -> list[tuple[str, int]]:
        """Take one broker's answer; returns the partitions whose state is new, or that are gone (state() is DELETED then)."""
        self._alive[broker] = (time, frozenset(alive))
        others = [brokers for other, (when, brokers) in self._alive.items() if other != broker and time - when <= FRESH]
        if others and sum(broker in brokers for brokers in others) * 2 <= len(others):
            self.distrusted += 1
            return []
        told = self._told.setdefault(broker, {})
        new = [where for where in told.keys() - partitions.keys() if self._dropped(broker, where)]
        for where, state in partitions.items():
            seen = self.partitions.get(where)
            if seen is not None and (
                state.epoch < seen.epoch or (state != seen and self._lags(time, broker, where, state))
            ):
                continue
            told[where] = state
            if state != seen:
                if seen is not None:
                    past = [(until, old) for until, old in self._past.get(where, []) if time - until <= FRESH]
                    self._past[where] = [*past, (time, seen)]
                self.partitions[where] = state
                new.append(where)
        return new

    def _lags(self, time: float, broker: int, where: tuple[str, int], state: State) -> bool:
        replaced = any(old == state and time - until <= FRESH for until, old in self._past.get(where, []))
        return replaced and self._told[broker].get(where) != self.partitions[where]

    def _dropped(self, broker: int, where: tuple[str, int]) -> bool:
        """Forget that a broker told a partition; whether it is deleted, because it was the last to."""
        del self._told[broker][where]
        if any(where in told for told in self._told.values()):
            return False
        self._past.pop(where, None)
        return self.partitions.pop(where, None) is not None

    def state(self, where: tuple[str, int]) -> State:
        """The last that is known of a partition."""
        return self.partitions.get(where, DELETED)

    def counts(self, min_isr: Mapping[str, int]) -> tuple[int, int, int, int]:
        """How many partitions are under-replicated, at their minimum, under it, without a leader."""
        under = at = below = leaderless = 0
        for (topic, _), state in self.partitions.items():
            minimum = min(min_isr.get(topic, 1), len(state.replicas))
            under += len(state.isr) < len(state.replicas)
            at += len(state.isr) == minimum
            below += len(state.isr) < minimum
            leaderless += state.leader < 0
        return under, at, below, leaderless


@dataclass(frozen=True)
class Event:
    """What the roll did to a broker, at epoch seconds."""

    time: float
    event: str
    broker: int


def events(raw: Iterable[Mapping[str, Any]]) -> list[Event]:
    """The roll's lines about brokers in the order of time; other lines are passed over. Raises LedgerError for a line that names no time."""
    out = []
    for entry in raw:
        if entry.get("event") in EVENTS:
            try:
                out.append(Event(float(entry["t"]), str(entry["event"]), int(entry["broker"])))
            except (KeyError, TypeError, ValueError):
                raise LedgerError(
                    "An event %r lacks t (epoch seconds) or broker (an id); write both." % dict(entry)
                ) from None
    return sorted(out, key=lambda event: event.time)


def violations(changes: Iterable[Change], happened: Iterable[Event]) -> list[dict[str, Any]]:
    """Every partition that went from at least its minimum of in-sync replicas to less while we had a broker out.

    A broker is out from stopping to back. Between stopped and started its process is gone, so it counts as not in sync even
    where the metadata still lists it; being added to the in-sync replicas proves that it runs. self_inflicted says that one of the replicas
    that went was a broker that we had out: otherwise something else took it, at a bad moment.
    """
    timeline: list[tuple[float, int, Any]] = [(event.time, 0, event) for event in happened]
    timeline += [(change.time, 1, change) for change in changes]
    timeline.sort(key=lambda entry: entry[:2])
    out: set[int] = set()
    gone: set[int] = set()
    current: dict[tuple[str, int], Change] = {}
    in_sync: dict[tuple[str, int], frozenset[int]] = {}
    found: list[dict[str, Any]] = []

    def look(time: float, where: tuple[str, int]) -> None:
        change = current[where]
        now = frozenset(change.isr) - gone
        before = in_sync.get(where)
        in_sync[where] = now
        if before is not None and out and len(before) >= change.min_isr > len(now):
            lost = sorted(before - now)
            found.append(
                {
                    "time": round(time, 3),
                    "topic": where[0],
                    "partition": where[1],
                    "min_isr": change.min_isr,
                    "before": sorted(before),
                    "after": sorted(now),
                    "out": sorted(out),
                    "self_inflicted": any(broker in out for broker in lost),
                }
            )

    for time, _, entry in timeline:
        if isinstance(entry, Change):
            where = (entry.topic, entry.partition)
            gone -= set(entry.isr) - set(current[where].isr if where in current else entry.isr)
            current[where] = entry
            look(time, where)
            continue
        if entry.event == "back":
            out.discard(entry.broker)
        else:
            out.add(entry.broker)
        if entry.event == "stopped":
            gone.add(entry.broker)
            for where, change in current.items():
                if entry.broker in change.isr:
                    look(time, where)
        elif entry.event in ("started", "back"):
            gone.discard(entry.broker)
            for where, change in current.items():
                if entry.broker in change.isr:
                    in_sync[where] = frozenset(change.isr) - gone
    return found
