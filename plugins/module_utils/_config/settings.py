# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The settings of brokers, controllers and ZooKeeper nodes, from who they are and what their cluster is."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .._address import join
from . import security
from .nodes import (
    BROKER,
    COMBINED,
    CONTROLLER,
    ZOOKEEPER_ELECTION,
    ZOOKEEPER_PEERS,
    ZOOKEEPER_PORT,
    controller_listeners,
    listeners,
    servers,
)
from .properties import IDENTITY, ZOOKEEPER_IDENTITY, findings, merge, render
from .sizing import SOCKETS, THREADS

RACK_AWARE = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
ADMIN_SERVER = "admin.enableServer"
PROCESS_ROLES = {BROKER: "broker", COMBINED: "broker,controller", CONTROLLER: "controller"}


def kafka(
    node: Mapping[str, Any], cluster: Mapping[str, Any], sized: Mapping[str, Mapping[str, Any]], own: Mapping[str, Any]
) -> str:
    """The properties of a broker, a combined node or a controller.

    node: {role, id, rack, address, data_dirs, kerberos_host}; cluster: {security, cluster (its name), listeners (each
    with its protocol), super_users, kerberos_realm, controllers, zookeepers: [{id, host, port}], brokers (how many), replication_factor,
    min_insync_replicas}; sized as from _config.sizing.size; own are the user's settings. Raises RackawareError.
    """
    secured = security.encrypts(cluster["security"])
    if secured:
        own = security.own_settings(own, cluster["cluster"])
    settings = {
        **_identity(node, cluster),
        **_safe(cluster, node["role"]),
        **(
            security.kafka(
                cluster, broker=node["role"] != CONTROLLER, host=node.get("kerberos_host") or node["address"]
            )
            if secured
            else {}
        ),
        **{name: sized[name]["value"] for name in (*THREADS, *SOCKETS) if name in sized},
    }
    return render(merge(settings, own, reserved(own, cluster["security"])))


def reserved(own: Mapping[str, Any], secured: str) -> set[str]:
    """Of a user's settings for brokers and controllers those that are the collection's; secured is kafka_security."""
    return {*IDENTITY, *(security.reserved(own) if security.encrypts(secured) else ())}


def _identity(node: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    role = node["role"]
    out: dict[str, Any] = {}
    if cluster["controllers"]:
        out["process.roles"] = PROCESS_ROLES[role]
        out["node.id"] = int(node["id"])
        out["controller.listener.names"] = [
            item["name"] for item in controller_listeners(cluster["listeners"], cluster["security"])
        ]
        # A dynamic quorum (KIP-853): who votes stands in the quorum's own log, and this only says whom to ask.
        out["controller.quorum.bootstrap.servers"] = servers(cluster["controllers"])
    else:
        out["broker.id"] = int(node["id"])
        out["zookeeper.connect"] = servers(cluster["zookeepers"])
        # For an upgrade that is not finalized: otherwise a new broker would speak what the old ones, and a rollback, do
        # not know.
        if cluster.get("protocol"):
            out["inter.broker.protocol.version"] = cluster["protocol"]
    if role != CONTROLLER:
        out["broker.rack"] = node["rack"]
    out.update(listeners(cluster["listeners"], role, node["address"], cluster["security"]))
    out["log.dirs"] = list(node["data_dirs"])
    if cluster["controllers"]:
        out["metadata.log.dir"] = node["data_dirs"][0]
    return out


def _safe(cluster: Mapping[str, Any], role: str) -> dict[str, Any]:
    """Safe before convenient.

    In KRaft the controller creates topics and elects leaders, so it has the topics' defaults, too.
    """
    factor, minimum = int(cluster["replication_factor"]), int(cluster["min_insync_replicas"])
    out: dict[str, Any] = {
        "default.replication.factor": factor,
        "min.insync.replicas": minimum,
        "num.partitions": max(3, int(cluster["brokers"])),
        "unclean.leader.election.enable": False,
        "auto.create.topics.enable": False,
    }
    if role == CONTROLLER:
        return out
    out.update(
        {
            "offsets.topic.replication.factor": factor,
            "transaction.state.log.replication.factor": factor,
            "transaction.state.log.min.isr": minimum,
            "group.initial.rebalance.delay.ms": 3000,
            "controlled.shutdown.enable": True,
            # Consumers that set client.rack read in their own zone, which AWS does not charge (KIP-392).
            "replica.selector.class": RACK_AWARE,
        }
    )
    if cluster["controllers"]:
        out.update(
            {
                "share.coordinator.state.topic.replication.factor": factor,
                "share.coordinator.state.topic.min.isr": minimum,
            }
        )
    return out


def zookeeper(
    data_dir: str, members: Sequence[Mapping[str, Any]], own: Mapping[str, Any], *, secured: str, directory: str
) -> str:
    """zoo.cfg. members: [{id, host}]; own are the user's settings; secured is kafka_security; directory has the node's
    configuration. Raises RackawareError.
    """
    settings: dict[str, Any] = {
        "dataDir": data_dir,
        # The same port: what is open, and what brokers are told, does not depend on how it is spoken to.
        "secureClientPort" if secured == security.TLS else "clientPort": ZOOKEEPER_PORT,
        **(security.zookeeper(directory, secured) if security.encrypts(secured) else {}),
        "tickTime": 2000,
        "initLimit": 10,
        "syncLimit": 5,
        # The address that the others use need not be one of an interface here (a name, an address translated).
        "quorumListenOnAllIPs": True,
        # 60 by default, and a restart of all brokers and tools of one host would already meet it.
        "maxClientCnxns": 1000,
        "autopurge.snapRetainCount": 5,
        "autopurge.purgeInterval": 24,
        ADMIN_SERVER: False,
        "4lw.commands.whitelist": "srvr,ruok,mntr",
    }
    peers = {
        "server.%d" % int(member["id"]): "%s:%d" % (join(member["host"], ZOOKEEPER_PEERS), ZOOKEEPER_ELECTION)
        for member in members
    }
    return render({**merge(settings, own, _zookeeper_reserved(own, secured)), **peers})


def zookeeper_findings(own: Mapping[str, Any], secured: str) -> list[str]:
    """What is wrong with zookeeper_config, one sentence each; secured is kafka_security."""
    out = findings(own, _zookeeper_reserved(own, secured), name="zookeeper_config")
    served = own.get(ADMIN_SERVER, False)
    # ZooKeeper takes any text but this one for yes (AdminServerFactory).
    if served is not False and served != "false":
        out.append(
            "zookeeper_config sets %s, and that server answers without authentication; remove it, and use srvr, ruok"
            " and mntr instead." % ADMIN_SERVER
        )
    return out


def _zookeeper_reserved(own: Mapping[str, Any], secured: str) -> set[str]:
    servers_ = {key for key in own if str(key).startswith("server.")}
    return {*ZOOKEEPER_IDENTITY, *servers_, *(security.zookeeper_reserved(own) if security.encrypts(secured) else ())}
