# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a broker from starting on a blank log directory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_start_guard
short_description: What keeps a broker from starting on a blank log directory
version_added: "0.1.0"
description:
  - Gives the program that C(kafka.service) runs before each start of the broker, and what it must know, as options of M(rackaware.kafka.file_set).
  - On the log directories of the last start it asks nobody. On others it asks other brokers whether this one is the last in-sync replica of anything.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, volumes, others, connection, new_cluster
options:
  _input:
    description: The broker, with C(id) and C(data_dirs).
    type: dict
    required: true
  volumes:
    description: The data volumes, in the order of the C(data_dirs); empty on the root disk.
    type: list
    required: true
  others:
    description: The other brokers as C(id), C(host) and C(port), from P(rackaware.kafka.kafka_nodes#filter).
    type: list
    required: true
  connection:
    description: How they are spoken to, with the options of the modules that take a connection, C(bootstrap_servers) left out.
    type: dict
    default: {}
  new_cluster:
    description:
      - The time in seconds since 1970, if no broker of the cluster has ever run.
      - A host on which no broker has started may then start on blank log directories within a day.
    type: float
"""

EXAMPLES = r"""
- name: Show whom the broker would ask
  ansible.builtin.debug:
    msg: "{{ node | rackaware.kafka.kafka_start_guard(['vol-0123456789abcdef0'], [{'id': 2, 'host': '198.18.2.12', 'port': 9092}]) }}"
  vars:
    node: {id: 1, data_dirs: [/var/lib/kafka/data0/logs]}
"""

RETURN = r"""
_value:
  description: C(directories) and C(files).
  type: dict
"""

from typing import Any, Callable

from ..module_utils._config import start_guard


def kafka_start_guard(
    node: dict[str, Any],
    volumes: list[str],
    others: list[dict[str, Any]],
    connection: dict[str, Any] | None = None,
    new_cluster: float | None = None,
) -> dict[str, Any]:
    """The options of file_set."""
    return start_guard.file_set(node, volumes, others, connection or {}, new_cluster)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_start_guard": kafka_start_guard}
