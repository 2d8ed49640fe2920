# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A topology with everything filled in."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_topology
short_description: Fill in a topology
version_added: "0.1.0"
author: rackaware.kafka contributors (@rackaware)
description:
  - Reads a topology and returns it with every node spelled out and every default filled in.
  - Fails with all findings, when there are any.
extends_documentation_fragment:
  - rackaware.kafka.filter_options.topology
"""

EXAMPLES = r"""
- name: Show the addresses of all nodes
  ansible.builtin.debug:
    msg: "{{ (kafka_topology | rackaware.kafka.kafka_topology).nodes | map(attribute='address') }}"
"""

RETURN = r"""
_value:
  description:
    - The topology, with C(nodes) (C(name), C(role), C(roles), C(id), C(zone), C(address), C(instance_type), C(image), C(storage), C(volumes)),
      C(roles), C(metadata) (V(zookeeper), V(kraft) or V(migrating)), C(instance_types), C(image_queries), C(profiles) (by role), C(cluster_tags)
      and C(made_tags), which are those and the one that only what provision made has.
  type: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._aws import provision
from ..module_utils._config import topology as config_topology
from ..module_utils._errors import RackawareError


def kafka_topology(raw: Any) -> dict[str, Any]:
    """The topology as plain data, and what the roles ask AWS about it."""
    try:
        topology = config_topology.parse(raw)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None
    return {
        **topology.as_dict(),
        "instance_types": sorted({node.instance_type for node in topology.nodes}),
        "image_queries": provision.image_queries(topology),
        "profiles": {role: provision.profile_name(topology, role) for role in topology.roles},
        "cluster_tags": provision.resource_tags(topology),
        "made_tags": {**provision.resource_tags(topology), **provision.MADE_BY},
    }


class FilterModule:
    """The filter by its name."""

    def filters(self) -> dict[str, Any]:
        """Name and function."""
        return {"kafka_topology": kafka_topology}
