#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait at the gate of a rolling restart; the work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_roll_wait
short_description: Wait until nodes may be stopped, or are back, and show how it goes on
version_added: "0.1.0"
description:
  - Asks M(rackaware.kafka.kafka_roll_gate) again and again on the host of the task, so delegate it to a host that can reach the brokers.
  - Shows a line on the controller's screen at once when something changes, at most every 5 seconds. For a broker that catches up it says how much
    there is to copy yet, and about how long that takes at the pace so far.
  - There is no limit on how long it may take, only on how long nothing may get better, O(stall_seconds). For V(back) that is that another node is
    registered or back, that a node has fewer partitions to catch up with than ever before, or holds more bytes of them. For V(may_stop) it is
    that more nodes may go, or fewer partitions are under-replicated, than ever before.
  - A question that fails, because nobody answered, is asked again until then; bad input and a host that cannot be reached end the wait at once.
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
      - How long nothing may get better before the wait ends as a failure. The sentence says what was seen last.
      - A broker that reads its logs after a crash registers only when it has, and until then nothing shows that it gets on. So this must be longer than
        that takes. One that never starts looks the same.
    type: float
    default: 900
  interval:
    description:
      - Seconds between two visits to the host. A visit asks several times a second, and ends after 5 seconds or with a yes.
    type: float
    default: 0.2
  hold_seconds:
    description:
      - How long the answer must stay yes before the wait ends, asked every 2 seconds. When it turns to no, or nobody can be asked, the time begins anew
        with the next yes.
    type: float
    default: 0
  events:
    description:
      - A file on the controller to append to, a line of JSON for each event, as M(rackaware.kafka.kafka_roll_event) does.
      - The events are V(gate_waiting), V(gate_open), V(registered), V(back), V(curve), V(soaked) after O(hold_seconds), and V(failed) for each broker
        that did not come back. Those of controllers and ZooKeeper servers have the kind before their names.
    type: path
"""

EXAMPLES = r"""
- name: Wait until the cluster can do without this batch
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
  description: What stands against the first of them that it stands against, as a sentence, or V(null).
  returned: success
  type: str
  sample: Partition orders-3 has 2 in sync and needs 2; broker 7 is stopped or behind.
admitted:
  description: Ids of those that may be stopped now, together.
  returned: with O(question=may_stop)
  type: list
  elements: int
held:
  description: Those that may not, each as broker (its id) and reason.
  returned: with O(question=may_stop)
  type: list
  elements: dict
loss:
  description: What the nodes would take with them, as M(rackaware.kafka.kafka_roll_gate) returns it.
  returned: with O(question=may_stop)
  type: dict
answered:
  description: When the gate was asked for the last time, as seconds since 1970 by the clock of the host of the task.
  returned: success
  type: float
back:
  description: Ids of those that are back.
  returned: with O(question=back)
  type: list
  elements: int
nodes:
  description:
    - For each node id, back, registered, behind and reason, and for how many seconds of the last visit it was seen back (back_seconds) and
      registered (registered_seconds), V(null) where it is not.
    - For a broker, registered is whether others list it unfenced, behind in how many partitions it is not in sync yet (V(null) when that cannot be
      said), bytes how much it holds of these, which grows while it catches up, and bytes_left how much less that is than their leaders hold (both
      V(null) when nobody says).
    - For a controller, behind counts records of the metadata log.
  returned: with O(question=back)
  type: list
  elements: dict
behind:
  description: What the nodes that are not back are behind, added up.
  returned: with O(question=back)
  type: int
election:
  description:
    - What the election of preferred leaders did, as elected, waiting and refused, as M(rackaware.kafka.kafka_leader_election) returns them.
    - The nodes are back whatever becomes of it, so that an election that fails is told in refused, with the reason for each partition that was left.
  returned: with O(elect_leaders=true), when all are back
  type: dict
  sample: {elected: 337, waiting: 0, refused: []}
counts:
  description: Partitions of the whole cluster that are under_replicated, at_min_isr, under_min_isr and offline; V(null) unless O(kind=broker).
  returned: success
  type: dict
  sample: {under_replicated: 37, at_min_isr: 37, under_min_isr: 0, offline: 0}
curve:
  description: What RV(counts) was during the last visit, as M(rackaware.kafka.kafka_roll_gate) returns it.
  returned: success
  type: list
  elements: dict
asked:
  description: The id of the broker that answered for the cluster; V(null) with O(kind=zookeeper).
  returned: success
  type: int
seconds:
  description: How long the wait took.
  returned: success
  type: float
questions:
  description: How often the gate was asked.
  returned: success
  type: int
witness:
  description: With ZooKeeper, the id of the second broker that was asked; V(null) under KRaft, and when all of O(nodes) are down and nobody else answers.
  returned: with O(question=may_stop) and O(kind=broker)
  type: int
note:
  description: A sentence when a leader may go before others that need a restart, because leadership has moved since the plan was made, or V(null).
  returned: with O(question=may_stop)
  type: str
  sample: "Node 103 leads, and goes before node 101: leadership has moved since the plan was made."
proven:
  description: Who has proven by its own word to be back, as O(proven) takes it; V(true) for those that were asked for all that they know.
  returned: with O(question=back) and O(kind=broker)
  type: dict
  sample: {"1": true, "4": true}
"""
