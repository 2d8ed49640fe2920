# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Reading for the gate: which nodes are asked for what before _roll.gate and _roll.quorum_gate decide."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Callable, Iterable, Mapping, Sequence

from .._address import join
from .._errors import RackawareError
from .._kafka import configs, kraft, log_dirs, metadata, zookeeper
from .._kafka import snapshot as kafka_snapshot
from .._kafka.client import CLUSTER_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED, Admin, at_once
from .._kafka.connection import CONNECTION_SPEC, KafkaError, connection
from .._text import counted
from . import disruption, gate, identity, lock, quorum_gate
from .snapshot import METADATA_TOPIC, RollError, named

BROKER, CONTROLLER, ZOOKEEPER = "broker", "controller", "zookeeper"
MAY_STOP, BACK = "may_stop", "back"
# Seconds between two questions of one poll session.
AGAIN = 0.3
# Seconds between two points of the report's curves.
CURVE_EVERY = 1.0
# Each may be megabytes.
OWN_VIEWS_AT_ONCE = 16
# Seconds after which the answer of the others is read once more before a gate opens by it.
FRESH = 2.0
# Seconds that a topic which is being deleted has to be gone everywhere.
MOMENT = 1.0
# Of each rack; that a rack is cut off from ZooKeeper shows in one of it.
ASKED_OF_A_RACK = 3
LIMITS_SPEC: dict[str, dict[str, Any]] = {
    "max_batch": {"type": "int"},
    "isr_headroom": {"type": "int", "default": 0},
    "min_isr": {"type": "int"},
}
SPEC: dict[str, dict[str, Any]] = dict(
    CONNECTION_SPEC,
    **LIMITS_SPEC,
    question={"type": "str", "choices": [MAY_STOP, BACK], "required": True},
    kind={"type": "str", "choices": [BROKER, CONTROLLER, ZOOKEEPER], "default": BROKER},
    nodes={"type": "list", "elements": "int", "required": True},
    in_flight={"type": "list", "elements": "int", "default": []},
    out={"type": "list", "elements": "int", "default": []},
    restart={"type": "list", "elements": "int"},
    allow={"type": "list", "elements": "str", "default": []},
    elect_leaders={"type": "bool", "default": False},
    disruption={"type": "str", "choices": list(disruption.KINDS), "default": disruption.RESTART},
    accepted_last_copies={"type": "int"},
    lock={
        "type": "dict",
        "options": {
            "path": lock.PATH_SPEC,
            "owner": {"type": "str", "required": True},
            "lease_seconds": lock.LEASE_SPEC,
        },
    },
    zookeeper_servers={
        "type": "list",
        "elements": "dict",
        "options": {
            "id": {"type": "int", "required": True},
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": zookeeper.PORT},
        },
    },
    addresses={"type": "dict", "default": {}},
    proven={"type": "dict", "default": {}},
)
REQUIRED_IF = [("kind", ZOOKEEPER, ("zookeeper_servers",))]


@dataclass
class PollSession:
    """What the questions of one poll session need not ask twice.

    minimum is min.insync.replicas by topic, which only the counts need. partitions are what the others answered last.
    sizes are those of leaders' replicas, None where no answer has them.

    proven are the brokers that were seen back: True by all partitions that they know, False by their topics in the
    others' answer only. Of a topic that is newer than that answer only the broker itself knows, so the gate opens by
    the former. proven outlives the session and is passed to the next one, because asking a rack of brokers may take
    longer than a session lasts.
    """

    minimum: dict[str, tuple[int, bool]] = field(default_factory=dict)
    proven: dict[int, bool] = field(default_factory=dict)
    partitions: Sequence[dict[str, Any]] = ()
    sizes: dict[tuple[str, int], int | None] = field(default_factory=dict)


@dataclass
class PollHistory:
    """What the answers of one poll session were, and since when; times are of one clock."""

    since: dict[tuple[str, int], float] = field(default_factory=dict)
    counts: list[tuple[float, Mapping[str, int]]] = field(default_factory=list)

    def record(self, answer: Mapping[str, Any], now: float, last: bool) -> None:
        """Note an answer: its counts once a second, where they changed, and at the end."""
        for node in answer.get("nodes", ()):
            for what in ("registered", "back"):
                if node[what]:
                    self.since.setdefault((what, node["id"]), now)
                else:
                    self.since.pop((what, node["id"]), None)
        counted = answer.get("counts")
        if counted and (
            not self.counts or (counted != self.counts[-1][1] and (last or now - self.counts[-1][0] >= CURVE_EVERY))
        ):
            self.counts.append((now, counted))

    def result(self, answer: dict[str, Any], now: float) -> dict[str, Any]:
        """The answer with curve, the counts and how many seconds ago they were so.

        Its nodes get registered_seconds and back_seconds, None where they are not registered or back.
        """
        for node in answer.get("nodes", ()):
            for what in ("registered", "back"):
                node[what + "_seconds"] = round(now - self.since[what, node["id"]], 3) if node[what] else None
        return {**answer, "curve": [{"ago": round(now - when, 3), **counted} for when, counted in self.counts]}


def check(params: dict[str, Any]) -> None:
    """Refuse wrong options before the cluster is asked; raises RollError, because asking again does not help."""
    try:
        connection(params)
    except KafkaError as error:
        raise RollError(str(error)) from None
    if not params["nodes"]:
        raise RollError("nodes is empty, so there is no node to ask about; name at least one id.")
    if not 0 <= params["wait_seconds"] < math.inf:
        raise RollError("wait_seconds is %s, but must be a number of seconds from 0." % params["wait_seconds"])
    identity.read(params["addresses"])
    read_proven(params)
    both = set(params["nodes"]) & set(params["in_flight"])
    if params["question"] == MAY_STOP and both:
        raise RollError(
            "%s shall be stopped, and in_flight has it already; take it out of nodes or in_flight."
            % named(both).capitalize()
        )
    if params["disruption"] != disruption.RESTART and (params["question"], params["kind"]) != (MAY_STOP, BROKER):
        raise RollError(
            "disruption is %s, but only brokers that may stop hold partitions; leave it out." % params["disruption"]
        )
    if params["accepted_last_copies"] is not None and params["disruption"] != disruption.DESTROY:
        raise RollError("accepted_last_copies is for disruption: destroy only; leave it out.")
    if params["elect_leaders"] and (params["question"], params["kind"]) != (BACK, BROKER):
        raise RollError(
            "elect_leaders is for brokers that are back, not for %s of a %s; leave it out."
            % (params["question"], params["kind"])
        )


def read_proven(params: Mapping[str, Any]) -> dict[int, bool]:
    """The option proven, from an earlier answer to the same question, for a PollSession; raises RollError."""
    try:
        return {
            int(id_): whole
            for id_, whole in params["proven"].items()
            if isinstance(whole, bool) and int(id_) in params["nodes"]
        }
    except ValueError:
        raise RollError(
            "proven has the keys %s, but must be what an earlier answer returned."
            % ", ".join(map(str, params["proven"]))
        ) from None


def left_alone(params: Mapping[str, Any]) -> set[int]:
    """The brokers that are not asked about the cluster.

    Ids of controllers are not brokers' ids, unless a node is both.
    """
    return {*params["nodes"], *params["in_flight"], *params["out"]}


def poll_until_open(
    ask: Callable[[], dict[str, Any]],
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Ask until the gate is open or the time is over; the last answer, as PollHistory.result returns it."""
    end, history = clock() + seconds, PollHistory()
    while True:
        answer = ask()
        now = clock()
        last = answer["open"] or now >= end
        history.record(answer, now, last)
        if last:
            return history.result(answer, now)
        sleep(AGAIN)


def brokers_or_controllers(
    admin: Admin, params: Mapping[str, Any], session: PollSession, *, sleep: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """The answer of the cluster to either question about brokers or controllers."""
    if params["kind"] == CONTROLLER:
        return controllers(admin, params, sleep=sleep)
    if params["question"] == MAY_STOP:
        return brokers_may_stop(admin, params, sleep=sleep)
    return brokers_back(admin, params, session, sleep=sleep)


def verdict(nodes: Sequence[int], decided: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to may_stop: {open, admitted, held, reason}; open only when every one of the nodes may go."""
    held = decided["held"]
    return {
        "open": not held and set(nodes) <= set(decided["admitted"]),
        **decided,
        "reason": held[0]["reason"] if held else None,
    }


def returned(nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The answer to back: {open, back, nodes, behind, reason}.

    behind adds up what is known of those that are not back.
    """
    missing = [node for node in nodes if not node["back"]]
    return {
        "open": not missing,
        "back": [node["id"] for node in nodes if node["back"]],
        "nodes": list(nodes),
        "behind": sum(node["behind"] or 0 for node in missing),
        "reason": missing[0]["reason"] if missing else None,
    }


def brokers_may_stop(
    admin: Admin, params: Mapping[str, Any], *, sleep: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """Whether these brokers may stop now, by one fresh snapshot; raises RackawareError when it cannot be taken.

    Metadata lists a broker that has died until its session ends (9 s under KRaft, 18 s with ZooKeeper), and one that
    hangs sometimes longer. So every broker that counts is asked, and one that does not answer counts as out. A broker
    that shall be stopped never counts as out, or it would stop without being counted. The question is which
    min.insync.replicas the broker enforces where it leads; the highest counts.
    """
    nodes, in_flight, restart = list(dict.fromkeys(params["nodes"])), params["in_flight"], _restart(params)
    seen = witnessed(admin, params)
    for sentence in _mistaken(seen, nodes, params).values():
        raise RollError("%s Nothing was stopped." % sentence)
    held: list[dict[str, Any]] = []
    voters = {voter["id"] for voter in seen.quorum["voters"]} if seen.quorum else set()
    if voters & set(nodes):
        quorum, since = watch(admin, in_flight, sleep=sleep)
        held = quorum_gate.voters_admit(quorum, since, [id_ for id_ in nodes if id_ in voters], in_flight)["held"]
    alive = _alive(seen)
    if params["disruption"] == disruption.DESTROY:
        text = (
            "Broker %d is taken for stopped or gone, but the cluster lists it as alive; stop it, or wait until its"
            " session ends."
        )
        held += [{"broker": id_, "reason": text % id_} for id_ in nodes if id_ in alive and id_ in params["out"]]
    there = sorted(alive - {*in_flight, *params["out"]})
    behind = quorum_gate.behind(seen.quorum, there)
    late = [id_ for id_ in behind if id_ not in nodes]
    # The start of a broker that is down takes nothing away, and a restart heals one that is behind.
    harmless = {*behind, *(set(params["out"]) - alive if params["disruption"] == disruption.RESTART else ())}
    # One that is behind goes without healthy ones: the first to stop may hand its partitions to it.
    held += [{"broker": id_, "reason": next(iter(behind.values()))} for id_ in nodes if behind and id_ not in harmless]
    candidates = [id_ for id_ in nodes if id_ not in {hold["broker"] for hold in held}]
    limits = {key: params[key] for key in ("max_batch", "isr_headroom", "allow")}
    # A broker that was down when the roll began and is listed has come up. It counts like the others to be stopped.
    down = set(params["out"]) - (alive & set(nodes))
    own = configs.own_minimums(admin, there) if candidates else {}
    silent = [id_ for id_ in there if id_ not in own and id_ not in nodes] if candidates else []
    snapshot = gate.fresh(
        _plain(seen),
        restart=restart,
        in_flight=in_flight,
        out=[*down, *silent, *late],
        min_isr=least(params, own),
        **limits,
    )
    decided = gate.admit(snapshot, candidates, in_flight, down, disruption=params["disruption"])
    if silent:
        note = " %s %s not answer." % (named(silent).capitalize(), "does" if len(silent) == 1 else "do")
        decided["held"] = [{**hold, "reason": hold["reason"] + note} for hold in decided["held"]]
    lost = decided.get("loss")
    if lost is not None and not held and not decided["firm"]:
        decided = _accept(decided, candidates, params["accepted_last_copies"])
    answer = verdict(nodes, {"admitted": decided["admitted"], "held": held + decided["held"]})
    if answer["open"]:
        # Only before a yes, because it is slow: a broker takes longer to list its disks than its in-sync replicas.
        nothing_hidden(admin, seen, params, sleep=sleep)
    leader = seen.quorum["leader"] if seen.quorum else seen.controller_id
    note_ = quorum_gate.early(leader, answer["admitted"], restart, voters or None)
    return {**answer, "loss": lost, **_counts(seen), "asked": admin.asked, "witness": seen.witness, "note": note_}


def _accept(decided: Mapping[str, Any], nodes: Sequence[int], accepted: int | None) -> dict[str, Any]:
    """The decision after a person has accepted how many partitions lose their last copy.

    Only the exact number counts: it shows that the person has read it.
    """
    if not decided["held"] or accepted is None:
        return dict(decided)
    if accepted == decided["loss"]["last_copies"]:
        return {**decided, "admitted": list(nodes), "held": []}
    note = " What was accepted is the loss of the last copy of %d, not of %d." % (
        accepted,
        decided["loss"]["last_copies"],
    )
    return {**decided, "held": [{**hold, "reason": hold["reason"] + note} for hold in decided["held"]]}


def witnessed(admin: Admin, params: Mapping[str, Any]) -> kafka_snapshot.Snapshot:
    """The cluster, by answers that are good enough to stop brokers by; raises KafkaError when they are not.

    After a KafkaError, asking again may help. params are those of the question: nodes, which run and shall be stopped,
    in_flight and out, which are not asked. Brokers that are down and shall only be started are in nodes and out.

    Under KRaft the broker that is asked must have kept up with the quorum, by the leader's clock. ZooKeeper has no such
    sign. A broker that has lost its session goes on answering with what was true then, because the controller sends
    updates to live brokers only. So a second broker is asked there, and one of the two is the active controller, which
    decides which replicas are in sync. What counts is what both say (agreed). The controller is alive, so it may be
    asked even when it shall be stopped, but not when it is in flight, because it may be stopping. A controller that has
    lost ZooKeeper still believes that it is the controller. So some brokers of each rack are asked which one is, and
    all must name the same.
    """
    seen = kafka_snapshot.take(admin)
    if seen.quorum is not None:
        old = quorum_gate.stale(seen.quorum, admin.asked)
        if old:
            raise KafkaError("%s Wait, or look at that broker's log." % old)
        return seen
    first, boss = admin.asked, seen.controller_id
    whose = "Broker %d, which was asked," % first if first is not None else "The broker that was asked"
    nodes, alive = set(params["nodes"]), _alive(seen)
    apart = {*params["in_flight"], *(set(params["out"]) - nodes)}
    if boss not in alive:
        raise KafkaError(
            "%s knows no active controller that is alive; wait until one is elected, or look at ZooKeeper." % whose
        )
    if boss in apart:
        raise KafkaError(
            "Broker %d, the active controller by broker %s, is being restarted or down; wait until it is back, or"
            " another is elected." % (boss, first)
        )
    racks: dict[Any, list[int]] = {}
    for broker in sorted(seen.brokers, key=lambda broker: (broker["id"] in nodes, broker["id"])):
        if broker["id"] in alive - apart - {first, boss}:
            racks.setdefault(broker["rack"], []).append(broker["id"])
    voices = [id_ for ids in racks.values() for id_ in ids[:ASKED_OF_A_RACK]]
    controller_by_broker = metadata.controllers_named(admin, [boss, *voices] if boss != first else voices)
    if boss != first and boss not in controller_by_broker:
        raise KafkaError(
            "Broker %d, the active controller, does not answer; wait until it does, or another is elected." % boss
        )
    for id_, other in controller_by_broker.items():
        if other != boss:
            text = (
                "%s takes broker %d for the active controller, and broker %d takes %s; wait until they agree: one of"
                " them may have lost ZooKeeper."
            )
            raise KafkaError(text % (whose.rstrip(","), boss, id_, "broker %d" % other if other >= 0 else "no broker"))
    if not controller_by_broker or (first is None and set(controller_by_broker) == {boss}):
        if nodes <= set(params["out"]) - alive and params["disruption"] == disruption.RESTART:
            # All of them are down: their start takes no replica away, and may be what brings back a second broker.
            return seen
        raise KafkaError(
            "%s is the only one that answers, and with ZooKeeper two must say the same; bring another broker back"
            " first." % whose.rstrip(",")
        )
    # In the order of the question: brokers that shall not be stopped are first.
    second = boss if boss != first else next(id_ for id_ in voices if id_ in controller_by_broker)
    view = metadata.view_of(admin, second)
    if view["controller_id"] != boss:
        raise KafkaError(
            "Broker %d takes another broker than %d for the active controller by now; ask again." % (second, boss)
        )
    if first is not None and first not in {broker["id"] for broker in view["brokers"]}:
        text = (
            "Broker %d, which was asked, is not alive by broker %d%s: it may have lost its session with ZooKeeper;"
            " wait, or look at that broker's log."
        )
        raise KafkaError(text % (first, second, ", the active controller" if second == boss else ""))
    new = sorted(set(view["partitions"]) - set(seen.topics))
    return kafka_snapshot.agreed(seen, second, view, configs.min_insync_replicas(admin, new, second) if new else {})


def nothing_hidden(
    admin: Admin,
    seen: kafka_snapshot.Snapshot,
    params: Mapping[str, Any],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Raise when a broker holds what the answer does not name.

    Kafka silently omits topics that a principal may not describe.

    The nodes to be stopped are asked what is on their disks, and so is the broker that answered. Where a node does not
    answer, all others are asked instead. A topic on a disk that is not named may also be one that is being created or
    deleted, or a leftover. So the broker that holds it is asked for the topic by its name, which an authorizer refuses
    with an error. What only that broker knows gets a moment to become known, or to vanish. Raises RollError for what
    may not be described, because asking again does not help.
    """
    alive, nodes = _alive(seen), set(params["nodes"])
    if not alive & nodes and params["disruption"] == disruption.RESTART:
        return
    first = {admin.asked} if admin.asked is not None else set()
    ask = partial(log_dirs.sizes, admin)
    said = at_once(ask, sorted((alive & nodes) | first), OWN_VIEWS_AT_ONCE)
    # What a broker that is down holds, others hold, too, or it is lost.
    if not nodes <= alive or any(isinstance(held, KafkaError) for held in said.values()):
        said.update(at_once(ask, sorted(alive - {*params["in_flight"], *params["out"], *said}), OWN_VIEWS_AT_ONCE))
    failed = [held for held in said.values() if isinstance(held, KafkaError)]
    for error in failed:
        if error.code == CLUSTER_AUTHORIZATION_FAILED or len(failed) == len(said):
            raise error
    named_ = {(partition["topic"], partition["partition"]) for partition in seen.partitions}
    missing = {id_: held.keys() - named_ for id_, held in said.items() if not isinstance(held, KafkaError)}
    left = {id_: {key for key in keys if key[0] != METADATA_TOPIC} for id_, keys in missing.items() if keys}
    for again in (True, False):
        left = {id_: lacking for id_, keys in left.items() for lacking in [_unknown(admin, id_, keys)] if lacking}
        if not left:
            return
        if again:
            sleep(MOMENT)
    id_, keys = min(left.items())
    raise KafkaError(
        "Broker %d knows %s, which %s does not name; wait, or look at that broker's log."
        % (id_, _listed(keys), _whom(admin))
    )


def _unknown(admin: Admin, broker: int, keys: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """The partitions, all on this broker's disks, that it knows and the broker that was asked does not.

    Raises RollError for forbidden ones.
    """
    topics = sorted({topic for topic, _ in keys})
    if not topics:
        return set()
    try:
        known = {
            (topic, partition["partition"])
            for topic, partitions in metadata.view_of(admin, broker, topics, held=True)["partitions"].items()
            for partition in partitions
        }
        return (keys & known) - {
            (topic, partition["partition"])
            for topic, partitions in metadata.partitions(admin, topics).items()
            for partition in partitions
        }
    except KafkaError as error:
        if error.code != TOPIC_AUTHORIZATION_FAILED:
            raise
        text = (
            "Broker %d holds %s, which the principal may not describe, so it is not known whether they can be spared;"
            " allow it to describe all topics."
        )
        raise RollError(text % (broker, _listed(keys))) from None


def _listed(keys: Iterable[tuple[str, int]]) -> str:
    """12 partitions, the first of them a-0, a-1 and b-0."""
    ordered = sorted(keys)
    names = ["%s-%d" % key for key in ordered[:3]]
    return "%s (%s%s)" % (
        counted(len(ordered), "partition"),
        ", ".join(names),
        " …" if len(ordered) > len(names) else "",
    )


def _whom(admin: Admin) -> str:
    return "broker %d" % admin.asked if admin.asked is not None else "the broker that was asked"


def _mistaken(seen: kafka_snapshot.Snapshot, nodes: Sequence[int], params: Mapping[str, Any]) -> dict[int, str]:
    """For each of the nodes that another host answers for, the sentence about it."""
    return identity.mistaken(seen.brokers, identity.read(params.get("addresses")), nodes)


def _alive(seen: kafka_snapshot.Snapshot) -> set[int]:
    return {broker["id"] for broker in seen.brokers if not broker["fenced"]}


def brokers_back(
    admin: Admin,
    params: Mapping[str, Any],
    session: PollSession | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Whether these brokers are back, by their own answer and another broker's.

    Raises RackawareError without the latter.
    """
    nodes, session = list(dict.fromkeys(params["nodes"])), session or PollSession()
    for _ in range(2):
        begun = clock()
        seen = kafka_snapshot.take(admin, minimum=session.minimum, eligible=False)
        states = _node_states(admin, nodes, seen, params, session)
        if not all(state["back"] for state in states) or clock() - begun <= FRESH:
            break
        # With many brokers their own answers take so long that the others' is old by then. What is proven is not asked
        # again.
    session.partitions = seen.partitions
    voters = {voter["id"] for voter in seen.quorum["voters"]} if seen.quorum else set()
    if voters & set(nodes):
        quorum, since = watch(admin, set(params["in_flight"]) - set(nodes), sleep=sleep)
        as_voter = {
            voter["id"]: voter["reason"]
            for voter in quorum_gate.voters_back(quorum, since, [id_ for id_ in nodes if id_ in voters])
        }
        for state in states:
            if state["back"] and as_voter.get(state["id"]):
                state.update(back=False, reason=as_voter[state["id"]])
    proven = {str(id_): whole for id_, whole in session.proven.items()}
    return {**returned(states), **_counts(seen), "asked": admin.asked, "proven": proven}


def _node_states(
    admin: Admin, nodes: Sequence[int], seen: kafka_snapshot.Snapshot, params: Mapping[str, Any], session: PollSession
) -> list[dict[str, Any]]:
    held: dict[int, list[dict[str, Any]]] = {id_: [] for id_ in nodes}
    for partition in seen.partitions:
        for id_ in partition["replicas"]:
            if id_ in held:
                held[id_].append(partition)
    views: dict[int, Any] = {
        id_: {"brokers": seen.brokers, "partitions": partitions} for id_, partitions in held.items()
    }
    mistaken = _mistaken(seen, nodes, params)
    # The others' answer is read first: where it says no, the broker need not be asked, which may take a while.
    said = {
        id_: _not_back(mistaken[id_]) if id_ in mistaken else gate.back(id_, view, view) for id_, view in views.items()
    }
    in_sync = [id_ for id_ in nodes if said[id_]["back"]]
    opens = len(in_sync) == len(nodes)
    session.proven = {id_: whole for id_, whole in session.proven.items() if id_ in in_sync}
    asked = [id_ for id_ in in_sync if not (session.proven.get(id_) if opens else id_ in session.proven)]
    topics = {id_: None if opens else _topics(held[id_], seen) for id_ in asked}
    own = at_once(lambda id_: _own_view(admin, id_, topics[id_], seen), asked, OWN_VIEWS_AT_ONCE)
    alike = _since_then(
        admin, {id_: view for id_, view in own.items() if not isinstance(view, KafkaError)}, views, seen
    )
    for id_, view in own.items():
        if isinstance(view, KafkaError):
            said[id_] = _not_back(str(view))
            continue
        said[id_] = gate.back(id_, *alike[id_])
        views[id_] = view
        if said[id_]["back"]:
            session.proven[id_] = topics[id_] is None
    earlier = [id_ for id_ in in_sync if id_ not in own]
    if opens and earlier:
        for id_ in metadata.silent(admin, earlier):
            said[id_] = _not_back("It does not answer any more.")
            del session.proven[id_]
        # A restart since a broker was proven shows in the others' answer, if that is no older than a start takes.
        old = _old(admin, seen)
        said.update({id_: _not_back(old) for id_ in earlier if old and said[id_]["back"]})
    registered = _alive(seen)
    behind = {
        id_: {
            (partition["topic"], partition["partition"]): partition
            for partition in views[id_]["partitions"]
            if id_ in partition["replicas"] and id_ not in partition["isr"]
        }
        for id_ in nodes
        if said[id_]["behind"]
    }
    copying = _copying(admin, behind, left_alone(params), session) if params["log_sizes"] else {}
    return [
        {
            "id": id_,
            "registered": id_ in registered,
            "bytes": None,
            "bytes_left": None,
            **copying.get(id_, {}),
            **said[id_],
        }
        for id_ in nodes
    ]


def _since_then(
    admin: Admin,
    own: Mapping[int, Mapping[str, Any]],
    others: Mapping[int, Mapping[str, Any]],
    seen: kafka_snapshot.Snapshot,
) -> dict[int, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each broker's own answer, and the others', about the partitions that exist now.

    Topics come and go between the two.

    The others are asked again about the topics in which the two differ. What only the broker itself names is compared
    with what they say now. When they do not know it, because it is gone again, the broker's own answer counts. What
    only they named, and do not any more, is gone. What they still name, and the broker does not, stays, so the two
    answers differ.
    """

    def keyed(partitions: Iterable[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
        return {(partition["topic"], partition["partition"]): partition for partition in partitions}

    mine = {
        id_: keyed(partition for partition in view["partitions"] if id_ in partition["replicas"])
        for id_, view in own.items()
    }
    theirs = {id_: keyed(others[id_]["partitions"]) for id_ in own}
    differ = {id_: mine[id_].keys() ^ theirs[id_].keys() for id_ in own}
    topics = sorted({topic for keys in differ.values() for topic, _ in keys})
    adding = {(move["topic"], move["partition"]): move["adding"] for move in seen.reassignments}
    now = {
        (topic, partition["partition"]): {
            **partition,
            "topic": topic,
            "adding": adding.get((topic, partition["partition"]), []),
        }
        for topic, partitions in (metadata.partitions(admin, topics) if topics else {}).items()
        for partition in partitions
    }
    out = {}
    for id_, keys in differ.items():
        known = {key: now[key] for key in keys if key in now and id_ in now[key]["replicas"]}
        gone = {key for key in keys - known.keys() if key not in mine[id_] or id_ in mine[id_][key]["isr"]}
        out[id_] = (
            {**own[id_], "partitions": [partition for key, partition in mine[id_].items() if key not in gone]},
            {
                **others[id_],
                "partitions": [partition for key, partition in {**theirs[id_], **known}.items() if key not in gone],
            },
        )
    return out


def _old(admin: Admin, seen: kafka_snapshot.Snapshot) -> str | None:
    """Why the others' answer is too old to show a restart since a broker was proven.

    None when it is not, or not known.
    """
    try:
        return quorum_gate.stale(seen.quorum, admin.asked)
    except KafkaError as error:
        return str(error)


def _not_back(reason: str) -> dict[str, Any]:
    return {"back": False, "behind": None, "reason": reason}


def _topics(held: Iterable[Mapping[str, Any]], seen: kafka_snapshot.Snapshot) -> list[str] | None:
    """The topics to ask a broker for that holds these partitions, None for all topics where these are most of them."""
    own = {partition["topic"] for partition in held}
    return sorted(own) if len(own) * 2 < len(seen.topics) else None


def _own_view(admin: Admin, broker: int, topics: Sequence[str] | None, seen: kafka_snapshot.Snapshot) -> dict[str, Any]:
    """What the broker itself answers about what it holds, as in a snapshot; reassignments come from the controller."""
    answer = metadata.view_of(admin, broker, topics, held=True)
    adding = {(move["topic"], move["partition"]): move["adding"] for move in seen.reassignments}
    return {
        "brokers": answer["brokers"],
        "partitions": [
            {**partition, "topic": topic, "adding": adding.get((topic, partition["partition"]), [])}
            for topic, partitions in answer["partitions"].items()
            for partition in partitions
        ],
    }


def _copying(
    admin: Admin,
    behind: Mapping[int, Mapping[tuple[str, int], Mapping[str, Any]]],
    alone: Iterable[int],
    session: PollSession,
) -> dict[int, dict[str, int | None]]:
    """How much brokers hold of the partitions in which they are behind: {bytes, bytes_left} by broker.

    bytes_left is how much less that is than the leader holds. None where no broker answers. The brokers in alone are
    not asked in place of a leader.
    """
    own = at_once(lambda id_: log_dirs.sizes(admin, id_, behind[id_]), behind)
    ask: dict[int, list[tuple[str, int]]] = {}
    for partitions in behind.values():
        for key, partition in partitions.items():
            if key not in session.sizes:
                session.sizes[key] = None
                holder = next(
                    (id_ for id_ in (partition["leader"], *partition["isr"]) if id_ >= 0 and id_ not in alone), None
                )
                if holder is not None:
                    ask.setdefault(holder, []).append(key)
    for sizes in at_once(lambda id_: log_dirs.sizes(admin, id_, ask[id_]), ask).values():
        session.sizes.update({} if isinstance(sizes, KafkaError) else sizes)
    out: dict[int, dict[str, int | None]] = {}
    for id_, held in own.items():
        if isinstance(held, KafkaError):
            out[id_] = {"bytes": None, "bytes_left": None}
            continue
        whole = {key: session.sizes[key] for key in behind[id_]}
        known = None not in whole.values()
        out[id_] = {
            "bytes": sum(held.values()),
            "bytes_left": sum(max(0, whole[key] - held.get(key, 0)) for key in whole) if known else None,
        }
    return out


def controllers(
    admin: Admin, params: Mapping[str, Any], *, sleep: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """Either question about voters of KRaft; raises RackawareError when no node answers for the quorum."""
    nodes = list(dict.fromkeys(params["nodes"]))
    quorum, since = watch(admin, set(params["in_flight"]) - set(nodes), sleep=sleep)
    if params["question"] == MAY_STOP:
        alive = [broker["id"] for broker in metadata.cluster(admin)["brokers"] if not broker["fenced"]]
        running = quorum_gate.caught_up(quorum, since)
        late = list(quorum_gate.behind(quorum, set(alive) - set(nodes)).values())
        decided = quorum_gate.voters_admit(quorum, since, nodes, params["in_flight"])
        if late and running & set(decided["admitted"]):
            decided = {"admitted": [], "held": [{"broker": id_, "reason": late[0]} for id_ in nodes]}
        out = verdict(nodes, decided)
        out["note"] = quorum_gate.early(quorum["leader"], out["admitted"], _restart(params))
    else:
        out = returned(quorum_gate.voters_back(quorum, since, nodes))
    return {**out, "counts": None, "asked": admin.asked}


def watch(
    admin: Admin,
    out: Iterable[int] = (),
    *,
    seconds: float = quorum_gate.FETCH_TIMEOUT_MS / 1000,
    interval: float = 0.2,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[dict[str, Any], int]:
    """The quorum and the leader's clock when watching began.

    Followers fetch every half second, so the leader soon knows which voters are there. Ends early when all but those
    that are out were seen caught up since. Another leader has another clock, so with a new leader it begins again.
    """
    epoch, since, left = None, 0, seconds
    while True:
        quorum = kraft.quorum(admin)
        if quorum is None:
            raise RollError(
                "This cluster keeps its metadata in ZooKeeper, so there is no quorum of controllers; ask with kind:"
                " zookeeper."
            )
        if quorum["epoch"] != epoch:
            epoch, since, left = quorum["epoch"], quorum_gate.leader_clock(quorum), seconds
        waiting = {voter["id"] for voter in quorum["voters"]} - set(out) - quorum_gate.caught_up(quorum, since)
        if not waiting or left <= 0:
            return quorum, since
        sleep(interval)
        left -= interval


def zookeepers(params: Mapping[str, Any], look: Callable[..., Mapping[str, Any]] = zookeeper.look) -> dict[str, Any]:
    """Either question about ZooKeeper servers; each server is asked itself."""
    try:
        secure = zookeeper.client(params)
    except RackawareError as error:
        raise RollError(str(error)) from None
    servers = {server["id"]: join(server["host"], server["port"]) for server in params["zookeeper_servers"]}
    if len(servers) != len(params["zookeeper_servers"]):
        raise RollError("zookeeper_servers names an id twice; give each server its own.")
    if not servers:
        raise RollError(
            "There is no ZooKeeper server to ask, because zookeeper_servers is empty; name all of the ensemble."
        )
    nodes = list(dict.fromkeys(params["nodes"]))
    with ThreadPoolExecutor(len(servers)) as pool:
        answers = dict(
            zip(
                servers,
                pool.map(lambda address: look(address, params["request_timeout_seconds"], secure), servers.values()),
            )
        )
    if params["question"] == MAY_STOP:
        out = verdict(nodes, quorum_gate.zookeepers_admit(answers, nodes, params["in_flight"]))
        out["note"] = quorum_gate.early(quorum_gate.leading(answers), out["admitted"], _restart(params))
    else:
        out = returned(quorum_gate.zookeepers_back(answers, nodes))
    return {**out, "counts": None, "asked": None}


def least(params: Mapping[str, Any], own: Mapping[int, int]) -> int:
    """min.insync.replicas for topics that set none: the highest of a broker now, or after its restart (min_isr)."""
    return max([params["min_isr"] or 1, *own.values()])


def _restart(params: Mapping[str, Any]) -> list[int]:
    return list(params["nodes"] if params["restart"] is None else params["restart"])


def _plain(seen: kafka_snapshot.Snapshot) -> dict[str, Any]:
    return {
        name: getattr(seen, name)
        for name in ("brokers", "topics", "partitions", "quorum", "controller_id", "reassignments")
    }


def _counts(seen: kafka_snapshot.Snapshot) -> dict[str, Any]:
    counted = asdict(seen.counts)
    return {"counts": {name: counted[name] for name in ("under_replicated", "at_min_isr", "under_min_isr", "offline")}}
