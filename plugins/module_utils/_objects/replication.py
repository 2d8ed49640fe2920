# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Where the replicas of a topic would go with another replication factor."""

from __future__ import annotations

from collections import Counter
from typing import Mapping, Sequence


def moves(replicas: Sequence[Sequence[int]], factor: int, racks: Mapping[int, str | None]) -> list[list[int]]:
    """The replicas of each partition, as few moved as possible and in as many racks as possible.

    replicas: broker ids by partition, the preferred leader first; it stays. racks: the rack of each broker that may
    take replicas. Of brokers that suit alike, the one with the fewest replicas of the topic is taken.
    """
    load = Counter(broker for ids in replicas for broker in ids)
    out = []
    for ids in replicas:
        chosen = list(ids[:1])
        # Those that have the partition come first, so that the fewest replicas move.
        for pool in (list(ids[1:]), sorted(racks)):
            while len(chosen) < factor:
                left = [broker for broker in pool if broker not in chosen]
                used = {racks.get(broker) for broker in chosen}
                if not left:
                    break
                best = min(left, key=lambda broker: (racks.get(broker) in used, load[broker], broker))
                chosen.append(best)
                load[best] += 1
        out.append(chosen)
    return out
