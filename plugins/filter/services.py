# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the services of a host: their files, directories and ports."""

from __future__ import annotations

from typing import Any, Callable

from ..plugin_utils.filters import as_filters


def kafka_service_files(
    kind: str,
    node: dict[str, Any],
    cluster: dict[str, Any],
    sized: dict[str, Any],
    own: dict[str, Any],
) -> dict[str, Any]:
    """{unit, directories, files}."""
    from ..module_utils._config import services
    from ..module_utils._stores import stores

    return services.files(kind, node, cluster, sized, own, is_store=stores.store_of, store_guard=stores.guard)


def kafka_mounts(volumes: list[str], role: str, encrypted: bool | None = None) -> list[dict[str, Any]]:
    """[{id or path, mount}]."""
    from ..module_utils._config import nodes
    from ..module_utils._stores import stores

    mounts = nodes.mounts(volumes, role)
    if encrypted is None:
        return mounts
    return [volume for volume in mounts if bool(stores.store_of(volume.get("path", ""))) == encrypted]


def kafka_data_dirs(volumes: list[str], role: str) -> list[str]:
    """Paths."""
    from ..module_utils._config import nodes

    return nodes.data_dirs(volumes, role)


def kafka_ports(declared: list[dict[str, Any]], role: str) -> list[int]:
    """Port numbers."""
    from ..module_utils._config import nodes

    return nodes.ports(declared, role)


def kafka_listener_ports(listeners: list[dict[str, Any]], security: str) -> dict[str, int]:
    """{client, operator, controller}."""
    from ..module_utils._config import nodes

    client = nodes.client_listener(listeners)
    operator = nodes.operator_listener(listeners, security)
    return {
        "client": int(client["port"]),
        "operator": int(operator["port"]),
        "controller": int(nodes.controller_listeners(listeners, security)[0]["port"]),
    }


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(kafka_service_files, kafka_mounts, kafka_data_dirs, kafka_ports, kafka_listener_ports)
