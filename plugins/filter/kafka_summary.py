# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster as a table of plain text."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_summary
short_description: A cluster as a table of plain text
version_added: "0.1.0"
description:
  - A line for each node by rack, the health of the partitions, and what needs attention; at most 100 columns wide.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.model
positional: _input
"""

EXAMPLES = r"""
- name: Show the cluster
  ansible.builtin.debug:
    msg: "{{ (model | rackaware.kafka.kafka_summary).splitlines() }}"
"""

RETURN = r"""
_value:
  description: The table.
  type: str
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._report.cluster import ModelError, summary


def kafka_summary(model: Any) -> str:
    """The model as a table."""
    try:
        return summary(model)
    except ModelError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_summary": kafka_summary}
