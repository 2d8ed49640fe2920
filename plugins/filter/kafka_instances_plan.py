# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster's instances and volumes still need."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_instances_plan
short_description: Plan a cluster's instances and volumes
version_added: "0.1.0"
author: rackaware.kafka contributors (@rackaware)
positional: instances, volumes, types, images, iam_roles, iam_profiles
description:
  - Compares a topology with the instances and the volumes that carry the cluster's tag.
  - Says what forbids to build it, what a person should know, and which instances and volumes have to be made or changed.
extends_documentation_fragment:
  - rackaware.kafka.filter_options.topology
options:
  instances:
    description: The cluster's instances, as M(amazon.aws.ec2_instance_info) returns them.
    type: list
    elements: dict
    required: true
  volumes:
    description: The cluster's data volumes, as M(rackaware.kafka.ebs_volume_info) returns them.
    type: list
    elements: dict
    required: true
  types:
    description: The instance types, as M(rackaware.kafka.instance_type_info) returns them with its option O(rackaware.kafka.instance_type_info#module:zones).
    type: dict
    required: true
  images:
    description: The images, as M(amazon.aws.ec2_ami_info) returns them.
    type: list
    elements: dict
    required: true
  iam_roles:
    description: The IAM roles of the cluster's names, as M(amazon.aws.iam_role_info) returns them.
    type: list
    elements: dict
    default: []
  iam_profiles:
    description: The instance profiles of the cluster's names, as M(amazon.aws.iam_instance_profile_info) returns them.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show what provision would make
  ansible.builtin.debug:
    msg: "{{ kafka_topology | rackaware.kafka.kafka_instances_plan([], [], type_facts.instance_types, image_facts.images) }}"
"""

RETURN = r"""
_value:
  description:
    - C(findings) and C(notes) (sentences).
    - C(nodes) to launch or whose volumes need something, as M(rackaware.kafka.kafka_instances) takes them.
    - C(instances) that exist and differ, by C(instance_id).
  type: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._aws import provision
from ..module_utils._config import topology as config_topology
from ..module_utils._errors import RackawareError


def kafka_instances_plan(
    raw: Any, instances: list, volumes: list, types: dict, images: list, iam_roles: list | None = None, iam_profiles: list | None = None
) -> dict[str, Any]:
    """Findings, notes, and what has to be made or changed."""
    try:
        topology = config_topology.parse(raw)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None
    account = provision.Account(instances, volumes)
    return {
        "findings": provision.instance_findings(topology, account, types, images) + provision.iam_findings(topology, iam_roles or [], iam_profiles or []),
        "notes": provision.notes(topology, account, types),
        "nodes": provision.nodes_to_build(topology, account, images, types),
        "instances": provision.instances_to_change(topology, account, types),
    }


class FilterModule:
    """The filter by its name."""

    def filters(self) -> dict[str, Any]:
        """Name and function."""
        return {"kafka_instances_plan": kafka_instances_plan}
