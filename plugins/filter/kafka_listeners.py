# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kafka's settings for the listeners of a node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_listeners
short_description: Kafka's settings for the listeners of a node
version_added: "0.1.0"
description:
  - Makes C(listeners), C(advertised.listeners) and the rest from one list for the whole cluster.
  - C(REPLICATION) is the listener between brokers, C(CONTROLLER) the one of the controllers, and every other one is for clients.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.listeners
  - rackaware.kafka.filter_options.role
positional: _input, role, host
options:
  host:
    description: The address at which others reach it.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show a broker's listeners
  ansible.builtin.debug:
    msg: "{{ [{'name': 'CLIENT', 'port': 9092}] | rackaware.kafka.kafka_listeners('broker', '198.18.1.11') }}"
"""

RETURN = r"""
_value:
  description: The settings.
  type: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._config import nodes
from ..module_utils._errors import RackawareError


def kafka_listeners(declared: list[dict[str, Any]], role: str, host: str) -> dict[str, str]:
    """Settings by name."""
    try:
        return nodes.listeners(declared, role, host)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_listeners": kafka_listeners}
