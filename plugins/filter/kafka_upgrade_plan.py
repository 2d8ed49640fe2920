# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster may go to another version of Kafka, and how."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_upgrade_plan
short_description: Whether a cluster may go to another version of Kafka, and how
version_added: "0.1.0"
description:
  - Compares what runs, what brokers wrote down about the last upgrade, what they say over the protocol, and what is asked for.
  - Knows the rules of Kafka (C(module_utils/_upgrade/rules.py) says where each stands), and takes up an upgrade that was broken off.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.hosts
  - rackaware.kafka.filter_options.groups
positional: _input, hosts, groups, told
options:
  _input:
    description: The version that is asked for.
    type: str
    required: true
  told:
    description: What M(rackaware.kafka.kafka_version_info) returned; without it no broker runs.
    type: dict
"""

EXAMPLES = r"""
- name: Refuse an upgrade that Kafka does not support
  ansible.builtin.assert:
    that: plan.refused | length == 0
    fail_msg: "{{ plan.refused }}"
  vars:
    plan: "{{ '4.3.1' | rackaware.kafka.kafka_upgrade_plan(hostvars, {'broker': groups['kafka_brokers']}, seen) }}"
"""

RETURN = r"""
_value:
  description:
    - With refused, the one sentence that stands against it, or nothing.
    - Else also way (up, back or none), start, target, mixed (whether nodes of both versions run), lines for a person, and the record to write down.
  type: dict
"""

import time
from typing import Any, Callable, Mapping

from ..module_utils._config import nodes as config_nodes
from ..module_utils._errors import RackawareError
from ..module_utils._upgrade import rules


def kafka_upgrade_plan(asked: str, hosts: Any, groups: Mapping[str, list[str]], told: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The decision, or what stands against it."""
    try:
        nodes, records = config_nodes.services(hosts, groups)
        return dict(rules.decide(asked, nodes, records, told or None, now=time.time()).to_dict(), refused="")
    except RackawareError as error:
        return {"refused": str(error)}


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_upgrade_plan": kafka_upgrade_plan}
