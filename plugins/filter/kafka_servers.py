# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes as host and port."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_servers
short_description: Nodes as host and port
version_added: "0.1.0"
description:
  - Writes the result of P(rackaware.kafka.kafka_nodes#filter) as a client wants it, V(host:port).
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input
options:
  _input:
    description: The nodes.
    type: list
    required: true
"""

EXAMPLES = r"""
- name: Show the bootstrap servers
  ansible.builtin.debug:
    msg: "{{ [{'id': 1, 'host': '198.18.1.11', 'port': 9092}] | rackaware.kafka.kafka_servers }}"
"""

RETURN = r"""
_value:
  description: One text for each.
  type: list
  elements: str
"""

from typing import Any, Callable

from ..module_utils._config import nodes


def kafka_servers(found: list[dict[str, Any]]) -> list[str]:
    """host:port of each."""
    return nodes.servers(found)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_servers": kafka_servers}
