# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for a whole cluster, as its nodes have it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_cluster_settings
short_description: What holds for a whole cluster, as its nodes have it
version_added: "0.1.0"
description:
  - Reads the variables that hold for a whole cluster from the variables of its nodes, so that those of a group count.
  - The preflight keeps the result on localhost, in C(__kafka_cluster); where it is there already, it is returned as it is, unless O(play) is given.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, groups, play
options:
  _input:
    description: C(hostvars).
    type: dict
    required: true
  groups:
    description: The hosts of each group, as C(groups).
    type: dict
    required: true
  play:
    description: Variables as a play on localhost sees them; what it sets itself is stronger than an inventory, and holds for all nodes.
    type: dict
"""

EXAMPLES = r"""
- name: Show where clients connect
  ansible.builtin.debug:
    msg: "{{ (hostvars | rackaware.kafka.kafka_cluster_settings(groups)).client_port }}"
"""

RETURN = r"""
_value:
  description:
    - C(version), C(replication_factor), C(min_insync_replicas), C(listeners), C(client_port), C(cluster), C(topology), C(region), C(allow_fewer_zones),
      C(source), C(proof_topic), C(report_dir), C(quorum_removed).
    - C(findings) has a sentence for each variable in which the nodes disagree.
  type: dict
"""

from typing import Any, Callable, Mapping

from ansible.errors import AnsibleError
from jinja2 import Undefined

from ..module_utils._config import cluster_settings

KEPT = "__kafka_cluster"


def plain(value: Any) -> Any:
    """Without what templating hangs on a value."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return None if isinstance(value, Undefined) else value


def readable(variables: Any) -> dict[str, Any]:
    """Of a host's variables those that hold for the whole cluster; one that needs what only a role knows is left to the role."""
    out = {}
    for name in cluster_settings.NAMES:
        try:
            value = plain(variables[name]) if name in variables else None
        except AnsibleError:
            value = None
        if value is not None:
            out[name] = value
    return out


def kafka_cluster_settings(hosts: Any, groups: Any, play: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the preflight kept, or what the nodes have."""
    local = hosts.get("localhost", {})
    if play is None and KEPT in local:
        return plain(local[KEPT])
    members = cluster_settings.by_role(groups)
    names = {name for listed in members.values() for name in listed}
    inventory = readable(local)
    # A variable that localhost has in the play, and not in the inventory, is the play's own.
    own = {name: plain(value) for name, value in (play or {}).items() if value is not None and plain(value) != inventory.get(name)}
    read = {name: readable(hosts[name]) for name in names}
    # Without nodes there is nobody else to ask.
    return cluster_settings.read(read, members, own if names else {**inventory, **own})


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_cluster_settings": kafka_cluster_settings}
