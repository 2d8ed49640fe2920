# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a service from what its machine is."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_sizing
short_description: The settings of a service from what its machine is, each with its reason
version_added: "0.1.0"
description:
  - Derives heap, G1 flags, threads, fetchers, socket and kernel buffers from vCPUs, memory, bandwidth, disks and clients.
  - An override that cannot work, like a heap of 4 GB or more, is refused with a sentence.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, topology, overrides, masked
options:
  _input:
    description: The machine, as M(rackaware.kafka.instance_type_info) returns it (C(vcpus), C(memory_mb), C(network_gbps)).
    type: dict
    required: true
  topology:
    description:
      - What is asked of it. C(role) is V(broker), V(combined), V(controller) or V(zookeeper).
      - For brokers also C(data_disks), C(replication_factor), C(producers), C(consumers) and C(cross_az_rtt_ms).
    type: dict
    required: true
  overrides:
    description: Values that you set yourself, by name; names that are not sized are left alone.
    type: dict
    default: {}
  masked:
    description: Whether secrets among the flags are left out, for a result that is kept or shown.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show why the heap is what it is
  ansible.builtin.debug:
    msg: "{{ (machine | rackaware.kafka.kafka_sizing({'role': 'zookeeper'})).heap_mb }}"
  vars:
    machine: {vcpus: 2, memory_mb: 8192, network_gbps: 12.5}
"""

RETURN = r"""
_value:
  description: For each name its C(value), its C(reason), and whether it was C(overridden).
  type: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._config import sizing


def kafka_sizing(instance: dict[str, Any], topology: dict[str, Any], overrides: dict[str, Any] | None = None, masked: bool = False) -> dict[str, Any]:
    """{name: {value, reason, overridden}}."""
    try:
        sized = sizing.size(instance, topology, overrides)
        return sizing.shown(sized) if masked else sized
    except sizing.SizingError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_sizing": kafka_sizing}
