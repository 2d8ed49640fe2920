# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an upgrade after a roll."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_upgrade_rolled
short_description: The record of an upgrade after a roll
version_added: "0.1.0"
description:
  - Notes since when everybody runs the new version. While somebody does not, the record stays as it is.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.hosts
  - rackaware.kafka.filter_options.groups
positional: _input, hosts, groups
options:
  _input:
    description: The record, as P(rackaware.kafka.kafka_upgrade_plan#filter) made it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write down that everybody runs it
  ansible.builtin.copy:
    content: "{{ plan.record | rackaware.kafka.kafka_upgrade_rolled(hostvars, {'broker': groups['kafka_brokers']}) | to_nice_json }}"
    dest: /var/lib/kafka-admin/upgrade.json
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The record.
  type: dict
"""

import time
from typing import Any, Callable, Mapping

from ..module_utils._config import nodes
from ..module_utils._upgrade import rules


def kafka_upgrade_rolled(record: Mapping[str, Any] | None, hosts: Any, groups: Mapping[str, list[str]]) -> Mapping[str, Any] | None:
    """The record."""
    return rules.rolled(record, nodes.services(hosts, groups)[0], now=time.time())


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_upgrade_rolled": kafka_upgrade_rolled}
