# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Everything about a whole inventory that can be seen to be wrong before any host is touched."""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence

from .._errors import RackawareError
from . import nodes, properties, sizing, topology, units
from . import settings as config_settings
from . import variables as config_variables

OLDEST_CORE = (2, 19)


def findings(
    hosts: Mapping[str, Mapping[str, Any]],
    cluster: Mapping[str, Any],
    instances: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Mapping[str, Any]],
    roles: Sequence[str],
) -> list[str]:
    """One sentence for each thing that is wrong.

    hosts: host to its variables; cluster: {groups, version, replication_factor, min_insync_replicas,
    allow_fewer_zones}, and from _config.cluster_settings.read listeners, topology and findings; with missing_ok the
    topology may have nodes that the inventory lacks; instances: instance type to {vcpus, memory_mb, network_gbps},
    empty without the API; known and roles as in _config.variables.findings.
    """
    groups = cluster["groups"]
    members = list(dict.fromkeys(name for names in groups.values() for name in names or ()))
    seen = {name: hosts[name] for name in members}
    fewer = bool(cluster.get("allow_fewer_zones", False))
    # An inventory that lacks an instance which is stopped is no smaller cluster.
    whole = not topology.lacks_nodes(cluster.get("topology"), seen, groups)
    out = topology.inventory_findings(seen, groups, allow_fewer_zones=fewer or not whole)
    if not members:
        return out
    out += cluster.get("findings") or []
    out += topology.model_findings(
        cluster.get("topology"), seen, groups, missing_ok=bool(cluster.get("missing_ok", False))
    )
    out += config_variables.findings(seen, known, roles)
    first = seen[members[0]]
    out += nodes.cluster_findings(
        groups,
        seen,
        version=cluster["version"],
        replication_factor=cluster["replication_factor"],
        min_insync_replicas=cluster["min_insync_replicas"],
        allow_fewer_zones=fewer,
        whole=whole,
        data_on_root_disk=bool(first.get("kafka_data_on_root_disk", False)),
    )
    declared = cluster["listeners"] if cluster.get("listeners") is not None else first.get("kafka_listeners")
    if declared is not None:
        out += nodes.listener_findings(declared)
    shared: dict[str, None] = {}
    own: dict[str, list[str]] = {}
    for name, variables in seen.items():
        settings, faults = _host(name, variables, groups, instances)
        shared.update(dict.fromkeys(settings))
        for fault in faults:
            own.setdefault(fault, []).append(name)
    # What a group sets wrongly is said once.
    return out + [
        *shared,
        *(
            "%s %s: %s" % ("Host" if len(names) == 1 else "Hosts", config_variables.some(names), fault)
            for fault, names in own.items()
        ),
    ]


def core_findings(version: str) -> list[str]:
    """Whether this ansible-core runs the collection.

    Conditionals are values since 2.19, so an older one reads numbers as texts.
    """
    release = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if release >= OLDEST_CORE:
        return []
    return [
        "This is ansible-core %s, but the collection needs %d.%d or later; run it with a newer one."
        % (version, *OLDEST_CORE)
    ]


def _host(
    name: str,
    variables: Mapping[str, Any],
    groups: Mapping[str, Sequence[str]],
    instances: Mapping[str, Mapping[str, Any]],
) -> tuple[list[str], list[str]]:
    """What is wrong with the settings of a host, and with the host itself."""
    role = nodes.role(name, groups)
    service = "broker" if role == nodes.COMBINED else role
    own = variables.get(service + "_config") or {}
    settings = (
        config_settings.zookeeper_findings(own)
        if service == "zookeeper"
        else properties.broker_findings(own, service + "_config")
    )
    for suffix in ("_jvm_options", "_jvm_flags"):
        settings += units.option_findings(service + suffix, variables.get(service + suffix), heap=service + "_heap_mb")
    try:
        # _config.variables says so of a text.
        volumes = variables.get("kafka_data_volumes")
        nodes.mounts(None if isinstance(volumes, str) else volumes, role)
        machine = instances.get(str(variables.get("kafka_instance_type")))
        if machine:
            sizing.size(machine, _asked(role, variables), _overrides(service, own, variables))
        else:
            sizing.check_heap(variables.get(service + "_heap_mb") or None)
    except RackawareError as error:
        return settings, [str(error)]
    return settings, []


def _asked(role: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Only what the bounds of overrides depend on; the values themselves are sized in the role."""
    return {
        "role": role,
        "data_disks": len(variables.get("kafka_data_volumes") or ()) or 1,
        "replication_factor": 3,
        "producers": variables.get("kafka_producers", 1),
        "consumers": variables.get("kafka_consumers", 1),
        "cross_az_rtt_ms": variables.get("kafka_cross_az_rtt_ms", 1),
    }


def _overrides(service: str, own: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    overrides = dict(own) if isinstance(own, Mapping) else {}
    overrides["heap_mb"] = variables.get(service + "_heap_mb") or None
    overrides["jvm_flags"] = variables.get(service + "_jvm_flags") or None
    return overrides
