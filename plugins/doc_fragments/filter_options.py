# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several filters take, in the same words."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments: first the inputs, then options."""

    STORAGE = r"""
options:
  _input:
    description: One result of M(rackaware.kafka.kafka_storage_info) for each node.
    type: list
    elements: dict
    required: true
"""

    MODEL = r"""
options:
  _input:
    description: What P(rackaware.kafka.kafka_model#filter) made.
    type: dict
    required: true
"""

    TOPOLOGY = r"""
options:
  _input:
    description: The topology as a person writes it, usually C(kafka_topology).
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
    description: What the node is.
    type: str
    required: true
"""

    HOSTVARS = r"""
options:
  _input:
    description: C(hostvars), with what M(rackaware.kafka.kafka_service_info) said on each node in C(__kafka_service).
    type: dict
    required: true
"""

    HOSTS = r"""
options:
  hosts:
    description: C(hostvars), with what M(rackaware.kafka.kafka_service_info) said on each node in C(__kafka_service).
    type: dict
    required: true
"""

    GROUPS = r"""
options:
  groups:
    description: The names of all C(broker), C(zookeeper) and C(controller) hosts.
    type: dict
    required: true
"""
