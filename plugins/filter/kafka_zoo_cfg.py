# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a ZooKeeper node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_zoo_cfg
short_description: The configuration of a ZooKeeper node
version_added: "0.1.0"
description:
  - Writes C(zoo.cfg), with every member of the ensemble in it.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, data_dir, own
options:
  _input:
    description: The members, each with C(id) and C(host).
    type: list
    required: true
  data_dir:
    description: Where the node keeps its data.
    type: str
    required: true
  own:
    description: The user's settings.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show zoo.cfg
  ansible.builtin.debug:
    msg: "{{ [{'id': 1, 'host': '198.18.1.201'}] | rackaware.kafka.kafka_zoo_cfg('/var/lib/zookeeper/data') }}"
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


def kafka_zoo_cfg(members: list[dict[str, Any]], data_dir: str, own: dict[str, Any] | None = None) -> str:
    """The text of zoo.cfg."""
    try:
        return settings.zookeeper(data_dir, members, own or {})
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_zoo_cfg": kafka_zoo_cfg}
