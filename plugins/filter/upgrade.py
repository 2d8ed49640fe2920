# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of upgrades."""

from __future__ import annotations

import time
from typing import Any, Callable, Mapping, Sequence

from ..module_utils._errors import RackawareError
from ..plugin_utils.filters import as_filters


def kafka_upgrade_plan(
    asked: str,
    hosts: Any,
    groups: Mapping[str, list[str]],
    told: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The decision, or why it is refused."""
    from ..module_utils._config import nodes as config_nodes
    from ..module_utils._upgrade import rules

    try:
        nodes, records = config_nodes.services(hosts, groups)
        return dict(rules.decide(asked, nodes, records, told or None, now=time.time()).to_dict(), refused="")
    except RackawareError as error:
        return {"refused": str(error)}


def kafka_upgrade_finalization(
    asked: str,
    hosts: Any,
    groups: Mapping[str, list[str]],
    told: Mapping[str, Any],
    levels: Mapping[str, int] | None = None,
    soak_seconds: int = 86400,
) -> dict[str, Any]:
    """What is left, or why it is refused."""
    from ..module_utils._config import nodes as config_nodes
    from ..module_utils._upgrade import rules

    try:
        nodes, records = config_nodes.services(hosts, groups)
        waits = {"soak_seconds": int(soak_seconds), "now": time.time()}
        left = rules.finalization(asked, nodes, records, told, levels or {}, **waits)
        return dict(left.to_dict(), refused="")
    except RackawareError as error:
        return {"refused": str(error)}


def kafka_upgrade_rolled(
    record: Mapping[str, Any] | None,
    hosts: Any,
    groups: Mapping[str, list[str]],
) -> Mapping[str, Any] | None:
    """The record."""
    from ..module_utils._config import nodes
    from ..module_utils._upgrade import rules

    return rules.rolled(record, nodes.services(hosts, groups)[0], now=time.time())


def kafka_upgrade_warnings(
    plan: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    members: Sequence[Mapping[str, Any]] | None = None,
) -> list[str]:
    """Sentences."""
    from ..module_utils._upgrade import rules

    return rules.warnings(plan["start"], plan["target"], rules.dropped(before, after), members or [])


def kafka_protocol(hosts: Any, names: list[str], version: str) -> str:
    """The protocol, or an empty text."""
    from ..module_utils._config import nodes
    from ..module_utils._upgrade import rules

    return rules.pin(nodes.records(hosts, names), version) or ""


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(
            kafka_upgrade_plan,
            kafka_upgrade_finalization,
            kafka_upgrade_rolled,
            kafka_upgrade_warnings,
            kafka_protocol,
        )
