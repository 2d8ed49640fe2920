# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A topic read and changed over the protocol; what is to change is decided in _kafka.topic."""

from __future__ import annotations

from .._wait import wait_until
from . import topic
from .client import Admin


def fetch(admin: Admin, name: str) -> topic.Topic | None:
    """The topic as it is, None when it does not exist."""
    partitions = admin.partitions([name]).get(name)
    if partitions is None:
        return None
    adding = {move["partition"]: len(move["adding"]) for move in admin.reassignments([name])}
    own = admin.topic_configs([name]).get(name, {})
    return topic.Topic(
        replicas=[partition["replicas"] for partition in partitions],
        replication_factor=min(
            (len(partition["replicas"]) - adding.get(partition["partition"], 0) for partition in partitions), default=0
        ),
        config={key: entry["value"] for key, entry in own.items() if entry["own"]},
    )


def write(admin: Admin, want: topic.Wanted, change: topic.Change, *, validate_only: bool) -> None:
    """Make the change, or only let Kafka judge it."""
    if change.delete:
        if not validate_only:
            admin.delete_topic(want.name)
        return
    if change.create:
        assignment = None if want.replicas is None else dict(enumerate(want.replicas))
        config = {key: value for key, value in change.config.items() if value is not None}
        admin.create_topic(
            want.name,
            want.partitions or -1,
            want.replication_factor or -1,
            config,
            assignment,
            validate_only=validate_only,
        )
        return
    if change.config:
        admin.alter_topic_config(want.name, change.config, validate_only=validate_only)
    if change.partitions is not None:
        before = change.before["partitions"] if change.before else 0
        places = None if want.replicas is None else want.replicas[before:]
        admin.add_partitions(want.name, change.partitions, places, validate_only=validate_only)


def settle(admin: Admin, name: str, count: int | None, timeout: float) -> None:
    """Wait until every partition has a leader, because Kafka answers before it has made them.

    With count None, at least one partition.
    """

    def ready(partitions: list) -> bool:
        return len(partitions) >= (count or 1) and all(partition["leader"] >= 0 for partition in partitions)

    wait_until(
        lambda: admin.partitions([name]).get(name, []),
        ready,
        what="every partition of topic %s to have a leader" % name,
        timeout=timeout,
        interval=0.1,
        describe=lambda partitions: (
            "%d partitions, %d with a leader"
            % (len(partitions), sum(partition["leader"] >= 0 for partition in partitions))
        ),
    )
