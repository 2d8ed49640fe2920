# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host of the inventory is."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_role
short_description: What a host of the inventory is
version_added: "0.1.0"
description:
  - Says whether a host is a V(broker), a V(controller), both (V(combined)) or a V(zookeeper) node.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.groups
positional: _input, groups
options:
  _input:
    description: The host's name.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what this host is
  ansible.builtin.debug:
    msg: "{{ inventory_hostname | rackaware.kafka.kafka_role({'broker': ['b1'], 'controller': ['c1'], 'zookeeper': []}) }}"
"""

RETURN = r"""
_value:
  description: The role.
  type: str
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._config import nodes
from ..module_utils._errors import RackawareError


def kafka_role(host: str, groups: dict[str, list[str]]) -> str:
    """broker, controller, combined or zookeeper."""
    try:
        return nodes.role(host, groups)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_role": kafka_role}
