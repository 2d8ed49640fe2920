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
  - Reads the events that M(rackaware.kafka.kafka_roll_event) and M(rackaware.kafka.kafka_roll_wait) wrote. Writes one
    self-contained page of HTML beside them, and the same data as JSON.
  - Runs on the controller without any host. It never reports a change.
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
      - The result of M(rackaware.kafka.kafka_roll_plan). The report shows C(batches), C(quorum), C(lower_bound), the
        sentence of C(certificate), and C(refused).
      - Also C(nodes), each with C(id), C(rack), C(name) and C(roles), as P(rackaware.kafka.kafka_hosts#filter) returns
        them.
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
  description: The path of the page.
  returned: success
  type: str
data:
  description: The path of the JSON file.
  returned: success
  type: str
"""
