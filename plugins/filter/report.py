# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the summary and the report of a cluster."""

from __future__ import annotations

from typing import Any, Callable

from ..plugin_utils.filters import as_filters


def kafka_model(
    snapshot: Any,
    hosts: Any,
    name: str = "",
    proof: Any = None,
    zookeeper: Any = None,
    security: str = "",
) -> dict[str, Any]:
    """One model of the cluster."""
    from ..module_utils._report import cluster

    return cluster.build(snapshot, hosts, name=name, proof=proof, zookeeper=zookeeper, security=security)


def kafka_summary(model: Any) -> str:
    """The model as a table."""
    from ..module_utils._report import cluster

    return cluster.summary(model)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(kafka_model, kafka_summary)
