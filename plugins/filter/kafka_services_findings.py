# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts did not say how their service is, or are not what the inventory says."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_services_findings
short_description: Which hosts did not say how their service is, or are not what the inventory says
version_added: "0.1.0"
description:
  - One sentence for each host on which M(rackaware.kafka.kafka_service_info) failed, or that could not be reached.
  - When all answered, one for each host whose disks or running service are not those of its C(kafka_node_id), and for a quorum that is larger than the
    inventory's. An empty list means that all is as the inventory says.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.hostvars
positional: _input, names, groups
options:
  names:
    description: The inventory names of the hosts.
    type: list
    required: true
  groups:
    description: The hosts of each group, as C(groups); without them only the answers are looked at.
    type: dict
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

from ..module_utils._config import cluster_settings, nodes
from ..module_utils._host import identity as host_identity
from .kafka_cluster_settings import kafka_cluster_settings


def kafka_services_findings(hosts: Any, names: list[str], groups: Any = None) -> list[str]:
    """One sentence for each host that did not answer, or is not what the inventory says."""
    silent = nodes.unanswered(hosts, names)
    if silent or groups is None:
        return silent
    answers = {name: [identity] for name in names if (identity := hosts[name]["__kafka_service"].get("identity"))}
    return host_identity.findings(hosts, cluster_settings.by_role(groups), answers, kafka_cluster_settings(hosts, groups)["quorum_removed"])


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_services_findings": kafka_services_findings}
