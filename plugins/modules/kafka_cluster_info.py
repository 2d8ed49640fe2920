#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One consistent snapshot of a Kafka cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_cluster_info
short_description: Read a whole Kafka cluster as data
version_added: "0.1.0"
description:
  - Reads brokers, racks, partitions, in-sync replicas, effective C(min.insync.replicas), reassignments and the quorum, in one pass, from one broker.
  - Everything is that broker's own view, which may be older than another's. O(ask) chooses the broker.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.connection
options:
  ask:
    description:
      - The broker to ask, as its id or as V(host:port).
      - Without it, the first of O(bootstrap_servers) that answers.
    type: str
  exclude_brokers:
    description: Ids of brokers not to ask, because they are being restarted.
    type: list
    elements: int
    default: []
  topics:
    description: Only these topics; all when not given. A topic that does not exist is an error.
    type: list
    elements: str
  only_troubled:
    description:
      - Whether to return only partitions without a leader, under-replicated or below their minimum, and their topics; RV(cluster.counts) counts all the
        same.
      - A large cluster is a large answer, which Ansible carries about for the rest of the run.
    type: bool
    default: false
  limit:
    description:
      - With O(only_troubled), how many partitions to return at most, the first by topic and number; RV(cluster.counts) says how many there are.
    type: int
  summary:
    description:
      - Whether to return neither topics nor partitions nor reassignments, but what people are shown of them, as RV(cluster.loads), RV(cluster.examples) and
        RV(cluster.reassigning). P(rackaware.kafka.kafka_model#filter) takes that as well.
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
      description: What keeps the metadata, V(kraft) or V(zookeeper).
      type: str
    controller_id:
      description: The active controller; under KRaft the leader of the quorum.
      type: int
    brokers:
      description: Brokers with id, host, port, rack, and whether fenced. Before Kafka 4.0 a broker that is down is missing here.
      type: list
      elements: dict
    topics:
      description:
        - For each topic the number of partitions, the replication factor, C(min.insync.replicas) as set (min_isr), and whether the topic itself sets it
          (own_min_isr).
        - If it does not, this is the value of the broker that was asked, which brokers with another configuration do not share.
      type: dict
    partitions:
      description:
        - For each partition topic, partition, leader (-1 for none), replicas, isr, offline, elr (eligible leader replicas),
          min_isr, adding and removing.
        - min_isr is the effective one, never above the number of replicas.
      type: list
      elements: dict
    reassignments:
      description: Partitions under reassignment, with topic, partition, replicas, adding, removing.
      type: list
      elements: dict
    quorum:
      description: The KRaft quorum with leader, epoch, high_watermark, voters and observers; V(null) under ZooKeeper.
      type: dict
    counts:
      description: Numbers of topics, partitions, under_replicated, at_min_isr, under_min_isr, offline, without_preferred_leader.
      type: dict
    checked_at:
      description: When it was seen, by the clock of the host that asked, in UTC.
      type: str
      sample: "2026-11-30T08:45:00Z"
    loads:
      description: For each broker that has replicas its id and the numbers of leaders, replicas and out_of_sync; only with O(summary).
      type: list
      elements: dict
    examples:
      description: The first partitions that are offline, under_min_isr and under_replicated, as C(topic-partition); only with O(summary).
      type: dict
    reassigning:
      description: How many partitions are under reassignment; only with O(summary).
      type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import snapshot
from ..module_utils._kafka.client import CONNECTION_SPEC, Admin, address, connection

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
            plain = dict(snapshot.take(admin, params["topics"]).to_dict(), checked_at=snapshot.now())
        if params["only_troubled"]:
            plain = snapshot.troubled(plain, params["limit"])
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, cluster=snapshot.summarize(plain) if params["summary"] else plain)


if __name__ == "__main__":
    main()
