# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk that each encrypted store is on."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_store_disks
short_description: The disk that each encrypted store is on
version_added: "0.1.0"
description:
  - Finds the disk by the header on it, or, where there is no header any more, by what the host remembers of it.
  - A store without such a disk is left out, and so is a disk with somebody else's header.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, disks
options:
  _input:
    description: The stores, as P(rackaware.kafka.kafka_store_keys#filter) names them.
    type: list
    elements: dict
    required: true
  disks:
    description: The host's disks, as M(rackaware.kafka.instance_store_info) lists them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the disks
  ansible.builtin.debug:
    msg: "{{ hostvars | rackaware.kafka.kafka_store_keys([inventory_hostname]) | rackaware.kafka.kafka_store_disks(found.disks) }}"
"""

RETURN = r"""
_value:
  description: For each store that has a disk its C(store), C(device), C(name), C(uuid) and C(subsystem), as M(rackaware.kafka.luks_volume) takes them,
    and whether it is C(open).
  type: list
  elements: dict
"""

from typing import Any, Callable

from ..module_utils._stores import stores as stores_module


def kafka_store_disks(stores: list[dict[str, Any]], disks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The disk that each encrypted store is on."""
    return stores_module.disks(stores, disks)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_store_disks": kafka_store_disks}
