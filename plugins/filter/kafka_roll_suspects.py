# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose process must be watched before it is known whether it is down."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_roll_suspects
short_description: Which brokers systemd has started anew, and the cluster does not list
version_added: "0.1.0"
description:
  - Gives the inventory names of brokers whose process systemd has started anew by itself, and that are not registered and unfenced. They read their logs
    after a crash, or crash again and again; O(rackaware.kafka.kafka_service_info#module:watch_seconds) tells.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.hostvars
  - rackaware.kafka.filter_options.cluster
positional: _input, names, cluster
"""

EXAMPLES = r"""
- name: Show whom to watch
  ansible.builtin.debug:
    msg: "{{ hostvars | rackaware.kafka.kafka_roll_suspects(groups['kafka_brokers'], seen.cluster) }}"
"""

RETURN = r"""
_value:
  description: Inventory names.
  type: list
  elements: str
"""

from typing import Any, Callable

from ..module_utils._roll import steps


def kafka_roll_suspects(hosts: Any, names: list[str], cluster: dict[str, Any]) -> list[str]:
    """Inventory names."""
    return steps.suspects(cluster, hosts, names)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_roll_suspects": kafka_roll_suspects}
