# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Everything about a whole inventory that can be seen to be wrong before any host is touched."""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping, Sequence

from .._errors import RackawareError
from .._text import hosts_as_subject
from .._tls import identity
from . import kerberos, nodes, properties, security, sizing, topology, units
from . import settings as config_settings
from . import variables as config_variables

OLDEST_CORE = (2, 19)
# Those of the role tls, which no preflight has loaded.
TLS_DEFAULTS = {"source": "kms", "days": 365, "renew_days": 60, "requests_dir": "", "private_cas": ()}


def findings(
    hosts: Mapping[str, Mapping[str, Any]],
    cluster: Mapping[str, Any],
    instances: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Mapping[str, Any]],
    roles: Sequence[str],
    volume_fault: Callable[[str], str],
) -> list[str]:
    """One sentence for each thing that is wrong.

    hosts: host to its variables; cluster: {groups, version, replication_factor, min_insync_replicas,
    allow_fewer_zones}, and from _config.cluster_settings.read security, listeners, super_users, client_ca,
    kerberos_realm, topology and findings; with missing_ok the topology may have nodes that the inventory lacks;
    instances: instance type to {vcpus, memory_mb, network_gbps},
    empty without the API; known and roles as in _config.variables.findings; volume_fault: what is wrong with the name
    of a data volume, which _disk and _stores know, empty when nothing is.
    """
    groups = cluster["groups"]
    members = list(dict.fromkeys(name for names in groups.values() for name in names or ()))
    everything = {name: hosts[name] for name in members}
    faults = {name: config_variables.unfit(variables, known) for name, variables in everything.items()}
    # What is of a wrong type is said once, and not looked at again.
    seen = {
        name: {key: value for key, value in variables.items() if key not in faults[name]}
        for name, variables in everything.items()
    }
    fewer = bool(cluster.get("allow_fewer_zones", False))
    # An inventory that lacks an instance which is stopped is no smaller cluster.
    whole = not topology.lacks_nodes(cluster.get("topology"), groups)
    out = topology.inventory_findings(everything, groups, allow_fewer_zones=fewer or not whole)
    if not members:
        return out
    out += cluster.get("findings") or []
    out += topology.model_findings(
        cluster.get("topology"), everything, groups, missing_ok=bool(cluster.get("missing_ok", False))
    )
    out += config_variables.findings(everything, known, faults, roles)
    out += nodes.cluster_findings(
        groups,
        everything,
        version=cluster["version"],
        replication_factor=cluster["replication_factor"],
        min_insync_replicas=cluster["min_insync_replicas"],
        allow_fewer_zones=fewer,
        whole=whole,
    )
    declared = cluster["listeners"] if cluster.get("listeners") is not None else seen[members[0]].get("kafka_listeners")
    if declared is not None:
        faults_ = nodes.listener_findings(declared)
        out += faults_ or security.findings(
            cluster.get("security"),
            declared,
            cluster.get("super_users"),
            cluster.get("client_ca"),
            cluster.get("kerberos_realm"),
        )
        if (
            not faults_
            and groups.get(nodes.CONTROLLER)
            and not security.among(declared, nodes.OF_CONTROLLERS, cluster.get("security"))
        ):
            out.append(
                "kafka_listeners has no listener %s, without which controllers do not start; add {name: %s, port:"
                " 9093}." % (nodes.CONTROLLERS, nodes.CONTROLLERS)
            )
    # What a group sets wrongly is said once.
    shared: dict[str, list[str]] = {}
    if isinstance(declared, (list, tuple)) and not faults_ and kerberos.used(declared):
        for name in groups.get(nodes.BROKER) or ():
            fault = kerberos.keytab_finding(seen[name].get("kafka_keytab"))
            if fault:
                shared.setdefault(fault, []).append(name)
    if cluster.get("security") == security.TLS:
        for name, variables in seen.items():
            for fault in identity.settings_findings({**TLS_DEFAULTS, **_tls(variables)}, ()):
                shared.setdefault(fault, []).append(name)
    for name, variables in seen.items():
        for fault in _host(name, variables, groups, instances, volume_fault, str(cluster.get("security"))):
            shared.setdefault(fault, []).append(name)
    return out + ["%s: %s" % (hosts_as_subject(names), fault) for fault, names in shared.items()]


def _tls(variables: Mapping[str, Any]) -> dict[str, Any]:
    """What a host sets of the role's inputs."""
    return {name: variables["tls_" + name] for name in TLS_DEFAULTS if variables.get("tls_" + name) is not None}


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
    volume_fault: Callable[[str], str],
    secured: str,
) -> list[str]:
    """What is wrong with the settings of a host, and with the host itself; secured is kafka_security."""
    role = nodes.role(name, groups)
    service = "broker" if role == nodes.COMBINED else role
    own = variables.get(service + "_config") or {}
    out = (
        config_settings.zookeeper_findings(own, secured)
        if service == "zookeeper"
        else properties.broker_findings(own, service + "_config", config_settings.reserved(own, secured))
    )
    options = {service + suffix: variables.get(service + suffix) or () for suffix in ("_jvm_flags", "_jvm_options")}
    for setting, given in options.items():
        out += units.option_findings(setting, given, heap=service + "_heap_mb")
    # One says where JMX listens, the other may say to whom.
    every = [option for given in options.values() for option in given]
    out += units.access_findings(service + "_jvm_options", every)
    out += security.option_findings(service + "_jvm_options", every) if security.encrypts(secured) else []
    volumes = variables.get("kafka_data_volumes") or []
    out += list(filter(None, (volume_fault(str(volume)) for volume in volumes)))[:1]
    try:
        nodes.mounts(volumes, role)
        machine = instances.get(str(variables.get("kafka_instance_type")))
        if machine:
            sizing.size(machine, _asked(role, variables), _overrides(service, own, variables))
        else:
            sizing.check_heap(variables.get(service + "_heap_mb") or None)
    except RackawareError as error:
        out.append(str(error))
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


def _overrides(service: str, own: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    return {**own, **{name: variables.get("%s_%s" % (service, name)) or None for name in ("heap_mb", "jvm_flags")}}
