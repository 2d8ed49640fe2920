# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of an inventory as the summary shows them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_hosts
short_description: The nodes of an inventory as the summary shows them
version_added: "0.1.0"
description:
  - Joins the inventory with what M(rackaware.kafka.kafka_service_info) said on each host, registered as C(__kafka_service).
  - Made for P(rackaware.kafka.kafka_model#filter).
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.groups
positional: _input, groups
options:
  _input:
    description: C(hostvars), or the same shape.
    type: dict
    required: true
  instance_types:
    description: What M(rackaware.kafka.instance_type_info) said about the instance types, by which the encryption of instance stores is known.
    type: dict
    default: {}
  ebs_volumes:
    description: What M(rackaware.kafka.ebs_volume_info) said about the data volumes, by which their encryption is known.
    type: list
    default: []
"""

EXAMPLES = r"""
- name: Show the nodes
  ansible.builtin.debug:
    msg: "{{ hostvars | rackaware.kafka.kafka_hosts({'broker': groups['kafka_brokers']}) }}"
"""

RETURN = r"""
_value:
  description: One dictionary for each node.
  type: list
  elements: dict
"""

from typing import Any, Callable

from ..module_utils._config import nodes
from ..module_utils._stores import stores


def kafka_hosts(hosts: Any, groups: dict[str, list[str]], instance_types: Any = None, ebs_volumes: Any = None) -> list[dict[str, Any]]:
    """One row for each node."""
    return stores.with_layers(nodes.summary_hosts(hosts, groups), hosts, groups, instance_types or {}, ebs_volumes or [])


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_hosts": kafka_hosts}
