# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the controllers of a cluster have run before."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_quorum_exists
short_description: Whether the controllers of a cluster have run before
version_added: "0.1.0"
description:
  - Looks at the results of M(rackaware.kafka.kafka_storage_info) of all nodes of a cluster, and says whether a KRaft node has run on any of the disks.
  - A controller that is empty then must not be formatted as one of the first voters.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.storage
positional: _input
"""

EXAMPLES = r"""
- name: Decide once for all nodes
  ansible.builtin.set_fact:
    decided: "{{ ansible_play_hosts_all | map('extract', hostvars, 'storage') | rackaware.kafka.kafka_quorum_exists }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: Whether one has.
  type: bool
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._host.storage import StorageError, quorum_exists


def kafka_quorum_exists(nodes: Any) -> bool:
    """Whether a KRaft node of the cluster has ever run."""
    try:
        return quorum_exists(nodes)
    except StorageError as error:
        raise AnsibleFilterError(str(error)) from None
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError("kafka_quorum_exists takes the results of kafka_storage_info, one for each node: %s." % error) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_quorum_exists": kafka_quorum_exists}
