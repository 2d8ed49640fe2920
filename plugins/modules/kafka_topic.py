#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, grow and configure a topic."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_topic
short_description: Create, grow and configure a Kafka topic
version_added: "0.1.0"
description:
  - Creates a topic, adds partitions to it, and sets its configuration; removes it only with O(state=absent).
  - Refuses a change that would move or drop data. It never lowers the number of partitions, never changes the
    replication factor or the placement of existing partitions, and never recreates a topic.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.connection
options:
  name:
    description: The topic.
    type: str
    required: true
  state:
    description:
      - Whether the topic exists.
      - V(absent) deletes it with all its records.
    type: str
    choices: [present, absent]
    default: present
  partitions:
    description: The number of partitions. By default the brokers' default for a new topic, and no change to an existing
      one.
    type: int
  replication_factor:
    description: The number of replicas of each partition. By default the brokers' default for a new topic.
    type: int
  replica_assignment:
    description: For each partition, in order, the ids of its brokers; the first is the preferred leader. It implies
      O(partitions) and O(replication_factor).
    type: list
    elements: list
  config:
    description:
      - Topic configuration. Only these keys are compared, and each is set on the topic itself.
      - The value V(null) removes a key from the topic, so that the brokers' default holds.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Create a topic that survives the loss of an Availability Zone
  rackaware.kafka.kafka_topic:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
    name: orders
    partitions: 12
    replication_factor: 3
    config:
      min.insync.replicas: 2
      retention.ms: 604800000
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
"""

RETURN = r"""
topic:
  description: The topic after the run, or as it would be in check mode; V(null) when absent.
  returned: success
  type: dict
  contains:
    partitions:
      description: The number of partitions; V(null) in check mode when it is left to the brokers.
      type: int
    replication_factor:
      description: The number of replicas of each partition.
      type: int
    config:
      description: The configuration that the topic itself has.
      type: dict
  sample: {partitions: 12, replication_factor: 3, config: {min.insync.replicas: "2"}}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import topic
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection
from ..module_utils._kafka.topic_admin import fetch, settle, write

SPEC = dict(
    CONNECTION_SPEC,
    name={"type": "str", "required": True},
    state={"type": "str", "choices": ["present", "absent"], "default": "present"},
    partitions={"type": "int"},
    replication_factor={"type": "int"},
    replica_assignment={"type": "list", "elements": "list"},
    config={"type": "dict", "default": {}},
)


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(
        argument_spec=SPEC,
        mutually_exclusive=[("replica_assignment", "partitions"), ("replica_assignment", "replication_factor")],
        supports_check_mode=True,
    )
    params = module.params
    try:
        want = topic.wanted(params)
        with Admin(connection(params)) as admin:
            before = fetch(admin, [want.name]).get(want.name)
            change = topic.absent(before) if params["state"] == "absent" else topic.present(before, want)
            after = change.after
            if change.needed:
                write(admin, [(want, change)], validate_only=module.check_mode)
                if not module.check_mode and change.after:
                    settle(admin, {want.name: change.after["partitions"]}, params["request_timeout_seconds"])
                    now = fetch(admin, [want.name]).get(want.name)
                    after = now.as_dict() if now else None
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=change.needed, topic=after, diff={"before": change.before or {}, "after": after or {}})


if __name__ == "__main__":
    main()
