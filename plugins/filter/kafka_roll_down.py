# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose service does not run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_roll_down
short_description: Which nodes of an inventory are down
version_added: "0.1.0"
description:
  - Gives the ids of those whose services do not run, or are started again and again by systemd.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.hostvars
positional: _input, names
options:
  names:
    description: The nodes to look at.
    type: list
    required: true
"""

EXAMPLES = r"""
- name: Show who is down
  ansible.builtin.debug:
    msg: "{{ hostvars | rackaware.kafka.kafka_roll_down(groups['kafka_brokers']) }}"
"""

RETURN = r"""
_value:
  description: Ids.
  type: list
  elements: int
"""

from typing import Any, Callable

from ..module_utils._roll import steps


def kafka_roll_down(hosts: Any, names: list[str]) -> list[int]:
    """Ids."""
    return [int(hosts[name]["kafka_node_id"]) for name in names if steps.down(hosts[name])]


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_roll_down": kafka_roll_down}
