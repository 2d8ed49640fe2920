# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids and addresses of nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_nodes
short_description: Ids and addresses of nodes
version_added: "0.1.0"
description:
  - Lists id, address and port of hosts, by id, whatever the order of the inventory.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, hosts, port
options:
  _input:
    description: The names of the hosts.
    type: list
    required: true
  hosts:
    description: C(hostvars), or the same shape.
    type: dict
    required: true
  port:
    description: The port that is asked for.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: List the brokers as a client does
  ansible.builtin.debug:
    msg: "{{ ['b1', 'b2'] | rackaware.kafka.kafka_nodes(hostvars, 9092) }}"
"""

RETURN = r"""
_value:
  description: For each its C(id), C(host) and C(port).
  type: list
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._config import nodes
from ..module_utils._errors import RackawareError


def kafka_nodes(names: list[str], hosts: Any, port: int) -> list[dict[str, Any]]:
    """[{id, host, port}] by id."""
    try:
        return nodes.nodes(hosts, names, int(port))
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_nodes": kafka_nodes}
