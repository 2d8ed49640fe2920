# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Variables that hold for a whole cluster, read from its nodes: localhost does not have their group variables."""

from __future__ import annotations

import json
from typing import Any, Mapping, Sequence

from ansible.module_utils.parsing.convert_bool import boolean

from .._text import some
from . import security
from .nodes import BROKER, CONTROLLER, ZOOKEEPER
from .security import CONTROLLERS, REPLICATION

# The groups of an inventory by role.
GROUPS = {BROKER: "kafka_brokers", ZOOKEEPER: "kafka_zookeepers", CONTROLLER: "kafka_controllers"}
LISTENERS = (
    {"name": "CLIENT", "port": 9092},
    {"name": REPLICATION, "port": 9091},
    {"name": CONTROLLERS, "port": 9093},
)
DEFAULT_VERSION = {True: "3.9.2", False: "4.3.1"}
# What only brokers and controllers read, and ZooKeeper nodes need not have.
KAFKA_ONLY = ("kafka_listeners", "kafka_replication_factor", "kafka_min_insync_replicas")
# Where a node that does not set it has another value than one that does.
WITH_DEFAULT = ("kafka_version", "kafka_security", *KAFKA_ONLY)
NAMES = (
    *WITH_DEFAULT,
    "kafka_super_users",
    "kafka_client_ca_certificates",
    "kafka_kerberos_realm",
    "kafka_topology",
    "kafka_cluster",
    "kafka_instance_source",
    "kafka_check_topic",
    "kafka_report_dir",
    "kafka_quorum_removed",
)
SHOWN = 60


def by_role(groups: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The hosts of each role; groups is the inventory's own, by group name."""
    return {role: list(groups.get(name) or ()) for role, name in GROUPS.items()}


def read(
    hosts: Mapping[str, Mapping[str, Any]], members: Mapping[str, Sequence[str]], play: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What holds for the cluster.

    {version, security, replication_factor, min_insync_replicas, listeners, super_users, client_ca, kerberos_realm,
    cluster, topology, region, allow_fewer_zones, source, check_topic, report_dir, quorum_removed, findings}.

    hosts: host to its variables; members: role to host names; play: what the play itself sets, which overrides the
    inventory. findings has one sentence for each variable in which the nodes disagree; the first node's value is given
    then.
    """
    names = list(dict.fromkeys(name for role in (BROKER, CONTROLLER, ZOOKEEPER) for name in members.get(role) or ()))
    kafka = set(members.get(BROKER) or ()) | set(members.get(CONTROLLER) or ())
    zookeepers = bool(members.get(ZOOKEEPER))
    settings = {name: _node_settings(hosts[name], zookeepers, play or {}) for name in names}
    findings = []
    values: dict[str, Any] = _node_settings({}, zookeepers, play or {})
    for variable in NAMES:
        given = {
            name: settings[name][variable]
            for name in names
            if (name in kafka or variable not in KAFKA_ONLY) and settings[name][variable] is not None
        }
        distinct = _distinct(given)
        if distinct:
            values[variable] = distinct[0][0]
        # _config.topology.inventory_findings says so of kafka_cluster.
        if len(distinct) > 1 and variable != "kafka_cluster":
            findings.append(_disagree(variable, distinct))
    topology = values["kafka_topology"] if isinstance(values["kafka_topology"], Mapping) else {}
    return {
        "version": values["kafka_version"],
        "security": values["kafka_security"],
        "super_users": values["kafka_super_users"] or [],
        "client_ca": values["kafka_client_ca_certificates"] or "",
        "kerberos_realm": values["kafka_kerberos_realm"] or "",
        "replication_factor": values["kafka_replication_factor"],
        "min_insync_replicas": values["kafka_min_insync_replicas"],
        "listeners": security.with_protocols(values["kafka_listeners"], values["kafka_security"]),
        "cluster": str(values["kafka_cluster"] or ""),
        "topology": topology,
        "region": topology.get("region"),
        "allow_fewer_zones": boolean(topology.get("allow_fewer_zones") or False, strict=False),
        "source": values["kafka_instance_source"],
        "check_topic": values["kafka_check_topic"] or "rackaware-proof",
        "report_dir": values["kafka_report_dir"],
        "quorum_removed": listed(values["kafka_quorum_removed"]),
        "findings": findings,
    }


def listed(value: Any) -> list[str]:
    """Ids, names or addresses, also from -e name=4,5."""
    items = [] if value is None else value if isinstance(value, (list, tuple)) else str(value).split(",")
    return [str(item).strip() for item in items if str(item).strip()]


def _node_settings(variables: Mapping[str, Any], zookeepers: bool, play: Mapping[str, Any]) -> dict[str, Any]:
    """What holds on one node, with the defaults of the roles."""
    own = {name: play[name] if play.get(name) is not None else variables.get(name) for name in NAMES}
    topology = own["kafka_topology"] if isinstance(own["kafka_topology"], Mapping) else {}
    own["kafka_topology"] = own["kafka_topology"] or None
    defaults = {
        "kafka_version": DEFAULT_VERSION[zookeepers],
        "kafka_security": topology.get("security", security.TLS),
        "kafka_replication_factor": topology.get("replication_factor", 3),
        "kafka_min_insync_replicas": topology.get("min_insync_replicas", 2),
        "kafka_listeners": [dict(item) for item in LISTENERS],
    }
    return {name: defaults.get(name) if value is None else value for name, value in own.items()}


def _distinct(given: Mapping[str, Any]) -> list[tuple[Any, list[str]]]:
    """Each value with the hosts that have it, in the order of the hosts."""
    out: list[tuple[Any, list[str]]] = []
    for name, value in given.items():
        for seen, names in out:
            if seen == value:
                names.append(name)
                break
        else:
            out.append((value, [name]))
    return out


def _disagree(variable: str, distinct: Sequence[tuple[Any, list[str]]]) -> str:
    said = " but ".join("%s on %s" % (_short(variable, value), some(names)) for value, names in distinct[:3])
    return "%s is %s%s, and it holds for the whole cluster; set it once, in a group that all of its nodes share." % (
        variable,
        said,
        "" if len(distinct) <= 3 else " and has %d more values" % (len(distinct) - 3),
    )


def _short(variable: str, value: Any) -> str:
    if variable == "kafka_topology" and isinstance(value, Mapping):
        return "that of %s in %s" % (value.get("name", "no name"), value.get("region", "no Region"))
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
