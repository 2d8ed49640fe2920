# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Everything about a whole inventory that can be seen to be wrong before any host is touched."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from . import _nodes, _properties, _service_settings, _sizing, _topology, _variables
from ._errors import RackawareError


def findings(
    hosts: Mapping[str, Mapping[str, Any]],
    cluster: Mapping[str, Any],
    instances: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Mapping[str, Any]],
    roles: Sequence[str],
) -> list[str]:
    """One sentence for each thing that is wrong.

    hosts: host to its variables; cluster: {groups, version, replication_factor, min_insync_replicas, allow_fewer_zones};
    instances: instance type to {vcpus, memory_mb, network_gbps}, empty without the API; known and roles as in _variables.findings.
    """
    groups = cluster["groups"]
    members = list(dict.fromkeys(name for names in groups.values() for name in names or ()))
    seen = {name: hosts[name] for name in members}
    fewer = bool(cluster.get("allow_fewer_zones", False))
    out = _topology.inventory_findings(seen, groups, allow_fewer_zones=fewer)
    if not members:
        return out
    out += _variables.findings(seen, known, roles)
    first = seen[members[0]]
    out += _nodes.cluster_findings(
        groups,
        seen,
        version=cluster["version"],
        replication_factor=cluster["replication_factor"],
        min_insync_replicas=cluster["min_insync_replicas"],
        allow_fewer_zones=fewer,
        data_on_root_disk=bool(first.get("kafka_data_on_root_disk", False)),
    )
    if first.get("kafka_listeners") is not None:
        out += _nodes.listener_findings(first["kafka_listeners"])
    for name, variables in seen.items():
        out += [sentence for sentence in _host(name, variables, groups, instances) if sentence not in out]
    return out


def _host(name: str, variables: Mapping[str, Any], groups: Mapping[str, Sequence[str]], instances: Mapping[str, Mapping[str, Any]]) -> list[str]:
    role = _nodes.role(name, groups)
    service = "broker" if role == _nodes.COMBINED else role
    own = variables.get(service + "_config") or {}
    out = _service_settings.zookeeper_findings(own) if service == "zookeeper" else _properties.broker_findings(own, service + "_config")
    try:
        _nodes.mounts(variables.get("kafka_data_volumes"), role)
        machine = instances.get(str(variables.get("kafka_instance_type")))
        if machine:
            _sizing.size(machine, _asked(role, variables), _overrides(service, own, variables))
        else:
            _sizing.check_heap(variables.get(service + "_heap_mb") or None)
    except RackawareError as error:
        out.append("Host %s: %s" % (name, error))
    return out


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
    wanted = dict(own) if isinstance(own, Mapping) else {}
    wanted["heap_mb"] = variables.get(service + "_heap_mb") or None
    wanted["jvm_flags"] = variables.get(service + "_jvm_flags") or None
    return wanted
