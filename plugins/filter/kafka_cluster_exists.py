# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether any broker of a cluster has run before."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_cluster_exists
short_description: Whether any broker of a cluster has run before
version_added: "0.1.0"
description:
  - Looks at what M(rackaware.kafka.host_preflight) and M(rackaware.kafka.kafka_storage_info) said of the brokers' hosts.
  - Only where none has, a broker may start on a blank log directory without asking another.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, names
options:
  _input:
    description: C(hostvars), with the two results in C(__kafka_host) and C(__kafka_storage).
    type: dict
    required: true
  names:
    description: The names of the brokers' hosts.
    type: list
    required: true
"""

EXAMPLES = r"""
- name: Say whether any broker has run
  ansible.builtin.debug:
    msg: "{{ hostvars | rackaware.kafka.kafka_cluster_exists(groups['kafka_brokers']) }}"
"""

RETURN = r"""
_value:
  description: Whether one runs or has run.
  type: bool
"""

from typing import Any, Callable

from ..module_utils._host import storage


def kafka_cluster_exists(hosts: Any, names: list[str]) -> bool:
    """Whether a broker runs or has run."""
    return storage.brokers_have_run([hosts[name] for name in names])


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_cluster_exists": kafka_cluster_exists}
