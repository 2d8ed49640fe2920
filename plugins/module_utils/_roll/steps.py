# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The start of a roll: which nodes need a restart, what blocks the start, and the steps as hosts of the inventory."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from .._host import out_of_service as host_out_of_service
from .._text import counted, hosts_as_subject
from .snapshot import RollError, named

SENTENCES = 5


def status(
    hosts: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    cluster: Mapping[str, Any] | None = None,
    *,
    everything: bool = False,
    only: Sequence[str] = (),
    version: str | None = None,
) -> dict[str, list[Any]]:
    """{restart, down} of these hosts, and with cluster {recovering, restarted_by_systemd} of these brokers.

    restart and restarted_by_systemd are inventory names, down and recovering are ids. hosts carry in __kafka_service
    what kafka_service_info said; cluster: as kafka_cluster_info returns it. Without it the cluster was not asked, so
    that those keys are missing. Raises RollError as to_restart does.
    """
    out: dict[str, list[Any]] = {
        "restart": to_restart(hosts, names, everything=everything, only=only, version=version),
        "down": [int(hosts[name]["kafka_node_id"]) for name in names if down(hosts[name])],
    }
    if cluster is not None:
        out["recovering"] = recovering(cluster, hosts, names)
        out["restarted_by_systemd"] = restarted_by_systemd(cluster, hosts, names)
    return out


def to_restart(
    hosts: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    *,
    everything: bool,
    only: Sequence[str],
    version: str | None = None,
) -> list[str]:
    """Which of these hosts get a restart: those that would start something else than they run, and those that are down.

    everything: all of them; only: these alone, by inventory names. hosts carry what kafka_service_info said in
    __kafka_service. version, for an upgrade: a node that runs another version gets a restart, too. A broker that is out
    of service gets none. Raises RollError when only names such a broker.
    """
    excluded = out_of_service(hosts, [name for name in names if name in only])
    if excluded:
        raise RollError("roll_only names a broker that must not start: %s" % " ".join(excluded))
    chosen = [
        name
        for name in names
        if (not only or name in only) and not hosts[name]["__kafka_service"].get("out_of_service")
    ]
    return [name for name in chosen if everything or _behind(hosts[name], version) or down(hosts[name])]


def _behind(host: Mapping[str, Any], version: str | None) -> bool:
    service = host["__kafka_service"]
    return bool(service["restart_needed"]) or (version is not None and service["version"] != version)


def check_version(hosts: Mapping[str, Mapping[str, Any]], version: str | None) -> None:
    """Raise RollError when a restart would give a node another version than it has: only an upgrade may do that."""
    for name, host in hosts.items():
        runs = host["__kafka_service"].get("version")
        if version is not None and runs and runs != version:
            raise RollError(
                "%s has Kafka %s, but kafka_version is %s, and a restart would change that unasked; run"
                " rolling_upgrade, or correct kafka_version. See docs/runbooks/upgrade_and_roll_back.md."
                % (name, runs, version)
            )


def out_of_service(hosts: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> list[str]:
    """One sentence for each of these nodes that is out of service: it counts as stopped, and no roll starts it."""
    records = {name: hosts[name]["__kafka_service"].get("out_of_service") for name in names}
    return [host_out_of_service.sentence(name, record) for name, record in records.items() if record]


def check_names(only: Sequence[str], names: Sequence[str]) -> None:
    """Raise RollError for a name that is no node."""
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise RollError(
            "roll_only names %s, which the inventory does not have as a Kafka node; correct it." % ", ".join(unknown)
        )


def down(host: Mapping[str, Any]) -> bool:
    """Whether the host's service is known not to run; one that systemd starts again and again does not either."""
    service = host["__kafka_service"]
    return service["unit_state"] not in ("active", "unknown") or bool(service["crash_looping"])


def restarted_by_systemd(
    cluster: Mapping[str, Any],
    hosts: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
) -> list[str]:
    """Brokers, by inventory names, that systemd has restarted and the cluster does not list.

    They read their logs, or crash again and again.
    """
    alive = _alive(cluster)
    missing = {name: hosts[name]["__kafka_service"] for name in names if int(hosts[name]["kafka_node_id"]) not in alive}
    return [name for name, service in missing.items() if _restarted(service)]


def _restarted(service: Mapping[str, Any]) -> bool:
    state = service["unit_state"]
    return bool(state == "activating" or (state == "active" and service["restarts"] > 0))


def recovering(cluster: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> list[int]:
    """Ids of brokers that run, and are not listed or not in sync in a partition that they hold."""
    alive = _alive(cluster)
    running = {int(hosts[name]["kafka_node_id"]) for name in names if not down(hosts[name])}
    behind = {
        id_
        for partition in cluster["partitions"]
        for id_ in partition["replicas"]
        if id_ not in partition["isr"] and id_ not in partition["adding"]
    }
    return sorted(running & behind | running - alive)


def _alive(cluster: Mapping[str, Any]) -> set[int]:
    return {broker["id"] for broker in cluster["brokers"] if not broker.get("fenced")}


def findings(
    cluster: Mapping[str, Any],
    brokers: Mapping[int, Mapping[str, Any]],
    controllers: Iterable[int] = (),
    restart: Iterable[int] = (),
    stops: Iterable[int] = (),
) -> list[str]:
    """What blocks the start of a roll, one sentence each.

    cluster: as kafka_cluster_info returns it; brokers: id to the variables of the inventory's hosts; controllers: ids,
    also of those that are brokers; restart: ids of brokers that are behind, make no progress, and get a restart in this
    roll; stops: ids of all nodes that run and get a restart in it.
    """
    # As in _health.
    from . import quorum_gate

    out = _voter_findings(cluster["quorum"], set(controllers))
    known = {broker["id"]: broker for broker in cluster["brokers"]}
    alive = _alive(cluster)
    foreign = sorted(alive - set(brokers))
    if foreign:
        out.append(
            "The cluster has %s, which the inventory does not know; add what is missing, or remove it from the cluster."
            % named(foreign)
        )
    lost = sorted(id_ for id_, host in brokers.items() if id_ not in alive and not down(host))
    if lost:
        text = (
            "%s runs, but the cluster does not list it as alive; it may be reading its logs after a crash: wait, or"
            " look at its log. See docs/runbooks/broker_down.md."
        )
        out.append(text % named(lost).capitalize())
    behind = quorum_gate.behind(cluster["quorum"], sorted(alive))
    # Alone, a broker that is behind may be restarted, which heals it.
    if set(stops) - set(behind):
        out += behind.values()
    rackless = sorted(id_ for id_ in alive if not known[id_].get("rack"))
    if rackless and len(rackless) < len(alive):
        out.append(
            "%s has no rack in the cluster, but others have; set kafka_rack for all." % named(rackless).capitalize()
        )
    return out + _health(cluster["partitions"], {id_ for id_, host in brokers.items() if down(host)}, set(restart))


def expiring(hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence where nodes would start with a certificate that has ended, or ends before the roll may have."""
    soon = {
        name: days
        for name, host in hosts.items()
        for days in [(host.get("__kafka_service") or {}).get("next_certificate_days")]
        if days is not None and days < 1
    }
    if not soon:
        return []
    return [
        "%s with a certificate that %s, which this run does not renew, so that the other nodes would refuse it; run"
        " rotate_certificates. See docs/runbooks/certificates.md."
        % (
            hosts_as_subject(sorted(soon), "would start", "would start"),
            "has expired" if min(soon.values()) < 0 else "expires within a day",
        )
    ]


def _voter_findings(quorum: Mapping[str, Any] | None, controllers: set[int]) -> list[str]:
    """Controllers of the inventory that do not vote, and voters that it lacks: the majority counts voters only."""
    if quorum is None:
        return []
    voters = {voter["id"] for voter in quorum["voters"]}
    quorum_text = "the voters are %s" % named(voters, "node")
    out = []
    if controllers - voters:
        text = (
            "%s of the inventory does not vote in the quorum, %s; add it with kafka-metadata-quorum add-controller,"
            " or take it out of the inventory. See docs/runbooks/quorum_node_down.md."
        )
        out.append(text % (named(controllers - voters, "controller").capitalize(), quorum_text))
    if voters - controllers:
        text = (
            "%s votes in the quorum, but is no controller of the inventory; add what is missing, or remove it from the"
            " quorum. See docs/runbooks/quorum_node_down.md."
        )
        out.append(text % named(voters - controllers, "node").capitalize())
    return out


def _health(partitions: Sequence[Mapping[str, Any]], gone: set[int], restart: set[int]) -> list[str]:
    """Whether partitions are unhealthy for other reasons than this roll.

    A roll that continues after it was broken off finds its own brokers down, so what they hold does not count. Nor does
    a partition in which only brokers that this roll restarts are behind: only a restart heals a dead fetcher thread, or
    a log directory whose disk was replaced. A partition without a leader always counts.
    """
    # It imports the Kafka client, which would cost each worker that only asks for a status a tenth of a second.
    from .._kafka.snapshot import is_troubled

    troubled = [
        partition
        for partition in partitions
        if not set(partition["replicas"]) & gone and is_troubled(dict(partition)) and not _healed(partition, restart)
    ]
    if not troubled:
        return []
    first = troubled[0]
    many = "%s %s behind" % (counted(len(troubled), "partition"), "is" if len(troubled) == 1 else "are")
    late, hint = set().union(*map(_missing, troubled)) - restart, ""
    if late and all(_missing(partition) and partition["leader"] >= 0 for partition in troubled):
        hint = " If nothing but a restart heals %s, name %s in roll_only, with roll_all." % (
            named(late),
            "it" if len(late) == 1 else "them",
        )
    return [
        "The cluster is not healthy: %s, one of them %s-%d with %d of %d replicas in sync; wait until it has healed, or"
        " find out why it does not.%s See docs/runbooks/under_replicated.md."
        % (many, first["topic"], first["partition"], len(first["isr"]), len(first["replicas"]), hint)
    ]


def _missing(partition: Mapping[str, Any]) -> set[int]:
    return set(partition["replicas"]).difference(partition["isr"], partition["adding"])


def _healed(partition: Mapping[str, Any], restart: set[int]) -> bool:
    return partition["leader"] >= 0 and bool(_missing(partition)) and _missing(partition) <= restart


def refusals(plan: Mapping[str, Any]) -> list[str]:
    """What a plan refused, as sentences; a long list is cut, and says so."""
    refused = list(plan.get("refused") or []) + list((plan.get("quorum") or {}).get("refused") or [])
    out = [
        "Partition %s-%d blocks %s: %s" % (one["topic"], one["partition"], named(one["brokers"]), one["reason"])
        for one in refused
    ]
    whole = len(out) + max(0, plan.get("refused_partitions", 0) - len(plan.get("refused") or []))
    if whole > SENTENCES:
        out = out[:SENTENCES] + ["So do %s more." % counted(whole - SENTENCES, "partition")]
    return out


def lines(
    plan: Mapping[str, Any],
    names: Mapping[int, str],
    quorum_nodes: Sequence[str],
    kind: str,
    absent: Sequence[str] = (),
) -> list[str]:
    """The plan for a person, before anything changes.

    quorum_nodes are inventory names in their order. Then come the steps of brokers, why there are not fewer, and
    absent: the sentences about brokers that are out of service.
    """
    out = []
    if quorum_nodes:
        title = "ZooKeeper nodes" if kind == "zookeeper" else "controllers"
        out += ["%s, one after another, the leader last: %s" % (title, ", ".join(quorum_nodes))]
    steps = plan.get("steps") or []
    for number, step in enumerate(steps, 1):
        note = {"canary": " (the canary)", "ramp": " (a tenth)"}.get(step["kind"], "")
        out.append(
            "step %d, batch %d%s: %s" % (number, step["batch"], note, ", ".join(names[id_] for id_ in step["brokers"]))
        )
    if steps:
        out.append(plan["certificate"]["sentence"])
    out += list(plan.get("notes") or [])
    out += [
        "Shorter after this move: %s-%d from %s to %s." % (move["topic"], move["partition"], move["from"], move["to"])
        for move in plan.get("repairs") or []
    ]
    return (out or ["No node needs a restart."]) + list(absent)


def steps(
    plan: Mapping[str, Any],
    brokers: Mapping[int, str],
    quorum_nodes: Mapping[int, str],
    kind: str,
    *,
    quorum_first: bool,
    roll: int = 1,
) -> list[dict[str, Any]]:
    """The steps of a plan as hosts of the inventory, in order.

    {name, group, kind, members, hosts, ids, left, before, canary, last}.

    brokers and quorum_nodes are ids to inventory names; kind is what the quorum nodes are. A step is a host of its own,
    the first of its members. left has the ids of that kind that are not restarted before this step, before the names of
    the steps that must have ended well. roll counts the rolls of one run, whose groups and steps have names of their
    own.
    """
    broker_steps = [list(step["brokers"]) for step in plan.get("steps") or []]
    quorum_steps = [list(batch) for batch in (plan.get("quorum") or {}).get("batches") or []]
    canary = next((list(step["brokers"]) for step in plan.get("steps") or [] if step["kind"] == "canary"), None)
    passes = [
        ("kafka_roll_%d_quorum_%s" % (roll, "first" if quorum_first else "last"), kind, quorum_nodes, quorum_steps),
        ("kafka_roll_%d_brokers" % roll, "broker", brokers, broker_steps),
    ]
    out: list[dict[str, Any]] = []
    for group, what, names, batches in passes if quorum_first else reversed(passes):
        for number, ids in enumerate(batches):
            name, hosts = "roll-%d-step-%d" % (roll, len(out) + 1), [names[id_] for id_ in ids]
            out.append(
                {
                    "name": name,
                    "group": group,
                    "kind": what,
                    "members": [name, *hosts],
                    "hosts": hosts,
                    "ids": ids,
                    "left": [id_ for later in batches[number:] for id_ in later],
                    "before": [step["name"] for step in out],
                    "canary": what == "broker" and ids == canary,
                    "last": False,
                }
            )
    if out:
        out[-1]["last"] = True
    return out


def ending(hosts: Mapping[str, Mapping[str, Any]], planned: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why a roll did not do all of these steps, one sentence each; nothing when it did.

    The host of a step has __roll_done when the step ended well. Each host has __roll_failure when a task of it failed,
    and a node has the name of the step that started it as __roll_started.
    """
    for step in planned:
        if hosts[step["name"]].get("__roll_done"):
            continue
        failures = [hosts[name].get("__roll_failure") for name in [*step["hosts"], step["name"]]]
        lost = [
            name
            for name in step["hosts"]
            if not hosts[name].get("__roll_failure") and hosts[name].get("__roll_started") != step["name"]
        ]
        out = list(dict.fromkeys(failure for failure in failures if failure))
        if lost and not hosts[step["name"]].get("__roll_failure"):
            out.append("%s could not be reached in the middle of the step; look at the host." % ", ".join(lost))
        return out or ["Step %s was broken off." % step["name"]]
    return []
