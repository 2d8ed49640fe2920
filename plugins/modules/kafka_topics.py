#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declare the topics of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_topics
short_description: Declare the topics of a Kafka cluster
version_added: "0.1.0"
description:
  - Creates topics, adds partitions to them and sets their configuration, many in one request. Only what differs is
    sent. Only the declared topics and keys of configuration are asked for.
  - Never lowers the number of partitions. Another replication factor is refused, and the plan that would move the
    replicas is shown and returned as RV(moves). Kafka's own topics are never declared and never deleted.
  - Deletes a topic with O(topics[].state=absent) or O(purge), and only when O(confirm) says how many.
  - In check mode Kafka validates the change. M(rackaware.kafka.kafka_topic) is for one topic, and can place its
    replicas.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.connection
  - rackaware.kafka.objects
options:
  topics:
    description: The topics.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The topic.
        type: str
        required: true
      partitions:
        description: The number of partitions. By default the brokers' default for a new topic, and no change to an
          existing one.
        type: int
      replication_factor:
        description: The number of replicas of each partition, at most the number of racks. By default the brokers'
          default for a new topic.
        type: int
      config:
        description: Topic configuration. Only these keys are compared; the value V(null) removes a key.
        type: dict
        default: {}
      state:
        description: Whether the topic exists. V(absent) deletes it with all its records.
        type: str
        choices: [present, absent]
        default: present
  confirm:
    description: The words that confirm a deletion with the number of topics, such as V(delete 3 topics). The refusal
      names them.
    type: str
"""

EXAMPLES = r"""
- name: Make the topics of an application, and delete those that it no longer declares
  rackaware.kafka.kafka_topics:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
    topics:
      - name: orders-in
        partitions: 12
        replication_factor: 3
        config: {min.insync.replicas: 2, retention.ms: 604800000}
      - {name: orders-out, partitions: 6, replication_factor: 3}
    owned_prefixes: [orders-]
    purge: true
    confirm: delete 1 topic
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
"""

RETURN = r"""
changes:
  description: What was created, changed and deleted, or would be in check mode, one line for each topic.
  returned: success
  type: list
  elements: str
  sample: ["create: topic orders-out: 6 partitions, replication factor 3"]
removals:
  description: What is still to be deleted, with O(removals=later).
  returned: success
  type: list
  elements: str
confirm:
  description: What O(confirm) must say for the deletions, V(null) when there are none.
  returned: success
  type: str
moves:
  description: Where the replicas of partitions would go for another replication factor.
  returned: failure because of the replication factor
  type: list
  elements: dict
  sample: [{topic: orders-in, partition: 0, replicas: [1, 2], wanted: [1, 2, 3]}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import metadata, topic_admin
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection
from ..module_utils._objects import topics
from ..module_utils._objects.declared import LATER, OWNED_SPEC, outcome, owned

SPEC = dict(
    CONNECTION_SPEC,
    **OWNED_SPEC,
    topics={"type": "list", "elements": "dict", "required": True, "options": topics.TOPIC_OPTIONS},
    confirm={"type": "str"},
)


def decide(admin: Admin, params: dict) -> topics.Change:
    """Ask for the topics that matter, and say what becomes of them."""
    present, absent = topics.wanted(params["topics"])
    prefixes = owned(params["owned_prefixes"], purge=params["purge"])
    names = [want.name for want in present] + absent
    if prefixes:
        names = topics.named(metadata.partitions(admin), present, absent, prefixes)
    brokers = metadata.cluster(admin)["brokers"]
    return topics.plan(
        topic_admin.fetch(admin, names, topics.keys(present)),
        present,
        absent,
        owned=prefixes,
        racks={broker["id"]: broker["rack"] for broker in brokers if not broker["fenced"]},
    )


def write(admin: Admin, change: topics.Change, removals: str, seconds: int, *, check: bool) -> None:
    """Change the topics and wait for their leaders, or have Kafka validate the change."""
    sent = [(want, each) for want, each in change.topics if not (each.delete and removals == LATER)]
    topic_admin.write(admin, sent, validate_only=check)
    if not check:
        grown = {
            want.name: each.after["partitions"]
            for want, each in sent
            if each.after and (each.create or each.partitions)
        }
        topic_admin.settle(admin, grown, seconds)


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        with Admin(connection(params)) as admin:
            change = decide(admin, params)
            deleted = change.deleted()
            if not module.check_mode:
                topics.check_confirmed(deleted, params["confirm"])
            result = outcome(change.edits(), params["removals"])
            if result["changed"]:
                write(admin, change, params["removals"], params["request_timeout_seconds"], check=module.check_mode)
    except topics.ReplicationError as error:
        module.fail_json(msg=str(error), moves=error.moves)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(confirm=topics.words(deleted), **result)


if __name__ == "__main__":
    main()
