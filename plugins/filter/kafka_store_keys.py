# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrapped keys that the encrypted stores of an inventory need."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_store_keys
short_description: The wrapped keys that the encrypted stores of an inventory need
version_added: "0.1.0"
description:
  - Names the object of each key, and what the key is bound to.
  - A data volume called C(/dev/mapper/kafka-d0), C(/dev/mapper/kafka-d1) … in C(kafka_data_volumes) is an encrypted store.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, names
options:
  _input:
    description: C(hostvars), or the same shape.
    type: dict
    required: true
  names:
    description: The hosts.
    type: list
    required: true
  app:
    description: Another application, which has one store O(store) on each host; its keys are bound to the hosts' names.
    type: str
    default: ""
  store:
    description: The store's name, for O(app).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the keys
  ansible.builtin.debug:
    msg: "{{ hostvars | rackaware.kafka.kafka_store_keys(groups['kafka_brokers']) }}"
"""

RETURN = r"""
_value:
  description: For each store its C(host), C(store), C(mount), C(uuid), C(subsystem), C(object_key) and C(encryption_context);
    for O(app) without the middle three.
  type: list
  elements: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import RackawareError
from ..module_utils._stores import stores


def kafka_store_keys(hosts: Any, names: list[str], app: str = "", store: str = "") -> list[dict[str, Any]]:
    """The wrapped keys that the encrypted stores of an inventory need."""
    try:
        return stores.keys_of(app, names, store) if app else stores.keys(hosts, names)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_store_keys": kafka_store_keys}
