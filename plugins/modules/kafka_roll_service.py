#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restart of a node in a roll; the work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_roll_service
short_description: Restart the service of a node that the gate has admitted, and record the times
version_added: "0.1.0"
description:
  - Stops the systemd unit of a broker, a controller or a ZooKeeper node, puts its staged files in place, starts it, and
    writes the times to the file of the roll's events. All of that is one task, because the node is down meanwhile.
  - Does not ask whether the stop is safe, so M(rackaware.kafka.kafka_roll_wait) must come first. A stop is bound to its
    O(answer).
  - The host itself refuses the stop when the answer is older than a minute by the host's clock, which goes on while a
    runner is suspended. It also refuses it when another run has claimed the host since
    (O(rackaware.kafka.kafka_service_info#module:claim)).
  - A start that waits, for example for an encrypted store, continues in the background after 20 seconds; RV(waits) says
    what it waits for. M(rackaware.kafka.kafka_roll_wait) sees whether the node comes back.
  - A host that cannot be reached is a failure like any other, so that a C(rescue) sees it and the other nodes of the
    step continue.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.files
options:
  kind:
    description: The kind of the node, which determines its unit.
    type: str
    choices:
      - broker
      - controller
      - zookeeper
    required: true
  node:
    description: The node's id.
    type: int
    required: true
  state:
    description:
      - Whether to stop the service, start it, or both. Before a start systemd reads its unit files again.
      - Staged files go in place right after the stop, so that a reboot of the host starts the service with them, too.
    type: str
    choices:
      - stopped
      - started
      - restarted
    default: restarted
  directories:
    description: Directories that the service needs. M(rackaware.kafka.file_set) makes them after the stop.
  files:
    description: All files that the service reads at its start. M(rackaware.kafka.file_set) promotes them after the
      stop.
    default: []
  promoted:
    description: Further files that the service reads, which another task stages; promoted as O(files) are.
    type: list
    elements: path
    default: []
  answer:
    description: The answer of the gate that admits the stop. Needed for a stop.
    type: dict
    suboptions:
      owner:
        description: The owner of the lock of the cluster, as M(rackaware.kafka.kafka_roll_lock) took it.
        type: str
        required: true
      answered:
        description:
          - When the gate or the lock answered, in seconds since 1970;
            RV(rackaware.kafka.kafka_roll_wait#module:answered) and RV(rackaware.kafka.kafka_roll_lock#module:answered)
            have it.
        type: float
        required: true
      down:
        description:
          - Whether the service did not run when the gate answered. The stop is then refused if the service runs by now,
            because the gate admits a node that is down where it would not admit one that runs.
        type: bool
        default: false
  events:
    description: A file on the controller. The module appends one line of JSON for each event, as
      M(rackaware.kafka.kafka_roll_event) does.
    type: path
attributes:
  check_mode:
    support: full
    description: Does nothing in check mode.
  diff_mode:
    support: none
    description: There is nothing to compare.
"""

EXAMPLES = r"""
- name: Stop the broker
  rackaware.kafka.kafka_roll_service:
    kind: broker
    node: "{{ kafka_node_id | int }}"
    state: stopped
    answer:
      owner: "{{ roll_owner }}"
      answered: "{{ gate.answered }}"
    events: reports/roll.jsonl
"""

RETURN = r"""
seconds:
  description: How many seconds it took.
  returned: success
  type: float
waits:
  description: What the start still waits for, one sentence in the words of the unit and of the encrypted stores;
    V(null) when it does not wait.
  returned: success
  type: str
  sample: "kafka.service waits on b3: kafka-luks@d0.service: locked: AccessDenied."
"""
