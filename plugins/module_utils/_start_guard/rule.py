# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Whether a broker may start on the log directories that it finds.

On those of its last start it starts at once, on others only once other brokers agree.

A broker that is the last in-sync replica of a partition is elected when it registers, whatever its disk has, and its
followers truncate to that. In ZooKeeper mode nothing in Kafka prevents it; KRaft compares directory ids, and detects
unclean shutdowns from 4.0 on. A partition without a leader may also elect a replica outside of the in-sync set: the
last known leader where eligible leader replicas are on (KIP-966), any replica where unclean elections are on.

It is loaded at each start of a broker, before its JVM, so slow imports such as dataclasses are not allowed here.
"""

from __future__ import annotations

from typing import Any, Collection, Iterable, Mapping, NamedTuple, Sequence

UNANSWERED = "unanswered"
NAMED = 3
# Two brokers agree as a rule. More are asked only while they name different controllers.
WITNESSES = 5
# controller.quorum.fetch.timeout.ms, as in a roll.
BEHIND_MS = 2000


class Directory(NamedTuple):
    """One log directory: its volume in the inventory, whether a broker has run on it, and its mark.

    used is None where the directory cannot be read.
    """

    path: str
    volume: str
    used: bool | None
    mark: Mapping[str, str] | None


class Record(NamedTuple):
    """What the last start recorded on the root disk: path to id of its mark; ran is whether Kafka was seen to run."""

    marks: Mapping[str, str]
    ran: bool


class View(NamedTuple):
    """The answer of one broker.

    It has the broker's id, whether the cluster is in KRaft mode, the controller, and the brokers that are alive.
    partitions are those {topic, partition, leader, isr, elr} that the node of the question holds.
    """

    broker: int
    kraft: bool
    controller: int
    alive: frozenset[int]
    partitions: tuple[Mapping[str, Any], ...]


class Answer(NamedTuple):
    """Whether the node may start, and if not, why.

    reason completes "Broker 3 stays down: …, and". lost is how many partitions lose their last copy, UNANSWERED when no
    broker could be asked, and None while the cluster has not yet noticed that the node is down: waiting helps then, and
    consent does not.
    """

    open: bool
    reason: str = ""
    lost: int | str | None = None


def unknown(directories: Sequence[Directory], record: Record | None, *, new_cluster: bool) -> list[str]:
    """What is new since the last start, in words for each directory; record is None where no broker has started.

    A disk with data and without a mark is older than the marks, or was kept when its instance was replaced. Without a
    record, new_cluster allows blank directories; site sets it while no broker of the inventory has run.
    """
    out = []
    for directory in directories:
        if directory.used is None:
            # Kafka treats such a directory as offline, and does not recreate its replicas elsewhere
            # (LogManager.getOrCreateLog).
            continue
        mark = directory.mark or {}
        if not directory.used:
            if record is not None or not new_cluster:
                out.append("the log directory %s is blank" % directory.path)
        elif mark and mark.get("volume") != directory.volume:
            out.append(
                "the log directory %s is on %s and comes from %s"
                % (directory.path, directory.volume or "the root disk", mark.get("volume") or "the root disk")
            )
        elif record is not None and mark.get("id", "") != record.marks.get(directory.path):
            out.append("the log directory %s is not the one of the last start" % directory.path)
    return out


def first_start_failed(directories: Sequence[Directory], record: Record | None) -> bool:
    """Whether these are the directories of the last start, and no Kafka has run on them: there is nothing to lose."""
    if record is None or record.ran:
        return False
    marks = {
        directory.path: (directory.mark or {}).get("id", "") for directory in directories if directory.used is False
    }
    return all(marks.get(directory.path) == record.marks.get(directory.path, "") != "" for directory in directories)


def next_witness(node: int, views: Mapping[int, View], untried: Sequence[int]) -> int | None:
    """Which broker to ask next, None when enough were asked; untried are those that listen, in order."""
    left = [broker for broker in untried if broker != node]
    if not left or len(views) >= WITNESSES:
        return None
    if not views:
        return left[0]
    named = [
        view.controller
        for view in views.values()
        if not view.kraft and view.controller in left and view.controller not in views
    ]
    if named:
        return named[0]
    if len(views) < 2:
        alive = [broker for broker in left if any(broker in view.alive for view in views.values())]
        return (alive or left)[0]
    return None


def answer(node: int, views: Mapping[int, View], why: str = "") -> Answer:
    """What these views say together about a node that wants to start blank.

    Of each partition the strictest view counts. why is why other brokers did not answer. In ZooKeeper mode a broker
    that lost its session still serves the metadata of that moment, so only the controller and the brokers that it lists
    as alive are trusted. Two views are needed unless no other broker is alive.
    """
    if not views:
        return Answer(False, "no other broker answers%s" % (" (%s)" % why.rstrip(".") if why else ""), UNANSWERED)
    doubt = _doubt(node, views)
    if doubt:
        return Answer(False, doubt + (" (%s)" % why.rstrip(".") if why else ""))
    trusted = _trusted(views)
    if any(node in view.alive for view in trusted):
        return Answer(
            False, "the cluster lists it as alive; either it has not noticed yet, or another process has the same id"
        )
    alone: set[tuple[str, int]] = set()
    leaderless: set[tuple[str, int]] = set()
    still: set[tuple[str, int]] = set()
    for view in trusted:
        for partition in view.partitions:
            member = partition["leader"] == node or node in partition["isr"]
            others = set(partition["isr"]) & view.alive - {node}
            place = (partition["topic"], partition["partition"])
            if not others and (member or node in partition["elr"]):
                alone.add(place)
            elif partition["leader"] not in view.alive and not others | set(partition["elr"]) & view.alive - {node}:
                leaderless.add(place)
            elif member:
                still.add(place)
    if alone or leaderless:
        what = ["it is the last in-sync replica of %s" % in_words(alone)] if alone else []
        what += ["no in-sync replica of %s is alive" % in_words(leaderless - alone)] if leaderless - alone else []
        text = "%s; started now it %s be elected, and its followers would be emptied"
        return Answer(False, text % (" and ".join(what), "would" if alone else "might"), len(alone | leaderless))
    if still:
        return Answer(False, "the cluster still counts it as in sync in %s" % in_words(still))
    return Answer(True)


def _trusted(views: Mapping[int, View]) -> list[View]:
    first = next(iter(views.values()))
    if first.kraft:
        return list(views.values())
    boss = next(view for view in views.values() if view.controller == view.broker)
    return [view for view in views.values() if view is boss or view.broker in boss.alive]


def _doubt(node: int, views: Mapping[int, View]) -> str:
    """Why these views do not suffice for an answer, empty when they do."""
    if not next(iter(views.values())).kraft:
        bosses = [view.broker for view in views.values() if view.controller == view.broker]
        if len(bosses) > 1:
            return (
                "%s all say that they are the controller; the ones that are cut off from ZooKeeper must be restarted"
                % _brokers(bosses)
            )
        if not bosses:
            named = sorted({view.controller for view in views.values()} - {node, -1})
            return (
                "the controller, %s, does not answer" % _brokers(named)
                if named
                else "the cluster has no controller yet"
            )
        trusted = _trusted(views)
        if any(view.controller != bosses[0] for view in trusted):
            return "brokers disagree about the controller: %s" % ", ".join(
                "%d says %d" % (view.broker, view.controller) for view in trusted
            )
    trusted = _trusted(views)
    alive = {broker for view in trusted for broker in view.alive} - {node, *(view.broker for view in trusted)}
    if len(trusted) < 2 and alive:
        return "only broker %d answers, although it lists %s as alive; two are needed" % (
            trusted[0].broker,
            _brokers(alive),
        )
    return ""


def behind(quorum: Mapping[str, Any], broker: int) -> str:
    """Why a broker's metadata may be old in KRaft mode, empty when they are current, by the leader's clock."""
    members = [*quorum["voters"], *quorum["observers"]]
    now = max(
        (voter["last_caught_up_ms"] for voter in quorum["voters"] if voter["id"] == quorum["leader"]), default=None
    )
    seen = max((member["last_caught_up_ms"] for member in members if member["id"] == broker), default=None)
    if now is None or seen is None:
        return "broker %d does not follow the quorum" % broker
    return (
        "broker %d is %.0f s behind in the cluster's metadata" % (broker, (now - seen) / 1000)
        if now - seen > BEHIND_MS
        else ""
    )


def accepted(consent: Mapping[str, Any] | None, node: int, answer: Answer) -> bool:
    """Whether the operator has accepted exactly this loss, for this node."""
    return (
        consent is not None
        and answer.lost is not None
        and (consent.get("node"), consent.get("partitions")) == (node, answer.lost)
    )


def sentence(node: int, new: Sequence[str], answer: Answer, consent: Mapping[str, Any] | None = None) -> str:
    """What is wrong, why, and what to do, for the journal and the unit's status."""
    if answer.lost is None:
        advice = "this is asked again until it is settled"
    else:
        advice = "bring its old disk back, or accept the loss with kafka-start-guard accept %d %s" % (node, answer.lost)
    if consent is not None:
        advice += " (what was accepted, %s %s, is something else)" % (consent.get("node"), consent.get("partitions"))
    return "Broker %d stays down: %s, and %s; %s. See docs/runbooks/blank_store.md." % (
        node,
        " and ".join(new),
        answer.reason,
        advice,
    )


def in_words(places: Collection[tuple[str, int]]) -> str:
    """A number of partitions, the first of them by name."""
    names = ["%s-%d" % place for place in sorted(places)]
    more = ", …" if len(names) > NAMED else ""
    return "%d partition%s (%s%s)" % (len(names), "" if len(names) == 1 else "s", ", ".join(names[:NAMED]), more)


def _brokers(ids: Iterable[int]) -> str:
    ordered = sorted(ids)
    return "broker%s %s" % ("" if len(ordered) == 1 else "s", " and ".join(map(str, ordered)))
