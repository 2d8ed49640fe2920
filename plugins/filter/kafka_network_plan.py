# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster's network still needs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_network_plan
short_description: Plan a cluster's network
version_added: "0.1.0"
author: rackaware.kafka contributors (@rackaware)
positional: vpcs, subnets, listeners, group_ids, others
description:
  - Compares a topology with the VPC and the subnets that carry the cluster's tag.
  - Says where they contradict each other, which subnets are missing, and which rules each role's security group has.
extends_documentation_fragment:
  - rackaware.kafka.filter_options.topology
options:
  vpcs:
    description: The cluster's VPCs, as M(amazon.aws.ec2_vpc_net_info) returns them.
    type: list
    elements: dict
    required: true
  subnets:
    description: The cluster's subnets, as M(amazon.aws.ec2_vpc_subnet_info) returns them.
    type: list
    elements: dict
    required: true
  listeners:
    description: The cluster's listeners, as C(kafka_listeners).
    type: list
    elements: dict
    required: true
  group_ids:
    description: The ids of the security groups that exist, by name.
    type: dict
    default: {}
  others:
    description: >-
      C(vpcs), C(subnets) and C(groups) of the cluster's names or in its VPC, whatever their tags: none of them is ever taken for the cluster's own.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show who may reach whom
  ansible.builtin.debug:
    msg: "{{ kafka_topology | rackaware.kafka.kafka_network_plan([], [], kafka_listeners, group_ids) }}"
"""

RETURN = r"""
_value:
  description: C(findings) (sentences), C(subnets) (C(name) and C(cidr) of the missing ones) and C(groups) (C(role), C(name), C(description), C(rules)).
  type: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._aws import provision
from ..module_utils._config import topology as config_topology
from ..module_utils._errors import RackawareError


def kafka_network_plan(raw: Any, vpcs: list, subnets: list, listeners: list, group_ids: dict | None = None, others: dict | None = None) -> dict[str, Any]:
    """Findings, missing subnets, and security groups with their rules."""
    try:
        topology = config_topology.parse(raw)
        groups = provision.security_groups(topology, listeners, dict(group_ids or {}))
    except provision.ListenerError as error:
        return {"findings": [str(error)], "subnets": [], "groups": []}
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None
    return {
        "findings": provision.network_findings(topology, vpcs, subnets, others),
        "subnets": provision.missing_subnets(topology, subnets),
        "groups": groups,
    }


class FilterModule:
    """The filter by its name."""

    def filters(self) -> dict[str, Any]:
        """Name and function."""
        return {"kafka_network_plan": kafka_network_plan}
