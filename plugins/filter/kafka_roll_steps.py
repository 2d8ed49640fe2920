# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a roll as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_roll_steps
short_description: The steps of a roll as hosts of the inventory
version_added: "0.1.0"
author: rackaware.kafka contributors (@rackaware)
description:
  - Turns a plan of M(rackaware.kafka.kafka_roll_plan) into steps, in the order in which they are taken.
positional: _input, brokers, keepers, kind
options:
  _input:
    description: What M(rackaware.kafka.kafka_roll_plan) returned.
    type: dict
    required: true
  brokers:
    description: Inventory names of brokers by their ids.
    type: dict
    required: true
  keepers:
    description: Inventory names of controllers or ZooKeeper nodes by their ids.
    type: dict
    required: true
  kind:
    description: What the keepers are, V(controller) or V(zookeeper).
    type: str
    required: true
  keepers_first:
    description: Whether they go before the brokers.
    type: bool
    default: true
  roll:
    description: How many rolls the run has had, with this one. Their groups and steps have names of their own.
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Show the steps
  ansible.builtin.debug:
    msg: "{{ plan | rackaware.kafka.kafka_roll_steps({1: 'demo-broker-1'}, {}, 'zookeeper') }}"
"""

RETURN = r"""
_value:
  description:
    - Steps, each with name, group, kind, members (its name, then its hosts), hosts, ids, left (ids of its kind that had no turn yet), before (names of
      earlier steps), canary and last (whether it is).
  type: list
  elements: dict
"""

from typing import Any, Callable

from ..module_utils._roll import steps


def kafka_roll_steps(
    plan: dict[str, Any], brokers: dict[Any, str], keepers: dict[Any, str], kind: str, keepers_first: bool = True, roll: int = 1
) -> list[dict[str, Any]]:
    """Steps."""
    named = [{int(id_): str(name) for id_, name in names.items()} for names in (brokers, keepers)]
    return steps.steps(plan, *named, kind, keepers_first=bool(keepers_first), roll=int(roll))


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_roll_steps": kafka_roll_steps}
