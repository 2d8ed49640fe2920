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
  - An answer that is no is data, not a failure; look at RV(open). When nobody can be asked, the module fails.
  - To wait for a yes, use M(rackaware.kafka.kafka_roll_wait), which asks this again and again and shows how it goes on.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.connection
options:
  question:
    description:
      - V(may_stop) asks whether all O(nodes) may be stopped together now.
      - V(back) asks whether all O(nodes), which were started again, do all of their work again.
    type: str
    choices: [may_stop, back]
    required: true
  kind:
    description:
      - What the nodes are.
      - A V(broker) may stop when no partition falls below C(min.insync.replicas) and O(isr_headroom), and none is being reassigned there. It is back
        when it is registered and unfenced, and in sync everywhere, by its own word and by another broker's.
      - A V(controller) is a voter of KRaft that is no broker. It may stop when a majority without it has caught up with the metadata log, and the
        leader only when no other voter needs a restart. It is back when the leader sees it caught up after the question was asked.
      - A V(zookeeper) server may stop when a majority without it serves, the leader last. It is back when it leads or follows.
      - A broker that is a voter as well must satisfy both.
    type: str
    choices: [broker, controller, zookeeper]
    default: broker
  nodes:
    description: Ids of the nodes that the question is about. For V(may_stop) they are tried in this order, and each that may stop counts as out for the next.
    type: list
    elements: int
    required: true
  in_flight:
    description: Ids of nodes of this kind that were let out and are not back yet. They count as out, and are not asked.
    type: list
    elements: int
    default: []
  out:
    description: Ids of brokers that are known to be down for another reason. They count as out, and are not asked.
    type: list
    elements: int
    default: []
  restart:
    description: Ids of all nodes that still need a restart, so that a leader goes last; O(nodes) when not given.
    type: list
    elements: int
  max_batch:
    description: How many brokers may be out at once; no limit but safety when not given.
    type: int
  isr_headroom:
    description: How many in-sync replicas must stay above C(min.insync.replicas).
    type: int
    default: 0
  allow:
    description: Topics whose loss of availability is accepted, as in M(rackaware.kafka.kafka_roll_plan).
    type: list
    elements: str
    default: []
  zookeeper_servers:
    description:
      - All servers of the ensemble, as P(rackaware.kafka.kafka_nodes#filter) lists them. Needed with O(kind=zookeeper).
      - Each is asked itself, so O(bootstrap_servers) is not used then; O(request_timeout_seconds) is how long one may take.
    type: list
    elements: dict
    suboptions:
      id:
        description: The id of the server, as in its C(myid).
        type: int
        required: true
      host:
        description: Its address.
        type: str
        required: true
      port:
        description: Its port for clients.
        type: int
        default: 2181
  wait_seconds:
    description:
      - How long to ask again, several times a second, while the answer is no and stays the same. 0 asks once.
      - Asking here costs less than coming back, and sees a change sooner; M(rackaware.kafka.kafka_roll_wait) uses it.
    type: float
    default: 0
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
  sample: Partition orders-3 has 2 in sync and needs 2; broker 7 is out or behind.
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
back:
  description: Ids of those that are back.
  returned: with O(question=back)
  type: list
  elements: int
nodes:
  description:
    - For each node id, back, registered, behind and reason.
    - For a broker, registered is whether others list it unfenced, behind in how many partitions it is not in sync yet (V(null) when that cannot be
      said), and bytes how much it holds of these, which grows while it catches up.
    - For a controller, behind counts records of the metadata log.
  returned: with O(question=back)
  type: list
  elements: dict
behind:
  description: What the nodes that are not back are behind, added up.
  returned: with O(question=back)
  type: int
counts:
  description: Partitions of the whole cluster that are under_replicated, at_min_isr, under_min_isr and offline; V(null) unless O(kind=broker).
  returned: success
  type: dict
  sample: {under_replicated: 37, at_min_isr: 37, under_min_isr: 0, offline: 0}
retry:
  description: Whether asking again may help, because nobody answered; V(false) for bad input.
  returned: failure
  type: bool
asked:
  description: The id of the broker that answered for the cluster; V(null) with O(kind=zookeeper).
  returned: success
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _roll_ask
from ..module_utils._errors import RackawareError
from ..module_utils._kafka import Admin, LibraryError, connection
from ..module_utils._roll_snapshot import RollError

SPEC = dict(_roll_ask.SPEC, wait_seconds={"type": "float", "default": 0})


def main() -> None:
    """Ask, report."""
    module = AnsibleModule(argument_spec=SPEC, required_if=_roll_ask.REQUIRED_IF, supports_check_mode=True)
    params = module.params
    try:
        _roll_ask.check(params)
        if params["kind"] == _roll_ask.ZOOKEEPER:
            answer = _roll_ask.patiently(lambda: _roll_ask.keepers(params), params["wait_seconds"])
        else:
            with Admin(connection(params), exclude=_roll_ask.left_alone(params)) as admin:
                answer = _roll_ask.patiently(lambda: _roll_ask.brokers_or_controllers(admin, params), params["wait_seconds"])
    except RackawareError as error:
        module.fail_json(msg=str(error), retry=not isinstance(error, (RollError, LibraryError)))
    module.exit_json(changed=False, **answer)


if __name__ == "__main__":
    main()
