# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that size a service for its machine."""

from __future__ import annotations

from typing import Any, Callable

from ..plugin_utils.filters import as_filters

# What the preflight keeps on localhost, by instance type.
INSTANCE_TYPES = "__kafka_instance_types"


def kafka_machine(
    instance: dict[str, Any],
    hosts: Any,
    instance_type: str,
    facts: Any = None,
) -> dict[str, Any]:
    """{vcpus, memory_mb, network_gbps} as far as they are known."""
    offered = ((hosts.get("localhost") or {}).get(INSTANCE_TYPES) or {}).get(instance_type) or {}
    counted = {}
    if facts is not None:
        counted = {"vcpus": facts.get("processor_vcpus", 0), "memory_mb": facts.get("memtotal_mb", 0)}
    return {**counted, **offered, **instance}


def kafka_sizing(
    instance: dict[str, Any],
    topology: dict[str, Any],
    overrides: dict[str, Any] | None = None,
    masked: bool = False,
) -> dict[str, Any]:
    """{name: {value, reason, overridden}}."""
    from ..module_utils._config import sizing

    sized = sizing.size(instance, topology, overrides)
    return sizing.shown(sized) if masked else sized


def kafka_sizing_tables(sized: dict[str, dict[str, Any]], titles: dict[str, str] | None = None) -> list[str]:
    """Lines of text."""
    from ..module_utils._config import sizing

    return sizing.tables(sized, titles or {})


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(kafka_machine, kafka_sizing, kafka_sizing_tables)
