# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan of a roll refuses."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_roll_refusals
short_description: What a plan of a roll refuses
version_added: "0.1.0"
description:
  - Says which partitions stand against which brokers, and why, one sentence each; a long list is cut.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input
options:
  _input:
    description: The plan, as M(rackaware.kafka.kafka_roll_plan) returns it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse a plan that leaves somebody out
  ansible.builtin.assert:
    that: plan | rackaware.kafka.kafka_roll_refusals | length == 0
    fail_msg: "{{ plan | rackaware.kafka.kafka_roll_refusals | join(' ') }}"
"""

RETURN = r"""
_value:
  description: The sentences.
  type: list
  elements: str
"""

from typing import Any, Callable

from ..module_utils._roll import steps


def kafka_roll_refusals(plan: dict[str, Any]) -> list[str]:
    """The sentences."""
    return steps.refusals(plan)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_roll_refusals": kafka_roll_refusals}
