# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The identity of a host's disks and of its running process, compared with the inventory before anything is staged."""

from __future__ import annotations

import json
import os
import platform
import re
from typing import Any, Iterable, Mapping, Sequence

from .. import _address
from .._config import securing, security, units
from .._config.nodes import BROKER, CONTROLLER, ZOOKEEPER
from .._errors import RackawareError
from .._text import hosts_as_subject, some
from . import myid, service_state, storage

# A failed disk must not stop a roll of other nodes. A run that formats or stages reads it again, and refuses it.
UNREADABLE = "unreadable"
NODE_ID = re.compile(r"^\s*(?:node\.id|broker\.id)\s*=\s*(\d+)\s*$", re.MULTILINE)
SERVER = re.compile(r"^\s*server\.(\d+)\s*=\s*(\[[^\]]*\]|[^:\s]+)", re.MULTILINE)
PROTOCOLS = re.compile(r"^\s*listener\.security\.protocol\.map\s*=\s*(\S+)\s*$", re.MULTILINE)
CONTROLLERS = re.compile(r"^\s*controller\.quorum\.bootstrap\.servers\s*=\s*(\S+)\s*$", re.MULTILINE)


def look(
    service: str, log_dirs: Sequence[str], *, mounts: Sequence[str] = (), runs: bool, tolerant: bool = False
) -> dict[str, Any]:
    """{host, directories, mounted, running, process, quorum, protocols, security, listeners} of a host, the first being
    its own name.

    directories: as in _host.storage.Directory, a ZooKeeper node's with its id from myid; mounted: whether all mounts
    are there, without which nothing is known of the directories; running: runs; process: {path, node_id} of the file
    that the running service was started with, else None; quorum: [{id, address}], the ZooKeeper servers or controllers
    that its configuration names; protocols: the security protocol of each listener of a running service; security and
    listeners are as in _config.securing.read. With tolerant a disk that cannot be read is UNREADABLE, else StorageError or MyidError is raised.
    """
    config = units.service(service).config
    directories = [_directory(service, path, tolerant) for path in log_dirs]
    text = service_state.read(config) if runs or any(item.node_id is not None for item in directories) else ""
    match = NODE_ID.search(text) if runs and service != ZOOKEEPER else None
    return {
        "host": platform.node(),
        "directories": [item.as_dict() for item in directories],
        "mounted": all(os.path.ismount(path) for path in mounts),
        "running": runs,
        "process": {"path": config, "node_id": int(match.group(1))} if match else None,
        "quorum": _quorum(service, text),
        "protocols": _protocols(text) if runs else {},
        **securing.read(service, text),
    }


def _directory(service: str, path: str, tolerant: bool) -> storage.Directory:
    try:
        return zookeeper_directory(path) if service == ZOOKEEPER else storage.read(path)
    except RackawareError:
        if not tolerant:
            raise
        return storage.Directory(path, UNREADABLE)


def zookeeper_directory(path: str) -> storage.Directory:
    """A ZooKeeper node's data directory, FORMATTED once the node has been in an ensemble; raises MyidError."""
    return storage.Directory(
        path, storage.FORMATTED if myid.has_data(path) else storage.ABSENT, node_id=myid.read(path)
    )


def _quorum(service: str, text: str) -> list[dict[str, Any]]:
    if service == ZOOKEEPER:
        return [{"id": int(number), "address": address} for number, address in SERVER.findall(text)]
    match = CONTROLLERS.search(text)
    return [{"id": None, "address": address} for address in match.group(1).split(",")] if match else []


def _protocols(text: str) -> dict[str, str]:
    match = PROTOCOLS.search(text)
    return dict(item.split(":", 1) for item in match.group(1).split(",") if ":" in item) if match else {}


def findings(
    hosts: Mapping[str, Mapping[str, Any]],
    members: Mapping[str, Sequence[str]],
    answers: Mapping[str, Sequence[Mapping[str, Any]]],
    removed: Iterable[Any] = (),
    protocols: Mapping[str, str] | None = None,
    *,
    wanted: str | None = None,
) -> list[str]:
    """Where the hosts contradict the inventory, one sentence each.

    hosts: host to its variables; members: role to host names; answers: host to the answers of look() there; removed:
    ids of ZooKeeper nodes or controllers that the operator takes out of the quorum on purpose; protocols: the security
    protocol that the inventory gives each listener; wanted: the kafka_security of what is about to be staged, unless
    secure_cluster has decided that it may be.
    """
    zookeepers = list(members.get(ZOOKEEPER) or ())
    kafka = list(dict.fromkeys([*(members.get(BROKER) or ()), *(members.get(CONTROLLER) or ())]))
    out = []
    for group in (kafka, zookeepers):
        out += _ids(group, hosts, answers)
    try:
        storage.identity(
            {"host": name, "directories": answer.get("directories") or ()}
            for name in kafka
            for answer in answers.get(name, ())
        )
    except RackawareError as error:
        out.append(str(error))
    out += _lost(hosts, members, answers, {str(number) for number in removed})
    out += _blank(zookeepers, kafka, answers) + _changed_protocols(answers, protocols or {})
    return out or _other_security(answers, wanted)


def wanted_protocols(listeners: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The protocols of findings()."""
    return {str(item["name"]): str(item["protocol"]) for item in listeners}


def _changed_protocols(answers: Mapping[str, Sequence[Mapping[str, Any]]], wanted: Mapping[str, str]) -> list[str]:
    """Listeners that would speak otherwise after a restart than they do now.

    Node by node that splits the cluster: the ones that were restarted and the others do not understand each other.
    """
    changed: dict[str, list[tuple[str, str]]] = {}
    for name, replies in answers.items():
        for reply in replies:
            for listener, protocol in (reply.get("protocols") or {}).items():
                if wanted.get(listener, protocol) != protocol:
                    changed.setdefault(protocol, []).append((listener, name))
    out = []
    for protocol, found in changed.items():
        listeners = sorted({listener for listener, _ in found})
        secured = "give kafka_listeners new names and ports, as in %s, and run secure_cluster" % securing.suggested(
            {name: reply for name, replies in answers.items() for reply in replies}
        )
        out.append(
            "%s %s %s on %s, and the inventory asks for %s, which nodes and clients that run now do not understand; set"
            " kafka_security, or the protocol in kafka_listeners, to what runs%s. See docs/runbooks/secure_cluster.md."
            % (
                ", ".join(listeners),
                "speaks" if len(listeners) == 1 else "speak",
                protocol,
                some(sorted({name for _, name in found})),
                " and ".join(sorted({wanted[listener] for listener in listeners})),
                ", or " + secured if protocol == security.PLAINTEXT else "",
            )
        )
    return out


def _other_security(answers: Mapping[str, Sequence[Mapping[str, Any]]], wanted: str | None) -> list[str]:
    """Nodes that run with another security than the inventory asks for, under whatever names.

    What a node takes now it would not take after a restart, and ZooKeeper has no names.
    """
    others = sorted(
        name
        for name, replies in answers.items()
        for reply in replies
        if reply.get("running") and reply.get("security") and reply["security"] != wanted
    )
    if not others or wanted not in security.CHOICES:
        return []
    if wanted == security.NONE:
        return [
            "%s clients with TLS, and the inventory asks for kafka_security none, which would cut them off; set it to tls."
            " See docs/security.md." % hosts_as_subject(others, "serves", "serve")
        ]
    return [
        "%s clients and nodes in plaintext, and a restart with this inventory would cut them off; run secure_cluster, which"
        " takes the cluster to TLS in steps, or set kafka_security to none. See docs/runbooks/secure_cluster.md."
        % hosts_as_subject(others, "serves", "serve")
    ]


def _claims(answers: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """(what says so, node id), the disks first."""
    disks = [
        (str(item["path"]), int(item["node_id"]))
        for answer in answers
        for item in answer.get("directories") or ()
        if item.get("node_id") is not None
    ]
    running = [
        ("its running service, started with %s," % answer["process"]["path"], int(answer["process"]["node_id"]))
        for answer in answers
        if (answer.get("process") or {}).get("node_id") is not None
    ]
    return disks + running


def _ids(
    names: Sequence[str], hosts: Mapping[str, Mapping[str, Any]], answers: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[str]:
    node_ids = {name: _number(hosts[name].get("kafka_node_id")) for name in names}
    other: dict[str, tuple[str, int]] = {}
    for name in names:
        wrong = [claim for claim in _claims(answers.get(name, ())) if claim[1] != node_ids[name]]
        if wrong:
            other[name] = wrong[0]
    out, done = [], set()
    for name, (what, number) in other.items():
        if name in done:
            continue
        twin = next(
            (host for host in other if host != name and node_ids[host] == number and other[host][1] == node_ids[name]),
            None,
        )
        if twin:
            done.add(twin)
            out.append(
                "%s and %s are swapped: the inventory gives them the node ids %s and %s, but %s says %s and %s says"
                " %s; swap kafka_node_id of the two, or their disks."
                % (
                    name,
                    twin,
                    node_ids[name],
                    node_ids[twin],
                    what.rstrip(","),
                    number,
                    other[twin][0].rstrip(","),
                    other[twin][1],
                )
            )
            continue
        owner = next((host for host in names if node_ids[host] == number), None)
        out.append(
            "%s is node %s in the inventory, but %s belongs to node %s%s; correct kafka_node_id, or attach the right"
            " disk." % (name, node_ids[name], what, number, ", which the inventory calls %s" % owner if owner else "")
        )
    return out


def _number(value: Any) -> Any:
    try:
        return int(value)
    except (TypeError, ValueError):
        return value


def _lost(
    hosts: Mapping[str, Mapping[str, Any]],
    members: Mapping[str, Sequence[str]],
    answers: Mapping[str, Sequence[Mapping[str, Any]]],
    removed: set[str],
) -> list[str]:
    """Members of a quorum that the nodes know and the inventory lacks: they may be stopped, and would be forgotten.

    Each ZooKeeper node counts, because new nodes in their place may be a majority without data. Controllers are known
    by their addresses, which change when a host is replaced, so only a larger quorum is a finding. New controllers form
    no quorum by themselves (kafka-storage --no-initial-controllers).
    """
    out = []
    for role, title in ((ZOOKEEPER, "ZooKeeper nodes"), (CONTROLLER, "controllers")):
        names = list(members.get(role) or ())
        ids = {str(_number(hosts[name].get("kafka_node_id"))) for name in names}
        addresses = {_address.canonical(hosts[name].get("ansible_host") or name) for name in names}
        asked = names if role == ZOOKEEPER else list(dict.fromkeys([*names, *(members.get(BROKER) or ())]))
        known: dict[str, dict[str, Any]] = {}
        # Each node for itself: while an address changes, one of them knows the old and another the new one.
        for reply in (answer for name in asked for answer in answers.get(name, ())):
            quorum = {
                str(item["address"] if item["id"] is None else item["id"]): item for item in reply.get("quorum") or ()
            }
            if names and (role == ZOOKEEPER or len(set(quorum) - removed) > len(names)):
                known.update(quorum)
        gone = [
            key
            for key, item in known.items()
            if key not in removed
            and (
                key not in ids
                if item["id"] is not None
                else _address.canonical(item["address"].rsplit(":", 1)[0].strip("[]")) not in addresses
            )
        ]
        if gone:
            words = [key if known[key]["id"] is None else "%s (%s)" % (key, known[key]["address"]) for key in gone]
            out.append(
                "The inventory has %d %s, but the nodes know %d, with %s; start what is stopped and add it to the"
                " inventory, or, to take it out for good, add -e '%s'. See docs/runbooks/quorum_node_down.md."
                % (len(names), title, len(known), ", ".join(words), json.dumps({"kafka_quorum_removed": gone}))
            )
    return out


def _blank(
    zookeepers: Sequence[str], kafka: Sequence[str], answers: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[str]:
    """Whether ZooKeeper nodes without data are a majority, as a sentence.

    They would elect one of themselves, and those with data would follow. A disk that is not mounted or cannot be read
    counts neither as blank nor as data. Where all nodes run, none is left to start; a new ensemble has no log until the
    first broker connects, so that nodes read a moment apart differ.
    """
    if all(any(answer.get("running") for answer in answers.get(name, ())) for name in zookeepers):
        return []
    states: dict[str, set[str]] = {name: set() for name in (*zookeepers, *kafka)}
    for name in states:
        for answer in answers.get(name, ()):
            if answer.get("mounted", True):
                states[name].update(item["state"] for item in answer.get("directories") or ())
    blank = [name for name in zookeepers if states[name] == {storage.ABSENT}]
    data = sorted(name for name in states if storage.FORMATTED in states[name])
    if len(blank) * 2 <= len(zookeepers) or not data:
        return []
    return [
        "%d of the %d ZooKeeper nodes (%s) have no data, and %s have some: a majority without data would become the"
        " ensemble, and the cluster's metadata would be lost; begin with the ZooKeeper nodes that have data, and add"
        " fewer than half at a time. See docs/runbooks/blank_store.md."
        % (len(blank), len(zookeepers), ", ".join(blank), ", ".join(data))
    ]
