# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a file of tasks from being run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_tasks_findings
short_description: Say why a file of tasks could not be run
version_added: "0.1.0"
author: rackaware.kafka contributors (@rackaware)
description:
  - Reads a file on the controller as C(include_tasks) would, because that ends the whole run where a file cannot be read, with the service of a node stopped.
  - An empty list means that it is a list of tasks.
options:
  _input:
    description: The file's path, from the directory in which Ansible runs.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse tasks that cannot be run
  ansible.builtin.assert:
    that: findings | length == 0
    fail_msg: "{{ findings | join(' ') }}"
  vars:
    findings: "{{ roll_node_tasks | rackaware.kafka.kafka_tasks_findings }}"
"""

RETURN = r"""
_value:
  description: The findings, one sentence each.
  type: list
  elements: str
"""

import os
from typing import Any, Callable

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader


def kafka_tasks_findings(path: str) -> list[str]:
    """One sentence for what is wrong."""
    place = os.path.abspath(str(path))
    if not os.path.isfile(place):
        return ["There is no file %s on this machine; give its path from the directory in which you run this, or its full path." % place]
    try:
        tasks = DataLoader().load_from_file(place)
    except AnsibleError as error:
        return ["The file %s cannot be read: %s Correct it." % (place, str(error).splitlines()[0])]
    if not isinstance(tasks, list) or not all(isinstance(each, dict) for each in tasks):
        return ["The file %s is no list of tasks; write tasks as for include_tasks, without a play." % place]
    if any("hosts" in each for each in tasks):
        return ["The file %s is a playbook; write only its tasks, as for include_tasks." % place]
    return []


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_tasks_findings": kafka_tasks_findings}
