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
  - Asks brokers that are not being restarted, from fresh data, and counts every broker that was let out as out, whatever they say.
  - Before brokers may stop, every other broker that the cluster lists is asked as well, and counts as out when it does not answer, because a cluster
    lists one that died until its session ends.
  - With ZooKeeper a second broker is asked as well, one of the two being the active controller, and only what both say counts, because a broker that has
    lost its session goes on answering with what was so then. Under KRaft the broker that is asked must have kept up with the quorum.
  - Before a yes, the brokers that shall go are asked what is on their disks. When one holds a topic that the connection's user may not describe, nobody
    can say whether it may be spared, so that the module fails.
  - An answer that is no is data, not a failure; look at RV(open). When nobody can be asked, the module fails.
  - To wait for a yes, use M(rackaware.kafka.kafka_roll_wait), which asks this again and again and shows how it goes on.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.connection
  - rackaware.kafka.roll.question
  - rackaware.kafka.roll.limits
options:
  wait_seconds:
    description:
      - How long to ask again, several times a second, while the answer is no. 0 asks once.
      - Asking here costs less than coming back, and sees a change sooner; M(rackaware.kafka.kafka_roll_wait) uses it.
    type: float
    default: 0
  log_sizes:
    description:
      - For brokers and O(question=back), whether those that catch up, and their leaders, are asked how many bytes they hold, each time.
      - It takes a broker longer to add that up than to tell who is in sync; M(rackaware.kafka.kafka_roll_wait) asks only once catching up takes a while.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Ask whether two brokers may be stopped together, while broker 7 is on its way back
  rackaware.kafka.kafka_roll_gate:
    bootstrap_servers: [198.18.1.11:9092, 198.18.2.11:9092, 198.18.3.11:9092]
    question: may_stop
    nodes: [1, 4]
    in_flight: [7]
    request_timeout_seconds: 10
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
  register: gate

- name: Show what stands against it
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
  description:
    - What the nodes would take with them, as held (partitions that they hold), last_copies (partitions whose last in-sync copy that runs is theirs),
      below_minimum (more partitions that would have fewer than C(min.insync.replicas)) and first (some of their names).
    - V(null) with O(disruption=restart).
  returned: with O(question=may_stop)
  type: dict
  sample: {held: 1200, last_copies: 2, below_minimum: 0, first: [orders-3, orders-7]}
answered:
  description: When the question was asked for the last time, as seconds since 1970 by the clock of the host of the task; a stop is bound to it.
  returned: success
  type: float
back:
  description: Ids of those that are back.
  returned: with O(question=back)
  type: list
  elements: int
nodes:
  description:
    - For each node id, back, registered, behind and reason, and for how many seconds of O(wait_seconds) it has been seen back (back_seconds) and
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
  description:
    - What RV(counts) was at first, once a second where it changed, and at last, each with for how many seconds of O(wait_seconds) that is ago; empty where
      nothing is counted.
  returned: success
  type: list
  elements: dict
  sample: [{ago: 1.2, under_replicated: 37, at_min_isr: 37, under_min_isr: 0, offline: 0}]
retry:
  description: Whether asking again may help, because nobody answered; V(false) for bad input.
  returned: failure
  type: bool
asked:
  description: The id of the broker that answered for the cluster; V(null) with O(kind=zookeeper).
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

import time
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import leader_election
from ..module_utils._kafka.client import Admin, LibraryError, connection
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
        module.fail_json(msg=str(error), retry=not isinstance(error, (RollError, LibraryError, LockError)))
    module.exit_json(changed=answer.get("election", {}).get("elected", 0) > 0, answered=asked["at"], **answer)


if __name__ == "__main__":
    main()
