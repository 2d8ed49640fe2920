# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Brokers into as few batches as possible.

This is graph colouring with one addition: a limit says how many brokers of a set may have the same colour. A set of
brokers is a broker mask, an integer with one bit for each broker, so that 1,000 brokers and 200,000 limits take about a
second in plain Python. Limits of one are edges of a graph. Wider limits are counted. Every result is feasible by
construction, and the planner counts it again from the snapshot.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import combinations
from typing import Iterable, NamedTuple, Sequence

from .snapshot import bits, popcount

# Three to the power of this many steps is what an exhaustive search takes.
EXHAUSTIVE = 12
# Steps that the search for a better plan may take in all: about a quarter of a second.
EFFORT = 800_000


class Limit(NamedTuple):
    """At most spare of these brokers in one batch; source is the first partition that says so, None for the quorum."""

    brokers: int
    spare: int
    members: tuple[int, ...]
    source: int | None


@dataclass(frozen=True)
class Puzzle:
    """What must be put into batches.

    brokers is the mask of all of them, near[n] the mask of those that never go with broker n, and wide are the limits
    above one.
    """

    brokers: int
    near: list[int]
    wide: list[Limit]
    racks: list[str | None]
    max_batch: int | None

    def part(self, brokers: int) -> Puzzle:
        """The same for some of the brokers only."""
        wide = []
        for limit in self.wide:
            left = limit.brokers & brokers
            if left == limit.brokers:
                wide.append(limit)
            elif popcount(left) > limit.spare:
                wide.append(Limit(left, limit.spare, tuple(bits(left)), limit.source))
        return Puzzle(brokers, [near & brokers for near in self.near], wide, self.racks, self.max_batch)


def puzzle(brokers: int, limits: Iterable[Limit], racks: list[str | None], max_batch: int | None) -> Puzzle:
    """Limits turned into a graph and into the wide limits that the graph does not imply."""
    near = [0] * len(racks)
    wide = []
    for limit in limits:
        if limit.spare == 1:
            for member in limit.members:
                near[member] |= limit.brokers
        else:
            wide.append(limit)
    for number in range(len(near)):
        near[number] &= ~(1 << number)
    # A batch has at most one member that is near to all others of its limit, and then no other member of that limit.
    needed = [
        limit
        for limit in wide
        if sum(bool(limit.brokers & ~near[member] & ~(1 << member)) for member in limit.members) > limit.spare
    ]
    return Puzzle(brokers, near, needed, racks, max_batch)


def groups(whole: Puzzle) -> list[int]:
    """Masks of brokers that never share a batch: each is solved alone, and the batches add up."""
    independent, left = [], whole.brokers
    while left:
        group = reached = left & -left
        while reached:
            number = (reached & -reached).bit_length() - 1
            reached &= reached - 1
            more = left & ~whole.near[number] & ~group
            group |= more
            reached |= more
        independent.append(group)
        left &= ~group
    return independent


class Packing:
    """Batches while they are filled; blocked[n] is the mask of brokers that can no longer join batch n.

    What wide limits have left is counted for all of them at once, with one bit for each wide limit. touching[n] are the
    limits that broker n is in, exact[n] those that n + 1 brokers use up. Each batch has one such mask of the limits
    from which it has taken one broker, one of those from which it has taken two, and so on.
    """

    def __init__(self, whole: Puzzle, touching: Sequence[int], exact: Sequence[int]) -> None:
        self.whole, self.touching, self.exact = whole, touching, exact
        self.batches: list[list[int]] = []
        self.blocked: list[int] = []
        self._used_up: list[int] = []
        self._taken: list[list[int]] = []

    def copy(self) -> Packing:
        """The same, to be filled in another way."""
        other = Packing(self.whole, self.touching, self.exact)
        other.batches, other.blocked, other._used_up = (
            [list(batch) for batch in self.batches],
            list(self.blocked),
            list(self._used_up),
        )
        other._taken = [list(taken) for taken in self._taken]
        return other

    def open(self) -> int:
        """A new batch."""
        self.batches.append([])
        self.blocked.append(0)
        self._used_up.append(0)
        self._taken.append([0] * len(self.exact))
        return len(self.batches) - 1

    def fits(self, broker: int, batch: int) -> bool:
        """Whether a batch can take a broker."""
        return not (self.blocked[batch] >> broker & 1 or self._used_up[batch] & self.touching[broker])

    def put(self, broker: int, batch: int) -> None:
        """Put a broker into a batch that can take it."""
        whole, taken, more = self.whole, self._taken[batch], self.touching[broker]
        self.batches[batch].append(broker)
        full = len(self.batches[batch]) == whole.max_batch
        self.blocked[batch] = whole.brokers if full else self.blocked[batch] | whole.near[broker]
        for number, exact in enumerate(self.exact):
            before = taken[number]
            taken[number] |= more
            self._used_up[batch] |= taken[number] & exact
            more &= before

    def place(self, broker: int) -> int:
        """Put a broker into the first batch that can take it, or into a new one."""
        batch = next((number for number in range(len(self.batches)) if self.fits(broker, number)), None)
        if batch is None:
            batch = self.open()
        self.put(broker, batch)
        return batch


class Packer:
    """The ways to fill batches; each returns a list of batches, lists of brokers."""

    def __init__(self, whole: Puzzle) -> None:
        self.whole = whole
        self.brokers = list(bits(whole.brokers))
        widest = max((limit.spare for limit in whole.wide), default=0)
        touching = [bytearray(len(whole.wide) // 8 + 1 if whole.wide else 0) for _ in whole.near]
        exact = [bytearray(len(whole.wide) // 8 + 1) for _ in range(widest)]
        self._degree = [popcount(near) for near in whole.near]
        for number, limit in enumerate(whole.wide):
            byte, limit_bit = number >> 3, 1 << (number & 7)
            exact[limit.spare - 1][byte] |= limit_bit
            for member in limit.members:
                touching[member][byte] |= limit_bit
                self._degree[member] += 1
        self._touching, self._exact = ([int.from_bytes(one, "little") for one in some] for some in (touching, exact))

    def _packing(self) -> Packing:
        return Packing(self.whole, self._touching, self._exact)

    def cost(self, batches: Sequence[Sequence[int]]) -> int:
        """About how many steps one filling of this many batches takes."""
        return len(self.brokers) * (4 + len(batches) // 2) * (1 + len(self.whole.wide) // 10_000)

    def first_fit(self, order: Iterable[int]) -> list[list[int]]:
        """Each broker into the first batch that can take it."""
        packing = self._packing()
        for broker in order:
            packing.place(broker)
        return packing.batches

    def by_rack(self) -> list[list[int]]:
        """Rack after rack, so that racks merge wherever a batch can take a second one whole."""
        return self.first_fit(broker for rack in self._racks() for broker in rack)

    def one_per_rack(self) -> list[list[int]]:
        """A batch for each rack, less those that cannot go with the rest of it.

        They join another, or go in batches of their own.
        """
        packing = self._packing()
        evicted = []
        for rack in self._racks():
            batch = packing.open()
            inside = sum(1 << broker for broker in rack)
            for broker in sorted(rack, key=lambda one: popcount(self.whole.near[one] & inside)):
                if packing.fits(broker, batch):
                    packing.put(broker, batch)
                else:
                    evicted.append(broker)
        for broker in sorted(evicted, key=self._degree.__getitem__, reverse=True):
            packing.place(broker)
        return packing.batches

    def rack_by_rack(self) -> list[list[int]]:
        """Each rack alone, as if brokers of two racks never went together.

        Best where only a few partitions are misplaced.
        """
        batches = []
        for rack in self._racks():
            batches += self.by_saturation(rack)
        return batches

    def by_degree(self) -> list[list[int]]:
        """Those with most conflicts first."""
        return self.first_fit(sorted(self.brokers, key=self._degree.__getitem__, reverse=True))

    def by_saturation(self, brokers: Sequence[int] = ()) -> list[list[int]]:
        """DSATUR: always the broker that most batches cannot take; exact when two batches are enough."""
        packing = self._packing()
        left = set(brokers or self.brokers)
        waiting = sum(1 << broker for broker in left)
        most = max(self._degree, default=0) + 1
        score = list(self._degree)
        while left:
            broker = max(left, key=score.__getitem__)
            left.discard(broker)
            waiting &= ~(1 << broker)
            known = len(packing.batches)
            before = list(packing.blocked)
            batch = packing.place(broker)
            for other in bits(packing.blocked[batch] & waiting & ~(before[batch] if batch < known else 0)):
                score[other] += most
        return packing.batches

    def settle(self, count: int, effort: int) -> tuple[list[list[int]], bool]:
        """At most count batches, by trying every way to fill them; or none, and whether none exist.

        Without batches and with False, the effort was used up. The broker with the least choice left comes first, so
        that a dead end shows soon. One empty batch stands for all that are still empty.
        """
        ways = [(self._packing(), self.brokers)]
        while ways:
            packing, waiting = ways.pop()
            if not waiting:
                return packing.batches, False
            effort -= self.cost(packing.batches)
            if effort < 0:
                return [], False
            fitting = {
                broker: [batch for batch in range(len(packing.batches)) if packing.fits(broker, batch)]
                for broker in waiting
            }
            chosen = min(waiting, key=lambda broker: (len(fitting[broker]), -self._degree[broker]))
            rest = [broker for broker in waiting if broker != chosen]
            for batch in fitting[chosen] + [-1] * (len(packing.batches) < count):
                way = packing.copy()
                way.put(chosen, way.open() if batch < 0 else batch)
                ways.append((way, rest))
        return [], True

    def _racks(self) -> list[list[int]]:
        racks: dict[str, list[int]] = {}
        for broker in self.brokers:
            racks.setdefault(self.whole.racks[broker] or "", []).append(broker)
        return [racks[name] for name in sorted(racks, key=lambda name: (-len(racks[name]), name))]


def pack(whole: Puzzle, bound: int) -> tuple[list[list[int]], bool]:
    """As few batches as can be found, and whether an exhaustive search has shown that fewer are impossible.

    It stops as soon as bound is reached.
    """
    packer = Packer(whole)
    effort = EFFORT
    best: list[list[int]] = []
    for way in (packer.by_rack, packer.one_per_rack, packer.by_saturation, packer.rack_by_rack, packer.by_degree):
        batches = way()
        if not best or len(batches) < len(best):
            best = batches
        if len(best) <= bound:
            return best, False
        effort -= packer.cost(batches)
        if effort < 0:
            return best, False
    if len(packer.brokers) <= EXHAUSTIVE:
        return exhaust(whole), True
    exhausted = False
    while len(best) > bound and not exhausted:
        batches, exhausted = packer.settle(len(best) - 1, effort // 2)
        if not batches:
            break
        best = batches
    return (best if exhausted else _polish(packer, best, bound, effort // 2)), exhausted


def _polish(packer: Packer, best: list[list[int]], bound: int, effort: int) -> list[list[int]]:
    """Fill again, batch after batch in another order, which never takes more batches and sometimes one fewer.

    This is Culberson's iterated greedy.
    """
    chance = random.Random(0)
    current = best
    attempt = 0
    while effort > 0 and len(best) > bound:
        batches = list(current)
        if attempt % 3 == 0:
            batches.reverse()
        elif attempt % 3 == 1:
            batches.sort(key=len, reverse=True)
        else:
            chance.shuffle(batches)
        for batch in batches:
            chance.shuffle(batch)
        current = packer.first_fit(broker for batch in batches for broker in batch)
        if len(current) < len(best):
            best = [list(batch) for batch in current]
        effort -= packer.cost(current)
        attempt += 1
    return best


def exhaust(whole: Puzzle) -> list[list[int]]:
    """The fewest batches, by looking at every set of brokers; only for few of them."""
    brokers = list(bits(whole.brokers))
    broker_bit = {broker: 1 << number for number, broker in enumerate(brokers)}
    size = 1 << len(brokers)
    bad = bytearray(size)
    for broker in brokers:
        for other in bits(whole.near[broker] & whole.brokers):
            bad[broker_bit[broker] | broker_bit[other]] = 1
    for limit in whole.wide:
        for some in combinations(limit.members, limit.spare + 1):
            bad[sum(broker_bit[broker] for broker in some)] = 1
    for chosen in range(1, size):
        if not bad[chosen]:
            bad[chosen] = any(bad[chosen & ~one] for one in broker_bit.values() if chosen & one) or bool(
                whole.max_batch and popcount(chosen) > whole.max_batch
            )
    fewest, last = [0] * size, [0] * size
    for chosen in range(1, size):
        low = chosen & -chosen
        rest = some = chosen ^ low
        # The batch of the lowest broker is tried in every form: it and each subset of the others.
        fewest[chosen] = len(brokers) + 1
        while True:
            batch = some | low
            if not bad[batch] and fewest[chosen ^ batch] + 1 < fewest[chosen]:
                fewest[chosen], last[chosen] = fewest[chosen ^ batch] + 1, batch
            if not some:
                break
            some = (some - 1) & rest
    batches, chosen = [], size - 1
    while chosen:
        batches.append([broker for broker in brokers if last[chosen] & broker_bit[broker]])
        chosen ^= last[chosen]
    return batches
