# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a broker from starting without its encrypted stores."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_store_guard
short_description: What keeps a broker from starting without its encrypted stores
version_added: "0.1.0"
description:
  - Gives the text of a drop-in of C(kafka.service).
  - At each start it makes the directories on the stores, which may be blank after a stop and start, and in KRaft mode gives them the cluster's identity.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.file
positional: _input, version, kraft
options:
  _input:
    description: The data directories on encrypted stores.
    type: list
    required: true
  kraft:
    description: Whether a blank directory gets the cluster's identity, which is read from C(/etc/kafka/cluster.id).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the drop-in
  ansible.builtin.debug:
    msg: "{{ ['/var/lib/kafka/data0/logs'] | rackaware.kafka.kafka_store_guard('4.3.1', kraft=true) }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

from typing import Any, Callable

from ..module_utils._config import units
from ..module_utils._stores import stores


def kafka_store_guard(data_dirs: list[str], version: str, kraft: bool = False, comment: str = "Ansible managed") -> str:
    """The drop-in's text."""
    broker = units.service("broker")
    places = {"libs": units.LIBS % version, "properties": broker.config, "java": units.DEFAULT_JAVA}
    return stores.guard(list(data_dirs), cluster_id=units.CLUSTER_ID if kraft else None, user="kafka", comment=comment, **places)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_store_guard": kafka_store_guard}
