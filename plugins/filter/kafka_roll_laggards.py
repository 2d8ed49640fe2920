# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which brokers run, and are not back."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_roll_laggards
short_description: Which brokers run, and are not back
version_added: "0.1.0"
description:
  - Gives the ids of brokers that run, and are not registered and unfenced, or not in sync in a partition that they hold. They have been started anew, or
    something keeps them; M(rackaware.kafka.kafka_roll_wait) waits for them as long as they get on.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.hostvars
  - rackaware.kafka.filter_options.cluster
positional: _input, names, cluster
"""

EXAMPLES = r"""
- name: Show whom to wait for
  ansible.builtin.debug:
    msg: "{{ hostvars | rackaware.kafka.kafka_roll_laggards(groups['kafka_brokers'], seen.cluster) }}"
"""

RETURN = r"""
_value:
  description: Ids.
  type: list
  elements: int
"""

from typing import Any, Callable

from ..module_utils._roll import steps


def kafka_roll_laggards(hosts: Any, names: list[str], cluster: dict[str, Any]) -> list[int]:
    """Ids."""
    return steps.laggards(cluster, hosts, names)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_roll_laggards": kafka_roll_laggards}
