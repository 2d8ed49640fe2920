# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left to finalise after an upgrade."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_upgrade_finalization
short_description: What is left to finalise after an upgrade
version_added: "0.1.0"
description:
  - In ZooKeeper mode the protocol between brokers, in KRaft mode the levels of features.
  - Refuses while somebody runs another version, and until the soak time is over.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.hosts
  - rackaware.kafka.filter_options.groups
positional: _input, hosts, groups, told, levels, soak_seconds
options:
  _input:
    description: The version that everybody runs.
    type: str
    required: true
  told:
    description: What M(rackaware.kafka.kafka_version_info) returned.
    type: dict
    required: true
  levels:
    description: The levels that the release brings, as M(rackaware.kafka.kafka_release_info) returns them.
    type: dict
    default: {}
  soak_seconds:
    description: How long everybody must have run the version; 0 finalises also what no record tells of.
    type: int
    default: 86400
"""

EXAMPLES = r"""
- name: Show what would be finalised
  ansible.builtin.debug:
    msg: "{{ '4.3.1' | rackaware.kafka.kafka_upgrade_finalization(hostvars, {'broker': groups['kafka_brokers']}, seen, release.features) }}"
"""

RETURN = r"""
_value:
  description:
    - With refused, the one sentence that stands against it, or nothing.
    - Else also needed (whether anything changes in Kafka), closes (whether the way back ends), version, protocol (to speak from now on), features (to
      raise), lines for a person, and the record to write down first.
  type: dict
"""

import time
from typing import Any, Callable, Mapping

from ..module_utils._config import nodes as config_nodes
from ..module_utils._errors import RackawareError
from ..module_utils._upgrade import rules


def kafka_upgrade_finalization(
    asked: str,
    hosts: Any,
    groups: Mapping[str, list[str]],
    told: Mapping[str, Any],
    levels: Mapping[str, int] | None = None,
    soak_seconds: int = 86400,
) -> dict[str, Any]:
    """What is left, or what stands against it."""
    try:
        nodes, records = config_nodes.services(hosts, groups)
        found = rules.finalization(asked, nodes, records, told, levels or {}, soak_seconds=int(soak_seconds), now=time.time())
        return dict(found.to_dict(), refused="")
    except RackawareError as error:
        return {"refused": str(error)}


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_upgrade_finalization": kafka_upgrade_finalization}
