# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a roll for people."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_roll_lines
short_description: The plan of a roll for people
version_added: "0.1.0"
description:
  - Shows the steps of a plan with the nodes' names, why there are not fewer, and what would make it shorter.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, names, keepers, kind, hosts
options:
  _input:
    description: The plan, as M(rackaware.kafka.kafka_roll_plan) returns it.
    type: dict
    required: true
  names:
    description: The brokers' names by id.
    type: dict
    required: true
  keepers:
    description: The names of the ZooKeeper nodes or controllers in their order.
    type: list
    default: []
  kind:
    description: What the keepers are, V(zookeeper) or V(controller).
    type: str
    default: controller
  hosts:
    description: C(hostvars), from which brokers that are out of service are named.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ plan | rackaware.kafka.kafka_roll_lines({1: 'demo-broker-1'}) }}"
"""

RETURN = r"""
_value:
  description: Lines of text.
  type: list
  elements: str
"""

from typing import Any, Callable

from ..module_utils._roll import steps


def kafka_roll_lines(plan: dict[str, Any], names: dict[Any, str], keepers: list[str] | None = None, kind: str = "controller", hosts: Any = None) -> list[str]:
    """Lines of text."""
    absent = steps.out_of_service(hosts, names.values()) if hosts else []
    return steps.lines(plan, {int(id_): name for id_, name in names.items()}, keepers or [], kind, absent)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_roll_lines": kafka_roll_lines}
