# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The snapshot that a roll is planned from, read and checked, and the rule for how many replicas a partition can spare.

A snapshot is plain data:

    {"brokers": [{"id": 1, "rack": "a"}], "controllers": {"voters": [], "leader": None},
     "partitions": [{"topic": "t", "partition": 0, "replicas": [1, 2, 3], "isr": [1, 2, 3], "min_isr": 2}],
     "out": [], "restart": [1], "max_batch": None, "isr_headroom": 0, "allow": [], "reassignments": []}

out are brokers that are down already, restart those that still need a restart. The last four have these defaults.
allow names topics whose loss of availability is accepted, which matters only where the replication factor leaves no
choice. A rack is null either everywhere or nowhere. A number is read as a text.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, Mapping, NamedTuple, Sequence

from .._errors import RackawareError

METADATA_TOPIC = "__cluster_metadata"
NAMED_AT_MOST = 8
# Not a method of int before Python 3.10.
popcount: Callable[[int], int] = getattr(int, "bit_count", None) or (lambda brokers: bin(brokers).count("1"))


class RollError(RackawareError):
    """A roll cannot be planned or decided from what was given."""


@dataclass(frozen=True)
class Cluster:
    """A snapshot that has been checked.

    racks has every broker, moving the brokers that a reassignment touches, by topic and partition.

    A set of many brokers is a broker mask: an integer with one bit for each broker, in the order of ids. broker_bit has
    the bit of each id.
    """

    racks: dict[int, str | None]
    voters: frozenset[int]
    leader: int | None
    partitions: Sequence[Mapping[str, Any]]
    out: frozenset[int]
    restart: frozenset[int]
    max_batch: int | None
    headroom: int
    allow: frozenset[str]
    moving: dict[tuple[str, int], frozenset[int]]
    ids: list[int]
    broker_bit: dict[int, int]

    @property
    def quorum_spare(self) -> int:
        """How many voters may go at once: one, or none when that would take the majority or no leader is known."""
        alive = self.voters - self.out
        return min(1, len(alive) - majority(len(self.voters))) if self.leader in alive else 0

    def broker_mask(self, ids: Iterable[int]) -> int:
        """The mask of these brokers; ids that are not brokers are ignored."""
        return sum(self.broker_bit.get(id_, 0) for id_ in set(ids))

    def members(self, brokers: int) -> list[int]:
        """The ids in a broker mask."""
        return [self.ids[number] for number in bits(brokers)]


class PlacementGroup(NamedTuple):
    """Partitions with the same replicas, the same in-sync replicas and the same minimum.

    replicas and in_sync are broker masks; in_sync has no broker that is out. numbers are the indexes of the partitions
    in the snapshot.
    """

    replicas: int
    in_sync: int
    min_isr: int
    spare: int
    numbers: Sequence[int]


def bits(brokers: int) -> Iterator[int]:
    """The indexes of the bits that are set."""
    while brokers:
        low = brokers & -brokers
        yield low.bit_length() - 1
        brokers ^= low


def majority(voters: int) -> int:
    """How many voters of a quorum must run."""
    return voters // 2 + 1


def spare(in_sync: int, replicas: int, min_isr: int, headroom: int, *, allowed: bool) -> int:
    """How many of in_sync running in-sync replicas may go at once.

    Below 0, the partition has fewer than it needs already.

    The last in-sync replica never goes, with one exception: a single replica whose topic is allowed by name.
    """
    if allowed and replicas <= min_isr:
        return 1 if replicas == 1 else in_sync - 1
    return in_sync - max(min_isr, 1) - headroom


def named(ids: Iterable[int], noun: str = "broker") -> str:
    """Broker 1; brokers 1, 2 and 3; a long list is cut."""
    ordered = sorted(ids)
    if len(ordered) == 1:
        return "%s %d" % (noun, ordered[0])
    if len(ordered) > NAMED_AT_MOST:
        return "%ss %s … (%d in all)" % (noun, ", ".join(map(str, ordered[:NAMED_AT_MOST])), len(ordered))
    return "%ss %s and %d" % (noun, ", ".join(map(str, ordered[:-1])), ordered[-1]) if ordered else "no %s" % noun


def read(snapshot: Any) -> Cluster:
    """Check a snapshot; raises RollError with what is wrong in it."""
    if not isinstance(snapshot, Mapping):
        raise RollError(
            "The snapshot is %s, but must be an object with brokers, controllers, partitions, out and restart."
            % _kind(snapshot)
        )
    missing = [key for key in ("brokers", "controllers", "partitions", "out", "restart") if key not in snapshot]
    if missing:
        raise RollError(
            "The snapshot has no %s; take it with kafka_cluster_info, or add what is missing." % ", ".join(missing)
        )
    racks = _racks(snapshot["brokers"])
    voters, leader = _quorum(snapshot["controllers"])
    out, restart = (_ids(snapshot[key], key) for key in ("out", "restart"))
    for key, ids in (("out", out), ("restart", restart)):
        unknown = ids - set(racks) - (voters if key == "out" else frozenset())
        if unknown:
            apart = "; controllers that are not brokers are planned apart" if unknown & voters else ""
            raise RollError(
                "The snapshot's %s names %s, which the cluster does not have%s." % (key, named(unknown), apart)
            )
    max_batch, headroom = snapshot.get("max_batch"), snapshot.get("isr_headroom", 0)
    if max_batch is not None and (not _is_number(max_batch) or max_batch < 1):
        raise RollError("max_batch is %r, but must be a number of brokers from 1, or null for no limit." % (max_batch,))
    if not _is_number(headroom) or headroom < 0:
        raise RollError("isr_headroom is %r, but must be a number of replicas from 0." % (headroom,))
    allow = [] if snapshot.get("allow") is None else snapshot["allow"]
    if not isinstance(allow, (list, tuple)) or not all(isinstance(topic, str) for topic in allow):
        raise RollError("allow is %r, but must be a list of names of topics." % (allow,))
    partitions = snapshot["partitions"]
    if not isinstance(partitions, (list, tuple)):
        raise RollError("The snapshot's partitions are %s, but must be a list." % _kind(partitions))
    ids = sorted(racks)
    return Cluster(
        racks=racks,
        voters=voters,
        leader=leader,
        partitions=partitions,
        out=out,
        restart=restart,
        max_batch=max_batch,
        headroom=headroom,
        allow=frozenset(allow),
        moving=_moving([] if snapshot.get("reassignments") is None else snapshot["reassignments"]),
        ids=ids,
        broker_bit={id_: 1 << number for number, id_ in enumerate(ids)},
    )


def placement_groups(cluster: Cluster) -> list[PlacementGroup]:
    """The partitions by placement, because a cluster has more partitions than placements; raises RollError."""
    alike: dict[tuple[int, int, int, int, int, bool], Any] = {}
    broker_bit, allow, partitions = cluster.broker_bit, cluster.allow, cluster.partitions
    number = -1
    # 1.0 is found where 1 is. So the types that occur are gathered, which is faster than a look at each value.
    types: dict[Any, set[type]] = {int: set(), str: set(), (list, tuple): set()}
    integers, texts, lists = types.values()
    try:
        for number, partition in enumerate(partitions):
            replicas = isr = 0
            for id_ in partition["replicas"]:
                replicas |= broker_bit[id_]
            for id_ in partition["isr"]:
                isr |= broker_bit[id_]
            integers.update(
                map(type, (*partition["replicas"], *partition["isr"], partition["min_isr"], partition["partition"]))
            )
            lists.update((type(partition["replicas"]), type(partition["isr"])))
            texts.add(type(partition["topic"]))
            key = (
                replicas,
                isr,
                len(partition["replicas"]),
                len(partition["isr"]),
                partition["min_isr"],
                partition["topic"] in allow,
            )
            known = alike.setdefault(key, number)
            if known is not number:
                alike[key] = (*known, number) if isinstance(known, tuple) else (known, number)
    except (KeyError, TypeError):
        _complain(partitions[number], number, broker_bit)
    if bool in integers or not all(issubclass(one, expected) for expected, seen in types.items() for one in seen):
        for number, partition in enumerate(partitions):
            if _is_odd(partition):
                _complain(partition, number, broker_bit)
    grouped = []
    running, headroom = ~cluster.broker_mask(cluster.out), cluster.headroom
    for (replicas, isr, replica_count, isr_count, min_isr, allowed), numbers in alike.items():
        if isinstance(numbers, int):
            numbers = (numbers,)
        if isr & ~replicas or popcount(replicas) != replica_count or popcount(isr) != isr_count:
            _complain(partitions[numbers[0]], numbers[0], broker_bit)
        in_sync = isr & running
        count = isr_count if in_sync == isr else popcount(in_sync)
        grouped.append(
            PlacementGroup(
                replicas, in_sync, min_isr, spare(count, replica_count, min_isr, headroom, allowed=allowed), numbers
            )
        )
    return grouped


def from_cluster(
    cluster: Mapping[str, Any],
    *,
    restart: Iterable[int] | None = None,
    out: Iterable[int] = (),
    racks: Mapping[int, str] | None = None,
    max_batch: int | None = None,
    isr_headroom: int = 0,
    allow: Iterable[str] = (),
    min_isr: int | None = None,
) -> dict[str, Any]:
    """The snapshot in a cluster as kafka_cluster_info returns it; restart None: every broker.

    A fenced broker is out. So is one that holds replicas and is not listed, as a broker that is down looks before Kafka
    4.0; racks has the rack of such a broker. Under ZooKeeper the active controller is the leader, so that it goes last.
    min_isr is the least for partitions of topics that set none: their leaders enforce their own values, which may
    differ from that of the broker that was asked.
    """
    try:
        # Data from YAML has texts for keys.
        rack_of = {int(id_): rack for id_, rack in (racks or {}).items()}
    except (TypeError, ValueError):
        raise RollError(
            "racks has the keys %s, but must give a rack for each id of a broker." % ", ".join(map(str, racks or ()))
        ) from None
    try:
        brokers = {broker["id"]: broker["rack"] for broker in cluster["brokers"]}
        down = {broker["id"] for broker in cluster["brokers"] if broker.get("fenced")}
        unlisted = {id_ for partition in cluster["partitions"] for id_ in partition["replicas"]} - set(brokers)
        quorum = cluster["quorum"]
        voters = [voter["id"] for voter in quorum["voters"]] if quorum else []
        leader = quorum["leader"] if quorum else cluster["controller_id"]
        moving = cluster["reassignments"]
        partitions = cluster["partitions"]
        if moving:
            # A replica that is being removed may leave at any moment, so that it cannot be counted on.
            partitions = [
                {**partition, "isr": [id_ for id_ in partition["isr"] if id_ not in partition["removing"]]}
                if partition["removing"]
                else partition
                for partition in partitions
            ]
        if min_isr:
            low = {
                name
                for name, topic in cluster["topics"].items()
                if not topic["own_min_isr"] and topic["min_isr"] < min_isr
            }
            partitions = [
                {**partition, "min_isr": min(min_isr, len(partition["replicas"]))}
                if partition["topic"] in low
                else partition
                for partition in partitions
            ]
    except (KeyError, TypeError) as error:
        raise RollError(
            "The cluster is not what kafka_cluster_info returns (%s: %s); pass its result's cluster."
            % (type(error).__name__, error)
        ) from None
    brokers.update({id_: None for id_ in unlisted})
    odd = [id_ for id_ in brokers if not _is_number(id_)]
    if odd:
        raise RollError(
            "The cluster's brokers and replicas have the ids %s, but ids must be numbers; pass what kafka_cluster_info"
            " returns." % ", ".join(map(repr, odd))
        )
    brokers = {id_: rack_of.get(id_) if rack is None or rack == "" else rack for id_, rack in brokers.items()}
    return {
        "brokers": [{"id": id_, "rack": rack} for id_, rack in sorted(brokers.items())],
        "controllers": {"voters": voters, "leader": leader},
        "partitions": partitions,
        "out": sorted(down | unlisted | set(out)),
        "restart": sorted(brokers if restart is None else restart),
        "max_batch": max_batch,
        "isr_headroom": isr_headroom,
        "allow": sorted(allow),
        "reassignments": moving,
    }


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", int: "a number", type(None): "null"}.get(
        type(value), type(value).__name__
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _ids(value: Any, what: str) -> frozenset[int]:
    if not isinstance(value, (list, tuple)) or not all(_is_number(id_) for id_ in value):
        raise RollError("The snapshot's %s is %r, but must be a list of ids of brokers." % (what, value))
    return frozenset(value)


def _racks(brokers: Any) -> dict[int, str | None]:
    if not isinstance(brokers, (list, tuple)) or not all(
        isinstance(broker, Mapping) and _is_number(broker.get("id")) and "rack" in broker for broker in brokers
    ):
        raise RollError(
            'The snapshot\'s brokers must be a list of objects with an id and a rack, like {"id": 1, "rack": "a"}; a'
            " rack is missing or an id."
        )
    twice = [id_ for id_, times in Counter(broker["id"] for broker in brokers).items() if times > 1]
    if twice:
        raise RollError("The snapshot lists %s more than once; each broker has one id." % named(twice))
    racks = {broker["id"]: _rack(broker["id"], broker["rack"]) for broker in brokers}
    without = [id_ for id_, rack in racks.items() if rack is None]
    if without and len(without) < len(racks):
        raise RollError(
            "The rack of %s is missing while other brokers have one; set broker.rack there, or say which it is."
            % named(without)
        )
    return racks


def _rack(broker: int, rack: Any) -> str | None:
    if rack is None or rack == "":
        return None
    if not isinstance(rack, str) and not _is_number(rack):
        raise RollError(
            "The rack of broker %d is %r, but must be a text or a whole number; correct it, or put it in quotes."
            % (broker, rack)
        )
    return str(rack)


def _quorum(controllers: Any) -> tuple[frozenset[int], int | None]:
    if not isinstance(controllers, Mapping) or "voters" not in controllers or "leader" not in controllers:
        raise RollError(
            'The snapshot\'s controllers must be an object with voters and leader; without a quorum it is {"voters":'
            ' [], "leader": null}.'
        )
    voters, leader = _ids(controllers["voters"], "voters"), controllers["leader"]
    if leader is not None and not _is_number(leader):
        raise RollError("The leader of the controllers is %r, but must be an id or null." % (leader,))
    return voters, None if leader == -1 else leader


def _moving(reassignments: Any) -> dict[tuple[str, int], frozenset[int]]:
    try:
        keys = ("replicas", "adding", "removing")
        moving = {
            (move["topic"], move["partition"]): frozenset(id_ for key in keys for id_ in move[key])
            for move in reassignments
        }
        sound = isinstance(reassignments, (list, tuple)) and all(
            isinstance(topic, str) and all(map(_is_number, (partition, *ids)))
            for (topic, partition), ids in moving.items()
        )
    except (KeyError, TypeError):
        sound = False
    if not sound:
        raise RollError(
            "The snapshot's reassignments must be a list of objects with topic, partition, replicas, adding and"
            " removing, with numbers for ids."
        )
    return moving


def _is_odd(partition: Mapping[str, Any]) -> bool:
    ids = (partition["replicas"], partition["isr"])
    numbers = (*ids[0], *ids[1], partition["min_isr"], partition["partition"])
    return not (
        isinstance(partition["topic"], str)
        and all(isinstance(one, (list, tuple)) for one in ids)
        and all(map(_is_number, numbers))
    )


def _complain(partition: Any, number: int, known: Iterable[int] = ()) -> None:
    """Say what is wrong with a partition that could not be read."""
    if not isinstance(partition, Mapping):
        raise RollError(
            "Entry %d of the snapshot's partitions is %s, but must be an object." % (number, _kind(partition))
        )
    missing = [key for key in ("topic", "partition", "replicas", "isr", "min_isr") if key not in partition]
    if missing:
        raise RollError(
            "Entry %d of the snapshot's partitions has no %s; each partition needs it." % (number, ", ".join(missing))
        )
    name = "%s-%s" % (partition["topic"], partition["partition"])
    for key in ("replicas", "isr"):
        value = partition[key]
        if not isinstance(value, (list, tuple)) or not all(_is_number(id_) for id_ in value):
            raise RollError("Partition %s has the %s %r, but must have a list of ids of brokers." % (name, key, value))
        if len(set(value)) != len(value):
            raise RollError(
                "Partition %s names a broker twice in its %s (%s)." % (name, key, ", ".join(map(str, value)))
            )
    if not _is_number(partition["min_isr"]) or not isinstance(partition["topic"], str):
        raise RollError(
            "Partition %s has the min_isr %r, but must have a number, and its topic must be a text."
            % (name, partition["min_isr"])
        )
    if not _is_number(partition["partition"]):
        raise RollError(
            "A partition of topic %s has the number %r, but must have a whole number."
            % (partition["topic"], partition["partition"])
        )
    unknown = set(partition["replicas"]) - set(known)
    if unknown:
        raise RollError(
            "Partition %s lies on %s, which the snapshot's brokers do not list; add it there, with its rack."
            % (name, named(unknown))
        )
    raise RollError(
        "Partition %s has %s in sync, which does not hold a replica of it."
        % (name, named(set(partition["isr"]) - set(partition["replicas"])))
    )
