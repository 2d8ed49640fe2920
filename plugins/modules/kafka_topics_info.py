#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the topics of a cluster with their own configuration."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_topics_info
short_description: Read the topics of a Kafka cluster with their own configuration
version_added: "0.1.0"
description:
  - Returns all topics but Kafka's own, as M(rackaware.kafka.kafka_topics) takes them.
  - Where replicas are, and which are in sync, is in M(rackaware.kafka.kafka_cluster_info).
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.connection
"""

EXAMPLES = r"""
- name: Read the topics
  rackaware.kafka.kafka_topics_info:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
  register: found
"""

RETURN = r"""
topics:
  description: The topics, sorted, each with the configuration that the topic itself has.
  returned: success
  type: list
  elements: dict
  sample: [{name: orders-in, partitions: 12, replication_factor: 3, config: {min.insync.replicas: "2"}}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import topic_admin
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection
from ..module_utils._objects import topics


def main() -> None:
    """Ask, and return."""
    module = AnsibleModule(argument_spec=CONNECTION_SPEC, supports_check_mode=True)
    try:
        with Admin(connection(module.params)) as admin:
            found = topic_admin.fetch(admin, None)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, topics=topics.entries(found))


if __name__ == "__main__":
    main()
