# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a cluster's nodes are to each other: addresses, listeners, disks, and what is wrong with their inventory."""

from __future__ import annotations

import re
from typing import Any, Collection, Mapping, Sequence

from ansible.module_utils.parsing.convert_bool import boolean

from .._address import join
from .._errors import RackawareError
from .._text import hosts_as_subject
from .._tls import identity
from . import security

# The listener between brokers, the one of the controllers; every other one is for clients.
from .security import CONTROLLERS, OF_BROKERS, OF_CONTROLLERS

BROKER, COMBINED, CONTROLLER, ZOOKEEPER = "broker", "combined", "controller", "zookeeper"
LISTENER_NAME = re.compile(r"[A-Za-z0-9_-]+")
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
# Where no listener of the controllers is declared.
CONTROLLER_PORT = 9093
DATA, METADATA, ZOOKEEPER_DIR = "/var/lib/kafka/data%d", "/var/lib/kafka/metadata", "/var/lib/zookeeper"
ZOOKEEPER_PORT, ZOOKEEPER_PEERS, ZOOKEEPER_ELECTION = 2181, 2888, 3888
# The last line with ZooKeeper, and the first in which KRaft's quorum can grow (KIP-853).
ZOOKEEPER_SERIES, KRAFT_SERIES = (3, 9), (4, 0)


class NodesError(RackawareError):
    """The inventory does not describe a cluster that can run."""


def role(host: str, groups: Mapping[str, Sequence[str]]) -> str:
    """What a host is; groups maps broker, zookeeper and controller to host names.

    Raises NodesError for a host in none.
    """
    is_broker, is_controller = (host in (groups.get(name) or ()) for name in (BROKER, CONTROLLER))
    if is_broker and is_controller:
        return COMBINED
    for name in (BROKER, CONTROLLER, ZOOKEEPER):
        if host in (groups.get(name) or ()):
            return name
    raise NodesError(
        "Host %s is neither broker nor controller nor ZooKeeper node; put it into one of the groups." % host
    )


def nodes(hosts: Mapping[str, Mapping[str, Any]], names: Sequence[str], port: int) -> list[dict[str, Any]]:
    """[{id, host, port}] of these hosts by id, as a client or a quorum lists them; the address is ansible_host."""
    out = []
    for name in names:
        variables = hosts[name]
        try:
            ident = int(variables["kafka_node_id"])
        except (KeyError, TypeError, ValueError):
            raise NodesError(
                "Host %s has no kafka_node_id; tag the instance with KafkaNode, or set it in the inventory." % name
            ) from None
        out.append({"id": ident, "host": str(variables.get("ansible_host") or name), "port": port})
    return sorted(out, key=lambda node: node["id"])


def servers(members: Sequence[Mapping[str, Any]]) -> list[str]:
    """host:port of each node."""
    return [join(node["host"], node["port"]) for node in members]


def mounts(volumes: Sequence[str] | None, of_role: str) -> list[dict[str, Any]]:
    """[{id or path, mount}] of a node's data volumes, in their order.

    Raises NodesError for more than the role can use.
    """
    out = []
    volumes = list(volumes or ())
    if of_role in (ZOOKEEPER, CONTROLLER) and len(volumes) > 1:
        raise NodesError(
            "A %s keeps its data on one volume, but has %d; detach the others." % (_title(of_role), len(volumes))
        )
    for number, volume in enumerate(volumes):
        base = ZOOKEEPER_DIR if of_role == ZOOKEEPER else METADATA if of_role == CONTROLLER else DATA % number
        out.append({"path" if str(volume).startswith("/") else "id": str(volume), "mount": base})
    return out


def data_dirs(volumes: Sequence[str] | None, of_role: str) -> list[str]:
    """The directories below the mount points that the service writes to.

    Without volumes there is one, on the root disk.
    """
    below = "data" if of_role == ZOOKEEPER else "logs"
    mount_points = [item["mount"] for item in mounts(volumes, of_role)]
    return [
        "%s/%s" % (base, below)
        for base in mount_points
        or [ZOOKEEPER_DIR if of_role == ZOOKEEPER else METADATA if of_role == CONTROLLER else DATA % 0]
    ]


def listeners(
    declared: Sequence[Mapping[str, Any]], of_role: str, host: str, secured: str = security.NONE
) -> dict[str, str]:
    """Kafka's settings for listeners of a broker, a controller or a combined node that is reached at host.

    declared: [{name, port, protocol}], as security.with_protocols completes them; REPLICATION is the one between
    brokers, CONTROLLER the controllers', the others are clients'. secured is kafka_security, which decides where there
    are two of a kind.
    """
    _check_listeners(declared)
    ours = [item for item in declared if serves(item["name"], of_role)]
    advertised = [item for item in ours if of_role != COMBINED or item["name"] not in OF_CONTROLLERS]
    at = {item["name"]: "%s://%s" % (item["name"], join(host, int(item["port"]))) for item in ours}
    out = {
        "listeners": ",".join(at.values()),
        "advertised.listeners": ",".join(at[item["name"]] for item in advertised),
        "listener.security.protocol.map": ",".join("%s:%s" % (item["name"], item["protocol"]) for item in declared),
    }
    if of_role != CONTROLLER:
        between = security.among(declared, OF_BROKERS, secured)
        others = [item for item in declared if item["name"] not in OF_CONTROLLERS]
        out["inter.broker.listener.name"] = (between or others)[0]["name"]
    return out


def controller_listeners(declared: Sequence[Mapping[str, Any]], secured: str) -> list[Mapping[str, Any]]:
    """The controllers' listeners, the one first by which they are asked; secured is kafka_security."""
    return security.among(declared, OF_CONTROLLERS, secured) or [{"name": CONTROLLERS, "port": CONTROLLER_PORT}]


def client_listener(declared: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The first listener for clients; raises NodesError for listeners that cannot work."""
    _check_listeners(declared)
    return next(item for item in declared if item["name"] not in security.INTERNAL)


def operator_listener(declared: Sequence[Mapping[str, Any]], secured: str) -> Mapping[str, Any]:
    """The listener by which the collection's modules ask a cluster; secured is kafka_security. Raises NodesError.

    In a secured cluster it is the one between brokers, which only the cluster's hosts reach. On the way there it is one
    that all brokers have, those that are still to be restarted, too.
    """
    client = client_listener(declared)
    internal = security.among(declared, OF_BROKERS, secured)
    return internal[0] if internal and security.inside(secured) else client


def operator_connection(declared: Sequence[Mapping[str, Any]], secured: str) -> dict[str, Any]:
    """How the collection's modules connect on a broker: options of CONNECTION_SPEC beside the servers."""
    listener = operator_listener(declared, secured)
    if not security.inside(secured):
        return {"security_protocol": security.protocol(listener, secured)}
    operator = identity.path(security.DIRECTORY, identity.OPERATOR)
    return {
        "security_protocol": security.SSL,
        "ssl_cafile": identity.path(security.DIRECTORY, identity.TRUSTSTORE),
        "ssl_certfile": operator,
        "ssl_keyfile": operator,
    }


def _check_listeners(declared: Any) -> None:
    problems = listener_findings(declared)
    if problems:
        raise NodesError(problems[0])


def serves(listener: str, of_role: str) -> bool:
    """Whether a node of this role opens this listener; in ZooKeeper mode no node opens the controllers'."""
    return of_role == COMBINED or (listener in OF_CONTROLLERS) == (of_role == CONTROLLER)


def ports(declared: Sequence[Mapping[str, Any]], of_role: str) -> list[int]:
    """The ports that a node of this role opens."""
    if of_role == ZOOKEEPER:
        # A follower does not listen on 2888, but it may lead tomorrow.
        return [ZOOKEEPER_PORT, ZOOKEEPER_PEERS, ZOOKEEPER_ELECTION]
    return [int(item["port"]) for item in declared if serves(item["name"], of_role)]


def listener_findings(declared: Any) -> list[str]:
    """What is wrong with kafka_listeners, one sentence each."""
    if not isinstance(declared, (list, tuple)) or not declared:
        return [
            "kafka_listeners is %r, but must be a list of {name, port, protocol}; correct it or leave it out."
            % (declared,)
        ]
    out, seen_names, seen_ports = [], set(), {}
    for item in declared:
        if not isinstance(item, Mapping) or not item.get("name") or not item.get("port"):
            out.append("kafka_listeners has the entry %r, but each must have a name and a port; complete it." % (item,))
            continue
        name, protocol = str(item["name"]), item.get("protocol")
        if protocol is not None and protocol not in PROTOCOLS:
            out.append(
                "The listener %s has the protocol %s, which Kafka does not know; choose one of %s."
                % (name, protocol, ", ".join(PROTOCOLS))
            )
        try:
            port = int(item["port"])
        except (TypeError, ValueError):
            port = 0
        if not 0 < port < 65536:
            out.append("The listener %s has the port %r; choose one from 1 to 65535." % (name, item["port"]))
        if not LISTENER_NAME.fullmatch(name):
            out.append("kafka_listeners has the name %r; use letters, digits, underscores and hyphens." % name)
        # Kafka compares names, and looks for the settings of one, without regard to capital letters.
        elif name.upper() in security.INTERNAL and name != name.upper():
            out.append("The listener %s is %s for Kafka; write it so, or choose another name." % (name, name.upper()))
        if name.upper() in {seen.upper() for seen in seen_names}:
            out.append("The listener %s is declared twice; give each its own name." % name)
        if port in seen_ports:
            out.append("The listeners %s and %s share port %d; give each its own." % (seen_ports[port], name, port))
        seen_names.add(name)
        seen_ports[port] = name
    if not out and not seen_names.difference(security.INTERNAL):
        out.append("kafka_listeners has no listener for clients; declare one, for example {name: CLIENT, port: 9092}.")
    return out


def version_findings(version: Any, *, zookeepers: bool, controllers: bool) -> list[str]:
    """Whether this Kafka can run with these nodes for its metadata."""
    parts = str(version).split(".")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return ["kafka_version is %r, but must be a full version like 4.3.1; correct it." % (version,)]
    series = (int(parts[0]), int(parts[1]))
    if zookeepers and controllers:
        return [
            "The inventory has ZooKeeper nodes and controllers, but a migration between them is not done by site; keep"
            " one of the two groups."
        ]
    if zookeepers and series >= KRAFT_SERIES:
        return [
            "Kafka %s cannot run with ZooKeeper nodes, since 4.0 removed them; set kafka_version to 3.9.2, or use"
            " controllers instead." % version
        ]
    if controllers and series < ZOOKEEPER_SERIES:
        return [
            "Kafka %s cannot grow its controllers' quorum, which came with 3.9; set kafka_version to 4.3.1." % version
        ]
    if controllers and series < KRAFT_SERIES:
        return [
            "Kafka %s with controllers is not supported, 3.x runs with ZooKeeper nodes; set kafka_version to 4.3.1, or"
            " use ZooKeeper nodes." % version
        ]
    return []


def cluster_findings(
    groups: Mapping[str, Sequence[str]],
    hosts: Mapping[str, Mapping[str, Any]],
    *,
    version: Any,
    replication_factor: Any,
    min_insync_replicas: Any,
    allow_fewer_zones: bool = False,
    whole: bool = True,
) -> list[str]:
    """What keeps these hosts from being a cluster, one sentence each, besides _config.topology.inventory_findings.

    Hosts that are not the whole cluster are not counted."""
    brokers, zookeepers, controllers = (list(groups.get(name) or ()) for name in (BROKER, ZOOKEEPER, CONTROLLER))
    out = version_findings(version, zookeepers=bool(zookeepers), controllers=bool(controllers))
    for host in zookeepers:
        if host in brokers or host in controllers:
            out.append("Host %s is a ZooKeeper node and a broker at once; give each its own host." % host)
    for title, members in (("ZooKeeper nodes", zookeepers), ("controllers", controllers)):
        if not whole:
            continue
        if members and len(members) % 2 == 0:
            out.append(
                "There are %d %s, but an even number survives no more losses than one less; use 3 or 5."
                % (len(members), title)
            )
        elif 0 < len(members) < 3 and not allow_fewer_zones:
            out.append("There is only one of the %s, but losing one must leave a majority; use 3 or 5." % title)
    out += _replication_findings(replication_factor, min_insync_replicas, len(brokers) if whole else 0)
    bare = [
        host
        for host in dict.fromkeys(brokers + zookeepers + controllers)
        if not hosts[host].get("kafka_data_volumes")
        and not boolean(hosts[host].get("kafka_data_on_root_disk", False), strict=False)
    ]
    if bare:
        out.append(
            "%s no data volumes; attach one, or set kafka_data_on_root_disk: true and live with a shared disk."
            % hosts_as_subject(bare, "has", "have")
        )
    return out


def _replication_findings(factor: Any, minimum: Any, brokers: int) -> list[str]:
    for name, value in (("replication factor", factor), ("min.insync.replicas", minimum)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            return ["The %s is %r, but must be a whole number above zero; correct it." % (name, value)]
    out = []
    if brokers and factor > brokers:
        out.append(
            "The replication factor is %d, but there are %d brokers; add brokers or lower it." % (factor, brokers)
        )
    if factor < minimum:
        out.append(
            "The replication factor %d is below min.insync.replicas %d, so that nothing could be written; lower"
            " min.insync.replicas." % (factor, minimum)
        )
    elif factor == minimum and factor > 1:
        out.append(
            "The replication factor and min.insync.replicas are both %d, so that writes stop when one broker is away;"
            " lower min.insync.replicas." % factor
        )
    return out


def _title(of_role: str) -> str:
    return {ZOOKEEPER: "ZooKeeper node", CONTROLLER: "controller"}.get(of_role, of_role)


def summary_hosts(hosts: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """The rows that _report.cluster.build takes: each node with kafka_service_info's answer (in __kafka_service)."""
    out = []
    for name in dict.fromkeys(
        name for members in (BROKER, ZOOKEEPER, CONTROLLER) for name in groups.get(members) or ()
    ):
        variables = hosts[name]
        service = variables.get("__kafka_service") or {}
        out.append(
            {
                "name": name,
                "id": int(variables["kafka_node_id"]),
                "rack": variables.get("kafka_rack"),
                "address": str(variables.get("ansible_host") or name),
                "security": (service.get("identity") or {}).get("security"),
                "roles": [role_ for role_ in (BROKER, ZOOKEEPER, CONTROLLER) if name in (groups.get(role_) or ())],
                **{
                    key: service.get(key)
                    for key in (
                        "version",
                        "heap_mb",
                        "disks",
                        "restart_needed",
                        "unit_state",
                        "out_of_service",
                        "certificate_days",
                    )
                },
            }
        )
    return out


def page_of_gone(gone: Mapping[str, Any], members: Mapping[str, Collection[str]]) -> str:
    """The runbook for nodes that are gone, each with its zone; members: role to all its nodes.

    A quorum without a majority comes first, then a zone that is down, for which several of one zone are taken.
    """
    quorums = [set(members.get(role) or ()) for role in (ZOOKEEPER, CONTROLLER)]
    if any(2 * len(quorum.intersection(gone)) >= len(quorum) > 0 for quorum in quorums):
        return "docs/runbooks/quorum_node_down.md"
    if len(gone) > 1 and len(set(gone.values())) == 1:
        return "docs/runbooks/az_down.md"
    return "docs/runbooks/%s_down.md" % ("broker" if set(members[BROKER]).intersection(gone) else "quorum_node")


def unanswered(
    hosts: Mapping[str, Mapping[str, Any]], names: Sequence[str], members: Mapping[str, Collection[str]]
) -> list[str]:
    """Hosts that did not say how their service is, one sentence each.

    A host's answer, or why there is none, is in __kafka_service. members: role to all its hosts.
    """
    silent = [name for name in names if "unit_state" not in (hosts[name].get("__kafka_service") or {})]
    page = page_of_gone({name: hosts[name].get("kafka_rack", name) for name in silent}, members)
    out = []
    for name in silent:
        service = hosts[name].get("__kafka_service") or {}
        why = str(service.get("msg") or "no reason was given").strip().rstrip(".")
        if service.get("unreachable"):
            out.append(
                "%s cannot be reached (%s); bring it back, or replace it, then run the same command again. See %s."
                % (name, why.splitlines()[-1], page)
            )
        else:
            out.append("%s did not say how its service is: %s. See %s." % (name, why, page))
    return out


def services(
    hosts: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]]
) -> tuple[list[dict[str, Any]], list[Mapping[str, Any] | None]]:
    """Nodes as _upgrade.rules takes them, {name, id, kind, version, state, restart_needed, protocol}, and records.

    A combined node counts as a broker.

    The records are the brokers', of the last upgrade. protocol is the inter.broker.protocol.version that the user's own
    settings ask for, None without one.
    """
    nodes: dict[str, dict[str, Any]] = {}
    for kind in (BROKER, ZOOKEEPER, CONTROLLER):
        for name in groups.get(kind) or ():
            service = hosts[name]["__kafka_service"]
            one = {
                "name": name,
                "id": int(hosts[name]["kafka_node_id"]),
                "kind": kind,
                "version": service["version"],
                "state": service["unit_state"],
            }
            one["restart_needed"] = service.get("restart_needed")
            own = (
                (hosts[name].get("broker_config") or {}).get("inter.broker.protocol.version")
                if kind == BROKER
                else None
            )
            nodes.setdefault(name, {**one, "protocol": own})
    return list(nodes.values()), records(hosts, groups.get(BROKER) or ())


def records(hosts: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> list[Mapping[str, Any] | None]:
    """The records of the last upgrade from these hosts.

    They come from kafka_service_info (in __kafka_service), or before that from host_preflight (in __kafka_host).
    """
    return [
        (hosts[name].get("__kafka_service") or hosts[name].get("__kafka_host") or {}).get("upgrade") for name in names
    ]
