# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster id that the nodes' disks carry, or a new one."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_identity
short_description: The cluster id that the nodes' disks carry, or a new one
version_added: "0.1.0"
description:
  - Looks at the results of M(rackaware.kafka.kafka_storage_info) of all nodes of a cluster, and returns the cluster id that they carry.
  - When no disk carries one, a new random one is returned. It differs at each evaluation, so keep it, with C(run_once) and C(set_fact).
  - When the disks carry two, they are of different clusters, and the filter fails with a sentence that names them.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.storage
positional: _input
"""

EXAMPLES = r"""
- name: Decide once for all nodes
  ansible.builtin.set_fact:
    decided: "{{ ansible_play_hosts_all | map('extract', hostvars, 'storage') | rackaware.kafka.kafka_identity }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The cluster id.
  type: str
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._host.storage import StorageError, identity, new_cluster_id


def kafka_identity(nodes: Any) -> str:
    """The cluster id of these nodes, or a new one."""
    try:
        return identity(nodes) or new_cluster_id()
    except StorageError as error:
        raise AnsibleFilterError(str(error)) from None
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError("kafka_identity takes the results of kafka_storage_info, one for each node: %s." % error) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_identity": kafka_identity}
