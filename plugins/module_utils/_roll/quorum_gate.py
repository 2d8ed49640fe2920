# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The gate for quorum nodes, KRaft voters or ZooKeeper servers: which may stop now, and which are back.

It decides from answers alone. The rules are the same for both: one node at a time, and only while a majority stays
without it. The plan puts the leader last, but that is no rule: leadership moves during a roll, and a leader that stops
resigns. What differs is how a node is known to be well. A voter is well when the leader saw it caught up after a given
moment, which is the leader's own clock when the question began. So an answer about the process that ran there before
cannot pass for one about the process that runs there now.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from .._kafka import kraft, zookeeper
from .._kafka.connection import KafkaError
from .snapshot import RollError, majority, named

# controller.quorum.fetch.timeout.ms: a follower that has not caught up for so long looks for another leader.
FETCH_TIMEOUT_MS = 2000


def caught_up(quorum: Mapping[str, Any], since_ms: int) -> set[int]:
    """The voters that were caught up at or after this moment of the leader's clock; the leader always is."""
    return {
        voter["id"]
        for voter in quorum["voters"]
        if voter["id"] == quorum["leader"] or voter["last_caught_up_ms"] >= since_ms
    }


def leader_clock(quorum: Mapping[str, Any]) -> int:
    """The leader's clock at this answer, in milliseconds; raises KafkaError without a leader.

    The leader itself is always caught up now.
    """
    for voter in quorum["voters"]:
        if voter["id"] == quorum["leader"]:
            return int(voter["last_caught_up_ms"])
    raise KafkaError(
        "None of the voters (%s) leads the quorum; wait for an election, or start the controllers that are down."
        " See docs/runbooks/quorum_node_down.md." % _all(quorum)
    )


def stale(quorum: Mapping[str, Any] | None, broker: int | None) -> str | None:
    """Why this broker's metadata is too old to decide by; None when it is not, and under ZooKeeper."""
    if quorum is None or broker is None:
        return None
    leader_clock(quorum)
    seen = kraft.lag(quorum, broker)
    seconds = seen["seconds"] if seen else None
    if broker == quorum["leader"] or (seconds is not None and seconds * 1000 <= FETCH_TIMEOUT_MS):
        return None
    if seconds is None:
        return "Broker %d, which was asked, does not follow the quorum, so that its answer may be old." % broker
    return "Broker %d, which was asked, is %.0f s behind in the cluster's metadata." % (broker, seconds)


def behind(quorum: Mapping[str, Any] | None, brokers: Iterable[int]) -> dict[int, str]:
    """Why no other node may stop, for each of these brokers whose metadata is old.

    It may be made the leader of partitions, and would not know.
    """
    found = {id_: kraft.why_behind(quorum, id_) for id_ in brokers}
    return {id_: kraft.behind_sentence("Broker %d" % id_, why) for id_, why in found.items() if why}


def voters_admit(
    quorum: Mapping[str, Any], since_ms: int, nodes: Sequence[int], in_flight: Iterable[int]
) -> dict[str, Any]:
    """Which voters may stop now: {admitted: [ids], held: [{broker, reason}]}.

    Raises RollError for a node that is no voter.
    """
    members = [voter["id"] for voter in quorum["voters"]]
    _known(members, nodes, "a voter of the quorum")
    leader = quorum["leader"] if quorum["leader"] in members else None
    return _admit(members, caught_up(quorum, since_ms), leader, nodes, set(in_flight), "voter", "caught up")


def voters_back(quorum: Mapping[str, Any], since_ms: int, nodes: Sequence[int]) -> list[dict[str, Any]]:
    """For each of the nodes {id, back, registered, behind, reason}; behind counts records of the metadata log."""
    well = caught_up(quorum, since_ms)
    end = max((voter["log_end_offset"] for voter in quorum["voters"] if voter["id"] == quorum["leader"]), default=0)
    voters = {voter["id"]: voter for voter in quorum["voters"]}
    out = []
    for id_ in nodes:
        reason, behind = None, None
        if id_ not in voters:
            reason = "It is not a voter of the quorum (%s)." % _all(quorum)
        elif quorum["leader"] not in voters:
            reason = "No voter leads the quorum."
        else:
            behind = max(0, end - voters[id_]["log_end_offset"]) if id_ != quorum["leader"] else 0
            if id_ not in well:
                reason = (
                    "It has not fetched the whole metadata log since it was asked for; it is %d records behind."
                    % behind
                )
        out.append(
            {"id": id_, "back": reason is None, "registered": reason is None, "behind": behind, "reason": reason}
        )
    return out


def zookeepers_admit(
    servers: Mapping[int, Mapping[str, Any]], nodes: Sequence[int], in_flight: Iterable[int]
) -> dict[str, Any]:
    """Which ZooKeeper servers may stop now.

    servers has the answer of _kafka.zookeeper.look for every id of the ensemble.
    """
    _known(servers, nodes, "a server of the ensemble")
    ensemble = zookeeper.quorum(list(servers.values()))
    if not ensemble["ok"]:
        return {"admitted": [], "held": [{"broker": id_, "reason": ensemble["reason"]} for id_ in dict.fromkeys(nodes)]}
    serving = {id_ for id_, server in servers.items() if _serves(server)}
    return _admit(list(servers), serving, leading(servers), nodes, set(in_flight), "ZooKeeper server", "serving")


def zookeepers_back(servers: Mapping[int, Mapping[str, Any]], nodes: Sequence[int]) -> list[dict[str, Any]]:
    """For each node {id, back, registered, behind, reason}.

    It is back when it leads or follows, and the ensemble has its majority.
    """
    _known(servers, nodes, "a server of the ensemble")
    ensemble = zookeeper.quorum(list(servers.values()))
    out = []
    for id_ in nodes:
        server = servers[id_]
        reason = None
        if not _serves(server):
            reason = server["error"] or "It runs as %s, and does not vote." % server["mode"]
        elif not ensemble["ok"]:
            reason = ensemble["reason"]
        out.append({"id": id_, "back": reason is None, "registered": _serves(server), "behind": None, "reason": reason})
    return out


def leading(servers: Mapping[int, Mapping[str, Any]]) -> int | None:
    """The ZooKeeper server that leads an ensemble with its majority, None without one."""
    leader = zookeeper.quorum(list(servers.values()))["leader"]
    return next((id_ for id_, server in servers.items() if leader is not None and server["server"] == leader), None)


def early(
    leader: int | None, admitted: Iterable[int], restart: Iterable[int], among: Iterable[int] | None = None
) -> str | None:
    """What to say when a leader stops before others of its kind, because leadership has moved since the plan.

    None when it does not.
    """
    waiting = set(restart) - set(admitted)
    if among is not None:
        waiting &= set(among)
    if leader not in set(admitted) or not waiting:
        return None
    return "Node %d leads, and goes before %s: leadership has moved since the plan was made." % (
        leader,
        named(waiting, "node"),
    )


def _serves(server: Mapping[str, Any]) -> bool:
    return bool(server["ok"]) and server["mode"] in (zookeeper.LEADER, zookeeper.FOLLOWER, zookeeper.STANDALONE)


def _admit(
    members: Sequence[int],
    well: set[int],
    leader: int | None,
    nodes: Sequence[int],
    in_flight: set[int],
    noun: str,
    how: str,
) -> dict[str, Any]:
    admitted: list[int] = []
    held = []
    for id_ in dict.fromkeys(nodes):
        reason = None
        flying = (in_flight | set(admitted)) & set(members)
        rest = well - flying - {id_}
        if id_ in in_flight:
            reason = "It is stopped or being restarted already."
        elif flying:
            reason = "%s, a %s like it, is stopped or being restarted; they go one at a time." % (
                named(flying, "node").capitalize(),
                noun,
            )
        elif leader is None:
            reason = "No %s is known to lead." % noun
        elif len(rest) < majority(len(members)):
            reason = "Of %d %ss only %d would be left %s without it, which is no majority." % (
                len(members),
                noun,
                len(rest),
                how,
            )
        if reason:
            held.append({"broker": id_, "reason": reason})
        else:
            admitted.append(id_)
    return {"admitted": admitted, "held": held}


def _known(members: Iterable[int], nodes: Iterable[int], what: str) -> None:
    unknown = set(nodes) - set(members)
    if unknown:
        raise RollError(
            "%s is not %s, which are %s; the inventory and the cluster disagree."
            % (named(unknown, "node").capitalize(), what, named(members, "node"))
        )


def _all(quorum: Mapping[str, Any]) -> str:
    return named((voter["id"] for voter in quorum["voters"]), "node")
