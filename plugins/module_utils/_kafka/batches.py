# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What one request may carry: the controller refuses one that needs too many records."""

from __future__ import annotations

from typing import Callable, Iterable, TypeVar

from .client import Admin

Item = TypeVar("Item")

# QuorumController.MAX_RECORDS_PER_USER_OP is 10,000. A request to delete ACLs compares each with all that exist: 5,000
# of 10,500 took a busy controller longer than the 30 s that a broker waits for it, and meanwhile it does nothing else.
KRAFT_RECORDS = 1000
# With ZooKeeper each record is a write to a znode, and 1,000 of them took 17 s on 2 cores.
ZOOKEEPER_RECORDS = 200


def batches(admin: Admin, items: Iterable[Item], records: Callable[[Item], int] = lambda _item: 1) -> list[list[Item]]:
    """The items in their order, in lists for one request each; records says how many an item needs.

    An item that needs more than a request may carry is alone in its list: Kafka says why it refuses that.
    """
    limit = KRAFT_RECORDS if admin.is_kraft else ZOOKEEPER_RECORDS
    out: list[list[Item]] = []
    left = 0
    for item in items:
        needed = records(item)
        if not out or needed > left:
            out.append([])
            left = limit
        out[-1].append(item)
        left -= needed
    return out
