# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument file of a service's JVM."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_jvm_options
short_description: The argument file of a service's JVM
version_added: "0.1.0"
description:
  - Writes heap, flags, garbage collection log, logging and class path, one option a line.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.service
  - rackaware.kafka.filter_options.file
positional: _input, version, heap_mb, flags, extra, comment
options:
  heap_mb:
    description: The heap.
    type: int
    required: true
  flags:
    description: The sized flags.
    type: list
    required: true
  extra:
    description: More options.
    type: list
    default: []
"""

EXAMPLES = r"""
- name: Show the options
  ansible.builtin.debug:
    msg: "{{ 'broker' | rackaware.kafka.kafka_jvm_options('4.3.1', 2048, ['-XX:+UseG1GC']) }}"
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


def kafka_jvm_options(service: str, version: str, heap_mb: int, flags: list[str], extra: list[str] | None = None, comment: str = "Ansible managed") -> str:
    """The argument file's text."""
    try:
        return units.jvm_options(service, version=version, heap_mb=int(heap_mb), flags=flags, extra=extra or (), comment=comment)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_jvm_options": kafka_jvm_options}
