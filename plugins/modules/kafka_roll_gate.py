#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of a rolling restart: one question, one answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_roll_gate
short_description: Ask whether nodes may be stopped now, or are back now
version_added: "0.1.0"
description:
  - Answers from fresh data, and asks only brokers that are not being restarted. Every broker that is being restarted
    counts as stopped, whatever the others say.
  - Before brokers may stop, it asks every other broker that the cluster lists. One that does not answer counts as
    stopped, because a cluster lists a dead broker until its session ends.
  - With ZooKeeper it asks a second broker as well. One of the two is the active controller, and only what both say
    counts, because a broker that has lost its session goes on answering with old data. Under KRaft the broker that
    answers must have kept up with the quorum.
  - Before a yes, it asks the brokers to be stopped what is on their disks. The module fails when one of them holds a
    topic that the connection's user may not describe, because the gate cannot judge that topic.
  - A no is an answer, not a failure; look at RV(open). The module fails when no broker answers.
  - To wait for a yes, use M(rackaware.kafka.kafka_roll_wait), which asks again and again and shows the progress.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.connection
  - rackaware.kafka.roll.question
  - rackaware.kafka.roll.limits
options:
  wait_seconds:
    description:
      - Seconds to ask again, several times a second, while the answer is no. V(0) asks once.
      - One poll session of several questions costs less than several tasks, and sees a change sooner.
        M(rackaware.kafka.kafka_roll_wait) uses it.
    type: float
    default: 0
  log_sizes:
    description:
      - For brokers and O(question=back), whether each question also asks brokers that catch up, and their leaders, how
        many bytes they hold.
      - A broker takes longer to add up its bytes than to list its in-sync replicas. M(rackaware.kafka.kafka_roll_wait)
        asks only once catching up takes a while.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Ask whether two brokers may be stopped together while broker 7 is being restarted
  rackaware.kafka.kafka_roll_gate:
    bootstrap_servers: [198.18.1.11:9092, 198.18.2.11:9092, 198.18.3.11:9092]
    question: may_stop
    nodes: [1, 4]
    in_flight: [7]
    request_timeout_seconds: 10
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
  register: gate

- name: Show why brokers may not be stopped
  ansible.builtin.debug:
    msg: "{{ gate.held }}"
  when: not gate.open

- name: Ask whether a controller is back
  rackaware.kafka.kafka_roll_gate:
    bootstrap_servers: [198.18.1.11:9092]
    question: back
    kind: controller
    nodes: [101]

- name: Ask whether a ZooKeeper server may be stopped
  rackaware.kafka.kafka_roll_gate:
    bootstrap_servers: [198.18.1.11:9092]
    question: may_stop
    kind: zookeeper
    nodes: [201]
    zookeeper_servers: "{{ groups['kafka_zookeepers'] | rackaware.kafka.kafka_nodes(hostvars, 2181) }}"
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
      description: For how many seconds of O(wait_seconds) it has been back; V(null) when it is not.
      type: float
    registered_seconds:
      description: For how many seconds of O(wait_seconds) it has been registered; V(null) when it is not.
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
    - How RV(counts) developed during O(wait_seconds).
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
retry:
  description: Whether asking again may help. V(true) when the cluster did not answer, V(false) for bad input, a missing
    library or file, a lost lock or a connection that may not see all topics.
  returned: failure of the module, not when its host cannot be reached
  type: bool
asked:
  description: The id of the broker that answered for the cluster; V(null) when unknown, and with O(kind=zookeeper).
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

import time
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._address import AddressError
from ..module_utils._errors import RackawareError
from ..module_utils._kafka import leader_election
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import LastingError, connection
from ..module_utils._roll import lock, poll
from ..module_utils._roll.lock import LockError
from ..module_utils._roll.snapshot import RollError

SPEC = dict(poll.SPEC, wait_seconds={"type": "float", "default": 0}, log_sizes={"type": "bool", "default": True})


def main() -> None:
    """Ask, report."""
    module = AnsibleModule(argument_spec=SPEC, required_if=poll.REQUIRED_IF, supports_check_mode=True)
    params = module.params
    asked = {}

    def stamped(ask: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
        def once() -> dict[str, Any]:
            asked["at"] = time.time()
            return ask()

        return once

    try:
        poll.check(params)
        if params["lock"] and not module.check_mode:
            lock.renew(
                params["lock"]["path"], params["lock"]["owner"], params["lock"]["lease_seconds"], now=time.time()
            )
        if params["kind"] == poll.ZOOKEEPER:
            answer = poll.poll_until_open(stamped(lambda: poll.zookeepers(params)), params["wait_seconds"])
        else:
            with Admin(connection(params), exclude=poll.left_alone(params)) as admin:
                session = poll.PollSession(proven=poll.read_proven(params))
                answer = poll.poll_until_open(
                    stamped(lambda: poll.brokers_or_controllers(admin, params, session)), params["wait_seconds"]
                )
                if params["elect_leaders"] and answer["open"]:
                    answer["election"] = leader_election.elect(
                        admin, session.partitions, check=module.check_mode, tolerant=True
                    )
    except RackawareError as error:
        module.fail_json(
            msg=str(error), retry=not isinstance(error, (RollError, LastingError, LockError, AddressError))
        )
    module.exit_json(changed=answer.get("election", {}).get("elected", 0) > 0, answered=asked["at"], **answer)


if __name__ == "__main__":
    main()
