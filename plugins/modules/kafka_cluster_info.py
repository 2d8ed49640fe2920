#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One consistent snapshot of a Kafka cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_cluster_info
short_description: Read the state of a Kafka cluster
version_added: "0.1.0"
description:
  - Reads brokers, racks, partitions, in-sync replicas, effective C(min.insync.replicas), reassignments and the quorum,
    all from one broker.
  - The answer is that broker's own view, which may be older than another broker's. O(ask) selects the broker.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.connection
options:
  ask:
    description:
      - The broker to ask, as an id or as V(host:port).
      - By default the first of O(bootstrap_servers) that answers.
    type: str
  exclude_brokers:
    description: Ids of brokers not to ask, because they are being restarted.
    type: list
    elements: int
    default: []
  topics:
    description: The topics to read; all when not given. A topic that does not exist is an error.
    type: list
    elements: str
  only_troubled:
    description:
      - Whether to return only partitions without a leader, under-replicated or below their minimum, and their topics.
        RV(cluster.counts) counts all partitions in any case.
      - A large cluster has a large answer, which Ansible keeps for the rest of the run.
    type: bool
    default: false
  limit:
    description:
      - With O(only_troubled), the maximum number of partitions to return, the first by topic and number.
        RV(cluster.counts) has the full numbers.
    type: int
  summary:
    description:
      - Whether to return a summary, RV(cluster.loads), RV(cluster.examples) and RV(cluster.reassigning), instead of
        topics, partitions and reassignments. P(rackaware.kafka.kafka_model#filter) takes a summary as well.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Read the cluster
  rackaware.kafka.kafka_cluster_info:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
  register: seen

- name: Stop when a partition has no leader
  ansible.builtin.assert:
    that: seen.cluster.counts.offline == 0
"""

RETURN = r"""
cluster:
  description: The cluster.
  returned: success
  type: dict
  contains:
    cluster_id:
      description: The cluster's id.
      type: str
    metadata:
      description: The metadata mode, V(kraft) or V(zookeeper).
      type: str
    controller_id:
      description: The active controller; under KRaft the leader of the quorum.
      type: int
    brokers:
      description: Brokers, each with C(id), C(host), C(port), C(rack) and C(fenced). Before Kafka 4.0 a broker that is
        down is missing.
      type: list
      elements: dict
    topics:
      description:
        - For each topic C(partitions) and C(replication_factor), which are numbers, C(min_isr), its
          C(min.insync.replicas), and C(own_min_isr), whether the topic itself sets it.
        - When it does not, C(min_isr) is the default of the broker that was asked. Other brokers may have another
          default.
      type: dict
    partitions:
      description:
        - For each partition C(topic), C(partition), C(leader) (-1 for none), C(replicas), C(isr), C(offline), C(elr)
          (eligible leader replicas), C(min_isr), C(adding) and C(removing).
        - C(min_isr) is the effective value, never above the number of replicas.
      type: list
      elements: dict
    reassignments:
      description: Partitions under reassignment, each with C(topic), C(partition), C(replicas), C(adding) and
        C(removing).
      type: list
      elements: dict
    quorum:
      description: The KRaft quorum with C(leader), C(epoch), C(high_watermark), C(voters) and C(observers); V(null)
        under ZooKeeper. Voters and observers have C(id), C(directory_id), C(log_end_offset) and C(last_caught_up_ms),
        by the leader's clock, -1 where the leader does not know. An answer without some of the nodes is asked for again
        for up to 5 seconds, because a new leader hears of them one after another.
      type: dict
    counts:
      description: Numbers of C(topics) and C(partitions), and of partitions that are C(under_replicated),
        C(at_min_isr), C(under_min_isr), C(offline) or C(without_preferred_leader).
      type: dict
    checked_at:
      description: When the cluster was read, in UTC, by the clock of the task's host.
      type: str
      sample: "2026-11-30T08:45:00Z"
    loads:
      description: For each broker that has replicas its C(id) and the numbers C(leaders), C(replicas) and
        C(out_of_sync); only with O(summary).
      type: list
      elements: dict
    examples:
      description: The first partitions that are C(offline), C(under_min_isr) and C(under_replicated), as
        C(topic-partition); only with O(summary).
      type: dict
    reassigning:
      description: How many partitions are under reassignment; only with O(summary).
      type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import snapshot
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, address, connection

SPEC = dict(
    CONNECTION_SPEC,
    ask={"type": "str"},
    exclude_brokers={"type": "list", "elements": "int", "default": []},
    topics={"type": "list", "elements": "str"},
    only_troubled={"type": "bool", "default": False},
    limit={"type": "int"},
    summary={"type": "bool", "default": False},
)


def main() -> None:
    """Read, report."""
    module = AnsibleModule(
        argument_spec=SPEC,
        mutually_exclusive=[("only_troubled", "summary"), ("limit", "summary")],
        supports_check_mode=True,
    )
    params = module.params
    ask = params["ask"]
    try:
        whom = None if ask is None else int(ask) if ask.isdigit() else address(ask)
        with Admin(connection(params), ask=whom, exclude=params["exclude_brokers"]) as admin:
            plain = dict(
                snapshot.settled(admin, snapshot.take(admin, params["topics"])).to_dict(), checked_at=snapshot.now()
            )
        if params["only_troubled"]:
            plain = snapshot.troubled(plain, params["limit"])
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, cluster=snapshot.summarize(plain) if params["summary"] else plain)


if __name__ == "__main__":
    main()
