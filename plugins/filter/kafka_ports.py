# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports that a node opens."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_ports
short_description: The ports that a node opens
version_added: "0.1.0"
description:
  - Lists the ports of a node, for the preflight and for firewalls.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.listeners
  - rackaware.kafka.filter_options.role
positional: _input, role
"""

EXAMPLES = r"""
- name: Show a broker's ports
  ansible.builtin.debug:
    msg: "{{ [{'name': 'CLIENT', 'port': 9092}] | rackaware.kafka.kafka_ports('broker') }}"
"""

RETURN = r"""
_value:
  description: The ports.
  type: list
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._config import nodes
from ..module_utils._errors import RackawareError


def kafka_ports(declared: list[dict[str, Any]], role: str) -> list[int]:
    """Port numbers."""
    try:
        return nodes.ports(declared, role)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_ports": kafka_ports}
