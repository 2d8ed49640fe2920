# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A topology's mistakes as sentences."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_topology_findings
short_description: Say what is wrong with a topology
version_added: "0.1.0"
author: rackaware.kafka contributors (@rackaware)
description:
  - Reads a topology and says everything that is wrong with it, one sentence each.
  - An empty list means that the cluster can be built.
extends_documentation_fragment:
  - rackaware.kafka.filter_options.topology
"""

EXAMPLES = r"""
- name: Refuse a topology that cannot be built
  ansible.builtin.assert:
    that: (kafka_topology | rackaware.kafka.kafka_topology_findings) | length == 0
    fail_msg: "{{ kafka_topology | rackaware.kafka.kafka_topology_findings | join(' ') }}"
"""

RETURN = r"""
_value:
  description: The findings.
  type: list
  elements: str
"""

from typing import Any

from ..module_utils._config import topology


def kafka_topology_findings(raw: Any) -> list[str]:
    """One sentence for each thing that is wrong."""
    return topology.findings(raw)


class FilterModule:
    """The filter by its name."""

    def filters(self) -> dict[str, Any]:
        """Name and function."""
        return {"kafka_topology_findings": kafka_topology_findings}
