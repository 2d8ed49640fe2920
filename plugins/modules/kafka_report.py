#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster as a page; the work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_report
short_description: Write a cluster as a self-contained HTML page on the controller
version_added: "0.1.0"
description:
  - Racks as columns, nodes as boxes, the health of the partitions, what needs attention, and what was proven.
  - The page loads nothing from elsewhere, and is light or dark as its reader prefers.
  - Runs on the controller without any host, and is never a change.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.note
options:
  model:
    description: What P(rackaware.kafka.kafka_model#filter) made.
    type: dict
    required: true
  dest:
    description: Where the page goes; directories that are missing are made.
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
  description: Where the page is.
  returned: success
  type: str
"""
