#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a cluster; the work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_report
short_description: Write the report of a cluster as an HTML page on the controller
version_added: "0.1.0"
description:
  - Shows racks as columns, nodes as boxes, the health of the partitions, findings, and the result of the last
    verification.
  - The page is self-contained, and follows the browser's light or dark mode.
  - Runs on the controller without any host. It never reports a change.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.note
options:
  model:
    description: The result of P(rackaware.kafka.kafka_model#filter).
    type: dict
    required: true
  dest:
    description: The path of the page. Missing directories are made.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Write the page
  rackaware.kafka.kafka_report:
    model: "{{ seen.cluster | rackaware.kafka.kafka_model(hosts, 'demo') }}"
    dest: reports/demo.html
"""

RETURN = r"""
page:
  description: The path of the page.
  returned: success
  type: str
"""
