# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directories that a node keeps its data in."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_data_dirs
short_description: The directories that a node keeps its data in
version_added: "0.1.0"
description:
  - Names the directories below the mount points of a node's data volumes.
  - Without volumes there is one, on the root disk.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.volumes
  - rackaware.kafka.filter_options.role
positional: _input, role
"""

EXAMPLES = r"""
- name: Show the log directories
  ansible.builtin.debug:
    msg: "{{ ['vol-0123456789abcdef0'] | rackaware.kafka.kafka_data_dirs('broker') }}"
"""

RETURN = r"""
_value:
  description: The paths.
  type: list
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._config import nodes
from ..module_utils._errors import RackawareError


def kafka_data_dirs(volumes: list[str], role: str) -> list[str]:
    """Paths."""
    try:
        return nodes.data_dirs(volumes, role)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_data_dirs": kafka_data_dirs}
