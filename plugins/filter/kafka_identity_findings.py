# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts say of themselves and the inventory does not."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_identity_findings
short_description: What hosts say of themselves and the inventory does not
version_added: "0.1.0"
description:
  - Compares what M(rackaware.kafka.host_preflight) (in C(__kafka_host)) and M(rackaware.kafka.kafka_storage_info) (in C(__kafka_storage)) read on the hosts
    with the inventory.
  - One sentence for each host whose disks or running service are not those of its C(kafka_node_id), for disks of two clusters, and for a quorum that is
    larger than the inventory's. An empty list means that all is as the inventory says.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, groups
options:
  _input:
    description: C(hostvars).
    type: dict
    required: true
  groups:
    description: The hosts of each group, as C(groups).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse hosts that are not what the inventory says
  ansible.builtin.assert:
    that: strange | length == 0
    fail_msg: "{{ strange | join(' ') }}"
  vars:
    strange: "{{ hostvars | rackaware.kafka.kafka_identity_findings(groups) }}"
"""

RETURN = r"""
_value:
  description: The findings.
  type: list
  elements: str
"""

from typing import Any, Callable

from ..module_utils._config import cluster_settings
from ..module_utils._host import identity
from .kafka_cluster_settings import kafka_cluster_settings


def kafka_identity_findings(hosts: Any, groups: Any) -> list[str]:
    """One sentence for each thing that is not as the inventory says."""
    members = cluster_settings.by_role(groups)
    answers = {}
    for name in {name for listed in members.values() for name in listed}:
        variables = hosts[name]
        told = [(variables.get("__kafka_host") or {}).get("identity") or {}, variables.get("__kafka_storage") or {}]
        answers[name] = [item for item in told if "directories" in item]
    return identity.findings(hosts, members, answers, kafka_cluster_settings(hosts, groups)["quorum_removed"])


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_identity_findings": kafka_identity_findings}
