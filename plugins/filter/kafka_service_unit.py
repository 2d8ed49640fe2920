# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit of a service."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_service_unit
short_description: The systemd unit of a service
version_added: "0.1.0"
description:
  - Writes the hardened unit that runs Java directly.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.service
  - rackaware.kafka.filter_options.file
positional: _input, version, open_files, writes, mounts, java, comment
options:
  open_files:
    description: How many files it may have open.
    type: int
    required: true
  writes:
    description: Directories that it writes to.
    type: list
    required: true
  mounts:
    description: Mount points without which it must not start.
    type: list
    required: true
  java:
    description: The Java command.
    type: str
    default: /usr/bin/java
"""

EXAMPLES = r"""
- name: Show a unit
  ansible.builtin.debug:
    msg: "{{ 'broker' | rackaware.kafka.kafka_service_unit('4.3.1', 100000, ['/var/lib/kafka/data0/logs'], ['/var/lib/kafka/data0']) }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._config import units
from ..module_utils._errors import RackawareError


def kafka_service_unit(
    service: str,
    version: str,
    open_files: int,
    writes: list[str],
    mounts: list[str],
    java: str = "/usr/bin/java",
    comment: str = "Ansible managed",
) -> str:
    """The unit's text."""
    try:
        return units.unit(service, version=version, open_files=int(open_files), writes=writes, mounts=mounts, java=java, comment=comment)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_service_unit": kafka_service_unit}
