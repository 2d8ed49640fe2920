#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a roll; the work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_roll_report
short_description: Write the report of a roll on the controller
version_added: "0.1.0"
description:
  - Reads the events that M(rackaware.kafka.kafka_roll_event) and M(rackaware.kafka.kafka_roll_wait) wrote, and writes one page of HTML that needs
    nothing else, and the same as JSON, beside them.
  - Runs on the controller without any host, and is never a change.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.note
options:
  events:
    description: The file of the events. The page has its name with C(.html), the data with C(.json).
    type: path
    required: true
  plan:
    description:
      - What M(rackaware.kafka.kafka_roll_plan) returned, of which batches, quorum, lower_bound, certificate (its sentence) and refused are shown, and
        nodes, each with id, rack, name and roles, as P(rackaware.kafka.kafka_hosts#filter) makes them.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Write the report
  rackaware.kafka.kafka_roll_report:
    events: reports/demo-roll.jsonl
    plan: "{{ plan }}"
"""

RETURN = r"""
page:
  description: Where the page is.
  returned: success
  type: str
data:
  description: Where the same is as JSON.
  returned: success
  type: str
"""
