# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for encrypted stores: Kafka's, and those of any application."""

from __future__ import annotations

from typing import Any, Callable

from ..plugin_utils.filters import as_filters


def kafka_stores(volumes: Any, cluster: str, node_id: int, wrapped: Any) -> list[dict[str, Any]]:
    """A broker's encrypted stores, from its data volumes."""
    from ..module_utils._stores import stores

    return stores.stores(volumes, str(cluster), int(node_id), wrapped)


def kafka_store_keys(
    hosts: Any, names: list[str], app: str = "", store: str = "", nodes: list[int] | None = None
) -> list[dict[str, Any]]:
    """The wrapped keys that the encrypted stores of an inventory need."""
    from ..module_utils._stores import stores

    if app:
        return stores.keys_of(app, names, store)
    return stores.keys(hosts, names if nodes is None else [n for n in names if hosts[n].get("kafka_node_id") in nodes])


def kafka_store_disks(stores: list[dict[str, Any]], disks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The disk that each encrypted store is on."""
    from ..module_utils._stores import stores as stores_module

    return stores_module.disks(stores, disks)


def encrypted_store_files(stores: list[dict[str, Any]], as_file_set: bool = False, **more: Any) -> dict[str, Any]:
    """{path: {content, mode}}, or the options of file_set."""
    from ..module_utils._stores import files

    by_path = files.files(stores, **more)
    return files.file_set(by_path) if as_file_set else by_path


def encrypted_store_launch(stores: list[dict[str, Any]], **more: Any) -> dict[str, str]:
    """User data, and the archive that they fetch."""
    from ..module_utils._stores import launch_template

    return launch_template.launch(stores, **more)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(
            kafka_stores,
            kafka_store_keys,
            kafka_store_disks,
            encrypted_store_files,
            encrypted_store_launch,
        )
