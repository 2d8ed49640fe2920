# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a roll ended."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_roll_ending
short_description: Why a roll did not take all of its steps
version_added: "0.1.0"
author: rackaware.kafka contributors (@rackaware)
description:
  - Looks at what the steps of a roll left in the variables of their hosts.
positional: _input, steps
options:
  _input:
    description: Variables of hosts by inventory name, C(hostvars).
    type: dict
    required: true
  steps:
    description: What P(rackaware.kafka.kafka_roll_steps#filter) returned.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Fail when the roll stopped
  ansible.builtin.fail:
    msg: "{{ reasons | join(' ') }}"
  vars:
    reasons: "{{ hostvars | rackaware.kafka.kafka_roll_ending(steps) }}"
  when: reasons | length > 0
"""

RETURN = r"""
_value:
  description: The reasons, empty when every step ended well.
  type: list
  elements: str
"""

from typing import Any, Callable

from ..module_utils._roll import steps as roll_steps


def kafka_roll_ending(hosts: Any, steps: list[dict[str, Any]]) -> list[str]:
    """The reasons."""
    return roll_steps.ending(hosts, steps)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_roll_ending": kafka_roll_ending}
