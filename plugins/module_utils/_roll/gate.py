# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The gate of a roll: which brokers may stop now, and which are back, decided from fresh answers alone.

Two facts about Kafka make the rules. Metadata may be old, and still list a stopped broker in sync. So a broker in
flight counts as out, whatever an answer says. And a broker answers only after it is registered and unfenced, which took
it out of every in-sync set before. So its own answer that it is in sync again is newer than its restart.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from .._text import counted
from . import disruption as roll_disruption
from .snapshot import METADATA_TOPIC, Cluster, RollError, from_cluster, named, read, spare


def fresh(
    cluster: Mapping[str, Any],
    *,
    restart: Iterable[int],
    in_flight: Iterable[int] = (),
    out: Iterable[int] = (),
    max_batch: int | None = None,
    isr_headroom: int = 0,
    allow: Iterable[str] = (),
    min_isr: int | None = None,
) -> dict[str, Any]:
    """The snapshot to decide by, of a cluster as kafka_cluster_info returns it.

    A broker in flight or out is part of the cluster, also when it is not listed and holds nothing, as a broker that is
    down looks before Kafka 4.0. Racks are left out: no decision here uses them, and that of an unlisted broker is not
    known.
    """
    brokers = {broker["id"]: {**broker, "rack": None} for broker in cluster["brokers"]}
    for id_ in {*in_flight, *out} - set(brokers):
        brokers[id_] = {"id": id_, "rack": None, "fenced": True}
    known = set(brokers).union(*(partition["replicas"] for partition in cluster["partitions"]))
    return from_cluster(
        {**cluster, "brokers": list(brokers.values())},
        restart=[id_ for id_ in restart if id_ in known],
        out=out,
        max_batch=max_batch,
        isr_headroom=isr_headroom,
        allow=allow,
        min_isr=min_isr,
    )


def admit(
    snapshot: Any,
    candidates: Iterable[int],
    in_flight: Iterable[int],
    down: Iterable[int] = (),
    *,
    disruption: str = roll_disruption.RESTART,
) -> dict[str, Any]:
    """Which candidates may stop now, tried in their order: {admitted: [ids], held: [{broker, reason}]}.

    Raises RollError.

    snapshot (_roll.snapshot) is fresh, and its restart has every broker that still needs one. in_flight are those that
    were admitted and are not back yet. An admitted broker counts as out for the next. Of the brokers that are out
    already, only those are admitted whose service is known not to run, which down names: any other may be reading its
    logs, and would have to begin again.

    That is the rule of a restart. For another disruption (_roll.disruption) they go together or not at all, and loss
    says what they would take with them.
    """
    cluster, flying, stopped = read(snapshot), set(in_flight), set(down)
    ordered = list(dict.fromkeys(candidates))
    unknown = (set(ordered) | flying) - set(cluster.racks)
    if unknown:
        raise RollError("The cluster does not have %s; the inventory and the cluster disagree." % named(unknown))
    if disruption != roll_disruption.RESTART:
        return _admit_together(cluster, ordered, flying, disruption)
    holding: dict[int, list[Mapping[str, Any]]] = {id_: [] for id_ in ordered}
    for partition in cluster.partitions:
        for id_ in partition["replicas"]:
            if id_ in holding:
                holding[id_].append(partition)
    admitted: list[int] = []
    held = []
    for id_ in ordered:
        reason = _against(cluster, id_, holding[id_], flying, admitted, stopped)
        if reason:
            held.append({"broker": id_, "reason": reason})
        else:
            admitted.append(id_)
    return {"admitted": admitted, "held": held}


def _admit_together(cluster: Cluster, candidates: list[int], in_flight: set[int], disruption: str) -> dict[str, Any]:
    """As admit(), for brokers that stay away or whose copies are destroyed."""
    lost = roll_disruption.loss(
        cluster, candidates, in_flight, headroom=cluster.headroom if disruption == roll_disruption.STAY_AWAY else 0
    )
    reasons = {id_: _otherwise(cluster, id_, candidates, in_flight) for id_ in candidates}
    reason = roll_disruption.sentence(disruption, candidates, lost)
    held = [{"broker": id_, "reason": reasons[id_] or reason} for id_ in candidates if reasons[id_] or reason]
    shown = {
        "held": lost.held,
        "last_copies": lost.last_copies,
        "below_minimum": lost.below_minimum,
        "first": list(lost.first),
    }
    # Accepting a loss overrides only reasons that are losses.
    firm = any(reasons.values())
    return {"admitted": [] if held else candidates, "held": held, "loss": shown, "firm": firm}


def _otherwise(cluster: Cluster, broker: int, candidates: list[int], in_flight: set[int]) -> str | None:
    """Why it is blocked for other reasons than copies of partitions, None when it is not."""
    if broker in in_flight:
        return "It is stopped or being restarted already."
    if broker in cluster.voters:
        others = in_flight | set(candidates) - {broker}
        reason = _quorum_against(cluster, broker, cluster.out | others, others)
        if reason:
            return reason
    for (topic, partition), touched in cluster.moving.items():
        if broker in touched:
            return "Partition %s-%d is being reassigned; wait until that has ended, or cancel it." % (topic, partition)
    return None


def _against(
    cluster: Cluster,
    broker: int,
    partitions: Iterable[Mapping[str, Any]],
    in_flight: set[int],
    admitted: list[int],
    down: set[int],
) -> str | None:
    """Why this broker may not stop, None when it may."""
    going = in_flight | set(admitted)
    out = cluster.out | going
    if broker in in_flight:
        return "It is stopped or being restarted already."
    if cluster.max_batch is not None and len(going) >= cluster.max_batch:
        return "%d are stopped or being restarted, as many as max_batch allows at once." % len(going)
    if broker in cluster.voters:
        reason = _quorum_against(cluster, broker, out, going)
        if reason:
            return reason
    if broker in cluster.out:
        # It is down: its start takes no replica away, and a reassignment may wait for it.
        return (
            None
            if broker in down
            else "It is not registered, and not known to be down: it may be reading its logs after a crash."
        )
    for (topic, partition), touched in cluster.moving.items():
        if broker in touched:
            return "Partition %s-%d is being reassigned." % (topic, partition)
    for held in partitions:
        running = [id_ for id_ in held["isr"] if id_ not in out]
        can = spare(
            len(running),
            len(held["replicas"]),
            held["min_isr"],
            cluster.headroom,
            allowed=held["topic"] in cluster.allow,
        )
        if can < 0 or (can == 0 and broker in running):
            missing = [id_ for id_ in held["replicas"] if id_ not in running]
            return "Partition %s-%d has %d in sync and needs %d%s%s." % (
                held["topic"],
                held["partition"],
                len(running),
                held["min_isr"],
                " and %d of headroom" % cluster.headroom if cluster.headroom else "",
                "; %s %s stopped or behind" % (named(missing), "is" if len(missing) == 1 else "are") if missing else "",
            )
    return None


def _quorum_against(cluster: Cluster, broker: int, out: Iterable[int], going: set[int]) -> str | None:
    alive = cluster.voters - set(out)
    flying = cluster.voters & going
    if flying:
        return (
            "%s, a voter like it, is stopped or being restarted; voters go one at a time." % named(flying).capitalize()
        )
    if broker in cluster.out:
        return None
    if cluster.leader not in cluster.voters - cluster.out:
        return "No running voter is known to lead the quorum (%s)." % METADATA_TOPIC
    if len(alive) - 1 < len(cluster.voters) // 2 + 1:
        return "%d of %d voters run, and without it the quorum has no majority." % (len(alive), len(cluster.voters))
    # The plan puts the leader last, but that is no rule: leadership moves during a roll, and a leader that stops
    # resigns.
    return None


def back(broker: int, own_view: Any, leaders_view: Any) -> dict[str, Any]:
    """Whether a broker that was stopped is back: {back, behind, reason}.

    behind counts the partitions in which it is not in sync yet. own_view is what the broker itself answers,
    leaders_view what others answer, each as a snapshot or as kafka_cluster_info's cluster; None for no answer. The
    broker is back when by both it is registered and unfenced, and in sync in every partition that it holds. A replica
    that a reassignment is adding is not waited for.
    """
    behind: dict[tuple[str, int], None] = {}
    for view, whose in ((own_view, "its own answer"), (leaders_view, "the others' answer")):
        if view is None:
            return _answer(None, "There is no answer yet: %s is missing." % whose)
        brokers = {broker["id"]: broker for broker in view["brokers"]}
        if broker not in brokers or brokers[broker].get("fenced") or broker in view.get("out", ()):
            return _answer(None, "It is not registered and unfenced by %s." % whose)
        for partition in view["partitions"]:
            if (
                broker in partition["replicas"]
                and broker not in partition["isr"]
                and broker not in partition.get("adding", ())
            ):
                behind[(partition["topic"], partition["partition"])] = None
    if behind:
        topic, partition = next(iter(behind))
        return _answer(
            len(behind),
            "It is not in sync yet in %s, one of them %s-%d." % (counted(len(behind), "partition"), topic, partition),
        )
    held = [
        {
            (partition["topic"], partition["partition"])
            for partition in view["partitions"]
            if broker in partition["replicas"]
        }
        for view in (own_view, leaders_view)
    ]
    if held[0] != held[1]:
        return _answer(None, "Its own answer and the others' do not name the same partitions for it.")
    return _answer(0, None)


def _answer(behind: int | None, reason: str | None) -> dict[str, Any]:
    return {"back": reason is None, "behind": behind, "reason": reason}
