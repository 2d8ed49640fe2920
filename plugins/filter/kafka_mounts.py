# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a node's data volumes are mounted."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_mounts
short_description: Where a node's data volumes are mounted
version_added: "0.1.0"
description:
  - Gives each data volume of a node its mount point, in the order of the volumes.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.volumes
  - rackaware.kafka.filter_options.role
positional: _input, role
options:
  encrypted:
    description: Whether to give only the encrypted stores, or only the other volumes; all when not given.
    type: bool
"""

EXAMPLES = r"""
- name: Show where the disks go
  ansible.builtin.debug:
    msg: "{{ ['vol-0123456789abcdef0'] | rackaware.kafka.kafka_mounts('broker') }}"
"""

RETURN = r"""
_value:
  description: For each volume its C(id) or C(path), and its C(mount).
  type: list
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._config import nodes
from ..module_utils._errors import RackawareError
from ..module_utils._stores import stores


def kafka_mounts(volumes: list[str], role: str, encrypted: bool | None = None) -> list[dict[str, Any]]:
    """[{id or path, mount}]."""
    try:
        found = nodes.mounts(volumes, role)
        return [each for each in found if encrypted is None or bool(stores.store_of(each.get("path", ""))) == encrypted]
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_mounts": kafka_mounts}
