# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several filters share."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments: first inputs, then options."""

    STORAGE = r"""
options:
  _input:
    description: The result of M(rackaware.kafka.kafka_storage_info) of each node.
    type: list
    elements: dict
    required: true
"""

    MODEL = r"""
options:
  _input:
    description: The result of P(rackaware.kafka.kafka_model#filter).
    type: dict
    required: true
"""

    TOPOLOGY = r"""
options:
  _input:
    description: The topology as users write it, usually C(kafka_topology).
    type: raw
    required: true
"""

    LISTENERS = r"""
options:
  _input:
    description: The listeners, each with C(name), C(port) and C(protocol).
    type: list
    required: true
"""

    VOLUMES = r"""
options:
  _input:
    description: EBS volume ids or paths of devices.
    type: list
    required: true
"""

    ROLE = r"""
options:
  role:
    description: The role of the node, V(broker), V(combined), V(controller) or V(zookeeper).
    type: str
    required: true
"""

    HOSTVARS = r"""
options:
  _input:
    description: C(hostvars), with the result of M(rackaware.kafka.kafka_service_info) on each node in
      C(__kafka_service).
    type: dict
    required: true
"""

    HOSTS = r"""
options:
  hosts:
    description: C(hostvars), with the result of M(rackaware.kafka.kafka_service_info) on each node in
      C(__kafka_service).
    type: dict
    required: true
"""

    GROUPS = r"""
options:
  groups:
    description: The hosts of the groups C(broker), C(zookeeper) and C(controller), lists of inventory names.
    type: dict
    required: true
"""
