# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logging configuration of a service."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_logging
short_description: The logging configuration of a service
version_added: "0.1.0"
description:
  - Writes the configuration of Log4j or, from Kafka 4.0, Log4j 2. Everything goes to the journal and to files of bounded size.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.service
  - rackaware.kafka.filter_options.file
positional: _input, version, levels, comment
options:
  levels:
    description: Levels of single loggers.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the configuration
  ansible.builtin.debug:
    msg: "{{ 'broker' | rackaware.kafka.kafka_logging('4.3.1') }}"
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


def kafka_logging(service: str, version: str, levels: dict[str, str] | None = None, comment: str = "Ansible managed") -> str:
    """The configuration's text."""
    try:
        return units.logging(service, version=version, levels=levels, comment=comment)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_logging": kafka_logging}
