# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Topics read and changed over the protocol, many in one request; what is to change is decided in _kafka.topic."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Iterable, Mapping, Sequence

from .._wait import wait_until
from . import configs, metadata, reassignments, topic
from .batches import batches
from .client import Admin, check

# Where the brokers choose the number of partitions of a new topic.
PARTITIONS_EXPECTED = 24


def fetch(admin: Admin, names: Sequence[str] | None, keys: Sequence[str] | None = None) -> dict[str, topic.Topic]:
    """Those of the topics (None: all) that exist; of their configuration these keys (None: all)."""
    partitions = metadata.partitions(admin, names)
    adding = {(move["topic"], move["partition"]): len(move["adding"]) for move in reassignments.under_way(admin, names)}
    config = {} if keys is not None and not keys else configs.topic_configs(admin, sorted(partitions), keys)
    return {
        name: topic.Topic(
            replicas=[partition["replicas"] for partition in listed],
            replication_factor=min(
                (len(partition["replicas"]) - adding.get((name, partition["partition"]), 0) for partition in listed),
                default=0,
            ),
            config={key: entry["value"] for key, entry in config.get(name, {}).items() if entry["own"]},
        )
        for name, listed in partitions.items()
    }


def write(admin: Admin, changes: Iterable[tuple[topic.Wanted, topic.Change]], *, validate_only: bool) -> None:
    """Make the changes, or only let Kafka judge them."""
    changes = list(changes)
    create_topics(admin, [want for want, change in changes if change.create], validate_only=validate_only)
    configs.alter_topic_configs(
        admin,
        {want.name: change.config for want, change in changes if change.config and not change.create},
        validate_only=validate_only,
    )
    grown = {}
    for want, change in changes:
        if change.partitions is not None and change.before:
            places = None if want.replicas is None else want.replicas[change.before["partitions"] :]
            grown[want.name] = (change.partitions, places)
    add_partitions(admin, grown, validate_only=validate_only)
    if not validate_only:
        delete_topics(admin, [want.name for want, change in changes if change.delete])


def settle(admin: Admin, counts: Mapping[str, int | None], timeout: float) -> None:
    """Wait until every partition of these topics has a leader, because Kafka answers before it has made them.

    counts: how many partitions a topic has; None is at least one.
    """

    def unready(names: Sequence[str]) -> list[str]:
        seen = metadata.partitions(admin, names) if names else {}
        return [
            name
            for name in names
            if len(seen.get(name, [])) < (counts[name] or 1) or any(each["leader"] < 0 for each in seen[name])
        ]

    left = sorted(counts)

    def look() -> list[str]:
        left[:] = unready(left)
        return left

    wait_until(
        look,
        lambda names: not names,
        what="every partition to have a leader",
        timeout=timeout,
        interval=0.1,
        describe=lambda names: "%d topics are not ready, %s first" % (len(names), names[0]),
    )


def create_topics(admin: Admin, topics: Iterable[topic.Wanted], *, validate_only: bool) -> None:
    """Create topics, or only have Kafka validate them."""
    from kafka.protocol.admin import CreateTopicsRequest as Request

    made = Request.CreatableTopic

    def creatable(want: topic.Wanted) -> Any:
        assigned = want.replicas is not None
        return made(
            name=want.name,
            # Kafka refuses an assignment together with numbers.
            num_partitions=-1 if assigned else want.partitions or -1,
            replication_factor=-1 if assigned else want.replication_factor or -1,
            assignments=[
                made.CreatableReplicaAssignment(partition_index=index, broker_ids=ids)
                for index, ids in enumerate(want.replicas or [])
            ],
            configs=[
                made.CreatableTopicConfig(name=key, value=value)
                for key, value in sorted(want.config.items())
                if value is not None
            ],
        )

    def records(want: topic.Wanted) -> int:
        return 1 + (want.partitions or PARTITIONS_EXPECTED) + len(want.config)

    for batch in batches(admin, topics, records):
        answer = admin.send_to_controller(
            lambda batch=batch: Request(
                topics=[creatable(want) for want in batch], timeout_ms=admin.timeout_ms, validate_only=validate_only
            ),
            attrgetter("topics"),
        )
        for result in answer.topics:
            check(result, "to create topic %s" % result.name)


def add_partitions(
    admin: Admin, counts: Mapping[str, tuple[int, list[list[int]] | None]], *, validate_only: bool
) -> None:
    """Raise topics' numbers of partitions.

    counts: by topic the number, and the broker ids of the new partitions only, or None where Kafka places them.
    """
    from kafka.protocol.admin import CreatePartitionsRequest as Request

    grown = Request.CreatePartitionsTopic

    def wanted(name: str) -> Any:
        count, places = counts[name]
        assigned = None if places is None else [grown.CreatePartitionsAssignment(broker_ids=ids) for ids in places]
        return grown(name=name, count=count, assignments=assigned)

    for batch in batches(admin, sorted(counts), lambda name: counts[name][0]):
        answer = admin.send_to_controller(
            lambda batch=batch: Request(
                topics=[wanted(name) for name in batch], timeout_ms=admin.timeout_ms, validate_only=validate_only
            ),
            attrgetter("results"),
        )
        for result in answer.results:
            check(result, "to add partitions to topic %s" % result.name)


def delete_topics(admin: Admin, names: Iterable[str]) -> None:
    """Delete topics and everything in them."""
    from kafka.protocol.admin import DeleteTopicsRequest as Request

    for batch in batches(admin, sorted(names)):
        answer = admin.send_to_controller(
            lambda batch=batch: Request(
                topics=[Request.DeleteTopicState(name=name, topic_id=None) for name in batch],
                topic_names=batch,
                timeout_ms=admin.timeout_ms,
            ),
            attrgetter("responses"),
        )
        for result in answer.responses:
            check(result, "to delete topic %s" % result.name)
