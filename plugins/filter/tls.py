# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the certificates of a cluster: what each host must be able to prove."""

from __future__ import annotations

from typing import Any, Callable

from ..plugin_utils.filters import as_filters


def _names(host: str, hosts: Any) -> list[str]:
    """The address of a host, and its other names."""
    return [str(hosts[host].get("ansible_host") or host), *(hosts[host].get("kafka_tls_names") or ())]


def tls_host(host: str, hosts: Any, groups: dict[str, list[str]], cluster: str) -> dict[str, Any]:
    """{directory, held_by, identities}."""
    from ..module_utils._config import nodes, security, units
    from ..module_utils._tls import identity

    role = nodes.role(host, groups)
    service = units.service(nodes.BROKER if role == nodes.COMBINED else role)
    address, *names = _names(host, hosts)
    return {
        "directory": security.folder(service.directory),
        "held_by": service.unit,
        "identities": identity.identities(cluster, address, names, broker=service.stem == nodes.BROKER),
    }


def tls_hosts(
    names: list[str], hosts: Any, groups: dict[str, list[str]], cluster: str, answers: str
) -> dict[str, dict[str, Any]]:
    """Host to {identities, answer, client_ca}."""
    return {
        name: {
            "identities": tls_host(name, hosts, groups, cluster)["identities"],
            "answer": hosts[name].get(answers) or {},
            "client_ca": hosts[name].get("kafka_client_ca_certificates") or "",
        }
        for name in names
    }


def tls_findings(names: list[str], hosts: Any, cluster: str, own: dict[str, Any]) -> list[str]:
    """Sentences."""
    from ..module_utils._tls import identity

    return identity.findings(cluster, {name: _names(name, hosts) for name in names}) + identity.settings_findings(
        own, names
    )


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(tls_host, tls_hosts, tls_findings)
