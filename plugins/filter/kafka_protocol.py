# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol that brokers of a cluster are held at."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_protocol
short_description: The protocol that brokers of a cluster are held at
version_added: "0.1.0"
description:
  - While an upgrade in ZooKeeper mode is not finalised, brokers of the new version speak the old C(inter.broker.protocol.version).
  - The record of any broker counts for all, as that of a new one is missing.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, names, version
options:
  _input:
    description: C(hostvars), with C(__kafka_service) or C(__kafka_host) registered on the brokers.
    type: dict
    required: true
  names:
    description: The brokers' inventory names.
    type: list
    required: true
  version:
    description: The version of the broker that asks.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show it
  ansible.builtin.debug:
    msg: "{{ hostvars | rackaware.kafka.kafka_protocol(groups['kafka_brokers'], '3.9.2') }}"
"""

RETURN = r"""
_value:
  description: The protocol, or nothing where a broker may speak its own.
  type: str
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._config import nodes
from ..module_utils._errors import RackawareError
from ..module_utils._upgrade import rules


def kafka_protocol(hosts: Any, names: list[str], version: str) -> str:
    """The protocol, or an empty text."""
    try:
        return rules.pin(nodes.records(hosts, names), version) or ""
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_protocol": kafka_protocol}
