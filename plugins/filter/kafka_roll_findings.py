# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What forbids to begin a roll."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_roll_findings
short_description: What forbids to begin a roll
version_added: "0.1.0"
description:
  - Compares the cluster with the inventory, and looks whether it is healthy apart from brokers that do not run.
  - Says everything that forbids to begin, one sentence each; an empty list means that a roll may begin.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.hosts
positional: _input, hosts, names, others, only, version, controllers, restart
options:
  _input:
    description: The cluster, as M(rackaware.kafka.kafka_cluster_info) returns it.
    type: dict
    required: true
  names:
    description: The brokers' inventory names.
    type: list
    required: true
  others:
    description: The inventory names of ZooKeeper nodes or controllers.
    type: list
    default: []
  only:
    description: Inventory names that the roll is restricted to; a name that is no node is refused.
    type: list
    default: []
  version:
    description: For a restart that is no upgrade, the version that everybody would start with; who runs another is refused.
    type: str
  controllers:
    description: The inventory names of all controllers, also of those that are brokers; under KRaft they must be the voters of the quorum.
    type: list
    default: []
  restart:
    description:
      - The inventory names of those that get a restart in this roll. Where only brokers among them are behind, that is no finding, because a restart may
        be what heals it, and they go first. So name them only once they were waited for, and did not get on.
    type: list
    default: []
"""

EXAMPLES = r"""
- name: Refuse a cluster that is not as it should be
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join(' ') }}"
  vars:
    problems: "{{ seen.cluster | rackaware.kafka.kafka_roll_findings(hostvars, groups['kafka_brokers']) }}"
"""

RETURN = r"""
_value:
  description: The findings.
  type: list
  elements: str
"""

from typing import Any, Callable

from ..module_utils._errors import RackawareError
from ..module_utils._roll import steps


def kafka_roll_findings(
    cluster: dict[str, Any],
    hosts: Any,
    names: list[str],
    others: list[str] | None = None,
    only: list[str] | None = None,
    version: str | None = None,
    controllers: list[str] | None = None,
    restart: list[str] | None = None,
) -> list[str]:
    """One sentence for each thing that forbids to begin."""
    try:
        everybody = [*names, *(others or [])]
        steps.check_names(only or [], everybody)
        steps.check_version({name: hosts[name] for name in everybody}, version)
        voting = [int(hosts[name]["kafka_node_id"]) for name in controllers or []]
        healed = [int(hosts[name]["kafka_node_id"]) for name in restart or [] if name in names]
        return steps.findings(cluster, {int(hosts[name]["kafka_node_id"]): hosts[name] for name in names}, voting, healed)
    except RackawareError as error:
        return [str(error)]


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_roll_findings": kafka_roll_findings}
