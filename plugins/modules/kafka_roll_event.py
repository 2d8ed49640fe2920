#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event of a roll; the work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_roll_event
short_description: Record an event of a roll on the controller
version_added: "0.1.0"
description:
  - Appends one line of JSON to a file on the controller, from which M(rackaware.kafka.kafka_roll_report) makes the
    report.
  - M(rackaware.kafka.kafka_roll_wait) writes its own events to the same file.
  - Runs on the controller without any host. It never reports a change.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.note
options:
  path:
    description: The file on the controller. The module makes it, with its directory, when it is missing.
    type: path
    required: true
  event:
    description:
      - The kind of the event, for example V(roll_started) (with cluster and kind in O(fields)), V(batch_started) (with
        batch), V(stopping), V(stopped), V(started), V(fault) (with text), V(failed) and V(roll_stopped) (with reason),
        V(roll_ended).
      - The report ignores events that it does not know.
    type: str
    required: true
  broker:
    description: The id of the broker that the event is about.
    type: int
  brokers:
    description: Ids of the brokers, for an event about several. Not together with O(broker).
    type: list
    elements: int
  fields:
    description: More fields of the event.
    type: dict
    default: {}
  new:
    description:
      - Whether the file begins with this event. The events and the report of an earlier roll are kept, with the time of
        their last change in the names, as C(orders-roll-20260501T101500Z.html).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Record that the batch begins
  rackaware.kafka.kafka_roll_event:
    path: reports/roll.jsonl
    event: batch_started
    brokers: [1, 4, 7]
    fields:
      batch: 2
  run_once: true

- name: Record that the broker stops
  rackaware.kafka.kafka_roll_event:
    path: reports/roll.jsonl
    event: stopping
    broker: "{{ kafka_node_id | int }}"
"""

RETURN = r"""
event:
  description: The event as written, with its time C(t) in seconds since 1970.
  returned: success
  type: dict
  sample: {t: 1790000000.123, event: stopping, broker: 4}
"""
