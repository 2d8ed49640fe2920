# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory's mistakes as sentences."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_inventory_findings
short_description: Say what is wrong with an inventory of Kafka hosts
version_added: "0.1.0"
author: rackaware.kafka contributors (@rackaware)
positional: groups, allow_fewer_zones
description:
  - Says when an inventory is empty, lacks a role, mixes clusters, lacks or repeats node ids, lacks racks, or has too few of them; one sentence each.
  - An empty list means that plays may start.
options:
  _input:
    description: The variables of each host by its name, usually C(hostvars).
    type: dict
    required: true
  groups:
    description: Host names by role, with the keys V(broker), V(zookeeper) and V(controller).
    type: dict
    required: true
  allow_fewer_zones:
    description: Whether fewer than three racks are accepted.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Refuse an inventory that is empty or ambiguous
  ansible.builtin.assert:
    that: inventory_findings | length == 0
    fail_msg: "{{ inventory_findings | join(' ') }}"
  vars:
    inventory_findings: >-
      {{ hostvars | rackaware.kafka.kafka_inventory_findings({
           'broker': broker_hosts, 'zookeeper': zookeeper_hosts, 'controller': controller_hosts}) }}
"""

RETURN = r"""
_value:
  description: The findings.
  type: list
  elements: str
"""

from typing import Any

from ..module_utils._config import topology


def kafka_inventory_findings(hosts: Any, groups: dict, allow_fewer_zones: bool = False) -> list[str]:
    """One sentence for each thing that is wrong."""
    names = {name for members in groups.values() for name in members or []}
    return topology.inventory_findings({name: hosts[name] for name in names if name in hosts}, groups, allow_fewer_zones=allow_fewer_zones)


class FilterModule:
    """The filter by its name."""

    def filters(self) -> dict[str, Any]:
        """Name and function."""
        return {"kafka_inventory_findings": kafka_inventory_findings}
