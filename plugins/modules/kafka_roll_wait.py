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
  description:
    - Whether the answer is yes for all nodes.
    - The other values of the last answer are there, too, as M(rackaware.kafka.kafka_roll_gate) returns them.
  returned: success
  type: bool
answered:
  description:
    - When the question was asked last, in seconds since 1970 by the clock of the task's host.
    - M(rackaware.kafka.kafka_roll_service) accepts a stop only while this is fresh.
  returned: success
  type: float
seconds:
  description: How many seconds the wait took.
  returned: success
  type: float
questions:
  description: How many poll sessions the wait took.
  returned: success
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
