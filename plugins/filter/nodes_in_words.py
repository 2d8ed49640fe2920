# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many nodes of which kind an inventory holds."""

from __future__ import annotations

DOCUMENTATION = r"""
name: nodes_in_words
short_description: How many nodes of which kind an inventory holds
version_added: "0.1.0"
description:
  - Counts brokers, ZooKeeper nodes and controllers, as the title of a play says it.
  - In a play's title it is worth more than it says. Ansible loads the filters of a collection in the order of their names until it finds the one that
    it looks for, and anew in each worker process, that is for each task on each host. A play's title is made before there are workers, which inherit
    what it loaded; and no other filter of this collection comes later by name.
author:
  - rackaware.kafka contributors (@rackaware)
options:
  _input:
    description: The hosts of each group, usually C(groups).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: "Look at the inventory: {{ groups | rackaware.kafka.nodes_in_words }}"
  hosts: localhost
  gather_facts: false
  tasks: []
"""

RETURN = r"""
_value:
  description: Such as C(3 brokers and 3 ZooKeeper nodes); C(no node) when there is none.
  type: str
"""

from typing import Any, Callable

from ..module_utils._config import nodes


def nodes_in_words(groups: dict[str, list[str]]) -> str:
    """3 brokers and 3 ZooKeeper nodes."""
    return nodes.in_words(groups)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"nodes_in_words": nodes_in_words}
