# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts did not say how their service is."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_services_findings
short_description: Which hosts did not say how their service is
version_added: "0.1.0"
description:
  - One sentence for each host on which M(rackaware.kafka.kafka_service_info) failed, or that could not be reached; an empty list means that all of them
    answered.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.hostvars
positional: _input, names
options:
  names:
    description: The inventory names of the hosts.
    type: list
    required: true
"""

EXAMPLES = r"""
- name: Refuse without the answer of every host
  ansible.builtin.assert:
    that: silent | length == 0
    fail_msg: "{{ silent | join(' ') }}"
  vars:
    silent: "{{ hostvars | rackaware.kafka.kafka_services_findings(groups['kafka_brokers']) }}"
"""

RETURN = r"""
_value:
  description: The findings.
  type: list
  elements: str
"""

from typing import Any, Callable

from ..module_utils import _nodes


def kafka_services_findings(hosts: Any, names: list[str]) -> list[str]:
    """One sentence for each host that did not answer."""
    return _nodes.unanswered(hosts, names)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_services_findings": kafka_services_findings}
