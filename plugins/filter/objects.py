# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for topics, users, quotas and ACLs that a file declares."""

from __future__ import annotations

from typing import Any, Callable

from ..plugin_utils.filters import as_filters


def kafka_objects_findings(hosts: Any) -> list[str]:
    """One sentence for each kind that cannot be declared."""
    from ..module_utils._objects import declaration

    local = hosts["localhost"]
    return declaration.findings({name: local[name] for name in declaration.VARIABLES if name in local})


def kafka_objects_text(objects: Any, cluster: str) -> str:
    """YAML."""
    from ..module_utils._objects import declaration

    return declaration.text(objects, cluster)


def kafka_objects_imported(text: str, origin: str) -> str:
    """YAML."""
    from ..module_utils._objects import declaration, imports

    return declaration.text(imports.imported(text), origin, declaration.IMPORTED)


def kafka_rotated_users(hosts: Any, names: Any) -> list[dict[str, Any]]:
    """The declared users that get a new password, without passwords."""
    from ..module_utils._config import cluster_settings
    from ..module_utils._objects import declaration

    local = hosts["localhost"]
    return declaration.rotated(
        {name: local[name] for name in declaration.VARIABLES if name in local},
        list(dict.fromkeys(cluster_settings.listed(names))),
    )


def kafka_rotated_findings(hosts: Any, names: Any) -> list[str]:
    """Why they cannot get new passwords, one sentence or none."""
    return _refusal(kafka_rotated_users, hosts, names)


def kafka_imported_findings(text: str, origin: str) -> list[str]:
    """Why it cannot be imported, one sentence or none."""
    return _refusal(kafka_objects_imported, text, origin)


def _refusal(work: Callable[..., Any], *given: Any) -> list[str]:
    from ..module_utils._errors import RackawareError

    try:
        work(*given)
    except RackawareError as error:
        return [str(error)]
    return []


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(
            kafka_imported_findings,
            kafka_objects_findings,
            kafka_objects_imported,
            kafka_objects_text,
            kafka_rotated_findings,
            kafka_rotated_users,
        )
