# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The properties of a broker or controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_service_properties
short_description: The properties of a broker or controller
version_added: "0.1.0"
description:
  - Writes the whole configuration of a broker, a combined node or a controller.
  - Safe defaults, sized threads and buffers, and the user's settings over them.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, cluster, sized, own
options:
  _input:
    description: The node, with C(role), C(id), C(rack), C(address) and C(data_dirs).
    type: dict
    required: true
  cluster:
    description: The cluster, with C(listeners), C(controllers), C(keepers), C(brokers), C(replication_factor) and C(min_insync_replicas).
    type: dict
    required: true
  sized:
    description: The result of P(rackaware.kafka.kafka_sizing#filter).
    type: dict
    required: true
  own:
    description: The user's settings.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show a broker's configuration
  ansible.builtin.debug:
    msg: "{{ node | rackaware.kafka.kafka_service_properties(cluster, sized) }}"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._config import settings
from ..module_utils._errors import RackawareError


def kafka_service_properties(node: dict[str, Any], cluster: dict[str, Any], sized: dict[str, Any], own: dict[str, Any] | None = None) -> str:
    """The properties' text."""
    try:
        return settings.kafka(node, cluster, sized, own or {})
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_service_properties": kafka_service_properties}
