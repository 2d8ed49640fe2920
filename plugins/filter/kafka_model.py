# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One model of a cluster for people, from its snapshot and its hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_model
short_description: One model of a cluster for people, from its snapshot and its hosts
version_added: "0.1.0"
description:
  - Puts together what the brokers say and what the hosts say, by rack, with findings in sentences.
  - The model goes to P(rackaware.kafka.kafka_summary#filter) and M(rackaware.kafka.kafka_report).
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, hosts
options:
  _input:
    description:
      - The RV(rackaware.kafka.kafka_cluster_info#module:cluster) of M(rackaware.kafka.kafka_cluster_info), whole or as a summary, or that of
        M(rackaware.kafka.kafka_verify).
    type: dict
    required: true
  hosts:
    description:
      - For each host name, id, rack and roles (of V(broker), V(controller), V(zookeeper)), and what is known of version, heap_mb,
        disks (each mount, size_gb, used_percent, encryption), restart_needed, unit_state and address.
      - The address, or else the name, finds a ZooKeeper node in O(zookeeper).
    type: list
    elements: dict
    required: true
  name:
    description: The cluster's name for people; its id when not given.
    type: str
    default: ""
  proof:
    description: The result of M(rackaware.kafka.kafka_round_trip), or the RV(rackaware.kafka.kafka_verify#module:proof) of M(rackaware.kafka.kafka_verify).
    type: dict
  zookeeper:
    description: The result of M(rackaware.kafka.zookeeper_info).
    type: dict
"""

EXAMPLES = r"""
- name: Describe the cluster
  ansible.builtin.set_fact:
    model: "{{ seen.cluster | rackaware.kafka.kafka_model(hosts, name='demo', proof=proof) }}"
"""

RETURN = r"""
_value:
  description: The model, with name, cluster_id, metadata, versions, racks, counts, healthy, findings, restarts, proof and checked_at.
  type: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._report.cluster import ModelError, build


def kafka_model(snapshot: Any, hosts: Any, name: str = "", proof: Any = None, zookeeper: Any = None) -> dict[str, Any]:
    """One model of the cluster."""
    try:
        return build(snapshot, hosts, name=name, proof=proof, zookeeper=zookeeper)
    except ModelError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_model": kafka_model}
