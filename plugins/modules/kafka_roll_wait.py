#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait at the gate of a rolling restart; the work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_roll_wait
short_description: Wait until nodes may be stopped, or are back, and show the progress
version_added: "0.1.0"
description:
  - Asks M(rackaware.kafka.kafka_roll_gate) again and again on the host of the task. Delegate the task to a host that
    can reach the brokers.
  - Shows a line on the controller's screen when something changes, at most every 5 seconds. For a broker that catches
    up, the line says how much is left to copy, and about how long that takes at the pace so far.
  - The wait itself has no limit. It fails after O(stall_seconds) without progress.
  - Progress for V(back) is that one more node is registered or back, or that a node has fewer partitions to catch up,
    or holds more of their bytes, than ever before. Progress for V(may_stop) is that more nodes may stop, or that fewer
    partitions are under-replicated, than ever before.
  - Asks again when the cluster does not answer, until O(stall_seconds) are over. Bad input and a host that cannot be
    reached end the wait at once.
  - In check mode it asks once and never waits.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.connection
  - rackaware.kafka.roll.question
  - rackaware.kafka.roll.limits
options:
  stall_seconds:
    description:
      - Seconds without progress before the wait fails. The message says what was seen last.
      - A broker that recovers its logs after a crash registers only at the end, and shows no progress until then. So
        this must be longer than a recovery takes. A broker that never starts looks the same.
    type: float
    default: 900
  interval:
    description:
      - Seconds between two poll sessions on the host. A poll session asks several times a second, and ends after 5
        seconds or with a yes.
    type: float
    default: 0.2
  hold_seconds:
    description:
      - Seconds for which the answer must stay yes before the wait ends (soak). The gate is asked every 2 seconds. A no,
        or no answer, restarts the time with the next yes.
    type: float
    default: 0
  events:
    description:
      - A file on the controller. The wait appends one line of JSON for each event, as
        M(rackaware.kafka.kafka_roll_event) does.
      - The events are V(gate_waiting), V(gate_open), V(registered), V(back), V(curve), V(soaked) after O(hold_seconds),
        and V(failed) for each broker that did not come back. Events of controllers and ZooKeeper servers have the kind
        before their names.
    type: path
"""

EXAMPLES = r"""
- name: Wait until the brokers of this batch may be stopped
  rackaware.kafka.kafka_roll_wait:
    bootstrap_servers: [198.18.1.11:9092, 198.18.2.11:9092, 198.18.3.11:9092]
    question: may_stop
    nodes: [1, 4]
    restart: [1, 2, 3, 4, 5, 6]
    request_timeout_seconds: 10
    events: reports/roll.jsonl
  delegate_to: broker-c1
  run_once: true
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python

- name: Wait until both are in sync everywhere again
  rackaware.kafka.kafka_roll_wait:
    bootstrap_servers: [198.18.1.11:9092, 198.18.2.11:9092, 198.18.3.11:9092]
    question: back
    nodes: [1, 4]
    request_timeout_seconds: 10
    events: reports/roll.jsonl
    lock:
      owner: "{{ roll_owner }}"
  delegate_to: broker-c1
  run_once: true
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
"""

RETURN = r"""
open:
  description: Whether the answer is yes for all nodes.
  returned: success
  type: bool
reason:
  description: Why the first node that is held may not be stopped, or is not back, as one sentence; V(null) when
    RV(open).
  returned: success
  type: str
  sample: Partition orders-3 has 2 in sync and needs 2; broker 7 is stopped or behind.
admitted:
  description: Ids of the nodes that may be stopped now, together.
  returned: with O(question=may_stop)
  type: list
  elements: int
held:
  description: The nodes that may not be stopped, empty when RV(open).
  returned: with O(question=may_stop)
  type: list
  elements: dict
  contains:
    broker:
      description: The id of the node, also of a controller or a ZooKeeper server.
      type: int
    reason:
      description: Why it may not be stopped, one sentence with the next step.
      type: str
loss:
  description:
    - What the nodes would take with them when all of them go.
    - V(null) with O(disruption=restart).
  returned: with O(question=may_stop) and O(kind=broker)
  type: dict
  contains:
    held:
      description: How many partitions they hold.
      type: int
    last_copies:
      description: How many partitions have their last running in-sync copy on them.
      type: int
    below_minimum:
      description: How many more partitions would have fewer than C(min.insync.replicas) in-sync replicas.
      type: int
    first:
      description: The names of some of these partitions.
      type: list
      elements: str
  sample: {held: 1200, last_copies: 2, below_minimum: 0, first: [orders-3, orders-7]}
answered:
  description:
    - When the question was asked last, in seconds since 1970 by the clock of the task's host.
    - M(rackaware.kafka.kafka_roll_service) accepts a stop only while this is fresh.
  returned: success
  type: float
back:
  description: Ids of the nodes that are back.
  returned: with O(question=back)
  type: list
  elements: int
nodes:
  description: The state of each node of O(nodes).
  returned: with O(question=back)
  type: list
  elements: dict
  contains:
    id:
      description: The id of the node.
      type: int
    back:
      description: Whether it is back.
      type: bool
    reason:
      description: Why it is not back, one sentence; V(null) when it is.
      type: str
    registered:
      description:
        - Whether it has joined its cluster again.
        - For a broker, the other brokers list it, and not as fenced. A controller that is caught up, and a ZooKeeper
          server that leads or follows, is registered.
      type: bool
    behind:
      description:
        - What it still has to catch up. For a broker, the number of partitions in which it is not in sync. For a
          controller, records of the metadata log.
        - V(null) when unknown, and for ZooKeeper.
      type: int
    bytes:
      description: For a broker with O(kind=broker), the bytes that it holds of these partitions; the number grows while
        it catches up. V(null) when unknown.
      type: int
    bytes_left:
      description: For a broker with O(kind=broker), how many bytes less these are than those of the partitions'
        leaders. V(null) when unknown.
      type: int
    back_seconds:
      description: For how many seconds of the last poll session it has been back; V(null) when it is not.
      type: float
    registered_seconds:
      description: For how many seconds of the last poll session it has been registered; V(null) when it is not.
      type: float
behind:
  description: The sum of C(behind) in RV(nodes), over the nodes that are not back.
  returned: with O(question=back)
  type: int
election:
  description:
    - The result of the election of preferred leaders, as M(rackaware.kafka.kafka_leader_election) returns it.
    - The nodes are back whatever its result. An election that fails is in C(refused), with the reason for each
      partition.
  returned: with O(elect_leaders=true), when all are back
  type: dict
  contains:
    elected:
      description: How many partitions are led by their preferred replica again.
      type: int
    waiting:
      description: How many partitions are not, because their preferred replica is not in sync.
      type: int
    refused:
      description: Partitions for which Kafka refused the election, each with C(topic), C(partition) and C(reason).
      type: list
      elements: dict
  sample: {elected: 337, waiting: 0, refused: []}
counts:
  description: Numbers of partitions of the whole cluster; V(null) unless O(kind=broker).
  returned: success
  type: dict
  contains:
    under_replicated:
      description: Partitions with a replica that is not in sync.
      type: int
    at_min_isr:
      description: Partitions with exactly C(min.insync.replicas) in-sync replicas.
      type: int
    under_min_isr:
      description: Partitions with fewer than that.
      type: int
    offline:
      description: Partitions without a leader.
      type: int
  sample: {under_replicated: 37, at_min_isr: 37, under_min_isr: 0, offline: 0}
curve:
  description:
    - How RV(counts) developed during the last poll session.
    - Has the first value, then each change, at most one a second, and the last. Empty when nothing is counted.
  returned: success
  type: list
  elements: dict
  contains:
    ago:
      description: How many seconds before the answer.
      type: float
    under_replicated:
      description: As in RV(counts).
      type: int
    at_min_isr:
      description: As in RV(counts).
      type: int
    under_min_isr:
      description: As in RV(counts).
      type: int
    offline:
      description: As in RV(counts).
      type: int
  sample: [{ago: 1.2, under_replicated: 37, at_min_isr: 37, under_min_isr: 0, offline: 0}]
asked:
  description: The id of the broker that answered for the cluster; V(null) when unknown, and with O(kind=zookeeper).
  returned: success
  type: int
seconds:
  description: How many seconds the wait took.
  returned: success
  type: float
questions:
  description: How many poll sessions the wait took.
  returned: success
  type: int
witness:
  description:
    - With ZooKeeper, the id of the second broker that was asked.
    - V(null) under KRaft, and when all of O(nodes) are down and no second broker answers.
  returned: with O(question=may_stop) and O(kind=broker)
  type: int
note:
  description: A sentence when a leader goes before other nodes that need a restart, because leadership has moved since
    the plan was made; else V(null).
  returned: with O(question=may_stop)
  type: str
  sample: "Node 103 leads, and goes before node 101: leadership has moved since the plan was made."
proven:
  description:
    - Which brokers have shown by their own answer that they are back, by id. Pass it as O(proven) with the next
      question.
    - V(true) for a broker that answered about all partitions, V(false) for one that answered about its own topics only.
  returned: with O(question=back) and O(kind=broker)
  type: dict
  sample: {"1": true, "4": true}
"""
