# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of sized settings for people."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_sizing_tables
short_description: Tables of sized settings for people
version_added: "0.1.0"
description:
  - Prints the result of P(rackaware.kafka.kafka_sizing#filter) of many hosts; hosts that are the same share a table.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, titles
options:
  _input:
    description: For each host its sized settings.
    type: dict
    required: true
  titles:
    description: For each host what to call its machine, like an instance type.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the settings
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: sized} | rackaware.kafka.kafka_sizing_tables }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from typing import Any, Callable

from ..module_utils._config import sizing


def kafka_sizing_tables(sized: dict[str, dict[str, Any]], titles: dict[str, str] | None = None) -> list[str]:
    """Lines of text."""
    return sizing.tables(sized, titles or {})


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_sizing_tables": kafka_sizing_tables}
