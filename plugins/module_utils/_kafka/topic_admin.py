# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A topic read and changed over the protocol; what is to change is decided in _kafka.topic."""

from __future__ import annotations

from .._wait import wait_until
from . import configs, metadata, reassignments, topic
from .client import Admin, check


def fetch(admin: Admin, name: str) -> topic.Topic | None:
    """The topic as it is, None when it does not exist."""
    partitions = metadata.partitions(admin, [name]).get(name)
    if partitions is None:
        return None
    adding = {move["partition"]: len(move["adding"]) for move in reassignments.under_way(admin, [name])}
    own = configs.topic_configs(admin, [name]).get(name, {})
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
            delete_topic(admin, want.name)
        return
    if change.create:
        assignment = None if want.replicas is None else dict(enumerate(want.replicas))
        config = {key: value for key, value in change.config.items() if value is not None}
        create_topic(
            admin,
            want.name,
            want.partitions or -1,
            want.replication_factor or -1,
            config,
            assignment,
            validate_only=validate_only,
        )
        return
    if change.config:
        configs.alter_topic_config(admin, want.name, change.config, validate_only=validate_only)
    if change.partitions is not None:
        before = change.before["partitions"] if change.before else 0
        places = None if want.replicas is None else want.replicas[before:]
        add_partitions(admin, want.name, change.partitions, places, validate_only=validate_only)


def settle(admin: Admin, name: str, count: int | None, timeout: float) -> None:
    """Wait until every partition has a leader, because Kafka answers before it has made them.

    With count None, at least one partition.
    """

    def ready(partitions: list) -> bool:
        return len(partitions) >= (count or 1) and all(partition["leader"] >= 0 for partition in partitions)

    wait_until(
        lambda: metadata.partitions(admin, [name]).get(name, []),
        ready,
        what="every partition of topic %s to have a leader" % name,
        timeout=timeout,
        interval=0.1,
        describe=lambda partitions: (
            "%d partitions, %d with a leader"
            % (len(partitions), sum(partition["leader"] >= 0 for partition in partitions))
        ),
    )


def create_topic(
    admin: Admin,
    name: str,
    partitions: int,
    replication_factor: int,
    config: dict[str, str],
    assignment: dict[int, list[int]] | None,
    *,
    validate_only: bool,
) -> None:
    """Create a topic, or only have Kafka validate it.

    With an assignment (partition: broker ids) the two numbers follow from that.
    """
    from kafka.protocol.admin import CreateTopicsRequest as Request

    made = Request.CreatableTopic
    creatable = made(
        name=name,
        # Kafka refuses an assignment together with numbers.
        num_partitions=-1 if assignment else partitions,
        replication_factor=-1 if assignment else replication_factor,
        assignments=[
            made.CreatableReplicaAssignment(partition_index=index, broker_ids=ids)
            for index, ids in sorted((assignment or {}).items())
        ],
        configs=[made.CreatableTopicConfig(name=key, value=value) for key, value in sorted(config.items())],
    )
    answer = admin.send_to_controller(
        lambda: Request(topics=[creatable], timeout_ms=admin.timeout_ms, validate_only=validate_only),
        lambda answer: answer.topics[0],
    )
    check(answer, "to create topic %s" % name)


def add_partitions(
    admin: Admin, name: str, count: int, assignment: list[list[int]] | None, *, validate_only: bool
) -> None:
    """Raise a topic's number of partitions to count; the assignment lists the broker ids of the new ones only."""
    from kafka.protocol.admin import CreatePartitionsRequest as Request

    grown = Request.CreatePartitionsTopic
    places = None if assignment is None else [grown.CreatePartitionsAssignment(broker_ids=ids) for ids in assignment]
    answer = admin.send_to_controller(
        lambda: Request(
            topics=[grown(name=name, count=count, assignments=places)],
            timeout_ms=admin.timeout_ms,
            validate_only=validate_only,
        ),
        lambda answer: answer.results[0],
    )
    check(answer, "to add partitions to topic %s" % name)


def delete_topic(admin: Admin, name: str) -> None:
    """Delete a topic and everything in it."""
    from kafka.protocol.admin import DeleteTopicsRequest as Request

    answer = admin.send_to_controller(
        lambda: Request(
            topics=[Request.DeleteTopicState(name=name, topic_id=None)], topic_names=[name], timeout_ms=admin.timeout_ms
        ),
        lambda answer: answer.responses[0],
    )
    check(answer, "to delete topic %s" % name)
