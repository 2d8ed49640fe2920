# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes of an inventory get a restart."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_roll_wanted
short_description: Which nodes of an inventory get a restart
version_added: "0.1.0"
description:
  - Names those that run with something else than they would start with, and those that do not run.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.hostvars
positional: _input, names, everything, only, version
options:
  names:
    description: The nodes to look at.
    type: list
    required: true
  everything:
    description: Whether all of them get one.
    type: bool
    default: false
  only:
    description: Inventory names of the only ones that may get one.
    type: list
    default: []
  version:
    description: For an upgrade, the version that everybody shall run; who runs another gets a restart.
    type: str
"""

EXAMPLES = r"""
- name: Show who needs a restart
  ansible.builtin.debug:
    msg: "{{ hostvars | rackaware.kafka.kafka_roll_wanted(groups['kafka_brokers']) }}"
"""

RETURN = r"""
_value:
  description: Inventory names.
  type: list
  elements: str
"""

from typing import Any, Callable

from ..module_utils._roll import steps


def kafka_roll_wanted(hosts: Any, names: list[str], everything: bool = False, only: list[str] | None = None, version: str | None = None) -> list[str]:
    """Inventory names."""
    return steps.wanted(hosts, names, everything=bool(everything), only=only or [], version=version)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_roll_wanted": kafka_roll_wanted}
