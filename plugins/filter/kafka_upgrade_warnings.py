# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clients a version of Kafka would not answer."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_upgrade_warnings
short_description: Which clients a version of Kafka would not answer
version_added: "0.1.0"
description:
  - Compares the requests that two releases answer, and names connected members of consumer groups that may send the old ones.
  - More is not known. Kafka's protocol does not tell which version a client has, and nothing at all about those that only produce.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, before, after, members
options:
  _input:
    description: The decision, as P(rackaware.kafka.kafka_upgrade_plan#filter) made it.
    type: dict
    required: true
  before:
    description: The C(apis) of the release that runs, as M(rackaware.kafka.kafka_release_info) returns them.
    type: dict
    required: true
  after:
    description: The same of the release that shall run.
    type: dict
    required: true
  members:
    description: The members of groups, as M(rackaware.kafka.kafka_version_info) returns them.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Warn
  ansible.builtin.debug:
    msg: "{{ plan | rackaware.kafka.kafka_upgrade_warnings(old.apis, new.apis, seen.members) }}"
"""

RETURN = r"""
_value:
  description: Sentences.
  type: list
  elements: str
"""

from typing import Any, Callable, Mapping, Sequence

from ..module_utils._upgrade import rules


def kafka_upgrade_warnings(
    plan: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any], members: Sequence[Mapping[str, Any]] | None = None
) -> list[str]:
    """Sentences."""
    return rules.warnings(plan["start"], plan["target"], rules.dropped(before, after), members or [])


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_upgrade_warnings": kafka_upgrade_warnings}
