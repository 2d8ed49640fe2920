# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a Java properties file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_properties
short_description: The text of a Java properties file
version_added: "0.1.0"
description:
  - Writes settings as Kafka reads them, the user's own over the collection's.
  - A setting that the inventory decides, like C(broker.id) or C(listeners), is refused by name.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, own
options:
  _input:
    description: The settings that the collection decides.
    type: dict
    required: true
  own:
    description: The user's settings, written over them.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show a broker's settings
  ansible.builtin.debug:
    msg: "{{ {'num.io.threads': 8} | rackaware.kafka.kafka_properties({'log.retention.hours': 24}) }}"
"""

RETURN = r"""
_value:
  description: The text, a line each.
  type: str
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._config import properties
from ..module_utils._errors import RackawareError


def kafka_properties(settings: dict[str, Any], own: dict[str, Any] | None = None) -> str:
    """The merged settings as text."""
    try:
        return properties.render(properties.merge(settings, own or {}))
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_properties": kafka_properties}
