# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A broker's encrypted stores, from its data volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_stores
short_description: A broker's encrypted stores, from its data volumes
version_added: "0.1.0"
description:
  - Describes each data volume called C(/dev/mapper/kafka-d0) … as P(rackaware.kafka.encrypted_store#role) wants it.

author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, cluster, node_id, wrapped
options:
  _input:
    description: The data volumes of the host, in order.
    type: list
    required: true
  cluster:
    description: The cluster's name.
    type: str
    required: true
  node_id:
    description: The node's id.
    type: int
    required: true
  wrapped:
    description: For each object of P(rackaware.kafka.kafka_store_keys#filter) the versions of its key, the newest last.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the stores
  ansible.builtin.debug:
    msg: "{{ kafka_data_volumes | rackaware.kafka.kafka_stores(kafka_cluster, kafka_node_id, key_custody_wrapped) }}"
"""

RETURN = r"""
_value:
  description: The stores, empty for a host without.
  type: list
  elements: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import RackawareError
from ..module_utils._stores import stores


def kafka_stores(volumes: Any, cluster: str, node_id: int, wrapped: Any) -> list[dict[str, Any]]:
    """A broker's encrypted stores, from its data volumes."""
    try:
        return stores.stores(volumes, str(cluster), int(node_id), wrapped)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_stores": kafka_stores}
